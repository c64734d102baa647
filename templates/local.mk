# templates/: sourced lib.sh beside one program per distribution
templatesdir = $(pkgdatadir)/templates
dist_templates_SCRIPTS = templates/sysc-alpine templates/sysc-busybox templates/sysc-debian templates/sysc-local
dist_templates_DATA = templates/lib.sh
