libsysc_a_SOURCES += src/cgroup/cgroup.h
