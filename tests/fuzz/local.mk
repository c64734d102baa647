# One fuzzer per parser: tests/fuzz/fuzz-X.c has LLVMFuzzerTestOneInput() and includes tests/fuzz/replay.h, whose main()
# feeds it every file of tests/fuzz/corpus/X. "make check" replays, "make fuzz" searches (FUZZ_SECONDS each).
# To add one: its name in FUZZERS, its _SOURCES line, its corpus.
FUZZERS =
check_PROGRAMS += $(FUZZERS)
TESTS += $(FUZZERS)
FUZZ_SECONDS = 60
EXTRA_DIST += tests/fuzz/replay.h tests/fuzz/run tests/fuzz/corpus

# from a copy of the source, as check-asan is: a configured source folder cannot be configured again from below
fuzz:
	$(MAKE) $(AM_MAKEFLAGS) distdir distdir=build-fuzz >/dev/null
	cd build-fuzz && ./configure -q --enable-sanitizers CC=clang sysc_cv_static=yes \
		CFLAGS='-O1 -g -DLIBFUZZER -fsanitize=fuzzer-no-link' && \
		$(MAKE) $(AM_MAKEFLAGS) LDFLAGS=-fsanitize=fuzzer $(FUZZERS) && \
		FUZZ_SECONDS='$(FUZZ_SECONDS)' $(SHELL) tests/fuzz/run $(FUZZERS)

.PHONY: fuzz

FUZZERS += tests/fuzz/fuzz-seccomp
tests_fuzz_fuzz_seccomp_SOURCES = tests/fuzz/fuzz-seccomp.c
FUZZERS += tests/fuzz/fuzz-config
tests_fuzz_fuzz_config_SOURCES = tests/fuzz/fuzz-config.c
FUZZERS += tests/fuzz/fuzz-mountinfo
tests_fuzz_fuzz_mountinfo_SOURCES = tests/fuzz/fuzz-mountinfo.c
FUZZERS += tests/fuzz/fuzz-archive
tests_fuzz_fuzz_archive_SOURCES = tests/fuzz/fuzz-archive.c src/helpers/archive_rules.c
FUZZERS += tests/fuzz/fuzz-notify
tests_fuzz_fuzz_notify_SOURCES = tests/fuzz/fuzz-notify.c
FUZZERS += tests/fuzz/fuzz-manifest
tests_fuzz_fuzz_manifest_SOURCES = tests/fuzz/fuzz-manifest.c
FUZZERS += tests/fuzz/fuzz-lxc
tests_fuzz_fuzz_lxc_SOURCES = tests/fuzz/fuzz-lxc.c
