#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# [health]: a check inside again and again, what it says of the container, and a restart that follows from it.

bats_require_minimum_version 1.5.0
LIFECYCLE_NETWORK=no
load ../lib/lifecycle

health_of() { fact "$1" health; }
is_health() { [[ $(health_of "$1") == "$2" ]]; }
info_has() { [[ $(sysc info "$1") == *"$2"* ]]; }
has_new_pid() { [ "$(state_of web1)" = RUNNING ] && [ "$(pid_of web1)" != "$1" ]; }
log_of() { cat "$SYSC_LOG/$1.log"; }

# make_watched [CREATE-OPTION...]: web1 is well while there is no file /ill
make_watched() {
	make_busybox web1 -s health.command='sh -c "echo checked >>/checks; ! test -e /ill || { echo it hurts; exit 7; }"' \
		-s health.interval=1s -s health.retries=2 "$@" >/dev/null
	quick_init web1
}

checks() { wc -l <"$(rootfs web1)/checks"; }

@test "healthy, unhealthy after so many failures with what the check said, healthy again" {
	make_watched
	in_background sysc monitor --json web1
	log="$BATS_TEST_TMPDIR/background.log"
	sysc start web1
	wait_until 10 is_health web1 healthy
	[[ $(sysc ls -F name,health web1) == *healthy* ]]
	: >"$(rootfs web1)/ill"
	wait_until 10 is_health web1 "unhealthy: the check ends with 7: it hurts"
	[[ $(log_of web1) == *"health check failed (1 of 2): the check ends with 7: it hurts"* ]]
	[ "$(state_of web1)" = RUNNING ]
	info_has web1 "Health:         unhealthy: the check ends with 7"
	rm "$(rootfs web1)/ill"
	wait_until 10 is_health web1 healthy
	[[ $(log_of web1) == *"healthy again"* ]]
	wait_until 5 grep -q '"event": *"health".*"detail": *"unhealthy: the check ends with 7' "$log"
	sysc stop web1
	assert_nothing_left web1
}

@test "a check that hangs is ended after its time, with all that it started" {
	make_busybox web1 -s health.command='sh -c "sleep 2000 & sleep 2001"' -s health.interval=1s \
		-s health.timeout=300ms -s health.retries=1 >/dev/null
	quick_init web1
	sysc start web1
	wait_until 10 is_health web1 "unhealthy: the check takes longer than 300 ms"
	wait_until 10 eval '! inside web1 "ps | grep -q \"[s]leep 200[01]\""'
	sysc stop web1
	assert_nothing_left web1
}

@test "a command that is not there, and one that says a lot" {
	make_busybox web1 -s health.command='/no/such/thing' -s health.interval=1s -s health.retries=1 >/dev/null
	quick_init web1
	sysc start web1
	wait_until 10 eval '[[ $(health_of web1) == "unhealthy: the check ends with 127: "*"/no/such/thing"* ]]'
	sysc config set web1 health.command 'sh -c "yes | head -c 1000000; exit 3"'
	sysc stop web1
	sysc start web1
	wait_until 10 is_health web1 "unhealthy: the check ends with 3: y"
	sysc stop web1
	assert_nothing_left web1
}

@test "on_failure = restart: by the guest's own signal, counted, with the reason kept" {
	make_watched -s health.on_failure=restart -s boot.restart_delay=100ms -s boot.restart_limit=1
	stub_init web1 <<-'END'
		trap 'rm -f /ill; exit 0' PWR USR2 TERM INT
		while :; do sleep 1000 & wait $!; done
	END
	sysc start web1
	wait_until 10 is_health web1 healthy
	pid=$(pid_of web1)
	: >"$(rootfs web1)/ill"
	wait_until 15 has_new_pid "$pid"
	info_has web1 "Restart:        1 of 1"
	info_has web1 "by health check, the check ends with 7: it hurts, exit code 0, unhealthy: the check"
	info_has web1 "health.on_failure is restart"
	[ "$(sysc info --json web1 | sed -n 's/^ *"reason": "\(.*\)",*$/\1/p')" = unhealthy ]
	wait_until 10 is_health web1 healthy
	# the limit holds here too
	: >"$(rootfs web1)/ill"
	sysc wait -s STOPPED -t 15s web1
	info_has web1 "boot.restart_limit (1) is reached"
	assert_nothing_left web1
}

@test "on_failure = restart: one that does not hear is killed when its time is over" {
	make_watched -s health.on_failure=restart -s boot.restart_delay=100ms -s stop.timeout=500ms
	stub_init web1 <<-'END'
		trap '' PWR USR2 TERM INT
		while :; do sleep 1000 & wait $!; done
	END
	sysc start web1
	wait_until 10 is_health web1 healthy
	pid=$(pid_of web1)
	: >"$(rootfs web1)/ill"
	wait_until 15 eval '[[ $(log_of web1) == *"does not stop in time"* ]]'
	rm "$(rootfs web1)/ill"
	wait_until 15 has_new_pid "$pid"
	info_has web1 "killed by SIGKILL"
	sysc stop -k web1
	assert_nothing_left web1
}

@test "a frozen container is not judged; a stop ends the checks" {
	make_watched
	sysc start web1
	wait_until 10 is_health web1 healthy
	sysc freeze web1
	n=$(checks)
	: >"$(rootfs web1)/ill"
	# time for two checks and more
	run ! timeout 4 "$top_builddir/src/sysc" wait -s RUNNING web1
	is_health web1 healthy
	[ "$(checks)" -le $((n + 1)) ]
	sysc unfreeze web1
	wait_until 10 is_health web1 "unhealthy: the check ends with 7: it hurts"
	sysc stop web1
	assert_nothing_left web1
}

@test "checks begin when it is ready, and go on with another worker" {
	make_watched -s boot.ready='command test -e /up'
	sysc start web1
	run ! sysc wait --ready -t 1s web1
	[ ! -e "$(rootfs web1)/checks" ]
	: >"$(rootfs web1)/up"
	wait_until 15 is_health web1 healthy
	kill -KILL "$(monitor_of web1)"
	: >"$(rootfs web1)/ill"
	wait_until 15 is_health web1 "unhealthy: the check ends with 7: it hurts"
	sysc stop web1
	assert_nothing_left web1
}
