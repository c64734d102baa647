#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# The power is cut at each step of each operation: what is on the disk at that moment, and nothing else, is mounted again.
# Containers and snapshots are whole or absent, what was reported as done is there, and the next command cleans up.
# shellcheck shell=bash
# shellcheck disable=SC2154 # steps.bash and the operations set what is read here

bats_require_minimum_version 1.5.0
load ../lib/steps

setup() {
	need mkfs.ext4
	case $BATS_TEST_DESCRIPTION in
	xfs:*) need mkfs.xfs && power_setup 320M mkfs.xfs -q ;;
	btrfs:*) need mkfs.btrfs && power_setup 160M mkfs.btrfs -q -m single ;;
	# what a rename replaces is not written to the disk by itself: neither is it on other file systems
	*) power_setup 64M mkfs.ext4 -q -J size=4 -E lazy_itable_init=0,nodiscard ;;
	esac
}

# power_setup SIZE MKFS-WORD...: a disk whose blocks are a file; nothing but fsync(2) and its like brings something there
power_setup() {
	local size=$1 options=loop
	shift
	blocks=$BATS_TEST_TMPDIR/blocks
	mkdir "$blocks"
	mount -t tmpfs tmpfs "$blocks"
	truncate -s "$size" "$blocks/disk"
	"$@" "$blocks/disk"
	case $1 in
	mkfs.ext4) options+=,noauto_da_alloc,commit=600 ;;
	mkfs.btrfs) options+=,commit=600 ;;
	esac
	# shellcheck disable=SC2034 # of steps.bash
	STEPS_DISK=(-o "$options" "$blocks/disk")
	steps_setup
	[[ $1 != mkfs.btrfs ]] || printf '[rootfs]\nbackend = btrfs\n' >>"$SYSC_ETC/default.conf"
}

teardown() {
	steps_teardown
	umount -l "$blocks"
}

# walk OPERATION: the disk as it is at each step where it is another than at the last one
walk() {
	local n last loop
	operation "$1"
	# all of the beginning is on the disk
	umount "$disk"
	mount "${STEPS_DISK[@]}" "$disk"
	before=$(look)
	loop=$(findmnt -n -o SOURCE "$disk")
	cat >"$beside/cut" <<-END
		now=\$(awk '{ print \$5, \$7 }' /sys/block/${loop#/dev/}/stat)
		[ "\$now" = "\$(cat "$beside/written" 2>/dev/null)" ] && [ "\$STEP" -gt 1 ] && exit
		echo "\$now" >"$beside/written"
		cp --sparse=always "$blocks/disk" "$blocks/cut.\$STEP"
	END
	run_steps -l "$beside/steps" -x "sh $beside/cut"
	((code == 0)) || { cat "$beside/run.log" && return 1; }
	after=$(look)
	[[ $before != "$after" ]]
	last=$(($(grep -c . "$beside/steps") + 1))
	cp --sparse=always "$blocks/disk" "$blocks/cut.$last"
	umount "$disk"
	for n in $(find "$blocks" -name 'cut.*' | sed 's/.*cut\.//' | sort -n); do
		see_cut "$n" "$last"
		rm "$blocks/cut.$n"
	done
	mount "${STEPS_DISK[@]}" "$disk"
}

# see_cut N LAST: that disk in its place; RUN is gone with the power
see_cut() {
	: >"$beside/run.log"
	rm -rf --one-file-system "${SYSC_RUN:?}"
	mkdir "$SYSC_RUN"
	mount "${STEPS_DISK[@]::2}" "$blocks/cut.$1" "$disk"
	assert_before_or_after "$1"
	[[ $1 != "$2" || $now == after ]] || tell "$1" "lost" "$(differences "$after" "$state")"
	assert_end "$1"
	# the swept of each kind; what is in trees is compared above
	[[ -z $(find "$disk/store" -maxdepth 3 -name '.*' ! -name .lock ! -path '*/rootfs/*') ]] ||
		tell "$1" "left behind" "$(find "$disk/store" -maxdepth 3 -name '.*' ! -name .lock)"
	umount "$disk"
}

@test "ext4: create" { walk create; }
@test "ext4: create: overlay" { walk create-overlay; }
@test "ext4: config set" { walk config-set; }
@test "ext4: config unset" { walk config-unset; }
@test "ext4: copy" { walk copy; }
@test "ext4: copy -s: an overlay on a folder" { walk copy-folder; }
@test "ext4: copy -s: two overlays" { walk copy-overlay; }
@test "ext4: rename, with a snapshot and one that stands on it" { walk rename; }
@test "ext4: snapshot create" { walk snapshot; }
@test "ext4: snapshot create: overlay" { walk snapshot-overlay; }
@test "ext4: snapshot restore" { walk restore; }
@test "ext4: snapshot restore: overlay" { walk restore-overlay; }
@test "ext4: snapshot restore --config-only" { walk restore-config; }
@test "ext4: snapshot restore --path" { walk restore-paths; }
@test "ext4: snapshot restore --path: overlay" { walk restore-paths-overlay; }
@test "ext4: snapshot restore --to" { walk restore-to; }
@test "ext4: snapshot delete" { walk delete; }
@test "ext4: snapshot prune" { walk prune; }
@test "ext4: export" { walk export; }
@test "ext4: import" { walk import; }
@test "ext4: destroy -s" { walk destroy-snapshots; }
@test "xfs: create" { walk create; }
@test "xfs: copy" { walk copy; }
@test "xfs: rename, with a snapshot and one that stands on it" { walk rename; }
@test "xfs: snapshot create" { walk snapshot; }
@test "xfs: snapshot restore" { walk restore; }
@test "btrfs: create" { walk create; }
@test "btrfs: copy" { walk copy; }
@test "btrfs: config set" { walk config-set; }
@test "btrfs: rename, with a snapshot and one that stands on it" { walk rename; }
@test "btrfs: snapshot create" { walk snapshot; }
@test "btrfs: snapshot restore" { walk restore; }
@test "btrfs: destroy -s" { walk destroy-snapshots; }
