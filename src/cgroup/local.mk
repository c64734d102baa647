libsysc_a_SOURCES += \
	src/cgroup/cgroup.c src/cgroup/cgroup.h \
	src/cgroup/compare.c \
	src/cgroup/detect.c \
	src/cgroup/device_rules.c src/cgroup/device_rules.h \
	src/cgroup/devices.c src/cgroup/devices.h \
	src/cgroup/devices_bpf.c src/cgroup/devices_bpf.h \
	src/cgroup/events.c src/cgroup/events.h \
	src/cgroup/freezer.c \
	src/cgroup/io.c \
	src/cgroup/limits.c src/cgroup/limits.h \
	src/cgroup/plan.c \
	src/cgroup/raw.c \
	src/cgroup/remove.c \
	src/cgroup/stats.c \
	src/cgroup/systemd.c src/cgroup/systemd.h \
	src/cgroup/tree.c src/cgroup/tree.h \
	src/cgroup/v1.c \
	src/cgroup/v2.c
