libsysc_a_SOURCES += \
	src/security/cache.c src/security/cache.h \
	src/security/capabilities.c src/security/capabilities.h \
	src/security/compile.c \
	src/security/lsm.c src/security/lsm.h \
	src/security/policy.c src/security/policy.h \
	src/security/seccomp.c src/security/seccomp.h
