bin_PROGRAMS += src/sysc
src_sysc_SOURCES = src/tools/command.h src/tools/main.c
src_sysc_CFLAGS = $(AM_CFLAGS) $(PIE_CFLAGS)
src_sysc_LDFLAGS = $(PIE_LDFLAGS) $(HARDEN_LDFLAGS)
src_sysc_LDADD = libsysc.a $(NL_LIBS) $(CAP_LIBS) $(SECCOMP_LIBS) $(UUID_LIBS) $(INIH_LIBS)
