libsysc_a_SOURCES += src/security/capabilities.c src/security/capabilities.h src/security/seccomp.h
