# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What the tests of archives share ("load ../lib/tree", after lifecycle): trees entry by entry, and a second store.

# elsewhere VERB WORD...: with another store, where nobody is a twin
elsewhere() { sysc "$1" -P "$BATS_TEST_TMPDIR/other" "${@:2}"; }

# tree NAME: every entry with all that a file system keeps of it
tree() { python3 "${top_srcdir:?}/tests/lib/tree.py" "$(rootfs "$1")" etc/hostname; }

# same NAME: here and elsewhere
same() { diff <(tree "$1") <(SYSC_PATH=$BATS_TEST_TMPDIR/other tree "$1"); }

# forge FROM PYTHON: an archive with another content; see forge.py
forge() {
	need python3
	python3 "$top_srcdir/tests/lib/forge.py" "$@"
}

nothing_left() {
	[[ -z $(find "$SYSC_PATH" -mindepth 1 -maxdepth 1 ! -name .lock ! -name web1) ]] || { ls -la "$SYSC_PATH" && return 1; }
	! grep -q "$SYSC_PATH" /proc/self/mounts
}
