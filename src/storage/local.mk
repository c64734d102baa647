libsysc_a_SOURCES += src/storage/storage.h
