#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# [boot] ready: each thing that may count, seen by those who wait for it; what is said when it does not come.
# cache: debian bookworm

bats_require_minimum_version 1.5.0
load ../lib/lifecycle

is_ready() { [ -n "$(fact "$1" ready)" ] && [ "$(fact "$1" ready)" != null ]; }
info_has() { [[ $(sysc info "$1") == *"$2"* ]]; }
log_of() { cat "$SYSC_LOG/$1.log"; }

# --- running ---

@test "running: ready as soon as it runs" {
	make_busybox web1 >/dev/null
	sysc start --wait ready -t 5s web1
	is_ready web1
	sysc stop -k web1
	[ "$(sysc info web1 | grep -c Ready:)" = 0 ]
}

# --- network ---

@test "network: an address given by sysc, and a container without any network" {
	make_busybox web1 -s boot.ready=network >/dev/null
	echo '; no network' >"$SYSC_ETC/default.conf"
	make_busybox web2 -s boot.ready=network >/dev/null
	quick_init web1
	quick_init web2
	sysc start --wait ready -t 10s web1
	sysc start --wait ready -t 1s web2
	[[ $(log_of web1) == *"ready (network)"* ]]
	sysc stop web1 web2
	assert_nothing_left
}

# network_by_hand [CREATE-OPTION...]: web1, whose addresses are left to the guest, and nobody in it asks for one
network_by_hand() {
	printf '%s\n' '[network.eth0]' 'bridge = syscbr0' 'address = dhcp' >"$SYSC_ETC/default.conf"
	make_busybox web1 -s boot.ready=network "$@" >/dev/null
	quick_init web1
	sysc start web1
	inside web1 'ip link set eth0 up'
	run ! is_ready web1
}

@test "network: an address alone is not enough, a route of the same family is; link-local counts for nothing" {
	network_by_hand
	inside web1 'ip addr add 169.254.7.7/16 scope link dev eth0; ip addr add fe80::77/64 dev eth0'
	inside web1 'ip addr add 10.83.3.3/20 dev eth0; ip -6 route add default via fe80::1 dev eth0'
	run ! sysc wait --ready -t 1s web1
	inside web1 'ip route add default via 10.83.0.1'
	sysc wait --ready -t 10s web1
	sysc stop web1
	assert_nothing_left web1
}

@test "network: with gateway none the address is enough, IPv6 too" {
	network_by_hand -s network.eth0.gateway=none
	inside web1 'ip -6 addr add fd00:83::5/64 dev eth0'
	sysc wait --ready -t 10s web1
	sysc stop web1
	assert_nothing_left web1
}

@test "network: an address by DHCP in Alpine" {
	need dnsmasq
	printf '%s\n' '[network.eth0]' 'bridge = syscbr0' 'address = dhcp' >"$SYSC_ETC/default.conf"
	make_alpine web1 -s boot.ready=network >/dev/null
	printf '%s\n' '::once:/sbin/udhcpc -b -i eth0' >>"$(rootfs web1)/etc/inittab"
	sysc start --wait ready -t 30s web1
	[[ $(sysc info -i -H web1) == 10.83.* ]]
	sysc stop web1
	assert_nothing_left web1
}

@test "network: over time it is told and kept, and the container goes on and may still become ready" {
	in_background sysc monitor web1
	network_by_hand -s boot.ready_timeout=300ms
	wait_until 10 info_has web1 "Ready:          no: no address that reaches beyond its own link after 0 s"
	wait_until 5 grep -q 'web1 NOT-READY no address' "$BATS_TEST_TMPDIR/background.log"
	[[ $(log_of web1) == *"not ready (network): no address"* ]]
	# the death of the worker changes nothing
	monitor=$(monitor_of web1)
	kill -KILL "$monitor"
	wait_until 5 eval '[ "$(monitor_of web1)" != "$monitor" ]'
	[ "$(state_of web1)" = RUNNING ]
	inside web1 'ip addr add 10.83.3.3/20 dev eth0; ip route add default via 10.83.0.1'
	sysc wait --ready -t 10s web1
	info_has web1 "Ready:          yes, since"
	wait_until 5 grep -q 'web1 READY after' "$BATS_TEST_TMPDIR/background.log"
	sysc stop web1
	assert_nothing_left web1
}

# --- command ---

@test "command: tried until it ends with 0; its words are told; it ends with the container" {
	make_busybox web1 -s boot.ready='command sh -c "echo not up; test -e /up"' -s boot.ready_timeout=500ms >/dev/null
	quick_init web1
	sysc start web1
	wait_until 10 info_has web1 "no: the command ends with 1: not up after 0 s"
	: >"$(rootfs web1)/up"
	sysc wait --ready -t 15s web1
	sysc stop web1
	assert_nothing_left web1
	# one that hangs does not outlive the container, nor hold up its stop
	sysc config set web1 boot.ready 'command sleep 1000'
	sysc start web1
	wait_until 10 inside web1 'pidof sleep'
	run ! is_ready web1
	sysc stop -t 10s web1
	assert_nothing_left web1
}

# --- notify ---

@test "notify: systemd says it when it has booted, and what it is doing; nobody else is heard" {
	make_debian web1 bookworm -s boot.ready=notify
	in_background sysc monitor web1
	sysc start --wait ready -t 90s web1
	[ "$(timeout 30 "$top_builddir/src/sysc" attach web1 -- systemctl is-system-running)" = running ]
	# the socket is where systemd looks for it, and its root's alone
	[ "$(inside web1 'stat -c "%F %a %u" /run/host/notify')" = "socket 600 0" ]
	[ "$(inside web1 'stat -f -c %T /run')" = tmpfs ]
	# nobody but init is heard
	inside web1 'NOTIFY_SOCKET=/run/host/notify systemd-notify --status="a lie" || :'
	inside web1 'NOTIFY_SOCKET=/run/host/notify systemd-notify STOPPING=1 || :'
	inside web1 'runuser -u nobody -- sh -c "NOTIFY_SOCKET=/run/host/notify systemd-notify --status=x" || :'
	run ! info_has web1 "a lie"
	[ "$(state_of web1)" = RUNNING ]
	run ! inside web1 'systemctl show-environment | grep NOTIFY_SOCKET'
	inside web1 'systemctl poweroff' || :
	wait_until 60 grep -q 'web1 STOPPED by the guest (poweroff' "$BATS_TEST_TMPDIR/background.log"
	assert_nothing_left web1
	[ ! -e "$SYSC_RUN/web1/notify" ]
}

# talking_init NAME: sends what is put into the folder /say, NAME.init itself, NAME.child by a child; a file many
# times when it is of NAME.flood. One that was sent is gone.
talking_init() {
	mkdir "$(rootfs "$1")/say"
	rm "$(rootfs "$1")/sbin/init"
	cat >"$(rootfs "$1")/sbin/init" <<-'END'
		#!/usr/bin/perl
		use IO::Socket::UNIX;
		$SIG{$_} = sub { exit 0 } for qw(PWR TERM INT USR2);
		sub say_it {
		    my $s = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Peer => $ENV{NOTIFY_SOCKET}) or die;
		    $s->blocking(0) if @_ > 1;
		    $s->send($_[0]);
		}
		while (1) {
		    for my $file (sort glob "/say/*.{init,child,flood}") {
		        open my $in, "<", $file; local $/; my $text = <$in>;
		        if ($file =~ /child$/) { if (!fork) { say_it($text); exec "true" } wait }
		        elsif ($file =~ /flood$/) { say_it("$text$_", 1) for 1 .. 20000 }
		        else { say_it($text) }
		        unlink $file;
		    }
		    select undef, undef, undef, 0.02;
		}
	END
	chmod +x "$(rootfs "$1")/sbin/init"
}

# say KIND TEXT: returns when it was sent
say() {
	printf "$2" >"$(rootfs web1)/say/new"
	mv "$(rootfs web1)/say/new" "$(rootfs web1)/say/1.$1"
	wait_until 20 test ! -e "$(rootfs web1)/say/1.$1"
}

@test "notify: only init itself, only whole messages; STATUS and STOPPING are shown; a flood does no harm" {
	make_debian web1 bookworm -s boot.ready=notify
	talking_init web1
	in_background sysc monitor web1
	sysc start web1
	say child 'READY=1'
	say init 'READY=1\nnoise'
	say init 'READY=1\0'
	say init 'STATUS=in \033[31mred'
	wait_until 5 info_has web1 'Status:         in ?[31mred'
	run ! is_ready web1
	say flood 'STATUS=round '
	say init 'READY=1\nSTATUS=up\nX_SYSTEMD_UNIT_ACTIVE=x'
	sysc wait --ready -t 10s web1
	wait_until 5 info_has web1 'Status:         up'
	# what it says is heard by another worker, too
	kill -KILL "$(monitor_of web1)"
	say init 'STATUS=later'
	wait_until 5 info_has web1 'Status:         later'
	say init 'STOPPING=1'
	wait_until 5 eval '[ "$(state_of web1)" = STOPPING ]'
	wait_until 5 grep -q 'web1 STOPPING' "$BATS_TEST_TMPDIR/background.log"
	sysc stop -t 10s web1
	assert_nothing_left web1
}

@test "notify: an init that never says it is told so; privileged ones have the socket too" {
	make_busybox web1 -s boot.ready=notify -s boot.ready_timeout=200ms -s container.privileged=yes >/dev/null
	quick_init web1
	sysc start web1
	wait_until 10 info_has web1 "no: init has not sent READY=1 after 0 s"
	[ "$(inside web1 'stat -c "%F %a %u" /run/host/notify')" = "socket 600 0" ]
	inside web1 'tr "\0" "\n" </proc/1/environ' | grep -x NOTIFY_SOCKET=/run/host/notify
	sysc stop web1
	[ ! -e "$SYSC_RUN/web1/notify" ]
	assert_nothing_left web1
}

@test "notify: a failed start leaves no socket" {
	make_busybox web1 -s boot.ready=notify >/dev/null
	rm "$(rootfs web1)/sbin/init"
	run sysc start web1
	[ "$status" = 1 ]
	[ ! -e "$SYSC_RUN/web1/notify" ]
	assert_nothing_left web1
}
