# The manual pages (mdoc). tests/style/man.t compares them with the tables of the program.
dist_man_MANS = \
	man/sysc.1 \
	man/sysc.7 \
	man/sysc.conf.5 \
	man/sysc.container.5 \
	man/sysc-template.7 \
	man/sysc-apply.1 \
	man/sysc-attach.1 \
	man/sysc-autostart.1 \
	man/sysc-config.1 \
	man/sysc-console.1 \
	man/sysc-copy.1 \
	man/sysc-create.1 \
	man/sysc-destroy.1 \
	man/sysc-execute.1 \
	man/sysc-export.1 \
	man/sysc-freeze.1 \
	man/sysc-help.1 \
	man/sysc-import.1 \
	man/sysc-info.1 \
	man/sysc-logs.1 \
	man/sysc-ls.1 \
	man/sysc-monitor.1 \
	man/sysc-net.1 \
	man/sysc-plan.1 \
	man/sysc-rename.1 \
	man/sysc-restart.1 \
	man/sysc-snapshot.1 \
	man/sysc-start.1 \
	man/sysc-stop.1 \
	man/sysc-unfreeze.1 \
	man/sysc-version.1 \
	man/sysc-wait.1
