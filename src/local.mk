# The programs and the library that joins ranks 0-4. Each folder lists its own files.
AM_CPPFLAGS = -I$(top_srcdir)/src -I$(top_builddir) $(HARDEN_CPPFLAGS) \
	-DSYSCONFDIR='"$(sysconfdir)"' -DLOCALSTATEDIR='"$(localstatedir)"' \
	-DSYSC_APPARMOR_DIR='"$(apparmordir)"' \
	-DPKGDATADIR='"$(pkgdatadir)"' -DPKGLIBEXECDIR='"$(pkglibexecdir)"'
AM_CFLAGS = -std=gnu17 $(WARN_CFLAGS) $(HARDEN_CFLAGS)

noinst_LIBRARIES += libsysc.a
libsysc_a_SOURCES =
libsysc_a_CFLAGS = $(AM_CFLAGS) $(PIE_CFLAGS) $(NL_CFLAGS) $(CAP_CFLAGS) $(SECCOMP_CFLAGS) $(UUID_CFLAGS) $(INIH_CFLAGS)

include src/base/local.mk
include src/container/local.mk
include src/cgroup/local.mk
include src/network/local.mk
include src/security/local.mk
include src/storage/local.mk
include src/runtime/local.mk
include src/monitor/local.mk
include src/tools/local.mk
include src/helpers/local.mk

# "build-tree" beside the programs tells them where their data is while they are not installed
src/build-tree: Makefile
	$(AM_V_GEN)mkdir -p src && echo '$(abs_top_srcdir)' > $@
CLEANFILES += src/build-tree
all-local: src/build-tree
