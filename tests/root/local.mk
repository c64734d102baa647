# bats files with real containers, each run in the sandbox (tests/lib/sandbox.bash). To add one, add it to ROOT_TESTS;
# one that uses make_debian names the releases in a line "# cache: debian bookworm".
ROOT_TESTS = tests/root/archive.bats tests/root/create.bats tests/root/net.bats tests/root/sandbox.bats tests/root/tools.bats
TESTS += $(ROOT_TESTS)
EXTRA_DIST += $(ROOT_TESTS)
