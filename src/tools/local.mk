# The sysc program. A command is its file here, its verb in SYSC_VERBS and its row in commands.c.
bin_PROGRAMS += src/sysc
SYSC_VERBS =
src_sysc_SOURCES = \
	src/tools/command.h src/tools/commands.c \
	src/tools/help.c \
	src/tools/main.c \
	src/tools/options.c src/tools/options.h \
	src/tools/output.c src/tools/output.h
SYSC_VERBS += help version
src_sysc_SOURCES += src/tools/cmd_help.c src/tools/cmd_version.c

src_sysc_CFLAGS = $(AM_CFLAGS) $(PIE_CFLAGS) $(NL_CFLAGS)
src_sysc_LDFLAGS = $(PIE_LDFLAGS) $(HARDEN_LDFLAGS)
src_sysc_LDADD = libsysc.a $(NL_LIBS) $(CAP_LIBS) $(SECCOMP_LIBS) $(UUID_LIBS) $(INIH_LIBS)

# sysc-VERB is sysc, told by its name
install-exec-hook:
	@for verb in $(SYSC_VERBS); do \
		rm -f "$(DESTDIR)$(bindir)/sysc-$$verb" && \
		$(LN_S) sysc "$(DESTDIR)$(bindir)/sysc-$$verb" || exit 1; \
	done
uninstall-hook:
	@for verb in $(SYSC_VERBS); do rm -f "$(DESTDIR)$(bindir)/sysc-$$verb"; done
