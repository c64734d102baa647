libsysc_a_SOURCES += \
	src/base/bus.c src/base/bus.h \
	src/base/cleanup.h \
	src/base/compat.h \
	src/base/error.c src/base/error.h \
	src/base/file.c src/base/file.h \
	src/base/log.c src/base/log.h \
	src/base/loop.c src/base/loop.h \
	src/base/mountinfo.c src/base/mountinfo.h \
	src/base/parse.c src/base/parse.h \
	src/base/process.c src/base/process.h \
	src/base/progress.c src/base/progress.h \
	src/base/sha256.c src/base/sha256.h \
	src/base/socket.c src/base/socket.h \
	src/base/table.c src/base/table.h \
	src/base/text.c src/base/text.h
