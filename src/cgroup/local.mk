libsysc_a_SOURCES += \
	src/cgroup/cgroup.c src/cgroup/cgroup.h \
	src/cgroup/detect.c \
	src/cgroup/events.c src/cgroup/events.h \
	src/cgroup/remove.c \
	src/cgroup/stats.c \
	src/cgroup/tree.c src/cgroup/tree.h
