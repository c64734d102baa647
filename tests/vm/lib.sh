# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# Sourced by the jobs that run inside the virtual machine: unpacks sysc, runs cases, prints TAP. A case is a function of
# the job; it fails at its first command that fails, and what it did is shown then. Exit 77 is a skip, with the last line
# that it printed as the reason. The job defines clean_up, which is run after each case.
# A job that needs a reboot calls reboot_machine as its last line: it is run again from its first line then, with $stage
# one higher (1 at first). "sysc create -t debian" needs no network: the tree of bookworm is in the machine.

[ "${stage:?set by the runner}" != 1 ] || tar -C / -xf /job/sysc.tar
# shellcheck source=/dev/null
. /job/where # PATH, etc, store: of the build that is tested; only: the cases to run
export SYSC_CACHE=/var/cache/guests
# most jobs have no use for a network; one that has calls "sysc net up" and removes this line
[ "$stage" != 1 ] || printf '; no network\n' >"${etc:?}/default.conf"

count=0 failures=0 logs=$(mktemp -d)
# shellcheck source=/dev/null
[ ! -e /job/counts ] || . /job/counts

# run_case FUNCTION DESCRIPTION
run_case() {
	case " ${only:-$1} " in *" $1 "*) ;; *) return 0 ;; esac
	count=$((count + 1)) code=0
	# not in a condition: "set -e" would not work inside
	(
		set -eux
		"$1"
	) >"$logs/$count" 2>&1 </dev/null
	code=$?
	case $code in
	0) echo "ok $count - $2" ;;
	77) echo "ok $count - $2 # SKIP $(tail -n 1 "$logs/$count")" ;;
	*)
		failures=$((failures + 1))
		echo "not ok $count - $2 (exit $code)"
		sed 's/^/#   /' "$logs/$count"
		;;
	esac
	# should the machine give no result, its console tells how far it came
	echo "vm-case: $1: $code at $(cut -d' ' -f1 /proc/uptime) s" >/dev/ttyS0
	clean_up
}

# the machine goes down as at any reboot, and the next stage begins
reboot_machine() {
	echo "count=$count failures=$failures" >/job/counts
	touch /job/reboot
	# what there is so far, should the machine not come back
	tar -C /out -cf /dev/disk/by-id/virtio-jobout .
	exit 0
}

finish() {
	echo "1..$count"
	[ "$failures" = 0 ]
}

skip() {
	echo "$*"
	exit 77
}

# wait_for SECONDS COMMAND...: until the command succeeds
wait_for() {
	last=$(($(cut -d. -f1 /proc/uptime) + $1))
	shift
	set +x
	until "$@" >/dev/null 2>&1; do
		[ "$(cut -d. -f1 /proc/uptime)" -lt "$last" ] || { echo "not reached in time: $*"; return 1; }
	done
	set -x
}

# same WANT GOT; contains TEXT PART
same() { [ "$1" = "$2" ] || { echo "wanted '$1', got '$2'"; return 1; }; }
contains() { case $1 in *"$2"*) ;; *) echo "no '$2' in '$1'"; return 1 ;; esac; }
