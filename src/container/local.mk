libsysc_a_SOURCES += \
	src/container/applied.c src/container/applied.h \
	src/container/calendar.c src/container/calendar.h \
	src/container/check.c src/container/check.h \
	src/container/check_network.c \
	src/container/config.c src/container/config.h \
	src/container/config_check.c \
	src/container/config_compare.c \
	src/container/config_edit.c \
	src/container/config_load.c \
	src/container/config_value.c src/container/config_value.h \
	src/container/container.c src/container/container.h \
	src/container/idmap.c src/container/idmap.h \
	src/container/idmap_choose.c \
	src/container/ini_file.c src/container/ini_file.h \
	src/container/keep.c src/container/keep.h \
	src/container/keys.c src/container/keys.h \
	src/container/lock.c src/container/lock.h \
	src/container/lxc_cgroup.c src/container/lxc_config.c src/container/lxc_config.h \
	src/container/lxc_file.c src/container/lxc_file.h \
	src/container/lxc_mount.c src/container/lxc_network.c src/container/lxc_rows.c \
	src/container/lxc_running.c src/container/lxc_running.h \
	src/container/lxc_snippet.c src/container/lxc_translate.h src/container/lxc_values.c \
	src/container/paths.c src/container/paths.h \
	src/container/rlimits.c src/container/rlimits.h \
	src/container/state.c src/container/state.h \
	src/container/uuid.c src/container/uuid.h
