# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2154 # the harness sets what is not set here
# A store on a file system of its own, in an image of the test's ("load ../lib/images", after lifecycle). Works in the
# test's own folder, into which it goes.

setup() { images_setup; }
teardown() { images_teardown; }

images_setup() {
	lifecycle_setup
	cd "$BATS_TEST_TMPDIR" || return
}

images_teardown() {
	sandbox_teardown
	drop_images
}

need_loop() { [[ -e /dev/loop-control ]] || skip "the host has no loop devices"; }

# images_in_use: the loop devices on files of this test
images_in_use() { losetup -n -l -O NAME,BACK-FILE | grep -F "$BATS_TEST_TMPDIR" || :; }

# make_store TYPE SIZE [MKFS-OPTION...]: SYSC_PATH and SYSC_CACHE on a new file system, mounted on mnt
make_store() {
	local type=$1 size=$2
	shift 2
	need "mkfs.$type"
	need_loop
	cd "$BATS_TEST_TMPDIR" || return
	rm -f disk.img
	truncate -s "$size" disk.img
	"mkfs.$type" -q "$@" disk.img >/dev/null
	mkdir -p mnt
	mount -o loop "$PWD/disk.img" mnt
	export SYSC_PATH=$PWD/mnt/store SYSC_CACHE=$PWD/mnt/cache
	mkdir -p "$SYSC_PATH"
}

# drop_store: it is not busy, so nothing of any container is left on it
drop_store() { wait_until 10 umount "$BATS_TEST_TMPDIR/mnt"; }

# The kernel lets a device go when its last user is gone, which may be a moment after a process of it ended.
no_other_image() { ! images_in_use | grep -qv disk.img; }
no_image() { [[ -z $(images_in_use) ]]; }

# assert_no_image [other]: no loop device is left, or none but the store's
# shellcheck disable=SC2120 # the word is given by some of those who load this file
assert_no_image() {
	wait_until 10 "no_${1:+other_}image" || { echo "loop devices left:" >&2 && images_in_use >&2 && return 1; }
}

# drop_images: for teardown, also after a failure
drop_images() {
	if mountpoint -q "$BATS_TEST_TMPDIR/mnt"; then drop_store; fi
	# shellcheck disable=SC2119
	assert_no_image
}
