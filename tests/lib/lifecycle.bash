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

# --- copies of what changes meanwhile ---

# churn: what the guest does without end, each step after the one before it
churn() {
	cat <<-'END'
		mkdir -p /srv/d0 /srv/x /srv/y; cd /srv; : >d0/file; printf 00000000 >f1; printf 00000000 >f2; ln f1 f3
		echo x >x/of; echo y >y/of
		i=0
		while [ ! -e stop ]; do
			i=$((i + 1))
			echo $i >>log1; echo $i >>log2
			printf %08d $i | dd of=f1 conv=notrunc 2>/dev/null; printf %08d $i | dd of=f2 conv=notrunc 2>/dev/null
			mkdir d$i; mv d$((i - 1))/file d$i/; rmdir d$((i - 1))
			mv x z; mv y x; mv z y
			rm -rf t; if [ $((i % 2)) = 0 ]; then mkdir t; echo a >t/a; else echo b >t; fi
		done
	END
}

# one_moment FOLDER: what is in it was there at one moment of churn
one_moment() {
	local one two
	one=$(wc -l <"$1/log1") two=$(wc -l <"$1/log2")
	((one - two == 0 || one - two == 1)) || return 1
	[[ $(cat "$1/log1") == "$(seq "$one")" && $(cat "$1/log2") == "$(seq "$two")" ]] || return 1
	one=$((10#$(cat "$1/f1"))) two=$((10#$(cat "$1/f2")))
	((one - two == 0 || one - two == 1)) || return 1
	[[ $1/f1 -ef $1/f3 && $(stat -c %h "$1/f1") == 2 ]] || return 1
	[[ $(find "$1" -name file | wc -l) == 1 ]] || return 1
	# x and y change places by way of z
	[[ $(cd "$1" && cat ./[xyz]/of | sort | xargs) == "x y" ]] || return 1
}
