# what is installed and tested of config/
configdatadir = $(pkgdatadir)/config
dist_configdata_DATA = config/seccomp.policy config/common.conf config/default.conf \
	config/alpine.conf config/busybox.conf config/debian.conf

# the administrator's own file is left alone
install-data-local:
	@$(MKDIR_P) "$(DESTDIR)$(sysconfdir_sysc)"
	@test -e "$(DESTDIR)$(sysconfdir_sysc)/default.conf" || \
		$(INSTALL_DATA) $(top_srcdir)/config/default.conf "$(DESTDIR)$(sysconfdir_sysc)/default.conf"
uninstall-local:
	@! cmp -s $(top_srcdir)/config/default.conf "$(DESTDIR)$(sysconfdir_sysc)/default.conf" || \
		rm -f "$(DESTDIR)$(sysconfdir_sysc)/default.conf"
