libsysc_a_SOURCES += src/network/bridge.h src/network/network.h
