# Checks of the text of the source. To add one, add it to STYLE_TESTS.
STYLE_TESTS = tests/style/layers.t tests/style/headers.t tests/style/forbidden.t tests/style/shellcheck.t \
	tests/style/format.t tests/style/spdx.t tests/style/man.t tests/style/apparmor.t \
	tests/style/asserts.t
TESTS += $(STYLE_TESTS)
EXTRA_DIST += $(STYLE_TESTS) tests/style/lib.sh
