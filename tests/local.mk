# Every test prints TAP and runs under automake's parallel harness; see tests/unit/local.mk and its neighbours.
TEST_EXTENSIONS = .t .bats
TAP_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/config/build-aux/tap-driver.sh --merge --comments
LOG_DRIVER = $(TAP_DRIVER)
T_LOG_DRIVER = $(TAP_DRIVER)
T_LOG_COMPILER = $(SHELL)
# bats exits 1 when a case fails, which its TAP lines have said already
BATS_LOG_DRIVER = $(TAP_DRIVER)
AM_BATS_LOG_DRIVER_FLAGS = --ignore-exit
BATS_LOG_COMPILER = $(SHELL) $(top_srcdir)/tests/lib/run-bats
AM_TESTS_ENVIRONMENT = top_srcdir='$(abs_top_srcdir)'; top_builddir='$(abs_top_builddir)'; CC='$(CC)'; \
	CPPFLAGS='$(CPPFLAGS) $(NL_CFLAGS) $(CAP_CFLAGS) $(SECCOMP_CFLAGS) $(UUID_CFLAGS) $(INIH_CFLAGS)'; export top_srcdir top_builddir CC CPPFLAGS;
EXTRA_DIST += tests/lib/need.h tests/lib/tap.h tests/lib/in-namespaces tests/lib/run-bats tests/lib/run-valgrind tests/lib/valgrind.supp tests/lib/sandbox.bash \
	tests/lib/demo
EXTRA_DIST += tests/lib/folder.h tests/lib/need.h tests/lib/tap.h tests/lib/run-bats tests/lib/sandbox.bash tests/lib/demo

# what tests/lib/steps.bash stops commands with
check_PROGRAMS += tests/lib/step
tests_lib_step_SOURCES = tests/lib/step.c

include tests/unit/local.mk
include tests/cli/local.mk
include tests/root/local.mk
include tests/style/local.mk
include tests/fuzz/local.mk
include tests/bench/local.mk
include tests/vm/local.mk

# The last line of "make check" is the sum over all cases, whatever happened: check-local would not run after a failure,
# and automake's rule for check, "$(MAKE) $(AM_MAKEFLAGS) check-am", cannot be replaced; so it is led to counted-check,
# with its own target behind a comment sign.
check: AM_MAKEFLAGS = --no-print-directory counted-check \#
counted-check:
	@rm -f $(TEST_LOGS:.log=.trs); status=0; \
	$(MAKE) $(AM_MAKEFLAGS) check-am || status=$$?; \
	$(MAKE) $(AM_MAKEFLAGS) -s check-count 2>/dev/null || status=1; exit $$status

check-count:
	@cat $(TEST_LOGS:.log=.trs) /dev/null 2>/dev/null | $(AWK) '/^:test-result:/ { n[$$2]++; all++ } END { \
		bad = n["FAIL"] + n["XPASS"] + n["ERROR"]; \
		printf "%d passed, %d failed, %d skipped\n", n["PASS"] + n["XFAIL"], bad, n["SKIP"]; \
		exit bad > 0 || !all }'

# The programs once more under the sanitizers, from a copy of the source (a configured source folder cannot be
# configured again from below); unit, cli and corpus tests run there.
check-asan:
	$(MAKE) $(AM_MAKEFLAGS) distdir distdir=build-asan >/dev/null
	cd build-asan && ./configure -q --enable-sanitizers CFLAGS='-O1 -g' && $(MAKE) $(AM_MAKEFLAGS) && \
		$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(UNIT_TESTS) $(FUZZERS) $(CLI_TESTS)'

# Unit tests under valgrind: one case a program, "no memory error"
check-valgrind: all
	$(MAKE) $(AM_MAKEFLAGS) check TESTS='$(UNIT_TESTS)' LOG_COMPILER='$(SHELL) $(abs_top_srcdir)/tests/lib/run-valgrind'

clean-local: clean-copies clean-vm
clean-copies:
	chmod -R u+w build-asan build-fuzz 2>/dev/null; rm -rf build-asan build-fuzz

.PHONY: counted-check check-count check-asan check-valgrind clean-copies
