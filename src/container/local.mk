libsysc_a_SOURCES += \
	src/container/config.h \
	src/container/container.h \
	src/container/idmap.h \
	src/container/keys.h \
	src/container/lock.h \
	src/container/paths.h \
	src/container/state.h \
	src/container/uuid.h
