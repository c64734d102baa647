#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# sysc start: what runs when it returns, what its world looks like, what is left when it fails.

bats_require_minimum_version 1.5.0
LIFECYCLE_NETWORK=no
load ../lib/lifecycle

@test "start returns when init runs; ls, info and the log tell; a second start is fine" {
	make_busybox web1
	[ "$(state_of web1)" = STOPPED ]
	run sysc start web1
	[ "$status" = 0 ]
	[ "$output" = "" ]
	[ "$(state_of web1)" = RUNNING ]
	pid=$(pid_of web1)
	[ "$(cat "/proc/$pid/comm")" = init ]
	[[ $(readlink "/proc/$pid/exe") == */busybox ]]
	[ "$(fact web1 init)" = busybox ]
	[ "$(fact web1 last_failure)" = null ]
	[ "$(sysc ls -1 --running)" = web1 ]
	[[ $(sysc ls -F NAME,STATE,PID) == *web1*RUNNING*"$pid"* ]]
	grep -q "running, init $pid (busybox)" "$SYSC_LOG/web1.log"

	run sysc start web1
	[ "$status" = 0 ]
	[ "$(pid_of web1)" = "$pid" ]
	sysc stop -k web1
	assert_nothing_left
}

@test "--log: what the command tells and each step, in a file of one's own" {
	make_busybox web1
	log=$BATS_TEST_TMPDIR/start.log
	sysc start -o "$log" -l debug web1
	grep -qE '^[0-9T:.-]+Z debug .*start.* web1$' "$log"
	[ "$(grep -cE " debug step '(plan|links|birth)'" "$log")" = 3 ]
	sysc stop -q -k -o "$log" web1
	run -3 sysc start --log "$log" none
	grep -qE " error sysc-start: none: no such container" "$log"
	run -1 sysc ls --log "$BATS_TEST_TMPDIR"
	[[ $output == *"open the log '$BATS_TEST_TMPDIR': Is a directory" ]]
	run ! grep -q debug "$SYSC_LOG/web1.log"
}

@test "the supervisor: a session of its own, no fd and no working folder of the caller" {
	make_busybox web1
	(cd "$BATS_TEST_TMPDIR" && sysc start web1 7>held 8<"$BATS_TEST_FILENAME")
	for process in "$(monitor_of web1)" "$(keeper_of web1)"; do
		[[ $(readlink "/proc/$process/exe") == */sysc-monitor ]]
		ls -l "/proc/$process/fd"
		run ! grep -E 'held|start.bats' <(ls -l "/proc/$process/fd" "/proc/$(pid_of web1)/fd")
		[ "$(readlink "/proc/$process/cwd")" = / ]
		# stdin, stdout, stderr
		for fd in 0 1 2; do
			[ "$(readlink "/proc/$process/fd/$fd")" = /dev/null ]
		done
		read -r _ _ _ _ _ session _ <"/proc/$process/stat"
		[ "$session" = "$(keeper_of web1)" ]
	done
}

@test "no such container is 3, with its name; a wrong name too" {
	run sysc start nobody
	echo "$output"
	[ "$status" = 3 ]
	[[ $output == "sysc-start: nobody: "*"no container 'nobody'"* || $output == *"no such container"* ]]
	run sysc start ../etc
	[ "$status" -ne 0 ]
	run sysc start
	[ "$status" = 2 ]
}

@test "errors in the configuration are told all at once with file:line, and nothing is made" {
	make_busybox web1
	config=$SYSC_PATH/web1/config
	printf '[limits]\nmemroy = 64M\npids = many\n' >>"$config"
	line=$(grep -n memroy "$config" | cut -d: -f1)
	run sysc start web1
	echo "$output"
	[ "$status" = 1 ]
	[[ $output == *"$config:$line"*"memroy"*"did you mean"*memory* ]]
	[[ $output == *"$config:$((line + 1))"*pids* ]]
	[ "$(state_of web1)" = STOPPED ]
	assert_nothing_left
}

@test "each step that fails ends in one line, is kept for info, and leaves nothing" {
	make_busybox web1
	for step in plan addresses cgroup birth maps links filter applied ready run; do
		SYSC_FAIL_STEP=$step run sysc start web1
		echo "$step: $status $output"
		[ "$status" = 1 ]
		[ "$output" = "sysc-start: web1: step '$step' was made to fail (SYSC_FAIL_STEP)" ]
		assert_nothing_left
		[ "$(state_of web1)" = STOPPED ]
		[[ $(sysc info web1) == *"Last failure:"*"step '$step' was made to fail"* ]]
	done
	sysc start web1
	[[ $(sysc info web1) != *"Last failure:"* ]]
	sysc stop -k web1
	assert_nothing_left
}

@test "a missing init is told with a way out" {
	make_busybox web1
	rm "$(rootfs web1)/sbin/init"
	run sysc start web1
	echo "$output"
	[ "$status" = 1 ]
	[[ $output == "sysc-start: web1: the root file system has no '/sbin/init' (install an init in it, or set container.init"* ]]
	[ "${#lines[@]}" = 1 ]
	assert_nothing_left
	# one that is no file, one that nobody may run
	mkdir "$(rootfs web1)/sbin/init"
	run sysc start web1
	[ "$status" = 1 ]
	[[ $output == *"'/sbin/init'"*"no executable file"* ]]
	run sysc start -s container.init=/etc/passwd web1
	[ "$status" = 1 ]
	[[ $output == *"'/etc/passwd'"*"no executable file"* ]]
}

@test "an init of another architecture, or with a loader that is not there, is told so" {
	make_busybox web1
	# an ELF header whose machine is none that Linux runs on
	{
		printf '\177ELF\2\1\1\0\0\0\0\0\0\0\0\0\2\0\377\177'
		head -c 200 /dev/zero
	} >"$(rootfs web1)/alien"
	chmod +x "$(rootfs web1)/alien"
	run sysc start -s container.init=/alien web1
	echo "$output"
	[ "$status" = 1 ]
	[[ $output == "sysc-start: web1: run '/alien': Exec format error ("*architecture* ]]
	printf '#!/no/such/loader\n' >"$(rootfs web1)/script"
	chmod +x "$(rootfs web1)/script"
	run sysc start -s container.init=/script web1
	echo "$output"
	[ "$status" = 1 ]
	[[ $output == "sysc-start: web1: run '/script': No such file or directory (its interpreter"* ]]
	[[ $(sysc info web1) == *"Last failure:"*"/script"* ]]
	assert_nothing_left
}

@test "mounts of the configuration: a missing source blames its line; optional, create, ro and idmap work" {
	make_busybox web1
	mkdir "$BATS_TEST_TMPDIR/data"
	echo hello >"$BATS_TEST_TMPDIR/data/file"
	config=$SYSC_PATH/web1/config
	printf '[mounts]\nentry = %s srv none bind,create=dir 0 0\n' "$BATS_TEST_TMPDIR/absent" >>"$config"
	line=$(wc -l <"$config")
	run sysc start web1
	echo "$output"
	[ "$status" = 1 ]
	[[ $output == "sysc-start: web1: mount '$BATS_TEST_TMPDIR/absent' on '/srv': No such file or directory ($config:$line)" ]]
	assert_nothing_left
	sed -i '$d' "$config"
	# a source that is there, a target that is not
	echo "entry = $BATS_TEST_TMPDIR/data nowhere none bind 0 0" >>"$config"
	run sysc start web1
	echo "$output"
	[ "$status" = 1 ]
	[[ $output == *"mount on '/nowhere'"*"($config:$line)" ]]
	assert_nothing_left
	sed -i '$d' "$config"
	cat >>"$config" <<-END
		entry = $BATS_TEST_TMPDIR/absent srv none bind,optional 0 0
		entry = $BATS_TEST_TMPDIR/data a/b/plain none bind,create=dir 0 0
		entry = $BATS_TEST_TMPDIR/data mapped none bind,create=dir,idmap 0 0
		entry = $BATS_TEST_TMPDIR/data fixed none bind,ro,create=dir 0 0
		entry = tmpfs mem tmpfs size=1M,create=dir 0 0
	END
	sysc start web1
	[ "$(inside web1 'cat /a/b/plain/file /mapped/file /fixed/file')" = $'hello\nhello\nhello' ]
	# root of the host is nobody inside, but where ids are mapped
	[ "$(inside web1 'stat -c %u /a/b/plain/file /mapped/file')" = $'65534\n0' ]
	run ! inside web1 'echo more >/a/b/plain/file'
	inside web1 'echo more >/mapped/new'
	[ "$(stat -c %u "$BATS_TEST_TMPDIR/data/new")" = 0 ]
	run inside web1 'touch /fixed/file'
	[[ $output == *"Read-only"* ]]
	inside web1 'grep -q " /mem tmpfs .*size=1024k" /proc/mounts'
	[ ! -e "$(rootfs web1)/srv" ]
}

@test "a limit that cannot be applied stops the start with its line" {
	make_busybox web1
	echo '[limits]' >>"$SYSC_PATH/web1/config"
	echo 'cpuset = 4000' >>"$SYSC_PATH/web1/config"
	line=$(wc -l <"$SYSC_PATH/web1/config")
	run sysc start web1
	echo "$output"
	[ "$status" = 1 ]
	[[ $output == "sysc-start: web1: limits.cpuset"*"4000"*"$SYSC_PATH/web1/config:$line"* ]]
	[ "${#lines[@]}" = 1 ]
	assert_nothing_left
}

@test "-s overrides keys for one start; a wrong one is told" {
	make_busybox web1
	sysc start -s container.hostname=other -s container.environment=COLOUR=blue web1
	[ "$(inside web1 hostname)" = other ]
	tr '\0' '\n' <"/proc/$(pid_of web1)/environ" | grep -qx COLOUR=blue
	sysc stop -k web1
	sysc start web1
	[ "$(inside web1 hostname)" = web1 ]
	sysc stop -k web1
	run sysc start -s container.hostnam=x web1
	[ "$status" = 1 ]
	[[ $output == *"container.hostnam"*"option -s"* || $output == *"option -s"*"hostnam"* ]]
	[ "$(state_of web1)" = STOPPED ]
}

@test "-F stays until the container ends, with its console and its exit code" {
	make_busybox web1
	stub_init web1 <<<'echo "hello from init"; exit 7'
	# also when it has ended before anybody looks
	for _ in 1 2 3 4 5 6; do
		run sysc start -F web1
		echo "$output"
		[ "$status" = 7 ]
		[[ $output == *"hello from init"* ]]
	done
	[ "$(state_of web1)" = STOPPED ]
	# typed on a terminal
	stub_init web1 <<<'echo ready; read -r line; echo "got $line"; exit 3'
	run terminal 'expect=ready' 'send=some words\r' -- "$top_builddir/src/sysc" start -F web1
	echo "$output"
	[ "$status" = 3 ]
	[[ $output == *"got some words"* ]]
	assert_nothing_left
}

@test "several: names, globs, --all, -j; a result line each and 6 when some failed" {
	make_busybox web1
	make_busybox web2
	make_busybox db
	run sysc start 'web*'
	echo "$output"
	[ "$status" = 0 ]
	[ "$(sort <<<"$output")" = $'web1: started\nweb2: started' ]
	rm "$(rootfs db)/sbin/init"
	run --separate-stderr sysc start --all -j 2
	echo "$output -- $stderr"
	[ "$status" = 6 ]
	[ "$(sort <<<"$output")" = $'web1: started\nweb2: started' ]
	[[ $stderr == "sysc-start: db: the root file system has no '/sbin/init'"* ]]
	run sysc stop -k --all
	[ "$status" = 0 ]
	run sysc start 'none*'
	[ "$status" = 3 ]
	assert_nothing_left
}

@test "two starts at once: one container runs, both succeed" {
	make_busybox web1
	for round in 1 2 3; do
		pids=()
		for _ in 1 2 3; do
			"$top_builddir/src/sysc" start web1 3>&- &
			pids+=($!)
		done
		for pid in "${pids[@]}"; do
			wait "$pid"
		done
		[ "$(state_of web1)" = RUNNING ]
		wait_until 10 has_pair web1
		[ "$(count_supervisors)" = 2 ]
		[ "$(grep -c running "$SYSC_LOG/web1.log")" = "$round" ]
		sysc stop -k web1
	done
	assert_nothing_left
}

@test "the container outlives the terminal, the session and the shell that started it" {
	make_busybox web1
	# SIGHUP to the session, when the terminal is closed; one that reads from it may end before that by an error
	run terminal expect=started hangup -- sh -c "'$top_builddir/src/sysc' start web1 && echo started; exec tail -f /dev/null"
	echo "$output"
	[ "$status" = 129 ]
	[ "$(state_of web1)" = RUNNING ]
	[ "$(inside web1 'echo alive')" = alive ]
}

assert_starts_and_stops() {
	sysc start "$1"
	[ "$(state_of "$1")" = RUNNING ]
	[ "$(inside "$1" 'echo alive')" = alive ]
	wait_until 10 has_pair "$1"
	[ "$(count_supervisors)" = 2 ]
	sysc stop -k "$1"
	assert_nothing_left
}

@test "a start that is killed leaves a whole container, at whatever moment" {
	make_busybox web1
	for ((nth = 0; nth < 12; nth++)); do
		"$top_builddir/src/sysc" start web1 3>&- &
		pid=$!
		read -rt "0.0$((nth / 10))$((nth % 10))" <> <(:) || :
		kill -KILL "$pid" 2>/dev/null || :
		{ wait "$pid" || :; } 2>/dev/null
		# the supervisor goes on by itself, if it was there already
		run -0 sysc wait -s 'RUNNING|STOPPED' -t 20s web1
		assert_starts_and_stops web1
	done
}

@test "a supervisor that is killed during the start, at whatever moment, leaves a whole container or none" {
	make_busybox web1
	stub_init web1 <<<'exec sleep 1000'
	for ((nth = 0; nth < 8; nth++)); do
		"$top_builddir/src/sysc" start web1 2>/dev/null 3>&- &
		pid=$!
		read -rt "0.0$((nth / 10))$((nth % 10))" <> <(:) || :
		supervisor=$(pgrep -P "$pid" | head -n 1)
		[ -z "$supervisor" ] || kill -KILL "$supervisor" 2>/dev/null || :
		wait "$pid" || :
		[ -z "$supervisor" ] || wait_until 5 has_ended "$supervisor"
		assert_starts_and_stops web1
	done
}

@test "namespaces and ids: none of the host's" {
	start_busybox web1
	pid=$(pid_of web1)
	for namespace in mnt pid net uts ipc cgroup user; do
		[ "$(readlink "/proc/$pid/ns/$namespace")" != "$(readlink "/proc/self/ns/$namespace")" ]
	done
	read -r inside outside count <"/proc/$pid/uid_map"
	[ "$inside" = 0 ]
	[ "$outside" -ge 65536 ]
	[ "$count" = 65536 ]
	cmp "/proc/$pid/uid_map" "/proc/$pid/gid_map"
	[ "$(stat -c %u "/proc/$pid/task")" = "$outside" ]
	# plain ids on the disk
	[ "$(stat -c %u "$(rootfs web1)/bin/busybox")" = 0 ]
	[ "$(inside web1 'touch /new && stat -c %u:%g /new /bin/busybox')" = $'0:0\n0:0' ]
	[ "$(stat -c %u:%g "$(rootfs web1)/new")" = 0:0 ]
}

@test "two containers share no ids and no namespace" {
	start_busybox web1
	start_busybox web2
	[ "$(awk '{print $2}' "/proc/$(pid_of web1)/uid_map")" != "$(awk '{print $2}' "/proc/$(pid_of web2)/uid_map")" ]
	for namespace in mnt pid net uts ipc cgroup user; do
		[ "$(readlink "/proc/$(pid_of web1)/ns/$namespace")" != "$(readlink "/proc/$(pid_of web2)/ns/$namespace")" ]
	done
}

@test "privileged = yes: host ids, all other fences, shown by info" {
	make_busybox web1 -s container.privileged=yes
	sysc start web1
	pid=$(pid_of web1)
	[ "$(readlink "/proc/$pid/ns/user")" = "$(readlink /proc/self/ns/user)" ]
	for namespace in mnt pid net uts ipc cgroup; do
		[ "$(readlink "/proc/$pid/ns/$namespace")" != "$(readlink "/proc/self/ns/$namespace")" ]
	done
	[[ $(sysc info web1) == *"Id map:"*privileged* ]]
	[ "$(inside web1 'stat -c %t:%T /dev/null')" = 1:3 ]
	inside web1 'echo x >/dev/null'
	grep -q 'Seccomp:.*2' "/proc/$pid/status"
	[ "$(awk '/CapEff/ {print $2}' "/proc/$pid/status")" != 000001ffffffffff ]
	run ! inside web1 'echo 1 >/proc/sys/kernel/panic'
	run ! inside web1 'echo b >/proc/sysrq-trigger'
	run ! inside web1 'mount -o remount,rw /sys && touch /sys/x'
	sysc stop -k web1
	assert_nothing_left
}

@test "what PID 1 gets: environment, host name, uuid, streams, a boot id of its own at each start" {
	make_busybox web1 -s container.hostname=www
	sysc start web1
	pid=$(pid_of web1)
	tr '\0' '\n' <"/proc/$pid/environ" >"$BATS_TEST_TMPDIR/environ"
	grep -qx container=lxc "$BATS_TEST_TMPDIR/environ"
	grep -qx "container_uuid=$(sysc config get web1 container.uuid)" "$BATS_TEST_TMPDIR/environ"
	grep -qx 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' "$BATS_TEST_TMPDIR/environ"
	run ! grep -E '^(SYSC_|BATS_|top_)' "$BATS_TEST_TMPDIR/environ"
	[ "$(inside web1 hostname)" = www ]
	[ "$(inside web1 'hostname other; hostname')" = other ]
	[ "$(hostname)" = sysc-test ]
	first=$(inside web1 'cat /proc/sys/kernel/random/boot_id')
	[[ $first =~ ^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$ ]]
	[ "$first" != "$(cat /proc/sys/kernel/random/boot_id)" ]
	[ "$(inside web1 'cat /proc/sys/kernel/random/boot_id')" = "$first" ]
	sysc stop -k web1
	sysc start web1
	[ "$(inside web1 'cat /proc/sys/kernel/random/boot_id')" != "$first" ]
}

@test "nothing of the host is mounted; /proc and /sys are fenced" {
	start_busybox web1
	# only the root file system, kernel file systems and the device nodes
	inside web1 'cat /proc/self/mountinfo' >"$BATS_TEST_TMPDIR/mounts"
	cat "$BATS_TEST_TMPDIR/mounts"
	[ "$(awk '$5 !~ "^/($|proc|sys|dev)"' "$BATS_TEST_TMPDIR/mounts")" = "" ]
	inside web1 'grep -q " /sys/fs/cgroup cgroup2 " /proc/mounts'
	run ! inside web1 'grep -q " cgroup " /proc/mounts'
	[ "$(inside web1 'cat /proc/1/cgroup' | tail -n 1)" = 0::/ ]
	[ "$(inside web1 'cat /proc/self/cgroup' | tail -n 1)" = 0::/.sysc ]
	run ! inside web1 'echo 0 >/proc/sys/kernel/panic'
	run ! inside web1 'echo b >/proc/sysrq-trigger'
	run ! inside web1 'head -c 1 /proc/kcore'
	[ "$(inside web1 'ls -A /sys/firmware' 2>/dev/null)" = "" ]
	# but what belongs to its own network namespace can be set
	inside web1 'echo 1 >/proc/sys/net/ipv4/ip_forward'
	# and nothing of it is seen on the host
	run ! grep -F "$SYSC_PATH/web1" /proc/self/mountinfo
}

@test "/dev: the usual nodes and no other device" {
	start_busybox web1
	[ "$(inside web1 'cd /dev; for n in null zero full random urandom tty; do stat -c "%n %t:%T %a" $n; done')" = "$(
		cat <<-'END'
			null 1:3 666
			zero 1:5 666
			full 1:7 666
			random 1:8 666
			urandom 1:9 666
			tty 5:0 666
		END
	)" ]
	inside web1 'echo x >/dev/null; head -c 4 /dev/zero; head -c 4 /dev/urandom >/tmp/random; [ -s /tmp/random ]'
	run ! inside web1 'echo x >/dev/full'
	for n in 1 2 3 4; do
		inside web1 "test -c /dev/tty$n"
	done
	[ "$(inside web1 'for n in ptmx fd stdin; do readlink /dev/$n; done')" = $'pts/ptmx\n/proc/self/fd\n/proc/self/fd/0' ]
	inside web1 'test -c /dev/console && test -d /dev/shm && echo x >/dev/shm/x'
	[ "$(inside web1 'find /dev -type b | wc -l')" = 0 ]
	[ "$(inside web1 'find /dev -type c | grep -Ev "^/dev/(null|zero|full|random|urandom|tty[0-9]*|console|pts/[0-9a-z]*)$" | wc -l')" = 0 ]
	run inside web1 'mknod /tmp/disk b 7 0'
	[ "$status" -ne 0 ]
}

@test "rlimits and sysctls reach init; a wrong one blames its line" {
	make_busybox web1 -s rlimits.nofile=512:1024 -s rlimits.core=0 -s sysctl.net.ipv4.ip_forward=1 -s sysctl.kernel.msgmax=4096
	sysc start web1
	grep -qE 'Max open files +512 +1024' "/proc/$(pid_of web1)/limits"
	grep -qE 'Max core file size +0 +0' "/proc/$(pid_of web1)/limits"
	run inside web1 'ulimit -Sn; ulimit -Hn'
	echo "$output"
	[ "$output" = $'512\n1024' ]
	[ "$(inside web1 'cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax')" = $'1\n4096' ]
	sysc stop -k web1
	printf '[rlimits]\nnofile = 9:3\n' >>"$SYSC_PATH/web1/config"
	line=$(wc -l <"$SYSC_PATH/web1/config")
	run sysc start web1
	echo "$output"
	[ "$status" = 1 ]
	[[ $output == *"rlimits.nofile"*"$SYSC_PATH/web1/config:$line"* || $output == *"$SYSC_PATH/web1/config:$line"*"rlimits.nofile"* ]]
	assert_nothing_left
}

@test "symlinks of a hostile root file system lead nowhere" {
	make_busybox web1
	root=$(rootfs web1)
	mkdir "$BATS_TEST_TMPDIR/host"
	for place in proc sys dev; do
		mv "$root/$place" "$root/$place.was"
		ln -s "$BATS_TEST_TMPDIR/host" "$root/$place"
		run sysc start web1
		echo "$place: $output"
		[ "$status" = 1 ]
		[[ $output == *"mount on '/$place"*symlink* ]]
		assert_nothing_left
		rm "$root/$place"
		mv "$root/$place.was" "$root/$place"
	done
	[ "$(ls -A "$BATS_TEST_TMPDIR/host")" = "" ]
}
