libsysc_a_SOURCES += \
	src/storage/attributes.c src/storage/attributes.h \
	src/storage/backend.h \
	src/storage/dir.c \
	src/storage/shift.c \
	src/storage/storage.c src/storage/storage.h
