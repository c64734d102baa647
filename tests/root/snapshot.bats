#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Snapshots on each backing store, of stopped and of running containers: what is kept, what a restore brings back and
# how it is undone; killed commands and full disks leave snapshots and containers whole.
# shellcheck shell=bash

bats_require_minimum_version 1.5.0
LIFECYCLE_NETWORK=no
load ../lib/lifecycle

setup() {
	lifecycle_setup
	cd "$BATS_TEST_TMPDIR" || return
	[[ -e /dev/loop-control ]] || skip "the host has no loop devices"
}

teardown() {
	sandbox_teardown
	if mountpoint -q mnt; then wait_until 10 umount mnt; fi
	[[ -z $(images_in_use) ]] || { echo "loop devices left:" >&2 && images_in_use >&2 && return 1; }
}

# images_in_use: the loop devices on files of this test
images_in_use() { losetup -n -l -O NAME,BACK-FILE | grep -F "$BATS_TEST_TMPDIR" || :; }

# make_store TYPE SIZE [MKFS-OPTION...]: the store on a file system of its own, in an image
make_store() {
	local type=$1 size=$2
	shift 2
	need "mkfs.$type"
	rm -f disk.img
	truncate -s "$size" "$BATS_TEST_TMPDIR/disk.img"
	"mkfs.$type" -q "$@" "$BATS_TEST_TMPDIR/disk.img" >/dev/null
	mkdir -p mnt
	mount -o loop disk.img mnt
	export SYSC_PATH=$PWD/mnt/store SYSC_CACHE=$PWD/mnt/cache
	mkdir -p "$SYSC_PATH"
}

drop_store() { wait_until 10 umount mnt; }

# gone NAME: destroyed with its snapshots, and nothing of it is anywhere
gone() {
	sysc destroy -f -s "$1"
	[[ -z $(find "$SYSC_PATH" -mindepth 1 -maxdepth 1 ! -name .lock) ]]
	[[ -z $(images_in_use | grep -v disk.img) ]]
}

# with_kill MILLISECONDS WORD...: sysc, killed then
with_kill() {
	local after
	after=$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))
	shift
	timeout -s KILL "$after" "$top_builddir/src/sysc" "$@" >/dev/null 2>&1 || :
}

# whole_life NAME: made, changed inside, restored, undone; of a running one too
whole_life() {
	local name=$1
	sysc start "$name"
	inside "$name" 'echo one >/root/file; mkdir /root/d; echo x >/root/d/x; ln /root/file /root/link'
	run sysc snapshot create "$name" -c 'while it runs'
	((status == 0)) || { echo "$output" >&2; return 1; }
	[[ $output == *"snapshot 'snap0' made (frozen for "*" ms)"* ]]
	[[ $(state_of "$name") == RUNNING ]]
	inside "$name" 'echo two >/root/file; rm -r /root/d; echo more >/root/more'
	run sysc snapshot restore "$name" snap0
	((status == 4))
	[[ $output == *"it is RUNNING"*"restore -f"* ]]
	sysc stop -k "$name"
	sysc snapshot create "$name" stopped
	sysc config set "$name" container.description changed
	sysc snapshot restore "$name" snap0
	sysc start "$name"
	[[ $(inside "$name" 'cat /root/file /root/d/x /root/link; ls /root/more 2>/dev/null || :') == $'one\nx\none' ]]
	[[ -z $(sysc config get "$name" container.description) ]]
	inside "$name" 'echo three >/root/file'
	sysc stop -k "$name"
	sysc snapshot restore "$name" --undo
	sysc start "$name"
	[[ $(inside "$name" 'cat /root/file /root/more; ls /root/d 2>/dev/null || :') == $'two\nmore' ]]
	[[ $(sysc config get "$name" container.description) == changed ]]
	sysc stop -k "$name"
	# both are still what they were, and there is one undo
	[[ $(sysc snapshot list "$name" | awk 'NR > 1 { print $2 }' | grep -vc before-) == 2 ]]
	[[ $(sysc snapshot list "$name" | awk 'NR > 1 { print $2 }' | grep -c before-) == 1 ]]
	sysc start "$name"
	sysc snapshot restore -f --no-keep "$name" stopped
	[[ $(state_of "$name") == RUNNING ]]
	[[ $(inside "$name" 'cat /root/file /root/more') == $'two\nmore' ]]
	sysc stop -k "$name"
	sysc snapshot delete "$name" snap0
	run ! sysc snapshot restore "$name" snap0
	[[ $output == *"no snapshot 'snap0'"* ]]
	sysc start "$name"
	[[ $(inside "$name" 'cat /root/file /root/more') == $'two\nmore' ]]
	sysc snapshot delete "$name" stopped
	[[ -z $(sysc snapshot list "$name") ]]
	[[ -z $(ls -A "$SYSC_PATH/$name/snapshots") ]]
	sysc stop -k "$name"
	sysc start "$name"
	[[ $(inside "$name" 'cat /root/file /root/more') == $'two\nmore' ]]
	sysc stop -k "$name"
}

@test "dir, overlay, loop on ext4: created running and stopped, restored, undone, deleted" {
	need busybox
	need userns
	make_store ext4 600M
	for backend in dir overlay loop; do
		make_busybox web1 -B "$backend" --size 48M 2>/dev/null || make_busybox web1 -B "$backend"
		whole_life web1
		gone web1
	done
	drop_store
}

@test "dir, overlay, loop on xfs with shared blocks" {
	need busybox
	need userns
	make_store xfs 600M
	for backend in dir overlay loop; do
		make_busybox web1 -B "$backend" --size 48M 2>/dev/null || make_busybox web1 -B "$backend"
		whole_life web1
		gone web1
	done
	drop_store
}

@test "btrfs: subvolumes" {
	need busybox
	need userns
	need btrfs
	make_store btrfs 600M
	make_busybox web1 -B btrfs
	sysc snapshot create web1 first
	[[ $(stat -c %i "$SYSC_PATH/web1/snapshots/first/rootfs") == 256 ]]
	run ! touch "$SYSC_PATH/web1/snapshots/first/rootfs/x"
	sysc snapshot delete web1 first
	whole_life web1
	touch "$SYSC_PATH/web1/rootfs/writable"
	gone web1
	[[ -z $(btrfs subvolume list mnt) ]]
	drop_store
}
