# bats files with real containers, each run in the sandbox (tests/lib/sandbox.bash). To add one, add it to ROOT_TESTS;
# one that uses make_debian names the releases in a line "# cache: debian bookworm".
ROOT_TESTS =
ROOT_TESTS += tests/root/alpine-apk.bats
ROOT_TESTS += tests/root/archive.bats
ROOT_TESTS += tests/root/attach.bats
ROOT_TESTS += tests/root/autostart.bats
ROOT_TESTS += tests/root/console.bats
ROOT_TESTS += tests/root/create.bats
ROOT_TESTS += tests/root/devices.bats
ROOT_TESTS += tests/root/execute.bats
ROOT_TESTS += tests/root/freeze.bats
ROOT_TESTS += tests/root/guests.bats
ROOT_TESTS += tests/root/inits.bats
ROOT_TESTS += tests/root/limits.bats
ROOT_TESTS += tests/root/live.bats
ROOT_TESTS += tests/root/net.bats
ROOT_TESTS += tests/root/network.bats
ROOT_TESTS += tests/root/oom.bats
ROOT_TESTS += tests/root/restart.bats
ROOT_TESTS += tests/root/sandbox.bats
ROOT_TESTS += tests/root/security.bats
ROOT_TESTS += tests/root/start.bats
ROOT_TESTS += tests/root/stop.bats
ROOT_TESTS += tests/root/supervisor.bats
ROOT_TESTS += tests/root/tools.bats
TESTS += $(ROOT_TESTS)
EXTRA_DIST += $(ROOT_TESTS) tests/lib/lifecycle.bash tests/lib/make-apk-repo tests/lib/terminal.py
