# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # the sandbox that it loads reads the one, the harness sets the other
# What the tests of running containers share, on top of sandbox.bash ("load ../lib/lifecycle" loads both). A file that is
# not about the network sets LIFECYCLE_NETWORK=no before load: its containers have none and no bridge is made.

[[ ${LIFECYCLE_NETWORK-yes} == yes ]] || SANDBOX_NETWORK=no
# shellcheck source=sandbox.bash
load ../lib/sandbox

setup() { lifecycle_setup; }

lifecycle_setup() {
	sandbox_setup
	[[ ${LIFECYCLE_NETWORK-yes} == yes ]] || echo '; no network' >"$SYSC_ETC/default.conf"
}

# start_busybox NAME [CREATE-OPTION...]
start_busybox() {
	make_busybox "$@" >/dev/null
	sysc start "$1"
}

rootfs() { echo "$SYSC_PATH/$1/rootfs"; }
state_of() { sysc info -s -H "$1"; }
pid_of() { sysc info -p -H "$1"; }
# fact NAME KEY: the value of a key of info --json, without its quotes
fact() { sysc info --json "$1" | sed -nE "s/^ *\"$2\": \"?([^\",]*)\"?,?\$/\\1/p" | head -n 1; }
# the two processes of a supervisor: the keeper, parent of init, and the worker that it makes when the start is done
keeper_of() { fact "$1" keeper_pid; }
monitor_of() {
	wait_until 10 has_pair "$1"
	fact "$1" monitor_pid
}
has_pair() {
	local keeper monitor
	keeper=$(fact "$1" keeper_pid) monitor=$(fact "$1" monitor_pid)
	[[ -n $keeper && -n $monitor && $keeper != "$monitor" ]] && ! has_ended "$keeper" && ! has_ended "$monitor"
}
count_supervisors() { sandbox_processes | grep -c sysc-monitor; }
inside() { sysc attach "$1" -- sh -c "$2"; }
# has_ended PID
has_ended() { ! kill -0 "$1" 2>/dev/null; }

# stub_init NAME: what stands on stdin becomes /sbin/init of the container, a shell script
stub_init() {
	rm -f "$(rootfs "$1")/sbin/init"
	{
		echo '#!/bin/sh'
		cat
	} >"$(rootfs "$1")/sbin/init"
	chmod +x "$(rootfs "$1")/sbin/init"
}

# quick_init NAME: an init that ends at once when it is asked to; busybox's own takes two seconds
quick_init() {
	stub_init "$1" <<-'END'
		trap 'exit 0' PWR USR2 TERM INT
		while :; do
			sleep 1000 &
			wait $!
		done
	END
}

# cgroup_file NAME FILE: the value of a file of the container's cgroup, in whichever hierarchy has it
cgroup_file() {
	local path
	for path in "/sys/fs/cgroup/$SYSC_CGROUP/$1/$2" /sys/fs/cgroup/*/"$SYSC_CGROUP/$1/$2"; do
		[[ ! -e $path ]] || { cat "$path"; return; }
	done
	echo "no cgroup file $2 of $1" >&2
	return 1
}

# terminal STEP... -- COMMAND...: runs it on a terminal; see terminal.py
terminal() {
	need python3
	python3 "$top_srcdir/tests/lib/terminal.py" "$@"
}

# kill_both NAME: nobody is left
kill_both() {
	local keeper monitor
	monitor=$(monitor_of "$1") keeper=$(keeper_of "$1")
	# neither may make the other anew
	kill -STOP "$keeper" "$monitor"
	kill -KILL "$keeper" "$monitor"
	wait_until 10 has_ended "$keeper"
	wait_until 10 has_ended "$monitor"
}
