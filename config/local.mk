# what is installed and tested of config/
configdatadir = $(pkgdatadir)/config
dist_configdata_DATA = config/seccomp.policy
