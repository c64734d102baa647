#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# kernel: systemd.unified_cgroup_hierarchy=0
# Inside the virtual machine: systemd as PID 1 and the hierarchies of cgroup v1 for the controllers, with that of v2 beside
# them (hybrid; with "systemd.legacy_systemd_cgroup_controller=1" too, none). Containers start in units, are listed, have
# limits, and stop; what is left of them afterwards.
# shellcheck disable=SC2016,SC2154 # what runs inside is quoted; lib.sh sets store
# shellcheck source=lib.sh
. /job/lib.sh

make() { sysc create -q -t busybox "$@"; }
start() { make "$@" && sysc start "$1"; }
pid_of() { sysc info -p -H "$1"; }
state_of() { sysc info -s -H "$1"; }
inside() { sysc attach "$1" -- sh -c "$2"; }
fact() { sysc info --json "$1" | jq -r ".. | .$2? // empty" | head -n 1; }
property() { systemctl show -P "$2" "$1"; }
# value NAME CONTROLLER FILE, as v1 has it
value() { cat "/sys/fs/cgroup/$2/$(fact "$1" cgroup)/$3"; }
# folders of containers in any hierarchy
folders() { find /sys/fs/cgroup/*/ -type d \( -name 'sysc-*.scope' -o -path '*/sysc/*' \) 2>/dev/null; }
nothing_left() {
	wait_for 20 sh -c '! pgrep -x sysc-monitor'
	wait_for 20 sh -c '[ -z "$(find /sys/fs/cgroup/*/ -type d -name "sysc-*.scope" -o -type d -path "*/sysc/*")" ]' ||
		{ folders; return 1; }
	same "" "$(systemctl list-units --all --plain --no-legend 'sysc-*.scope')"
}
clean_up() {
	for config in "${store:?}"/*/config; do
		[ ! -e "$config" ] || sysc destroy -q -f "$(basename "$(dirname "$config")")" >/dev/null 2>&1
	done
	systemctl kill -s KILL 'sysc-*.scope' 2>/dev/null
	systemctl reset-failed 2>/dev/null
}

host_is_not_v2() {
	same systemd "$(cat /proc/1/comm)"
	same tmpfs "$(stat -f -c %T /sys/fs/cgroup)"
	[ -d /sys/fs/cgroup/memory ] && [ -d /sys/fs/cgroup/pids ] && [ -d /sys/fs/cgroup/systemd ]
	[ ! -d /sys/fs/cgroup/unified ] || same cgroup2fs "$(stat -f -c %T /sys/fs/cgroup/unified)"
}

in_a_unit_with_limits() {
	start web1 -s limits.memory=96M -s limits.pids=60 -s limits.cpus=0.5 -s limits.cpuset=1
	same RUNNING "$(state_of web1)"
	same "active yes" "$(property sysc-web1.scope ActiveState) $(property sysc-web1.scope Delegate)"
	contains "$(systemctl status sysc-web1.scope)" sysc-monitor
	contains "$(sysc ls)" web1
	same sysc-web1.scope "$(fact web1 unit)"
	same 100663296 "$(value web1 memory memory.limit_in_bytes)"
	same 60 "$(value web1 pids pids.max)"
	same 50000 "$(value web1 cpu cpu.cfs_quota_us)"
	same 1 "$(value web1 cpuset cpuset.cpus)"
	same "100663296 60" "$(fact web1 memory_limit) $(fact web1 pids_limit)"
	# and what they do
	code=0
	inside web1 'x=xxxxxxxxxxxxxxxx; while :; do x=$x$x; done' || code=$?
	same 137 "$code"
	# at once, and back
	sysc config set web1 limits.memory=80M
	same 83886080 "$(value web1 memory memory.limit_in_bytes)"
	systemctl daemon-reload
	same 83886080 "$(value web1 memory memory.limit_in_bytes)"
	sysc freeze web1
	same FROZEN "$(state_of web1)"
	sysc unfreeze web1
	inside web1 true
	inside web1 'i=0; while [ $i -lt 100 ]; do sleep 100 & i=$((i + 1)); done' >/dev/null 2>&1 || :
	[ "$(value web1 pids pids.current)" -le 60 ]
	same RUNNING "$(state_of web1)"
	sysc stop -k web1
	nothing_left
}

guest_sees_v2_alone() {
	start web1
	same cgroup2 "$(inside web1 'sed -n "s/.* - \(cgroup[0-9]*\) .*/\1/p" /proc/self/mountinfo | sort -u')"
	code=0
	out=$(inside web1 'mknod /tmp/mem c 1 1; cat /tmp/mem' 2>&1) || code=$?
	[ "$code" != 0 ]
	contains "$out" "not permitted"
	sysc stop web1
	nothing_left
}

ended_by_systemd() {
	start web1
	start web2
	systemctl stop sysc-web1.scope
	same STOPPED "$(state_of web1)"
	contains "$(sysc info web1)" "signal 18 from uid 0 pid 1"
	systemctl stop sysc.slice
	same STOPPED "$(state_of web2)"
	nothing_left
	sysc start web1
	sysc restart -k web1
	sysc stop web1
	nothing_left
}

as_a_service() {
	make web1
	systemctl daemon-reload
	systemctl start sysc@web1.service
	same active "$(property sysc@web1 ActiveState)"
	same sysc@web1.service "$(fact web1 unit)"
	systemctl stop sysc@web1.service
	same "inactive success STOPPED" "$(property sysc@web1 ActiveState) $(property sysc@web1 Result) $(state_of web1)"
	nothing_left
}

taken_over() {
	start web1 -s limits.pids=50
	pid=$(pid_of web1)
	# shellcheck disable=SC2046 # one word a process
	kill -KILL $(pgrep -x sysc-monitor)
	wait_for 20 sh -c '! pgrep -x sysc-monitor'
	sysc freeze web1
	sysc unfreeze web1
	same "$pid" "$(pid_of web1)"
	sysc stop web1
	nothing_left
}

guest_with_systemd() {
	sysc create -q -t debian deb1 -s limits.memory=512M
	sysc start deb1
	wait_for 180 sh -c 'sysc attach deb1 -- systemctl is-system-running | grep -qE "running|degraded"'
	same running "$(sysc attach deb1 -- systemctl is-system-running)"
	sysc stop deb1
	same STOPPED "$(state_of deb1)"
	nothing_left
}

run_case host_is_not_v2 "the machine has hierarchies of v1"
run_case in_a_unit_with_limits "a container is in a unit; its limits are there, hold, and change while it runs"
run_case guest_sees_v2_alone "the guest has cgroup v2 alone, and no device that it was not given"
run_case ended_by_systemd "systemctl stop of scope and slice halts containers"
run_case as_a_service "a container as a service"
run_case taken_over "a supervisor that is killed is made up for"
run_case guest_with_systemd "a guest with systemd runs"
finish
