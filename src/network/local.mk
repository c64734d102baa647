libsysc_a_SOURCES += \
	src/network/address.c src/network/address.h \
	src/network/bridge.c src/network/bridge.h \
	src/network/conflict.c src/network/conflict.h \
	src/network/decide.c src/network/network.h \
	src/network/detach.c \
	src/network/link.c src/network/link.h \
	src/network/netlink.c src/network/netlink.h \
	src/network/network.c \
	src/network/reserve.c src/network/reserve.h \
	src/network/route.c src/network/route.h
