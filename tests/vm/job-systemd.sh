#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Inside the virtual machine: containers as systemd sees them. The unit of each, its cgroups and who is in which; what
# systemd does to it when it reloads, stops the unit, or has no bus; what a crash leaves; registration with machined.
# The job runs in a login session, as somebody who came by ssh does.
# shellcheck disable=SC2016 # what runs inside is quoted
# shellcheck source=lib.sh
. /job/lib.sh

slice=/sys/fs/cgroup/sysc.slice
scratch=/dev/disk/by-id/virtio-scratch

make() { sysc create -q -t busybox "$@"; }
start() { make "$@" && sysc start "$1"; }
pid_of() { sysc info -p -H "$1"; }
state_of() { sysc info -s -H "$1"; }
inside() { sysc attach "$1" -- sh -c "$2"; }
fact() { sysc info --json "$1" | jq -r ".. | .$2? // empty" | head -n 1; }
property() { systemctl show -P "$2" "$1"; }
value() { cat "$slice/sysc-$1.scope/container/$2"; }
machine() { machinectl show -p "$2" --value "$1"; }
monitors() { pgrep -x sysc-monitor; }
nothing_left() {
	wait_for 20 sh -c '! pgrep -x sysc-monitor && ! find "$1" -mindepth 1 -type d | grep .' - "$slice"
	same "" "$(systemctl list-units --all --plain --no-legend 'sysc-*.scope')"
	[ ! -e /sys/fs/cgroup/sysc ]
}
clean_up() {
	for config in "${store:?}"/*/config; do
		[ ! -e "$config" ] || sysc destroy -q -f "$(basename "$(dirname "$config")")" >/dev/null 2>&1
	done
	systemctl kill -s KILL 'sysc-*.scope' 2>/dev/null
	systemctl reset-failed 2>/dev/null
}
# every cgroup of the slice that has children and processes of its own
inner_nodes() {
	find "$slice" -path "*/payload/*" -prune -o -name cgroup.procs -print | while read -r procs; do
		folder=${procs%/*}
		[ -z "$(cat "$procs")" ] || [ -z "$(find "$folder" -mindepth 1 -maxdepth 1 -type d)" ] || echo "$folder"
	done
}

scope_from_a_session() {
	contains "$(cat /proc/self/cgroup)" "/session-"
	start web1 -s stop.timeout=60s
	unit=sysc-web1.scope
	same "0::/sysc.slice/$unit/container/payload" "$(cat "/proc/$(pid_of web1)/cgroup")"
	for pid in $(monitors); do
		same "0::/sysc.slice/$unit/monitor" "$(cat "/proc/$pid/cgroup")"
	done
	same active "$(property $unit ActiveState)"
	same yes "$(property $unit Delegate)"
	same sysc.slice "$(property $unit Slice)"
	same "Container web1" "$(property $unit Description)"
	same infinity "$(property $unit TasksMax)"
	contains "$(property $unit Before)" sysc.service
	same inactive-or-failed "$(property $unit CollectMode)"
	same "1min 10s" "$(property $unit TimeoutStopUSec)"
	same "sysc.slice/$unit/container" "$(fact web1 cgroup)"
	same $unit "$(fact web1 unit)"
	# the session's own cgroup holds the job, and nothing of the container
	contains "$(systemctl status $unit)" sysc-monitor
	contains "$(systemd-cgls --no-pager)" $unit
	sysc stop web1
	nothing_left
}

no_process_in_an_inner_node() {
	start web1
	start web2
	same "" "$(inner_nodes)"
	inside web1 true
	same "" "$(inner_nodes)"
	sysc stop -r web1
	wait_for 30 sh -c 'sysc attach web1 -- true'
	same "" "$(inner_nodes)"
	sysc stop web1
	sysc stop web2
	nothing_left
}

controllers_below_the_scope() {
	start web1
	for file in "$slice/sysc-web1.scope/cgroup.subtree_control" "$slice/sysc-web1.scope/container/cgroup.subtree_control"; do
		for controller in cpuset cpu io memory pids; do
			contains " $(cat "$file") " " $controller "
		done
	done
}

reload_leaves_limits() {
	disk=$(readlink -f "$scratch")
	start web1 -s limits.memory=96M -s limits.memory_high=80M -s limits.memory_low=16M -s limits.swap=32M \
		-s limits.cpus=0.5 -s limits.cpu_weight=250 -s limits.cpuset=1 -s limits.pids=60 \
		-s limits.io_weight=300 -s "limits.io=$disk rbps=10M wiops=500"
	pid=$(pid_of web1)
	for _ in 1 2; do
		same 100663296 "$(value web1 memory.max)"
		same 83886080 "$(value web1 memory.high)"
		same 16777216 "$(value web1 memory.low)"
		same 33554432 "$(value web1 memory.swap.max)"
		same "50000 100000" "$(value web1 cpu.max)"
		same 250 "$(value web1 cpu.weight)"
		same 1 "$(value web1 cpuset.cpus.effective)"
		same 60 "$(value web1 pids.max)"
		same "default 300" "$(value web1 io.weight)"
		contains "$(value web1 io.max)" "rbps=10485760 wbps=max riops=max wiops=500"
		# the fence of devices too
		same "Operation not permitted" "$(inside web1 'mknod /tmp/mem c 1 1 2>&1; cat /tmp/mem 2>&1' | sed -n 's/.*: \(Operation.*\)/\1/p' | head -n 1)"
		systemctl daemon-reload
		# what somebody sets for the unit itself is written by systemd to the files of the unit's own cgroup
		systemctl set-property --runtime sysc-web1.scope MemoryMax=900M
		systemctl daemon-reexec
	done
	same "$pid" "$(pid_of web1)"
	same 943718400 "$(cat "$slice/sysc-web1.scope/memory.max")"
	sysc stop web1
	nothing_left
}

monitor_is_not_limited() {
	start web1 -s limits.pids=20 -s limits.memory=32M
	inside web1 'i=0; while [ $i -lt 50 ]; do sleep 100 & i=$((i + 1)); done' >/dev/null 2>&1 || :
	same 20 "$(value web1 pids.max)"
	sysc stop web1
	nothing_left
}

stop_of_the_scope_is_graceful() {
	start web1
	inside web1 'echo "::shutdown:/bin/touch /was-shut-down" >>/etc/inittab; kill -HUP 1'
	systemctl stop sysc-web1.scope
	same STOPPED "$(state_of web1)"
	# asked, not killed
	contains "$(sysc info web1)" "signal 18 from uid 0 pid 1"
	nothing_left
	same "" "$(systemctl --failed --no-legend --plain)"
}

stop_of_the_slice_is_graceful() {
	start web1
	start web2
	systemctl stop sysc.slice
	same STOPPED "$(state_of web1)"
	same STOPPED "$(state_of web2)"
	contains "$(sysc info web2)" "signal 18 from uid 0 pid 1"
	nothing_left
}

others_cannot_halt_by_it() {
	start web1
	for pid in $(monitors); do kill -CONT "$pid"; done
	# answered after the signal was read
	sysc freeze web1
	sysc unfreeze web1
	same RUNNING "$(state_of web1)"
	sysc stop web1
}

reboot_keeps_the_scope() {
	start web1 -s limits.memory=64M
	id=$(property sysc-web1.scope InvocationID)
	first=$(pid_of web1)
	sysc config set web1 limits.memory 48M >/dev/null 2>&1 || sed -i 's/memory = 64M/memory = 48M/' "$store/web1/config"
	sysc stop -r web1
	wait_for 30 sh -c 'p=$(sysc info -p -H web1) && [ -n "$p" ] && [ "$p" != '"$first"' ] && sysc attach web1 -- true'
	same "$id" "$(property sysc-web1.scope InvocationID)"
	same "0::/sysc.slice/sysc-web1.scope/container/payload" "$(cat "/proc/$(pid_of web1)/cgroup")"
	same 50331648 "$(value web1 memory.max)"
	sysc stop web1
	nothing_left
}

restart_at_once() {
	start web1
	for _ in 1 2 3 4 5; do
		sysc restart -k web1
		same active "$(property sysc-web1.scope ActiveState)"
		same sysc-web1.scope "$(fact web1 unit)"
	done
	same "" "$(grep warn "$(dirname "$store")/../log/sysc/web1.log" 2>/dev/null || :)"
	sysc stop -k web1
	nothing_left
}

everything_killed_is_made_up_for() {
	start web1 -s limits.pids=50
	echo 1 >"$slice/sysc-web1.scope/cgroup.kill"
	wait_for 20 sh -c '[ "$(sysc info -s -H web1)" = STOPPED ]'
	sysc start web1
	same 50 "$(value web1 pids.max)"
	same active "$(property sysc-web1.scope ActiveState)"
	sysc stop web1
	nothing_left
}

# the guest goes on alone; who takes over is a process of the session at first
adopted_in_its_leaf() {
	start web1
	pid=$(pid_of web1)
	# shellcheck disable=SC2046 # one word a process
	kill -KILL $(monitors)
	wait_for 20 sh -c '! pgrep -x sysc-monitor'
	same "0::/sysc.slice/sysc-web1.scope/container/payload" "$(cat "/proc/$pid/cgroup")"
	sysc freeze web1
	sysc unfreeze web1
	same "$pid" "$(pid_of web1)"
	for pid in $(monitors); do
		same "0::/sysc.slice/sysc-web1.scope/monitor" "$(cat "/proc/$pid/cgroup")"
	done
	same "" "$(inner_nodes)"
	systemctl stop sysc-web1.scope
	same STOPPED "$(state_of web1)"
	contains "$(sysc info web1)" "signal 18 from uid 0 pid 1"
	nothing_left
}

# a scope of that name without a container, first with a process in it, then empty but failed
foreign_scope() {
	make web1
	systemd-run -q --scope --slice=sysc.slice --unit=sysc-web1 sleep 1000 &
	wait_for 20 systemctl is-active sysc-web1.scope
	code=0
	out=$(sysc start web1 2>&1) || code=$?
	same 4 "$code"
	contains "$out" "unit 'sysc-web1.scope' still holds processes (pid "
	same STOPPED "$(state_of web1)"
	systemctl kill -s KILL sysc-web1.scope
	wait || :
	sysc start web1
	same RUNNING "$(state_of web1)"
	sysc stop web1
	nothing_left
}

failed_start_leaves_no_unit() {
	make web1
	code=0
	SYSC_FAIL_STEP=maps sysc start web1 || code=$?
	same 1 "$code"
	nothing_left
}

two_stores() {
	start web1
	mkdir -p /var/tmp/other
	sysc create -P /var/tmp/other -q -t busybox web1
	sysc start -P /var/tmp/other web1
	same 2 "$(systemctl list-units --plain --no-legend 'sysc-web1*.scope' | wc -l)"
	sysc stop -P /var/tmp/other web1
	same RUNNING "$(state_of web1)"
	sysc destroy -P /var/tmp/other -q web1
	rm -r /var/tmp/other
	sysc stop web1
	nothing_left
}

# a unit of the template, as somebody writes it by hand
started_by_its_service() {
	make web1
	mkdir -p /run/systemd/system
	cat >/run/systemd/system/sysc@web1.service <<-UNIT
		[Service]
		Slice=sysc.slice
		Type=oneshot
		RemainAfterExit=yes
		Delegate=yes
		KillMode=mixed
		Environment="PATH=$PATH"
		ExecStart=$(command -v sysc) start web1
		ExecStop=$(command -v sysc) stop web1
	UNIT
	systemctl daemon-reload
	systemctl start sysc@web1.service
	same "0::/sysc.slice/sysc@web1.service/container/payload" "$(cat "/proc/$(pid_of web1)/cgroup")"
	same "sysc@web1.service" "$(fact web1 unit)"
	same "" "$(inner_nodes)"
	contains " $(cat "$slice/sysc@web1.service/cgroup.subtree_control") " " memory "
	sysc stop -r web1
	wait_for 30 sysc attach web1 -- true
	same "sysc@web1.service" "$(fact web1 unit)"
	systemctl stop sysc@web1.service
	same STOPPED "$(state_of web1)"
	rm /run/systemd/system/sysc@web1.service
	systemctl daemon-reload
	nothing_left
}

no_bus() {
	make web1
	DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nowhere sysc start web1
	same "0::/sysc/web1/payload" "$(cat "/proc/$(pid_of web1)/cgroup")"
	contains "$(sysc logs web1)" "systemd does not know of this container"
	contains "$(sysc logs web1)" "connect to the system bus: No such file or directory"
	same "" "$(fact web1 unit)"
	sysc stop web1
	rmdir /sys/fs/cgroup/sysc
	nothing_left
}

chosen_parent() {
	make web1
	SYSC_CGROUP=mine sysc start web1
	same "0::/mine/web1/payload" "$(cat "/proc/$(pid_of web1)/cgroup")"
	same "" "$(systemctl list-units --all --plain --no-legend 'sysc-*.scope')"
	for pid in $(monitors); do
		same "0::/mine/.supervisors" "$(cat "/proc/$pid/cgroup")"
	done
	sysc stop web1
	wait_for 20 rmdir /sys/fs/cgroup/mine/.supervisors
	rmdir /sys/fs/cgroup/mine
	nothing_left
}

# what machinectl and its friends see of a guest with systemd
registered_with_machined() {
	command -v machinectl >/dev/null || skip "no systemd-container in this machine"
	sysc create -q -t debian deb1 -s limits.memory=512M
	sysc start deb1
	wait_for 60 sh -c 'machinectl list --no-legend | grep -q "^deb1 *container *sysc"'
	wait_for 120 sh -c 'sysc attach deb1 -- systemctl is-system-running | grep -qE "running|degraded"'
	same "$(pid_of deb1)" "$(machine deb1 Leader)"
	same "$(sysc info -H -c container.uuid deb1 | tr -d -)" "$(machine deb1 Id)"
	same sysc-deb1.scope "$(machine deb1 Unit)"
	same "$store/deb1/rootfs" "$(machine deb1 RootDirectory)"
	contains "$(machinectl status --no-pager deb1)" "OS: Debian"
	same running "$(systemctl -M deb1 is-system-running)"
	contains "$(systemctl -M deb1 list-units --no-pager)" systemd-journald.service
	sysc attach deb1 -- systemd-cat -t from-inside echo hello
	wait_for 30 sh -c 'journalctl -M deb1 -t from-inside -o cat --no-pager | grep -qx hello'
	first=$(machine deb1 Leader)
	# a reboot: the same name, another leader
	systemctl -M deb1 reboot
	wait_for 120 sh -c 'p=$(machinectl show -p Leader --value deb1) && [ "$p" != '"$first"' ] && [ "$p" = "$(sysc info -p -H deb1)" ]'
	# machinectl's own way to end it
	wait_for 120 sh -c 'sysc attach deb1 -- systemctl is-system-running | grep -qE "running|degraded"'
	machinectl poweroff deb1
	sysc wait -s STOPPED -t 60 deb1
	wait_for 30 sh -c '! machinectl list --no-legend | grep -q deb1'
	same "" "$(grep warn /var/log/sysc/deb1.log || :)"
	nothing_left
}

no_machined() {
	systemctl mask --runtime --now systemd-machined.service
	start web1
	# asked for in vain before the stop: the log has no word of it
	sysc stop web1
	same "" "$(sysc logs web1 | grep -w warn || :)"
	systemctl unmask --runtime systemd-machined.service
}

# what the kernel counts, in info and ls
figures_are_told() {
	start web1 -s limits.memory=48M -s limits.swap=0 -s limits.cpus=0.2
	inside web1 'x=xxxxxxxxxxxxxxxx; while :; do x=$x$x; done' || :
	inside web1 'timeout 3 sh -c "while :; do :; done"' || :
	[ "$(fact web1 oom_kills)" -ge 1 ]
	[ "$(fact web1 ooms)" -ge 1 ]
	[ "$(fact web1 memory_maxes)" -ge 1 ]
	[ "$(fact web1 cpu_throttles)" -ge 5 ]
	[ "$(fact web1 cpu_throttled_ns)" -gt 100000000 ]
	[ "$(sysc info --json web1 | jq '.containers[0].usage.cpu_pressure.some.total_us')" -gt 0 ]
	same 'number' "$(sysc info --json web1 | jq -r '.containers[0].usage.memory_pressure.full.avg60 | type')"
	contains "$(sysc info -S web1)" "CPU pressure:   some "
	contains "$(sysc info -S web1)" "Memory events:  "
	contains "$(sysc ls -F name,unit,io,oom,cpupsi,memorypsi,iopsi web1)" "sysc-web1.scope"
	same "$(fact web1 oom_kills)" "$(sysc ls -F oom --json web1 | jq '.containers[0].oom_kills')"
	sysc stop web1
}

run_case scope_from_a_session "a container that is started in a session is in a scope of its own"
run_case no_process_in_an_inner_node "no process is in a cgroup that has children"
run_case controllers_below_the_scope "all controllers are there below the scope"
run_case reload_leaves_limits "all limits stay when systemd reloads, executes itself again, sets properties of the scope"
run_case monitor_is_not_limited "the limits of the container are not those of its supervisor"
run_case stop_of_the_scope_is_graceful "systemctl stop of the scope halts the container"
run_case stop_of_the_slice_is_graceful "systemctl stop of the slice halts all of them"
run_case others_cannot_halt_by_it "the signal of systemd's stop means nothing when another process sends it"
run_case reboot_keeps_the_scope "a reboot keeps the scope, and sets the limits anew"
run_case restart_at_once "a restart waits for the scope of the last run to be gone"
run_case everything_killed_is_made_up_for "the next start after a kill of all finds its way"
run_case adopted_in_its_leaf "a supervisor that takes over is in the container's unit"
run_case foreign_scope "a scope of that name: with processes it is told, without it is replaced"
run_case failed_start_leaves_no_unit "a start that fails leaves no unit"
run_case two_stores "containers of the same name in two stores have two scopes"
run_case started_by_its_service "a container that its service starts is in that service"
run_case no_bus "without a bus the container starts, and the log tells"
run_case chosen_parent "a cgroup that the administrator chose is taken as it is"
run_case figures_are_told "info and ls tell what the kernel counts"
run_case registered_with_machined "machinectl, systemctl -M and journalctl -M know the container"
run_case no_machined "without machined nothing is said"
finish
