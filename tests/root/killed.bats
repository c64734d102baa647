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
	local n code
	operation "$1"
	clean_run
	for n in $(choose_steps "$beside/steps" "${MOST-16}"); do
		from_beginning
		run_steps -n "$n" -k main || tell "$n" "exit code $code"
		is_before_or_after || tell "$n" "neither as before nor as after" "$(differences "$before" "$state")"
		if [[ -n $next ]]; then end_by_next "$n"; else end_by_same "$n"; fi
		assert_list "$n"
	done
}

end_by_same() {
	local code=0
	"$SYSC" "${words[@]}" >>"$beside/run.log" 2>&1 || code=$?
	((code == 0)) || [[ $now == after && $again == "$code" ]] || tell "$1" "again: exit code $code, was $now"
	now=after state=$(look)
	[[ $state == "$after" ]] || tell "$1" "again: not as after" "$(differences "$after" "$state")"
}

end_by_next() {
	# shellcheck disable=SC2086 # words
	"$SYSC" $next >>"$beside/run.log" 2>&1 || tell "$1" "the next command failed"
	is_ended || tell "$1" "not ended" "$(differences "$after" "$state")"
}

# repeat OPERATION [twice]: a restore that was killed and is repeated is done once, and every tree that one that nobody
# killed leaves is there. Where all was done but to say so, it may be done twice; that of paths always.
repeat() {
	local n tree folder untold
	operation "$1"
	clean_run
	for n in $(choose_steps "$beside/steps" "${MOST-24}"); do
		from_beginning
		run_steps -n "$n" -k main || tell "$n" "exit code $code"
		((code != 0)) || continue # it had fewer steps, as what several threads do may have
		untold=${2-no}
		for folder in "$SYSC_PATH"/web1/snapshots/before-restore-*; do
			[[ ! -d $folder || -e $folder/told ]] || untold=yes
		done
		"$SYSC" "${words[@]}" >>"$beside/run.log" 2>&1 || tell "$n" "again: it failed"
		state=$(look)
		[[ $untold != no ]] || [[ $state == "$after" ]] || tell "$n" "not as after" "$(differences "$after" "$state")"
		while read -r tree; do
			grep -qF " $tree " <<<"$state " || tell "$n" "lost" "$(differences "$after" "$state")"
		done < <(grep -v '^config' <<<"$after" | grep -o '[0-9a-f]\{64\}')
		! list_all | grep '/\.[^/]*\.' || tell "$n" "left behind" "$(list_all)"
		assert_clean || tell "$n" "left behind"
	done
}

# helpers OPERATION: a program that the command runs is killed, as for want of memory: the command fails with one error
# and leaves nothing, or does without it
helpers() {
	local n errors
	operation "$1"
	clean_run
	awk '$2 != "sysc"' "$beside/steps" >"$beside/steps.helpers"
	[[ -s $beside/steps.helpers ]]
	for n in $(choose_steps "$beside/steps.helpers" "${MOST-24}"); do
		from_beginning
		run_steps -n "$n" -k self || tell "$n" "exit code $code"
		is_before_or_after || tell "$n" "neither as before nor as after" "$(differences "$before" "$state")"
		errors=$(grep -c "^sysc-${words[0]}: " "$beside/run.log") || :
		[[ $code:$now:$errors == 1:before:1 || $code:$now == 0:after ]] || tell "$n" "code $code, is $now, $errors errors"
		assert_list "$n"
	done
}

# swept OPERATION: the next command, whatever it is, removes what is hidden
swept() {
	local n
	operation "$1"
	clean_run
	for n in $(choose_steps "$beside/steps"); do
		from_beginning
		run_steps -n "$n" -k main || tell "$n" "exit code $code"
		"$SYSC" config set web1 boot.order 7
		! list_all | grep '/\.[^/]*\.' || tell "$n" "left behind" "$(list_all)"
	done
}

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
@test "snapshot restore: overlay" { walk restore-overlay; }
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
