# The sysc program. A command is its file here, its verb in SYSC_VERBS and its row in commands.c.
bin_PROGRAMS += src/sysc
SYSC_VERBS =
src_sysc_SOURCES = \
	src/tools/boot.c src/tools/boot.h \
	src/tools/command.h src/tools/commands.c \
	src/tools/ending.c src/tools/ending.h \
	src/tools/help.c \
	src/tools/inspect.c src/tools/inspect.h \
	src/tools/main.c \
	src/tools/moment.c src/tools/moment.h \
	src/tools/names.c src/tools/names.h \
	src/tools/options.c src/tools/options.h \
	src/tools/output.c src/tools/output.h \
	src/tools/packages.c src/tools/packages.h \
	src/tools/usage_rows.c src/tools/usage_rows.h \
	src/tools/watch.c src/tools/watch.h
SYSC_VERBS += config create destroy help info logs ls monitor version wait
src_sysc_SOURCES += \
	src/tools/cmd_config.c src/tools/config_lxc.c src/tools/config_lxc.h src/tools/config_show.c src/tools/config_show.h \
	src/tools/cmd_destroy.c \
	src/tools/cmd_create.c src/tools/create_config.c src/tools/create_config.h \
	src/tools/create_output.c src/tools/create_output.h \
	src/tools/create_template.c src/tools/create_template.h \
	src/tools/creation.c src/tools/creation.h src/tools/creation_snapshot.c \
	src/tools/making.c src/tools/making.h \
	src/tools/cmd_help.c \
	src/tools/cmd_info.c src/tools/info_rows.c src/tools/info_rows.h \
	src/tools/cmd_logs.c src/tools/harmless.c src/tools/harmless.h \
	src/tools/cmd_ls.c src/tools/ls_columns.c src/tools/ls_columns.h \
	src/tools/cmd_monitor.c \
	src/tools/cmd_version.c \
	src/tools/cmd_wait.c

SYSC_VERBS += autostart start stop restart attach console execute freeze unfreeze
src_sysc_SOURCES += \
	src/tools/autostart.h src/tools/autostart_job.h src/tools/autostart_order.c src/tools/autostart_order.h \
	src/tools/autostart_report.c src/tools/autostart_run.c src/tools/autostart_set.c \
	src/tools/autostart_turn.c src/tools/autostart_work.c src/tools/cmd_autostart.c \
	src/tools/cmd_attach.c \
	src/tools/cmd_console.c \
	src/tools/cmd_execute.c \
	src/tools/cmd_freeze.c \
	src/tools/cmd_start.c \
	src/tools/cmd_stop.c \
	src/tools/console.c src/tools/console.h \
	src/tools/relay.c src/tools/relay.h \
	src/tools/restart.h \
	src/tools/seal.c src/tools/seal.h \
	src/tools/storage_rows.c src/tools/storage_rows.h \
	src/tools/terminal.c src/tools/terminal.h

SYSC_VERBS += apply plan
src_sysc_SOURCES += \
	src/tools/cmd_apply.c src/tools/cmd_plan.c \
	src/tools/config_change.c src/tools/config_change.h \
	src/tools/live.c src/tools/live.h \
	src/tools/live_rows.c src/tools/live_rows.h

SYSC_VERBS += snapshot
src_sysc_SOURCES += \
	src/tools/cmd_snapshot.c src/tools/snapshot.h \
	src/tools/snapshot_diff.c src/tools/snapshot_hold.c src/tools/snapshot_hold.h \
	src/tools/snapshot_list.c src/tools/snapshot_paths.c src/tools/snapshot_prune.c \
	src/tools/snapshot_restore.c src/tools/snapshot_subject.c

SYSC_VERBS += copy rename
src_sysc_SOURCES += \
	src/tools/cmd_copy.c src/tools/cmd_rename.c \
	src/tools/copying.c src/tools/copying.h \
	src/tools/tree_progress.c src/tools/tree_progress.h \
	src/tools/copying_choose.c src/tools/copying_tree.c src/tools/copying_tree.h

SYSC_VERBS += export import
src_sysc_SOURCES += \
	src/tools/archiver.c src/tools/archiver.h \
	src/tools/cmd_export.c src/tools/cmd_import.c src/tools/import.h \
	src/tools/export_file.c src/tools/export_file.h \
	src/tools/export_part.c src/tools/export_part.h \
	src/tools/export_say.c src/tools/export_say.h \
	src/tools/export_since.c src/tools/export_since.h \
	src/tools/import_archive.c src/tools/import_archive.h \
	src/tools/import_chain.c src/tools/import_chain.h \
	src/tools/import_config.c src/tools/import_config.h \
	src/tools/import_input.c src/tools/import_input.h \
	src/tools/import_look.c src/tools/import_look.h \
	src/tools/import_lxc.c src/tools/import_lxc.h \
	src/tools/import_lxc_source.c src/tools/import_lxc_source.h \
	src/tools/import_plain.c src/tools/import_plain.h \
	src/tools/import_settings.c src/tools/import_settings.h \
	src/tools/import_tree.c src/tools/import_tree.h

SYSC_VERBS += net
src_sysc_SOURCES += \
	src/tools/cmd_net.c \
	src/tools/net_dhcp.c src/tools/net_dhcp.h \
	src/tools/net_nat.c src/tools/net_nat.h \
	src/tools/net_record.c src/tools/net_record.h

src_sysc_CFLAGS = $(AM_CFLAGS) $(PIE_CFLAGS) $(NL_CFLAGS)
src_sysc_LDFLAGS = $(PIE_LDFLAGS) $(HARDEN_LDFLAGS)
src_sysc_LDADD = libsysc.a $(SYSC_LIBS)

# sysc-VERB is sysc, told by its name
install-exec-hook:
	@for verb in $(SYSC_VERBS); do \
		rm -f "$(DESTDIR)$(bindir)/sysc-$$verb" && \
		$(LN_S) sysc "$(DESTDIR)$(bindir)/sysc-$$verb" || exit 1; \
	done
uninstall-hook:
	@for verb in $(SYSC_VERBS); do rm -f "$(DESTDIR)$(bindir)/sysc-$$verb"; done
	@rm -f "$(DESTDIR)$(completionsdir)/sysc"
	@for verb in $(SYSC_VERBS); do rm -f "$(DESTDIR)$(completionsdir)/sysc-$$verb"; done
