# Measurements, never part of "make check": see tests/bench/bench. BENCH_ROUNDS, BENCH_MANY … in the environment.
EXTRA_DIST += tests/bench/bench tests/bench/trees tests/bench/runtimes.py tests/bench/payload.c
bench: all tests/bench/payload
	top_srcdir='$(abs_top_srcdir)' top_builddir='$(abs_top_builddir)' python3 $(top_srcdir)/tests/bench/bench
	top_builddir='$(abs_top_builddir)' python3 $(top_srcdir)/tests/bench/trees

bench-trees: all
	top_builddir='$(abs_top_builddir)' python3 $(top_srcdir)/tests/bench/trees

tests/bench/payload: $(top_srcdir)/tests/bench/payload.c
	@$(MKDIR_P) tests/bench
	$(AM_V_CC)$(CC) -std=gnu17 -O2 -static -o $@ $(top_srcdir)/tests/bench/payload.c
CLEANFILES += tests/bench/payload tests/bench/results.txt tests/bench/results.json tests/bench/results-trees.txt tests/bench/results-trees.json

.PHONY: bench bench-trees
