# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Loaded by every file of tests/cli ("load helpers"): a store of its own for each test, no rights needed.

: "${top_srcdir:?run by make check or tests/lib/run-bats}" "${top_builddir:?}"

setup() {
	export SYSC_PATH="$BATS_TEST_TMPDIR/store" SYSC_RUN="$BATS_TEST_TMPDIR/run" SYSC_LOG="$BATS_TEST_TMPDIR/log" \
		SYSC_ETC="$BATS_TEST_TMPDIR/etc" SYSC_CACHE="$BATS_TEST_TMPDIR/cache"
	mkdir -p "$SYSC_PATH" "$SYSC_RUN" "$SYSC_LOG" "$SYSC_ETC"
	cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
	local pid
	for pid in "${PIDS[@]}"; do
		kill "$pid" 2>/dev/null || :
	done
}
PIDS=()

program=$top_builddir/src/sysc
sysc() { "$program" "$@"; }

# all_verbs: at least one; a loop over nothing would find nothing wrong
all_verbs() { sysc help --verbs | grep . || echo none; }

# define NAME [LINE...]: a container of the store, as its configuration only
define() {
	local name=$1
	shift
	mkdir -p "$SYSC_PATH/$name"
	printf '%s\n' '; made by a test' '[rootfs]' "path = dir:$SYSC_PATH/$name/rootfs" '[idmap]' \
		'map = b 0 1048576 65536' "$@" >"$SYSC_PATH/$name/config"
}

# pretend NAME PHASE [LINE...]: a state file as the supervisor writes it, of a process that lives as long as the test
pretend() {
	local name=$1 phase=$2 birth
	shift 2
	if [[ -z ${#PIDS[@]} || ${#PIDS[@]} == 0 ]]; then
		tail -f /dev/null >/dev/null 2>&1 3>&- 4>&- &
		PIDS+=("$!")
	fi
	birth=$(sed 's/.*) //' "/proc/${PIDS[0]}/stat" | cut -d ' ' -f 20)
	mkdir -p "$SYSC_RUN/$name"
	printf '%s\n' "phase $phase" "init_pid ${PIDS[0]}" "init_birth $birth" "monitor_pid ${PIDS[0]}" \
		"monitor_birth $birth" "started_ms $(date +%s)000" 'id_map b 0 1048576 65536' "$@" >"$SYSC_RUN/$name/state.new"
	mv "$SYSC_RUN/$name/state.new" "$SYSC_RUN/$name/state"
}

# status CODE COMMAND...: runs it and wants this exit code; its output is in $output
status() {
	local wanted=$1
	shift
	run "$@"
	# shellcheck disable=SC2154 # run sets status
	[[ $status == "$wanted" ]] || {
		echo "exit code $status instead of $wanted: $*" >&2
		echo "$output" >&2
		return 1
	}
}

# says TEXT: what the last command printed holds it
says() {
	[[ $output == *"$1"* ]] || {
		echo "not said: $1" >&2
		echo "said: $output" >&2
		return 1
	}
}

# json FILTER: holds for the JSON document that the last command printed
json() {
	command -v jq >/dev/null || missing jq
	jq -e "$1" <<<"$output" >/dev/null || {
		echo "does not hold: $1" >&2
		echo "$output" >&2
		return 1
	}
}

# missing PROGRAM: a skip, or a failure when it is in SYSC_TEST_MUST_RUN
missing() {
	[[ " ${SYSC_TEST_MUST_RUN-} " != *" $1 "* ]] || return 1
	skip "$1 is not installed"
}
