# One fuzzer per parser: tests/fuzz/fuzz-X.c has LLVMFuzzerTestOneInput() and includes tests/fuzz/replay.h, whose main()
# feeds it every file of tests/fuzz/corpus/X. "make check" replays, "make fuzz" searches (FUZZ_SECONDS each).
# To add one: its name in FUZZERS, its _SOURCES line, its corpus.
FUZZERS =
check_PROGRAMS += $(FUZZERS)
TESTS += $(FUZZERS)
FUZZ_SECONDS = 60
EXTRA_DIST += tests/fuzz/replay.h tests/fuzz/run tests/fuzz/corpus

# single quotes are the shell's; without them the strings keep their double quotes through the script
fuzz: $(BUILT_SOURCES)
	srcdir='$(srcdir)' CPPFLAGS='$(subst ',,$(AM_CPPFLAGS)) $(CPPFLAGS) $(INIH_CFLAGS) $(NL_CFLAGS) $(SECCOMP_CFLAGS) $(CAP_CFLAGS) $(UUID_CFLAGS)' \
		LIBS='$(unit_ldadd:libsysc.a=)' SOURCES='$(libsysc_a_SOURCES)' FUZZ_SECONDS='$(FUZZ_SECONDS)' \
		$(SHELL) $(top_srcdir)/tests/fuzz/run $(FUZZERS)

.PHONY: fuzz

FUZZERS += tests/fuzz/fuzz-seccomp
tests_fuzz_fuzz_seccomp_SOURCES = tests/fuzz/fuzz-seccomp.c
FUZZERS += tests/fuzz/fuzz-config
tests_fuzz_fuzz_config_SOURCES = tests/fuzz/fuzz-config.c
FUZZERS += tests/fuzz/fuzz-mountinfo
tests_fuzz_fuzz_mountinfo_SOURCES = tests/fuzz/fuzz-mountinfo.c
