# Every test prints TAP and runs under automake's parallel harness; see tests/unit/local.mk and its neighbours.
TEST_EXTENSIONS = .t .bats
TAP_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/config/build-aux/tap-driver.sh --merge --comments
LOG_DRIVER = $(TAP_DRIVER)
T_LOG_DRIVER = $(TAP_DRIVER)
T_LOG_COMPILER = $(SHELL)
BATS_LOG_DRIVER = $(TAP_DRIVER)
BATS_LOG_COMPILER = bats
AM_BATS_LOG_FLAGS = --formatter tap
AM_TESTS_ENVIRONMENT = top_srcdir='$(abs_top_srcdir)'; top_builddir='$(abs_top_builddir)'; \
	export top_srcdir top_builddir;
EXTRA_DIST += tests/lib/tap.h

include tests/unit/local.mk
include tests/cli/local.mk
include tests/root/local.mk
include tests/style/local.mk
include tests/fuzz/local.mk
include tests/bench/local.mk
