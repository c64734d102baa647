# what is installed and tested of config/
configdatadir = $(pkgdatadir)/config
dist_configdata_DATA = config/seccomp.policy config/seccomp-mounts.policy config/common.conf config/default.conf \
	config/alpine.conf config/busybox.conf config/debian.conf config/local.conf

# profiles of AppArmor, loaded at boot by its own service and at a start by sysc (security/lsm.c)
dist_apparmor_DATA = config/apparmor/sysc-container
apparmorabstractionsdir = $(apparmordir)/abstractions
dist_apparmorabstractions_DATA = config/apparmor/abstractions/sysc-container
apparmorabidir = $(apparmordir)/abi
dist_apparmorabi_DATA = config/apparmor/abi/sysc-container

# the administrator's own file is left alone
install-data-local:
	@$(MKDIR_P) "$(DESTDIR)$(sysconfdir_sysc)"
	@test -e "$(DESTDIR)$(sysconfdir_sysc)/default.conf" || \
		$(INSTALL_DATA) $(top_srcdir)/config/default.conf "$(DESTDIR)$(sysconfdir_sysc)/default.conf"
uninstall-local:
	@! cmp -s $(top_srcdir)/config/default.conf "$(DESTDIR)$(sysconfdir_sysc)/default.conf" || \
		rm -f "$(DESTDIR)$(sysconfdir_sysc)/default.conf"

# Files with paths of this installation in them
CONFIG_MADE = config/systemd/sysc.service config/systemd/sysc@.service config/systemd/sysc-net.service \
	config/systemd/sysc-snapshot.service config/systemd/tmpfiles.d/sysc.conf config/logrotate.d/sysc config/openrc/sysc config/sysvinit/sysc
EXTRA_DIST += config/systemd/sysc.service.in config/systemd/sysc@.service.in config/systemd/sysc-net.service.in \
	config/systemd/sysc-snapshot.service.in config/systemd/tmpfiles.d/sysc.conf.in config/logrotate.d/sysc.in config/openrc/sysc.in config/sysvinit/sysc.in
CLEANFILES += $(CONFIG_MADE)
$(CONFIG_MADE): %: %.in Makefile
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(SED) -e 's|@bindir[@]|$(bindir)|g' -e 's|@localstatedir[@]|$(localstatedir)|g' \
		<$< >$@.new && mv $@.new $@

# systemd and what it takes from other files; udev and sysctl have them on other hosts, too
if SYSTEMD_UNITS
nodist_systemdsystemunit_DATA = config/systemd/sysc.service config/systemd/sysc@.service config/systemd/sysc-net.service \
	config/systemd/sysc-snapshot.service
dist_systemdsystemunit_DATA = config/systemd/sysc.slice config/systemd/sysc-snapshot.timer
endif
noinst_DATA = config/openrc/sysc config/sysvinit/sysc
if INSTALL_INIT_SCRIPT
initscriptdir = $(sysconfdir)/init.d
nodist_initscript_SCRIPTS = config/$(INIT_SCRIPT)/sysc
endif
sysusersdir = $(prefix)/lib/sysusers.d
dist_sysusers_DATA = config/systemd/sysusers.d/sysc.conf
tmpfilesdir = $(prefix)/lib/tmpfiles.d
nodist_tmpfiles_DATA = config/systemd/tmpfiles.d/sysc.conf
sysctldir = $(prefix)/lib/sysctl.d
dist_sysctl_DATA = config/systemd/sysctl.d/50-sysc.conf
systemdnetworkdir = $(prefix)/lib/systemd/network
dist_systemdnetwork_DATA = config/systemd/network/10-sysc.network
udevrulesdir = $(prefix)/lib/udev/rules.d
dist_udevrules_DATA = config/systemd/udev/85-sysc.rules
logrotatedir = $(sysconfdir)/logrotate.d
nodist_logrotate_DATA = config/logrotate.d/sysc

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
if SYSTEMD_UNITS
	@test -n "$(DESTDIR)" || echo "Next: systemd-sysusers; systemd-tmpfiles --create; systemctl daemon-reload; systemctl enable --now sysc"
endif
