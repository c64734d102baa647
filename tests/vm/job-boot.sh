#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Inside the virtual machine: sysc as a service. Containers are made and the units enabled; the machine boots, and all is
# as it was said; the guests have no less than what one has that was started by hand; stop, kill and exchange of the
# units' processes; the machine goes down, and every guest had the time to end well.
# shellcheck disable=SC2016 # what runs inside is quoted
# shellcheck source=lib.sh
. /job/lib.sh
rm -f "${etc:?}/default.conf"

inside() { sysc attach "$1" -- sh -c "$2"; }
state_of() { sysc info -s -H "$1"; }
pid_of() { sysc info -p -H "$1"; }
# a fact of /run/sysc/NAME/state
fact() { sed -n "s/^$2 //p" "/run/sysc/$1/state"; }
property() { systemctl show -P "$2" "$1"; }
# the cgroup that has the limits of a container
cgroup_of() { echo "/sys/fs/cgroup$(sed -n 's/^0:://p' "/proc/$(pid_of "$1")/cgroup" | sed 's|\(.*\)/payload.*|\1|')"; }
clean_up() { :; }

# a guest of busybox that leaves a file when it was let end in its own way
make() {
	sysc create -q -t busybox "$@"
	mkdir "${store:?}/$1/rootfs/etc/rc.d"
	printf '#!/bin/sh\n[ "$1" != stop ] || touch /clean\n' >"$store/$1/rootfs/etc/rc.d/clean"
	chmod 755 "$store/$1/rootfs/etc/rc.d/clean"
}

# --- before the first boot of the service ---

containers_are_made() {
	systemd-sysusers
	systemd-tmpfiles --create
	sysc create -q -t debian db1 -s boot.autostart=yes -s boot.ready=notify -s boot.ready_timeout=5min -s network.eth0.address=dhcp \
		-s limits.memory=400M -s limits.pids=300
	cat >"$store/db1/rootfs/etc/systemd/system/clean.service" <<-'END'
		[Service]
		Type=oneshot
		RemainAfterExit=yes
		ExecStart=/bin/true
		ExecStop=/bin/touch /clean
		[Install]
		WantedBy=multi-user.target
	END
	ln -s ../clean.service "$store/db1/rootfs/etc/systemd/system/multi-user.target.wants/clean.service"
	make web1 -s boot.autostart=yes -s boot.after=db1 -s boot.ready=network -s network.eth0.address=dhcp \
		-s limits.memory=64M -s limits.swap=0 -s limits.pids=40 -s limits.cpus=0.2
	make app1 -s boot.autostart=yes -s boot.order=10 -s boot.ready='command test -e /tmp/ready'
	printf '#!/bin/sh\n[ "$1" != start ] || { sleep 3; touch /tmp/ready; } &\n' >"$store/app1/rootfs/etc/rc.d/late"
	chmod 755 "$store/app1/rootfs/etc/rc.d/late"
	make bad1 -s boot.autostart=yes -s container.init=/nothing
	make svc1 -s boot.ready='command test -e /etc/rc'
	make hand1
	make slow1 -s boot.ready='command test -e /go' -s boot.ready_timeout=0
}

units_are_enabled() {
	systemctl daemon-reload
	systemctl enable sysc sysc@svc1
	for unit in sysc.service sysc@svc1.service sysc-net.service sysc.slice; do
		same "" "$(systemd-analyze verify --man=no "$unit" 2>&1 | grep -i sysc || :)"
	done
}

# --- after the boot ---

everything_runs() {
	same active "$(property sysc ActiveState)"
	contains "$(systemctl status sysc)" "status=6"
	contains "$(journalctl -b -u sysc -o cat)" "bad1: failed"
	same "STOPPED STOPPED STOPPED" "$(state_of bad1) $(state_of hand1) $(state_of slow1)"
	for name in db1 web1 app1 svc1; do
		same RUNNING "$(state_of "$name")"
		[ "$(fact "$name" ready_ms)" -gt 0 ]
	done
	same "active running" "$(property sysc@svc1 ActiveState) $(property sysc@svc1 SubState)"
}

order_is_kept() {
	[ "$(fact db1 ready_ms)" -le "$(fact web1 started_ms)" ]
	[ "$(fact web1 ready_ms)" -le "$(fact app1 started_ms)" ]
	[ $(($(fact app1 ready_ms) - $(fact app1 started_ms))) -ge 3000 ]
}

addresses_by_dhcp() {
	for name in db1 web1; do
		address=$(inside "$name" 'ip -4 -o addr show eth0' | sed -n 's|.* inet \(10\.83\.[0-9.]*\)/.*|\1|p')
		contains "$(cat /run/sysc/.net/syscbr0@leases)" " $address "
		ping -c 1 -W 5 "$address"
	done
}

guest_with_systemd() {
	same running "$(sysc attach db1 -- systemctl is-system-running --wait)"
	same 419430400 "$(cat "$(cgroup_of db1)/memory.max")"
	# delegation: its own systemd makes units with limits of their own
	sysc attach db1 -- systemd-run -q -p MemoryMax=32M -p TasksMax=7 --unit=work sleep 1000
	same 33554432 "$(cat "$(cgroup_of db1)/payload/system.slice/work.service/memory.max")"
	code=0
	sysc attach db1 -- systemd-run -q --wait -p MemoryMax=20M -p MemorySwapMax=0 sh -c 'x=xxxxxxxxxxxxxxxx; while :; do x=$x$x; done' || code=$?
	[ "$code" != 0 ]
	contains "$(sysc attach db1 -- journalctl -b -o cat)" oom-kill
	same running "$(sysc attach db1 -- systemctl show -P SystemState)" ||
		same degraded "$(sysc attach db1 -- systemctl is-system-running)"
	sysc attach db1 -- systemctl reset-failed
}

limits_hold() {
	code=0
	inside web1 'x=xxxxxxxxxxxxxxxx; while :; do x=$x$x; done' || code=$?
	same 137 "$code"
	same RUNNING "$(state_of web1)"
	inside web1 'i=0; while [ $i -lt 100 ]; do sleep 100 & i=$((i + 1)); done' >/dev/null 2>&1 || :
	[ "$(cat "$(cgroup_of web1)/pids.current")" -le 40 ]
	sysc stop -q web1
	sysc start --wait ready web1
	inside web1 'timeout 3 sh -c "while :; do :; done"' || :
	[ "$(sed -n 's/^nr_throttled //p' "$(cgroup_of web1)/cpu.stat")" -ge 3 ]
	# and the host is none the worse
	same "" "$(journalctl -b -k -o cat | grep 'oom-kill:constraint=CONSTRAINT_NONE' || :)"
}

devices_are_denied() {
	mknod "$store/web1/rootfs/mem" c 1 1
	code=0
	out=$(inside web1 'head -c 1 /mem' 2>&1) || code=$?
	same 1 "$code"
	contains "$out" denied
}

# what a process of a guest can see of what it was born with, but for what each has of its own, and locked memory: a shell
# has the limit of PID 1, which comes from the size of the machine
birth_of() {
	inside "$1" 'grep -E "^(Cap|Sig(Ign|Blk|Cgt)|NoNewPrivs|Seccomp|Umask|Groups|CoreDumping|THP_enabled)" /proc/1/status
		cat /proc/1/limits /proc/1/oom_score_adj /proc/1/personality
		cut -d" " -f 18,19,40,41 /proc/1/stat
		sed "s/^[0-9]* [0-9]* [0-9:]* //; s/ master:[0-9]*//; s/,size=[^, ]*//" /proc/1/mountinfo | sed "s/$(hostname)/NAME/g"
		tr "\\0" "\\n" </proc/1/environ
		grep -c . /proc/keys || :'
}

same_as_by_hand() {
	make hand2
	sysc start hand2
	for name in hand2 app1 svc1; do
		wait_for 20 sysc attach "$name" -- grep -q '^SigBlk:.*0000000000000000' /proc/1/status # init has begun its work
		birth_of "$name" | sed '/^container_uuid=/d; /^Max locked/d; s/[ug]id=[0-9]*//g' >"/out/birth-$name"
		grep -q ^NoNewPrivs "/out/birth-$name"
	done
	# boot.ready = command adds nothing to a guest
	diff /out/birth-hand2 /out/birth-app1
	diff /out/birth-hand2 /out/birth-svc1
	sysc destroy -q -f hand2
}

systemd_tells_the_truth() {
	tree=$(systemd-cgls --no-pager)
	contains "$tree" sysc-web1.scope
	contains "$tree" sysc@svc1.service
	contains "$(systemctl status sysc.slice)" sysc-db1.scope
	same active "$(property sysc-db1.scope ActiveState)"
	same "0::/sysc.slice/sysc-db1.scope" "$(sed 's|/container.*||' "/proc/$(pid_of db1)/cgroup")"
	# the unit that started them holds nothing
	[ -z "$(cat /sys/fs/cgroup/system.slice/sysc.service/cgroup.procs 2>/dev/null)" ]
	same "0::/sysc.slice/sysc@svc1.service" "$(sed 's|/container.*||' "/proc/$(pid_of svc1)/cgroup")"
	same "$(fact svc1 keeper_pid)" "$(property sysc@svc1 MainPID)"
	systemctl status sysc@svc1 | grep -q 'Status: "Ready"'
}

active_when_ready() {
	systemctl start --no-block sysc@slow1
	wait_for 30 sh -c '[ "$(sysc info -s -H slow1)" = RUNNING ]'
	same activating "$(property sysc@slow1 ActiveState)"
	touch "$store/slow1/rootfs/go"
	wait_for 30 sh -c '[ "$(systemctl show -P ActiveState sysc@slow1)" = active ]'
	systemctl stop sysc@slow1
	same "inactive success" "$(property sysc@slow1 ActiveState) $(property sysc@slow1 Result)"
	same STOPPED "$(state_of slow1)"
	[ -e "$store/slow1/rootfs/clean" ]
}

start_that_fails_is_told() {
	code=0
	systemctl start sysc@bad1 || code=$?
	[ "$code" != 0 ]
	same failed "$(property sysc@bad1 ActiveState)"
	contains "$(systemctl status sysc@bad1 || :)" "/nothing"
	code=0
	systemctl start sysc@nobody || code=$?
	[ "$code" != 0 ]
	contains "$(systemctl status sysc@nobody || :)" "no such container"
	systemctl reset-failed
}

# the keeper, which is the unit's main process, is killed: the guest goes on and can be stopped
killed_main_process() {
	pid=$(pid_of svc1)
	systemctl kill -s KILL --kill-whom=main sysc@svc1
	wait_for 30 sh -c 'p=$(sed -n "s/^keeper_pid //p" /run/sysc/svc1/state); [ -n "$p" ] && kill -0 "$p"'
	same "$pid" "$(pid_of svc1)"
	same active "$(property sysc@svc1 ActiveState)"
	inside svc1 true
	systemctl stop sysc@svc1
	same STOPPED "$(state_of svc1)"
	[ -e "$store/svc1/rootfs/clean" ]
	rm "$store/svc1/rootfs/clean"
	systemctl start sysc@svc1
	same active "$(property sysc@svc1 ActiveState)"
}

exchanged_in_place() {
	before="$(pid_of db1) $(pid_of svc1)"
	# the same version, as files of their own
	tar -C / -xf /job/sysc.tar
	[ "$(readlink "/proc/$(fact db1 keeper_pid)/exe" | grep -c deleted)" = 1 ]
	systemctl reload sysc
	for name in db1 web1 app1 svc1; do
		wait_for 20 sh -c '[ -z "$(readlink "/proc/$(sed -n "s/^keeper_pid //p" /run/sysc/$0/state)/exe" | grep deleted)" ]' "$name"
	done
	same "$before" "$(pid_of db1) $(pid_of svc1)"
	same running "$(sysc attach db1 -- systemctl is-system-running)"
	same "active active" "$(property sysc ActiveState) $(property sysc@svc1 ActiveState)"
	same "$(fact svc1 keeper_pid)" "$(property sysc@svc1 MainPID)"
}

stop_in_reverse() {
	begin=$(cut -d. -f1 /proc/uptime)
	systemctl stop sysc
	[ $(($(cut -d. -f1 /proc/uptime) - begin)) -le 100 ]
	same "inactive success" "$(property sysc ActiveState) $(property sysc Result)"
	for name in db1 web1 app1; do
		same STOPPED "$(state_of "$name")"
		[ -e "$store/$name/rootfs/clean" ]
		rm "$store/$name/rootfs/clean"
	done
	[ "$(fact app1 stopped_ms)" -le "$(fact web1 stopped_ms)" ]
	[ "$(fact web1 stopped_ms)" -le "$(fact db1 stopped_ms)" ]
	same "" "$(systemctl list-units --plain --no-legend 'sysc-*.scope')"
	systemctl start sysc
	same RUNNING "$(state_of db1)"
}

security_is_told() {
	for unit in sysc sysc@svc1 sysc-net; do
		systemd-analyze --no-pager security "$unit" >"/out/security-$unit" || :
		tail -n 1 "/out/security-$unit"
	done
	[ -s /out/security-sysc-net ]
}

scheduled() { sysc snapshot list --json "$1" | jq -r '.. | objects | select(.reason == "schedule") | .name' | sort; }
# the newest scheduled one was made so long ago
aged() {
	newest=$(scheduled "$1" | tail -n 1)
	sed -i "s/^created_ms .*/created_ms $((($(date +%s) - $2) * 1000))/" "$store/$1/snapshots/$newest/info"
}
timer_makes_snapshots() {
	sysc snapshot create app1 byhand
	sysc config set app1 snapshots.schedule minutely
	sysc config set app1 snapshots.keep 'last 1'
	# a finer one, in the way that the unit tells
	mkdir -p /etc/systemd/system/sysc-snapshot.timer.d
	printf '[Timer]\nOnCalendar=\nOnCalendar=*:*:0/5\nAccuracySec=1s\n' >/etc/systemd/system/sysc-snapshot.timer.d/often.conf
	systemctl daemon-reload
	systemctl enable --now sysc-snapshot.timer
	wait_for 90 sh -c '[ -n "$(sysc snapshot list --json app1 | jq -r ".. | objects | select(.reason == \"schedule\") | .name")" ]'
	first=$(scheduled app1)
	same 1 "$(echo "$first" | wc -l)"
	# a minute is over: the next one, and the keep rule takes the first away
	aged app1 100
	wait_for 90 sh -c 'l=$(sysc snapshot list app1) && ! echo "$l" | grep -qF " $0 " && echo "$l" | grep -q schedule' "$first"
	same 1 "$(scheduled app1 | wc -l)"
	contains "$(sysc snapshot list app1)" byhand
	same "RUNNING success" "$(state_of app1) $(property sysc-snapshot.service Result)"
	same "" "$(sysc snapshot list web1)"
}
timer_has_missed_one() {
	rm -r /etc/systemd/system/sysc-snapshot.timer.d
	systemctl daemon-reload
	# still enabled, but nothing comes before the machine goes down
	systemctl stop sysc-snapshot.timer
	wait_for 60 sh -c '[ "$(systemctl show -P ActiveState sysc-snapshot.service)" = inactive ]'
	touch -d '2 hours ago' /var/lib/systemd/timers/stamp-sysc-snapshot.timer
	aged app1 7200
	scheduled app1 >/job/scheduled
	[ -s /job/scheduled ]
}

# before the machine goes down: one that nobody but the shell has started
by_hand_before_the_end() {
	sysc start hand1
	sysc start slow1 -s boot.ready=running
	systemctl start sysc@svc1
	same RUNNING "$(state_of hand1)"
}

# --- after it went down and came up ---

all_ended_well() {
	for name in db1 web1 app1 svc1 hand1 slow1; do
		[ -e "$store/$name/rootfs/clean" ] || { echo "$name was not let end"; lost=1; }
	done
	journalctl -b -1 -o short-monotonic >/out/journal-of-the-shutdown
	[ -z "${lost-}" ]
	contains "$(journalctl -b -1 -o cat | sed -n '/Stopped target multi-user/,$p')" "db1: stopped"
	same "" "$(journalctl -b -1 -o cat | sed -n '/Stopped target multi-user/,$p' | grep -E 'sysc(-net|@svc1|@slow1|-[a-z0-9]*)?\.(service|scope): (Failed|.*timed out|Killing)' || :)"
}

timer_makes_up_for_it() {
	wait_for 90 sh -c '[ "$(systemctl show -P ActiveState sysc-snapshot.service)" = inactive ] &&
		journalctl -b -u sysc-snapshot.service -o cat | grep -q Finished'
	same enabled "$(systemctl is-enabled sysc-snapshot.timer)"
	[ "$(scheduled app1)" != "$(cat /job/scheduled)" ]
	same 1 "$(scheduled app1 | wc -l)"
}

runs_again() {
	same active "$(property sysc ActiveState)"
	same "RUNNING RUNNING RUNNING RUNNING STOPPED" \
		"$(state_of db1) $(state_of web1) $(state_of app1) $(state_of svc1) $(state_of hand1)"
	same running "$(sysc attach db1 -- systemctl is-system-running --wait)"
}

case $stage in
1)
	run_case containers_are_made "containers are made"
	run_case units_are_enabled "the units are right, and enabled"
	reboot_machine
	;;
2)
	run_case everything_runs "the machine boots: all run and are ready, but for the one that cannot, which is told"
	run_case order_is_kept "orders, after and readiness are kept"
	run_case addresses_by_dhcp "addresses come by DHCP from the bridge's dnsmasq"
	run_case systemd_tells_the_truth "systemctl status and systemd-cgls tell what runs where"
	run_case same_as_by_hand "a guest of a unit has all that one has that was started by hand"
	run_case guest_with_systemd "a guest with systemd is running, and limits units of its own"
	run_case limits_hold "limits of memory, processes and cpu hold inside"
	run_case devices_are_denied "devices are denied"
	run_case active_when_ready "sysc@.service is active when its container is ready"
	run_case start_that_fails_is_told "a start that fails is told by systemctl status"
	run_case killed_main_process "the main process of sysc@.service is killed: the guest goes on"
	run_case exchanged_in_place "an upgrade: the supervisors are exchanged, no guest notices"
	run_case stop_in_reverse "systemctl stop: all end well, in reverse order, in time"
	run_case timer_makes_snapshots "the timer makes a scheduled snapshot, and the keep rule takes the older one"
	run_case security_is_told "systemd-analyze security"
	run_case timer_has_missed_one "the timer has missed a time"
	run_case by_hand_before_the_end "containers started by hand"
	reboot_machine
	;;
3)
	run_case all_ended_well "at the shutdown of the machine every guest ended well"
	run_case runs_again "and all run again"
	run_case timer_makes_up_for_it "and the timer makes up for the time that it missed"
	;;
esac
finish
