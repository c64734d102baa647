libsysc_a_SOURCES += \
	src/runtime/account.c src/runtime/account.h \
	src/runtime/attach.c src/runtime/attach.h \
	src/runtime/attach_command.c src/runtime/attach_command.h \
	src/runtime/child.c src/runtime/child.h \
	src/runtime/console.c src/runtime/console.h \
	src/runtime/devices.c src/runtime/devices.h \
	src/runtime/init.c src/runtime/init.h \
	src/runtime/machined.c src/runtime/machined.h \
	src/runtime/mounts.c src/runtime/mounts.h \
	src/runtime/mounts_config.c src/runtime/mounts_config.h \
	src/runtime/mounts_lock.c src/runtime/mounts_lock.h \
	src/runtime/plan.c src/runtime/plan.h \
	src/runtime/start.c src/runtime/start.h \
	src/runtime/sync.c src/runtime/sync.h
