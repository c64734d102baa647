# bats files that need no root. To add one, add it to CLI_TESTS.
CLI_TESTS =
TESTS += $(CLI_TESTS)
EXTRA_DIST += $(CLI_TESTS)
