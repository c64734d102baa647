# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# What the tests of archives share ("load ../lib/tree", after lifecycle): trees entry by entry, and a second store.

# elsewhere VERB WORD...: with another store, where nobody is a twin
elsewhere() { sysc "$1" -P "$BATS_TEST_TMPDIR/other" "${@:2}"; }

# tree NAME: every entry with all that a file system keeps of it; sizes of folders are the file system's own
tree() {
	(
		cd "$(rootfs "$1")" || exit
		find . ! -type s ! -path ./etc/hostname -printf '%P|%y|%m|%U:%G|%n|%l|%T@\n' | sort
		find . -type f ! -path ./etc/hostname -printf '%P|%s\n' | sort
		find . -type f -print0 | sort -z | xargs -0 sha256sum | grep -v ' ./etc/hostname$'
		find . \( -type b -o -type c \) -exec stat -c '%n %t:%T' {} + | sort
		! command -v getfattr >/dev/null || getfattr -dhR -m '^(user|security.capability)' . 2>/dev/null
		! command -v getfacl >/dev/null || getfacl -nR . 2>/dev/null
	)
}

# same NAME: here and elsewhere
same() { diff <(tree "$1") <(SYSC_PATH=$BATS_TEST_TMPDIR/other tree "$1"); }

nothing_left() {
	[[ -z $(find "$SYSC_PATH" -mindepth 1 -maxdepth 1 ! -name .lock ! -name web1) ]] || { ls -la "$SYSC_PATH" && return 1; }
	! grep -q "$SYSC_PATH" /proc/self/mounts
}
