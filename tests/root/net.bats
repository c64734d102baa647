#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# sysc net: the default bridge, with the real dnsmasq and nft, in a network namespace of its own.

bats_require_minimum_version 1.5.0
SANDBOX_NETWORK=no
load ../lib/sandbox

setup() {
	sandbox_setup
	need ip
}

teardown() {
	sysc net down -f >/dev/null 2>&1 || :
	sysc net down -f --bridge br-two >/dev/null 2>&1 || :
	sandbox_teardown
}

forwarding() { cat /proc/sys/net/ipv4/ip_forward; }
dnsmasq_pid() { sed -n 's/^dhcp \([0-9]*\) .*/\1/p' "$SYSC_RUN/.net/syscbr0"; }

@test "up makes bridge, address, forwarding, DHCP and NAT; a second up changes nothing; down undoes all" {
	need dnsmasq
	need nft
	[ "$(forwarding)" = 0 ]
	run sysc net up
	[ "$status" = 0 ]
	[ "$output" = "bridge 'syscbr0' is up: 10.83.0.1/20, forwarding on, DHCP 10.83.8.0 to 10.83.15.254, NAT" ]
	ip -d link show syscbr0 | grep -q 'bridge forward_delay 0 .* stp_state 0'
	ip -4 addr show syscbr0 | grep -q 'inet 10.83.0.1/20'
	[ "$(forwarding)" = 1 ]
	pid=$(dnsmasq_pid)
	kill -0 "$pid"
	[ "$(stat -c %U "/proc/$pid")" != root ]
	nft list table ip sysc_syscbr0 | grep -q 'ip saddr 10.83.0.0/20 ip daddr != 10.83.0.0/20 masquerade'
	before=$(nft list ruleset; ip addr; cat "$SYSC_RUN/.net/syscbr0")

	run sysc net up
	[ "$status" = 0 ]
	[ "$(dnsmasq_pid)" = "$pid" ]
	[ "$before" = "$(nft list ruleset; ip addr; cat "$SYSC_RUN/.net/syscbr0")" ]

	run sysc net down
	[ "$status" = 0 ]
	run ! ip link show syscbr0
	run ! kill -0 "$pid"
	[ "$(nft list ruleset)" = "" ]
	[ "$(forwarding)" = 0 ]
	[ "$(ls -A "$SYSC_RUN/.net")" = "" ]

	run sysc net down
	[ "$status" = 0 ]
	[ "$output" = "bridge 'syscbr0' is not up" ]
}

@test "a guest gets a lease of the upper half and the bridge as its gateway" {
	need dnsmasq
	need busybox
	sysc net up --no-nat
	ip netns add guest
	ip link add guest0 type veth peer name eth0 netns guest
	ip link set guest0 master syscbr0 up
	cat >"$BATS_TEST_TMPDIR/script" <<-'END'
		#!/bin/sh
		[ "$1" = bound ] || exit 0
		echo "$ip $router $mask $dns"
	END
	chmod +x "$BATS_TEST_TMPDIR/script"
	ip netns exec guest ip link set eth0 up
	run ip netns exec guest busybox udhcpc -i eth0 -n -q -f -t 10 -T 1 -s "$BATS_TEST_TMPDIR/script"
	echo "$output"
	[ "$status" = 0 ]
	[[ $output =~ 10\.83\.([0-9]+)\.[0-9]+\ 10\.83\.0\.1\ 20\ 10\.83\.0\.1 ]]
	[ "${BASH_REMATCH[1]}" -ge 8 ]
	[ "${BASH_REMATCH[1]}" -le 15 ]
	ip netns delete guest
}

@test "down refuses while a port is attached, with exit code 4; -f goes on" {
	sysc net up --no-dhcp --no-nat
	ip link add port type veth peer name other
	ip link set port master syscbr0
	run sysc net down
	[ "$status" = 4 ]
	[ "$output" = "sysc-net: bridge 'syscbr0' is in use: 1 port is attached (-f takes it away from them)" ]
	ip link show syscbr0
	run sysc net down -f
	[ "$status" = 0 ]
	run ! ip link show syscbr0
	ip link delete port
}

@test "status, in words and as JSON" {
	need dnsmasq
	need nft
	run sysc net status
	[ "$status" = 0 ]
	[[ $output == *"syscbr0 (absent)"* ]]
	sysc net up
	ip link add port type veth peer name other
	ip link set port master syscbr0
	run sysc net status
	[ "$status" = 0 ]
	[[ $output == *"syscbr0 (up)"*"10.83.0.1/20"*"ports       1"*"forwarding  on"*"dnsmasq     pid $(dnsmasq_pid)"*"table ip sysc_syscbr0"* ]]
	need python3
	sysc net status --json >"$BATS_TEST_TMPDIR/status.json"
	python3 - "$BATS_TEST_TMPDIR/status.json" <<-'END'
		import json, sys
		s = json.load(open(sys.argv[1]))
		assert s["schema"] == 1 and s["bridge"] == "syscbr0", s
		assert s["exists"] and s["up"] and s["address"] == "10.83.0.1/20" and s["ports"] == 1, s
		assert s["forwarding"] and s["dhcp"]["alive"] and s["nat"]["present"], s
	END
	kill -KILL "$(dnsmasq_pid)"
	wait_until 5 eval '[[ $(sysc net status) == *"has ended"* ]]'
	# up mends it
	sysc net up
	kill -0 "$(dnsmasq_pid)"
	ip link delete port
}

@test "what was there before up stays after down" {
	need nft
	ip link add syscbr0 type bridge
	ip addr add 192.0.2.1/24 dev syscbr0
	nft add table ip mine
	echo 1 >/proc/sys/net/ipv4/ip_forward
	run sysc net up --no-dhcp
	[ "$status" = 1 ]
	[ "$output" = "sysc-net: bridge 'syscbr0' has address 192.0.2.1/24 already, not 10.83.0.1/20" ]
	run sysc net down
	[ "$status" = 1 ]
	[[ $output == *"was not made by sysc-net up"* ]]
	sysc net up --no-dhcp --address 192.0.2.1/24
	sysc net down
	ip -4 addr show syscbr0 | grep -q 'inet 192.0.2.1/24'
	[ "$(nft list tables)" = "table ip mine" ]
	[ "$(forwarding)" = 1 ]
	ip link delete syscbr0
	nft delete table ip mine
	echo 0 >/proc/sys/net/ipv4/ip_forward
}

@test "a failed up undoes what it made" {
	need dnsmasq
	need python3
	# the port of DNS is taken on every address: dnsmasq cannot start
	in_background python3 -c 'import socket, signal
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("0.0.0.0", 53)); print("bound", flush=True); signal.pause()'
	wait_until 10 grep -q bound "$BATS_TEST_TMPDIR/background.log"
	run sysc net up
	[ "$status" = 1 ]
	[[ $output == "sysc-net: dnsmasq does not start: "*"ddress already in use"*"(or leave it out: --no-dhcp)" ]]
	run ! ip link show syscbr0
	[ "$(forwarding)" = 0 ]
	[ "$(ls -A "$SYSC_RUN/.net")" = "" ]
}

@test "programs that are missing are told in one line each; the rest is made" {
	# in the mount namespace of this file: not executable, so not found
	: >"$BATS_TEST_TMPDIR/nothing"
	hidden=
	for program in dnsmasq nft; do
		for folder in /usr/local/sbin /usr/local/bin /usr/sbin /usr/bin /sbin /bin; do
			if [ -x "$folder/$program" ]; then
				mount --bind "$BATS_TEST_TMPDIR/nothing" "$folder/$program"
				hidden="$folder/$program $hidden"
			fi
		done
	done
	run sysc net up
	for program in $hidden; do umount "$program"; done
	[ "$status" = 0 ]
	[ "${lines[0]}" = "sysc-net: dnsmasq is not installed: no DHCP and no DNS on 'syscbr0'" ]
	[ "${lines[1]}" = "sysc-net: nft is not installed: no NAT for 'syscbr0'" ]
	[ "${lines[2]}" = "bridge 'syscbr0' is up: 10.83.0.1/20, forwarding on" ]
}

@test "two bridges side by side; forwarding stays until the last one is down" {
	sysc net up --no-dhcp --no-nat
	sysc net up --no-dhcp --no-nat --bridge br-two --address 192.0.2.1/24
	sysc net down
	[ "$(forwarding)" = 1 ]
	sysc net down --bridge br-two
	[ "$(forwarding)" = 0 ]
}

@test "an interface that is no bridge is left alone" {
	ip link add dummy0 type veth peer name dummy1
	run sysc net up --bridge dummy0
	[ "$status" = 1 ]
	[ "$output" = "sysc-net: interface 'dummy0' exists already and is not a bridge" ]
	ip link show dummy0
	ip link delete dummy0
}

@test "wrong options are wrong usage" {
	for words in "up --address 10.0.0.1" "up --address 10.0.0.0/24" "up --address 10.0.0.255/24" "up --address fd00::1/64" \
		"up --address 10.0.0.1/31" "up --bridge sixteen-letters-" "up --bridge a*b" "down extra" "sideways"; do
		# shellcheck disable=SC2086 # several words
		run sysc net $words
		echo "$words: $status $output"
		[ "$status" = 2 ]
	done
}
