#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every operation on a disk that is full from one of its steps on, that fails, or on which the quota is used up: it fails
# with one error that says so, nothing is left of it, and what there was before is whole.
# shellcheck shell=bash
# shellcheck disable=SC2154 # steps.bash sets what is read here

bats_require_minimum_version 1.5.0
load ../lib/steps

# walk OPERATION
walk() {
	operation "$1"
	fail_walk space ENOSPC+ "No space left on device"
	fail_walk sync EIO "Input/output error"
}

# fail_walk CLASS ERROR WHY: the steps of the class fail
fail_walk() {
	local why=$3
	clean_run -c "$1"
	at_each_step "$beside/steps" "${MOST-10}" see_failed -c "$1" -e "$2"
}

see_failed() {
	assert_before_or_after "$1"
	((code == 1)) || [[ $code == 0 && $now == after ]] || tell "$1" "exit code $code, is $now"
	((code == 0)) || [[ $(grep -c "^sysc-${words[0]}:.*$why" "$beside/run.log") == 1 ]] || tell "$1" "not one error"
	[[ $now != between || -z $next ]] || end_by_next "$1"
	assert_list "$1"
}

@test "create" { walk create; }
@test "create: overlay" { walk create-overlay; }
@test "create: an image" { walk create-image; }
@test "create: a distribution" { walk create-busybox; }
@test "config set" { walk config-set; }
@test "config unset" { walk config-unset; }
@test "copy" { walk copy; }
@test "copy -s: an overlay on a folder" { walk copy-folder; }
@test "copy -s: two overlays" { walk copy-overlay; }
@test "rename, with a snapshot and one that stands on it" { walk rename-plain; }
@test "snapshot create" { walk snapshot; }
@test "snapshot create: one whose name may not be on disk is not there" {
	local n why="Input/output error"
	operation snapshot
	clean_run -c sync
	n=$(wc -l <"$beside/steps")
	from_beginning
	run_steps -n "$n" -c sync -e EIO
	see_failed "$n"
	[[ $now == before ]] || tell "$n" "is $now"
}
@test "snapshot create: overlay" { walk snapshot-overlay; }
@test "snapshot restore" { walk restore; }
@test "snapshot restore: overlay" { walk restore-overlay; }
@test "snapshot restore --config-only" { walk restore-config; }
@test "snapshot restore --path" { walk restore-paths; }
@test "snapshot restore --path: one call fails, and what comes after it does not" {
	local n why="No space left on device"
	operation restore-paths-below
	clean_run -c space
	n=$(awk '$3 == "mkdirat" && $4 ~ "restoring/rootfs/deep$" { print $1 }' "$beside/steps")
	[[ -n $n ]] || { cat "$beside/steps" && return 1; }
	from_beginning
	run_steps -n "$n" -c space -e ENOSPC
	see_failed "$n"
}
@test "snapshot restore --path: overlay" { walk restore-paths-overlay; }
@test "snapshot restore --to" { walk restore-to; }
@test "snapshot delete" { walk delete; }
@test "snapshot delete: overlay" { walk delete-overlay; }
@test "snapshot prune" { walk prune; }
@test "export" { walk export; }
@test "import" { walk import; }
@test "import: with snapshots" { walk import-snapshots; }
@test "import: an increment" { walk import-then; }
@test "export: with its list" { walk export-list; }
@test "destroy" { walk destroy; }
@test "destroy -s" { walk destroy-snapshots; }
