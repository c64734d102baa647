# separate small programs

# unpacks archives in a confined child; the only program that links libarchive
pkglibexec_PROGRAMS += src/sysc-archive
src_sysc_archive_SOURCES = \
	src/helpers/sysc-archive.c \
	src/helpers/archive_belt.c src/helpers/archive_belt.h \
	src/helpers/confine.c src/helpers/confine.h \
	src/helpers/archive_content.c src/helpers/archive_content.h \
	src/helpers/archive_disk.c src/helpers/archive_disk.h \
	src/helpers/archive_apply.c src/helpers/archive_apply.h \
	src/helpers/archive_compare.c src/helpers/archive_compare.h \
	src/helpers/archive_describe.c src/helpers/archive_describe.h \
	src/helpers/confine_filter.c src/helpers/confine_filter.h \
	src/helpers/archive_fit.c src/helpers/archive_fit.h \
	src/helpers/archive_gzip.c src/helpers/archive_gzip.h \
	src/helpers/archive_input.c src/helpers/archive_input.h \
	src/helpers/archive_links.c src/helpers/archive_links.h \
	src/helpers/archive_list.c src/helpers/archive_list.h \
	src/helpers/archive_notes.c src/helpers/archive_notes.h \
	src/helpers/archive_options.c src/helpers/archive_options.h \
	src/helpers/archive_pack.c src/helpers/archive_pack.h \
	src/helpers/archive_rules.c src/helpers/archive_rules.h \
	src/helpers/archive_run.c src/helpers/archive_run.h \
	src/helpers/archive_since.c src/helpers/archive_since.h \
	src/helpers/archive_tree.c src/helpers/archive_tree.h \
	src/helpers/archive_verify.c src/helpers/archive_verify.h \
	src/helpers/archive_work.c src/helpers/archive_work.h \
	src/helpers/archive_writer.c src/helpers/archive_writer.h
src_sysc_archive_CFLAGS = $(AM_CFLAGS) $(PIE_CFLAGS) $(ARCHIVE_CFLAGS) $(ZLIB_CFLAGS) $(CAP_CFLAGS) $(SECCOMP_CFLAGS)
src_sysc_archive_LDFLAGS = $(PIE_LDFLAGS) $(HARDEN_LDFLAGS)
src_sysc_archive_LDADD = libsysc.a $(ARCHIVE_LIBS) $(ZLIB_LIBS) $(CAP_LIBS) $(SECCOMP_LIBS)

# asks rpm for the packages of a guest, in a confined child
pkglibexec_PROGRAMS += src/sysc-packages
src_sysc_packages_SOURCES = \
	src/helpers/sysc-packages.c \
	src/helpers/confine.c src/helpers/confine.h \
	src/helpers/confine_filter.c src/helpers/confine_filter.h \
	src/helpers/rpm_database.c src/helpers/rpm_database.h
src_sysc_packages_CFLAGS = $(AM_CFLAGS) $(PIE_CFLAGS) $(CAP_CFLAGS) $(SECCOMP_CFLAGS)
src_sysc_packages_LDFLAGS = $(PIE_LDFLAGS) $(HARDEN_LDFLAGS)
src_sysc_packages_LDADD = libsysc.a $(CAP_LIBS) $(SECCOMP_LIBS)

# makes, copies and removes trees, and writes single files of them, for the templates: many times for one
pkglibexec_PROGRAMS += src/sysc-tree
src_sysc_tree_SOURCES = src/helpers/sysc-tree.c src/helpers/tree_guest.c src/helpers/tree_guest.h
src_sysc_tree_CFLAGS = $(AM_CFLAGS) $(PIE_CFLAGS)
src_sysc_tree_LDFLAGS = $(PIE_LDFLAGS) $(HARDEN_LDFLAGS)
src_sysc_tree_LDADD = libsysc.a

# the PID 1 of sysc-execute, static so that it runs in any root file system
pkglibexec_PROGRAMS += src/sysc-init
src_sysc_init_SOURCES = src/helpers/sysc-init.c
src_sysc_init_CFLAGS = $(AM_CFLAGS)
src_sysc_init_LDFLAGS = $(MONITOR_LDFLAGS)
src_sysc_init_LDADD = libsysc.a

# what the supervisor of a container becomes; static, since there is one for each
pkglibexec_PROGRAMS += src/sysc-monitor
src_sysc_monitor_SOURCES = src/helpers/sysc-monitor.c
src_sysc_monitor_CFLAGS = $(AM_CFLAGS)
src_sysc_monitor_LDFLAGS = $(HARDEN_LDFLAGS) $(MONITOR_LDFLAGS)
src_sysc_monitor_LDADD = libsysc.a
