#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Inside the virtual machine: systemd as PID 1 and cgroup v2 alone. Every limit in the files of the kernel and by what
# it does to processes; freeze, attach, use and limits in ls and info; what a stop and a failed start leave.
# The job runs in a login session (user.slice/…/session-N.scope), as somebody who came by ssh does.
# shellcheck disable=SC2016 # what runs inside is quoted
# shellcheck source=lib.sh
. /job/lib.sh

slice=/sys/fs/cgroup/sysc.slice
scratch=/dev/disk/by-id/virtio-scratch

make() { sysc create -q -t busybox "$@"; }
start() { make "$@" && sysc start "$1"; }
# in_slice NAME: the cgroup of the container, as in info; folder NAME: where it is
in_slice() { echo "sysc.slice/sysc-$1.scope/container"; }
folder() { echo "/sys/fs/cgroup/$(in_slice "$1")"; }
value() { cat "$(folder "$1")/$2"; }
pid_of() { sysc info -p -H "$1"; }
inside() { sysc attach "$1" -- sh -c "$2"; }
fact() { sysc info --json "$1" | jq -r ".. | .$2? // empty" | head -n 1; }
nothing_left() {
	# systemd removes the scope when the supervisor, the last process in it, has ended
	wait_for 20 sh -c '! pgrep -x sysc-monitor && ! find "$1" -mindepth 1 -type d | grep .' - "$slice"
	same "" "$(systemctl list-units --all --plain --no-legend 'sysc-*.scope')"
	[ ! -e /sys/fs/cgroup/sysc ]
}
clean_up() {
	for config in "${store:?}"/*/config; do
		[ ! -e "$config" ] || sysc destroy -q -f "$(basename "$(dirname "$config")")" >/dev/null 2>&1
	done
}

host_is_plain_v2() {
	same systemd "$(cat /proc/1/comm)"
	same cgroup2fs "$(stat -f -c %T /sys/fs/cgroup)"
	same 1 "$(grep -cE ' cgroup2? ' /proc/self/mountinfo)"
	contains "$(cat /proc/self/cgroup)" "/user.slice/user-0.slice/session-"
}

starts_in_its_cgroup() {
	start web1
	pid=$(pid_of web1)
	same "0::/$(in_slice web1)/payload" "$(cat "/proc/$pid/cgroup")"
	contains "$(value web1 payload/cgroup.procs)" "$pid"
	same "0::/" "$(inside web1 'cat /proc/1/cgroup')"
	for controller in cpuset cpu io memory pids; do
		contains " $(value web1 payload/cgroup.controllers) " " $controller "
	done
	sysc stop -k web1
	nothing_left
}

files_have_the_values() {
	disk=$(readlink -f "$scratch")
	start web1 -s limits.memory=96M -s limits.memory_high=80M -s limits.memory_low=16M -s limits.swap=32M \
		-s limits.cpus=0.5 -s limits.cpu_weight=250 -s limits.cpuset=1 -s limits.pids=60 \
		-s limits.io_weight=300 -s "limits.io=$disk rbps=10M wiops=500"
	same 100663296 "$(value web1 memory.max)"
	same 83886080 "$(value web1 memory.high)"
	same 16777216 "$(value web1 memory.low)"
	same 33554432 "$(value web1 memory.swap.max)"
	same "50000 100000" "$(value web1 cpu.max)"
	same 250 "$(value web1 cpu.weight)"
	same 1 "$(value web1 cpuset.cpus)"
	same 1 "$(value web1 payload/cpuset.cpus.effective)"
	same 60 "$(value web1 pids.max)"
	same "default 300" "$(value web1 io.weight)"
	same "$(lsblk -dno MAJ:MIN "$disk" | tr -d ' ') rbps=10485760 wbps=max riops=max wiops=500" "$(value web1 io.max)"
	# nothing of it can be changed from inside: the guest owns the leaf only
	same 0 "$(stat -c %u "$(folder web1)/memory.max")"
	[ "$(stat -c %u "$(folder web1)/payload/cgroup.procs")" -ge 65536 ]
	same 0 "$(stat -c %u "$(folder web1)/payload/memory.max")"
	same 1 "$(inside web1 'grep Cpus_allowed_list /proc/self/status' | cut -f 2)"
}

raw_keys_are_written() {
	start web1 -s cgroup.memory.oom.group=1 -s cgroup.cpu.max.burst=1000 -s limits.cpus=0.5
	same 1 "$(value web1 memory.oom.group)"
	same 1000 "$(value web1 cpu.max.burst)"
}

limits_stay_over_daemon_reload() {
	start web1 -s limits.memory=64M -s limits.cpuset=0 -s limits.pids=50 -s limits.io_weight=200
	systemctl daemon-reload
	systemctl restart dbus.service 2>/dev/null || :
	systemctl daemon-reexec
	same 67108864 "$(value web1 memory.max)"
	same 0 "$(value web1 cpuset.cpus)"
	same 50 "$(value web1 pids.max)"
	same "default 200" "$(value web1 io.weight)"
	start web2 -s limits.cpuset=1 -s limits.io_weight=200
	same 1 "$(value web2 cpuset.cpus)"
}

memory_kill_stays_inside() {
	start web1 -s limits.memory=48M -s limits.swap=0
	code=0
	# a string that doubles; only this process may die
	inside web1 'x=xxxxxxxxxxxxxxxx; while :; do x=$x$x; done' || code=$?
	same 137 "$code"
	[ "$(value web1 memory.events | sed -n 's/^oom_kill //p')" -ge 1 ]
	[ "$(fact web1 oom_kills)" -ge 1 ]
	same RUNNING "$(sysc info -s -H web1)"
	same alive "$(inside web1 'echo alive')"
	same "" "$(journalctl -b -k -o cat | grep 'oom-kill:constraint=CONSTRAINT_NONE' || :)"
}

pids_stop_a_fork_loop() {
	start web1 -s limits.pids=40
	inside web1 'i=0; while [ $i -lt 200 ]; do sleep 100 & i=$((i + 1)); done' >/dev/null 2>&1 || :
	same 40 "$(value web1 pids.max)"
	[ "$(value web1 pids.current)" -le 40 ]
	[ "$(value web1 pids.current)" -ge 30 ]
	# counted where the fork was tried, since Linux 6.13 where the limit is
	[ "$(cat "$(folder web1)/pids.events" "$(folder web1)/payload/pids.events" | sed -n 's/^max //p' | sort -n | tail -n 1)" -ge 1 ]
	# the host still forks, and the container can be ended
	same 3 "$(sh -c 'echo 3')"
	sysc stop -k web1
	nothing_left
}

cpu_time_is_limited() {
	start web1 -s limits.cpus=0.2
	inside web1 'timeout 3 sh -c "while :; do :; done"' || :
	[ "$(value web1 cpu.stat | sed -n 's/^nr_throttled //p')" -ge 5 ]
	same 200 "$(fact web1 millicpus_limit)"
}

io_is_slowed_down() {
	disk=$(readlink -f "$scratch")
	numbers=$(lsblk -dno MAJ:MIN "$disk" | tr -d ' ')
	start web1 -s "limits.io=$disk rbps=1M" -s "devices.allow=$disk r"
	begin=$(cut -d. -f1 /proc/uptime)
	# 4 MiB of the disk read by a process of the host that is put into the cgroup
	sh -c "echo 0 >$(folder web1)/payload/cgroup.procs && dd if=$disk of=/dev/null bs=64k count=64 iflag=direct" 2>&1
	[ $(($(cut -d. -f1 /proc/uptime) - begin)) -ge 3 ]
	contains "$(value web1 io.stat)" "$numbers rbytes=4194304"
	[ "$(fact web1 io_read)" -ge 4194304 ]
}

freezes_and_thaws() {
	start web1
	sysc freeze web1
	same FROZEN "$(sysc info -s -H web1)"
	same 1 "$(value web1 cgroup.events | sed -n 's/^frozen //p')"
	code=0
	out=$(sysc attach web1 -- true 2>&1) || code=$?
	same 4 "$code"
	contains "$out" frozen
	sysc unfreeze web1
	same 0 "$(value web1 cgroup.events | sed -n 's/^frozen //p')"
	same RUNNING "$(sysc info -s -H web1)"
	inside web1 true
	# a frozen one can be ended too
	sysc freeze web1
	sysc stop -k web1
	nothing_left
}

attach_joins() {
	start web1 -s limits.pids=40
	sysc attach web1 -- sleep 1000 &
	wait_for 20 pgrep -x sleep
	same "0::/$(in_slice web1)/payload/.sysc" "$(cat "/proc/$(pgrep -x sleep)/cgroup")"
	same "0::/.sysc" "$(inside web1 'cat /proc/self/cgroup')"
	sysc stop -k web1
	wait
	nothing_left
}

# what systemd does in a guest: its own processes go into a leaf, then controllers are turned on for the children
guest_turns_controllers_on() {
	start web1 -s limits.memory=64M
	inside web1 'set -e; cd /sys/fs/cgroup; mkdir -p init work
		for p in $(cat cgroup.procs); do echo $p >init/cgroup.procs 2>/dev/null || :; done
		for p in $(cat cgroup.procs); do echo $p >init/cgroup.procs 2>/dev/null || :; done
		echo "+memory +pids" >cgroup.subtree_control
		echo 20 >work/pids.max'
	same "memory pids" "$(value web1 payload/cgroup.subtree_control)"
	same 20 "$(value web1 payload/work/pids.max)"
	same "0::/.sysc" "$(inside web1 'cat /proc/self/cgroup')"
	same 7 "$(code=0; sysc attach web1 -- sh -c 'exit 7' || code=$?; echo "$code")"
	# its own limit is not the guest's to change
	code=0
	inside web1 'echo max >/sys/fs/cgroup/memory.max' || code=$?
	[ "$code" != 0 ]
	sysc freeze web1
	sysc unfreeze web1
	sysc stop -k web1
	nothing_left
}

# a guest's systemd, just started, does the same while somebody is attached
attach_is_not_in_the_way() {
	start web1
	sysc attach web1 -- sleep 1000 &
	wait_for 20 pgrep -x sleep
	# init and its children move, the attached ones (parent 0) do not
	inside web1 'set -e; cd /sys/fs/cgroup; mkdir init
		echo 1 >init/cgroup.procs
		for p in $(cat cgroup.procs); do
			grep -qx "PPid:.1" "/proc/$p/status" && echo "$p" >init/cgroup.procs
		done
		echo +pids >cgroup.subtree_control'
	same pids "$(value web1 payload/cgroup.subtree_control)"
	sysc stop -k web1
	wait
	nothing_left
}

attach_beside_threaded_cgroups() {
	start web1
	inside web1 'mkdir /sys/fs/cgroup/threads'
	echo threaded >"$(folder web1)/payload/threads/cgroup.type"
	same "domain threaded" "$(value web1 payload/cgroup.type)"
	same "0::/" "$(inside web1 'cat /proc/self/cgroup')"
	sysc stop -k web1
	nothing_left
}

ls_and_info_tell() {
	start web1 -s limits.memory=64M -s limits.pids=50 -s limits.cpus=1.5 -s limits.cpuset=0-1 -s limits.swap=8M
	same 67108864 "$(fact web1 memory_limit)"
	same 8388608 "$(fact web1 swap_limit)"
	same 50 "$(fact web1 pids_limit)"
	same 1500 "$(fact web1 millicpus_limit)"
	same 0-1 "$(fact web1 cpuset)"
	[ "$(fact web1 memory)" -gt 100000 ]
	[ "$(fact web1 memory_peak)" -ge "$(fact web1 memory)" ]
	same "$(value web1 pids.current)" "$(fact web1 pids)"
	[ "$(fact web1 cpu_ns)" -gt 1000000 ]
	same "$(in_slice web1)" "$(fact web1 cgroup)"
	contains "$(sysc info web1)" "(limit 64"
	contains "$(sysc info web1)" "(limit 50)"
	contains "$(sysc ls -F NAME,STATE,MEMORY,PIDS,CPU)" "/50"
	# ps knows the processes of the container by its cgroup
	contains "$(ps -o cgroup= -p "$(pid_of web1)")" "/$(in_slice web1)/payload"
	contains "$(systemd-cgls --no-pager "/$(in_slice web1)" 2>&1)" payload
}

stop_leaves_nothing() {
	start web1
	start web2
	inside web1 'mkdir -p /sys/fs/cgroup/a/b/c'
	for _ in 1 2 3; do
		sysc restart web1
	done
	sysc stop web1
	same STOPPED "$(sysc info -s -H web1)"
	[ ! -e "$(folder web1)" ]
	[ -d "$(folder web2)/payload" ]
	sysc stop web2
	nothing_left
}

deep_trees_of_the_guest_go() {
	start web1
	# as deep and as many as the guest is let
	inside web1 'cd /sys/fs/cgroup; i=0; while mkdir d 2>/dev/null && cd d; do i=$((i + 1)); done; echo "$i deep"
		cd /sys/fs/cgroup; i=0; while [ $i -lt 100 ]; do mkdir "w$i"; i=$((i + 1)); done
		sleep 1000 & echo $! >d/d/d/d/cgroup.procs'
	[ "$(find "$(folder web1)" -type d | wc -l)" -gt 150 ]
	sysc stop web1
	nothing_left
}

killed_supervisor_is_made_up_for() {
	start web1 -s limits.pids=50
	pid=$(pid_of web1)
	# it, its keeper and the guest at once
	echo 1 >"$slice/sysc-web1.scope/cgroup.kill"
	wait_for 20 sh -c "! kill -0 $pid"
	same STOPPED "$(sysc info -s -H web1)"
	sysc start web1
	same 50 "$(value web1 pids.max)"
	sysc stop -k web1
	nothing_left
}

# the kernel kills the whole container when it is told to
memory_kill_of_all() {
	start web1 -s limits.memory=48M -s limits.swap=0 -s cgroup.memory.oom.group=1
	inside web1 'x=xxxxxxxxxxxxxxxx; while :; do x=$x$x; done' || :
	sysc wait -s STOPPED -t 30 web1
	contains "$(sysc info web1)" "killed by SIGKILL"
	nothing_left
}

execute_runs_in_its_cgroup() {
	make web1 -s limits.memory=32M
	same "0::/" "$(sysc execute web1 -- cat /proc/self/cgroup)"
	sysc execute web1 -- sleep 1000 &
	wait_for 20 pgrep -x sleep
	same "0::/$(in_slice web1)/payload" "$(cat "/proc/$(pgrep -x sleep)/cgroup")"
	same 33554432 "$(value web1 memory.max)"
	sysc stop -k web1
	wait
	nothing_left
}

privileged_starts() {
	start web1 -s container.privileged=yes -s limits.memory=64M
	same 67108864 "$(value web1 memory.max)"
	same "0 0 4294967295" "$(tr -s ' ' <"/proc/$(pid_of web1)/uid_map" | sed 's/^ //')"
	same "0::/.sysc" "$(inside web1 'cat /proc/self/cgroup')"
	same "0::/" "$(inside web1 'cat /proc/1/cgroup')"
	sysc stop -k web1
	nothing_left
}

# by the kernel's own program for the cgroup, since v2 has no files for it
devices_are_fenced() {
	start web1 -s container.privileged=yes -s 'devices.allow=c 10:229 rwm'
	inside web1 'echo x >/dev/null && head -c 8 /dev/zero >/tmp/zero && head -c 8 /dev/urandom >/tmp/random'
	same 8 "$(inside web1 'wc -c </tmp/random')"
	disk=$(readlink -f "$scratch")
	numbers=$(lsblk -dno MAJ:MIN "$disk" | tr -d ' ')
	# a node of the disk that the host puts there: the cgroup is the only fence left
	mknod "$store/web1/rootfs/disk" b "${numbers%:*}" "${numbers#*:}"
	mknod "$store/web1/rootfs/mem" c 1 1
	code=0
	out=$(inside web1 'head -c 1 /disk; head -c 1 /mem' 2>&1) || code=$?
	same 1 "$code"
	contains "$out" "/disk: Operation not permitted"
	contains "$out" "/mem: Operation not permitted"
	sysc stop -k web1
	nothing_left
}

# those of the unit tests that need real cgroups; what is about v1 is skipped here
unit_tests_pass() {
	for test in /job/test-cgroup-*; do
		"$test" >/tmp/unit || { cat /tmp/unit; exit 1; }
		! grep 'limits_are_set_changed.*SKIP' /tmp/unit || exit 1
	done
}

# refused KEY VALUE TEXT: the start fails, in one line with the key, the text and the place
refused() {
	make web1 -s "$1=$2"
	line=$(grep -n "^${1##*.} *=" "$store/web1/config" | tail -n 1 | cut -d: -f1)
	code=0
	out=$(sysc start web1 2>&1) || code=$?
	same 1 "$code"
	same 1 "$(echo "$out" | wc -l)"
	contains "$out" "sysc-start: web1: $1"
	contains "$out" "$3"
	contains "$out" "$store/web1/config:$line"
	same STOPPED "$(sysc info -s -H web1)"
	nothing_left
	sysc destroy -q web1
}

bad_limits_stop_the_start() {
	refused limits.cpuset 0-40 "0-40"
	refused limits.io "/dev/nothing rbps=1M" "/dev/nothing"
	refused cgroup.memory.nothing 1 memory.nothing
	refused cgroup.memory.oom.group 7 7
}

missing_file_has_a_hint() {
	# no controller at all: the file is not there
	refused cgroup.rdma.nothing 1 rdma.nothing
	refused cgroup.v1:memory.swappiness 1 "v1"
}

outlives_its_session() {
	make web1
	systemd-run -q --wait --collect -p PAMName=login -p User=root sysc start web1
	same RUNNING "$(sysc info -s -H web1)"
	sysc stop -k web1
	nothing_left
}

starts_from_a_unit() {
	make web1
	systemd-run -q --unit=starter -p RemainAfterExit=yes -p Type=oneshot sysc start web1
	same RUNNING "$(sysc info -s -H web1)"
	same "0::/$(in_slice web1)/payload" "$(cat "/proc/$(pid_of web1)/cgroup")"
	systemctl stop starter.service
	# the unit took its processes along, but the container has a unit of its own
	same RUNNING "$(sysc info -s -H web1)"
	sysc stop -k web1
	nothing_left
}

debian_guest_boots() {
	sysc create -q -t debian deb1 -s limits.memory=512M -s limits.pids=200
	sysc start deb1
	# while the guest's systemd arranges its cgroups
	sysc attach deb1 -- sleep 1000 &
	same systemd "$(sysc info --json deb1 | jq -r '.. | .init? // empty' | head -n 1)"
	wait_for 120 sh -c 'sysc attach deb1 -- systemctl is-system-running | grep -qE "running|degraded"'
	sysc attach deb1 -- systemctl --failed --no-legend --plain
	same running "$(sysc attach deb1 -- systemctl is-system-running)"
	contains " $(value deb1 payload/cgroup.subtree_control) " " memory "
	same "0::/.sysc" "$(inside deb1 'cat /proc/self/cgroup')"
	# a limit that the guest's systemd sets for one of its units
	sysc attach deb1 -- systemd-run -q -p MemoryMax=32M -p TasksMax=7 --unit=work sleep 1000
	same 33554432 "$(value deb1 payload/system.slice/work.service/memory.max)"
	same 7 "$(value deb1 payload/system.slice/work.service/pids.max)"
	sysc stop deb1
	wait
	same STOPPED "$(sysc info -s -H deb1)"
	nothing_left
}

run_case host_is_plain_v2 "the machine: systemd, cgroup v2 alone, a login session"
run_case unit_tests_pass "the unit tests of cgroups"
run_case starts_in_its_cgroup "a container is born in its own leaf, with all controllers"
run_case files_have_the_values "each limit stands in its file of the kernel"
run_case raw_keys_are_written "keys of [cgroup] are written as they stand"
run_case limits_stay_over_daemon_reload "limits stay when systemd reloads and executes itself again"
run_case memory_kill_stays_inside "a process over the memory limit is killed, and nobody else"
run_case pids_stop_a_fork_loop "the limit of processes stops a fork loop"
run_case cpu_time_is_limited "the limit of cpus throttles"
run_case io_is_slowed_down "a limit of a disk slows reads down"
run_case freezes_and_thaws "freeze and unfreeze; a frozen container can be ended"
run_case attach_joins "attach joins the container's cgroup"
run_case guest_turns_controllers_on "attach works after the guest has turned controllers on for its own cgroups"
run_case attach_is_not_in_the_way "an attached command does not keep the guest from turning controllers on"
run_case attach_beside_threaded_cgroups "attach works beside threaded cgroups of the guest"
run_case ls_and_info_tell "ls, info and ps tell use and limits"
run_case stop_leaves_nothing "restart and stop leave no cgroup, those of the guest included"
run_case deep_trees_of_the_guest_go "cgroups that the guest made, deep and many, go with it"
run_case killed_supervisor_is_made_up_for "after a kill of everything the next start finds its way"
run_case memory_kill_of_all "memory.oom.group ends the whole container, and all of it goes"
run_case execute_runs_in_its_cgroup "execute runs under the limits, and leaves nothing"
run_case privileged_starts "a privileged container starts, under its limits"
run_case devices_are_fenced "devices of the host are out of reach, also of a privileged container"
run_case bad_limits_stop_the_start "a limit that cannot be applied stops the start and leaves nothing"
run_case missing_file_has_a_hint "a setting of a controller or version that is not there is refused"
run_case outlives_its_session "a container outlives the session that started it"
run_case starts_from_a_unit "a container started by a unit outlives it"
run_case debian_guest_boots "a guest with systemd boots, limits its own units and stops"
finish
