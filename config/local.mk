# what is installed and tested of config/
configdatadir = $(pkgdatadir)/config
dist_configdata_DATA = config/seccomp.policy config/common.conf config/default.conf \
	config/alpine.conf config/busybox.conf config/debian.conf config/local.conf

# the administrator's own file is left alone
install-data-local:
	@$(MKDIR_P) "$(DESTDIR)$(sysconfdir_sysc)"
	@test -e "$(DESTDIR)$(sysconfdir_sysc)/default.conf" || \
		$(INSTALL_DATA) $(top_srcdir)/config/default.conf "$(DESTDIR)$(sysconfdir_sysc)/default.conf"
uninstall-local:
	@! cmp -s $(top_srcdir)/config/default.conf "$(DESTDIR)$(sysconfdir_sysc)/default.conf" || \
		rm -f "$(DESTDIR)$(sysconfdir_sysc)/default.conf"

# bash looks for the completion of a command in a file of its name
completionsdir = $(datadir)/bash-completion/completions
EXTRA_DIST += config/sysc.bash-completion
install-data-hook:
	@$(MKDIR_P) "$(DESTDIR)$(completionsdir)"
	$(INSTALL_DATA) $(top_srcdir)/config/sysc.bash-completion "$(DESTDIR)$(completionsdir)/sysc"
	@for verb in $(SYSC_VERBS); do \
		rm -f "$(DESTDIR)$(completionsdir)/sysc-$$verb" && \
		$(LN_S) sysc "$(DESTDIR)$(completionsdir)/sysc-$$verb" || exit 1; \
	done
