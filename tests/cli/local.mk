# bats files that need no root. To add one, add it to CLI_TESTS.
CLI_TESTS = tests/cli/usage.bats tests/cli/ls.bats tests/cli/config.bats tests/cli/config_lxc.bats tests/cli/plan.bats tests/cli/watch.bats tests/cli/autostart.bats tests/cli/completion.bats
TESTS += $(CLI_TESTS)
EXTRA_DIST += $(CLI_TESTS) tests/cli/helpers.bash
