#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every operation is killed before each of its steps that change something: containers and snapshots are whole or absent,
# the next command cleans up and does the same again.
# shellcheck shell=bash
# shellcheck disable=SC2154 # steps.bash sets what is read here

bats_require_minimum_version 1.5.0
load ../lib/steps

# walk OPERATION: killed at each step; then the same once more, or the next command
walk() {
	operation "$1"
	clean_run
	at_each_step "$beside/steps" "${MOST-16}" see_killed -k main
}

see_killed() {
	assert_before_or_after "$1"
	assert_end "$1"
	assert_list "$1"
}

# repeat OPERATION [twice]: a restore that was killed and is repeated is done once, and every tree that one that nobody
# killed leaves is there. Where all was done but to say so, it may be done twice; that of paths always.
repeat() {
	local may_twice=${2-no}
	operation "$1"
	clean_run
	at_each_step "$beside/steps" "${MOST-24}" see_repeated -k main
}

see_repeated() {
	local tree folder untold=$may_twice
	((code != 0)) || return 0 # it had fewer steps, as what several threads do may have
	for folder in "$SYSC_PATH"/web1/snapshots/before-restore-*; do
		[[ ! -d $folder || -e $folder/told ]] || untold=yes
	done
	"$SYSC" "${words[@]}" >>"$beside/run.log" 2>&1 || tell "$1" "again: it failed"
	state=$(look)
	[[ $untold != no ]] || [[ $state == "$after" ]] || tell "$1" "not as after" "$(differences "$after" "$state")"
	while read -r tree; do
		grep -qF " $tree " <<<"$state " || tell "$1" "lost" "$(differences "$after" "$state")"
	done < <(grep -v '^config' <<<"$after" | grep -o '[0-9a-f]\{64\}')
	assert_nothing_hidden "$1"
	assert_clean || tell "$1" "left behind"
}

# helpers OPERATION: a program that the command runs is killed, as for want of memory: the command fails with one error
# and leaves nothing, or does without it
helpers() {
	operation "$1"
	clean_run
	awk '$2 != "sysc"' "$beside/steps" >"$beside/steps.helpers"
	at_each_step "$beside/steps.helpers" "${MOST-24}" see_helped -k self
}

see_helped() {
	local errors
	assert_before_or_after "$1"
	errors=$(grep -c "^sysc-${words[0]}: " "$beside/run.log") || :
	[[ $code:$now:$errors == 1:before:1 || $code:$now == 0:after ]] || tell "$1" "code $code, is $now, $errors errors"
	assert_list "$1"
}

# kill_before_name: before what a restore replaced gets its name, which is behind the exchange
kill_before_name() {
	n=$(awk '$3 == "renameat2" && $4 ~ "/before-restore[^/]*$" { print $1 }' "$beside/steps")
	[[ -n $n ]] || { cat "$beside/steps" && return 1; }
	from_beginning
	run_steps -n "$n" -k main
}

# sweep_killed OPERATION: killed at what puts it in force; the next command, which takes all back, is killed at each step
sweep_killed() {
	local n
	operation "$1"
	clean_run
	n=$(awk '$3 ~ /^rename/ && $4 ~ "(/web1/config|/rootfs)$" { print $1; exit }' "$beside/steps")
	[[ -n $n ]] || { cat "$beside/steps" && return 1; }
	from_beginning
	run_steps -n "$n" -k main
	[[ -n $(find "$SYSC_PATH/web1/snapshots" -maxdepth 1 -name '.*.restoring') ]]
	keep_beginning
	read -ra words <<<"$next"
	run_steps -l "$beside/steps"
	# in which order a file system lists the rest is its own matter
	[[ $(grep -om 1 '\.restoring/[^/ ]*$' "$beside/steps") == .restoring/info ]] || { cat "$beside/steps" && return 1; }
	at_each_step "$beside/steps" "${MOST-40}" see_swept -k main
}

see_swept() {
	# shellcheck disable=SC2086 # words
	"$SYSC" $next >>"$beside/run.log" 2>&1 || tell "$1" "the next command failed"
	state=$(look)
	[[ $state == "$before" ]] || tell "$1" "not as before" "$(differences "$before" "$state")"
	assert_nothing_hidden "$1"
}

# swept OPERATION: the next command, whatever it is, removes what is hidden
swept() {
	operation "$1"
	clean_run
	at_each_step "$beside/steps" 40 see_swept -k main
}

see_swept() {
	"$SYSC" config set web1 boot.order 7
	assert_nothing_hidden "$1"
}

assert_nothing_hidden() { ! list_all | grep '/\.[^/]*\.' || tell "$1" "left behind" "$(list_all)"; }

@test "create" { walk create; }
@test "create: overlay" { walk create-overlay; }
@test "create: an image" { walk create-image; }
@test "create: a distribution" { walk create-busybox; }
@test "create: a helper is killed" { helpers create; }
@test "create: a helper is killed: an image" { helpers create-image; }
@test "create: a helper is killed: a distribution" { helpers create-busybox; }
@test "export: a helper is killed" { helpers export; }
@test "import: a helper is killed" { helpers import; }
@test "config set" { walk config-set; }
@test "config unset" { walk config-unset; }
@test "copy" { walk copy; }
@test "copy -s: an overlay on a folder" { walk copy-folder; }
@test "copy -s: two overlays" { walk copy-overlay; }
@test "rename, with a snapshot and one that stands on it" { walk rename; }
@test "snapshot create" { walk snapshot; }
@test "snapshot create: overlay" { walk snapshot-overlay; }
@test "snapshot restore" { walk restore; }
@test "snapshot restore: what it replaced stays, though the container's file names another tree by now" {
	operation restore
	clean_run
	kill_before_name
	cp "$SYSC_PATH/web1/config" "$beside/config"
	sed -i 's|^path = .*|path = dir:/nowhere|' "$SYSC_PATH/web1/config"
	sysc config set web1 boot.order 7
	cp "$beside/config" "$SYSC_PATH/web1/config"
	is_before_or_after || tell "$n" "not as after" "$(differences "$after" "$state")"
	[[ $now == after ]] || tell "$n" "is $now"
}
@test "snapshot restore: overlay" { walk restore-overlay; }
@test "snapshot restore: what takes it back is killed too" { sweep_killed restore; }
@test "snapshot restore: overlay: what takes it back is killed too" { sweep_killed restore-overlay; }
@test "snapshot restore --config-only" { walk restore-config; }
@test "snapshot restore --path" { walk restore-paths; }
@test "snapshot restore --path: overlay" { walk restore-paths-overlay; }
@test "snapshot restore --config-only: what a killed one left" { swept restore-config; }
@test "snapshot restore, repeated: what it replaced first is kept" { repeat restore; }
@test "snapshot restore, repeated: overlay" { repeat restore-overlay; }
@test "snapshot restore, repeated: after another one" { repeat restore-after-one; }
@test "snapshot restore --path, repeated" { repeat restore-paths-after-one twice; }
@test "snapshot restore --undo, repeated: it does not go there and back" { repeat restore-undo; }
@test "snapshot restore --undo, repeated: overlay" { repeat restore-undo-overlay; }
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
