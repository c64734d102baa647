#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Real guests from create to destroy: busybox, Alpine's mini root file system, Debian with systemd.
# cache: debian bookworm

bats_require_minimum_version 1.5.0
load ../lib/sandbox

# in_guest NAME COMMAND...
in_guest() {
	local name=$1
	shift
	sysc attach "$name" -- "$@"
}

has_address() { [ -n "$(sysc info -i -H "$1")" ]; }
has_booted() { in_guest "$1" systemctl is-system-running | grep -qE 'running|degraded'; }

# whole_life NAME: from a stopped container to nothing left
whole_life() {
	local address
	sysc start "$1"
	[ "$(sysc info -s -H "$1")" = RUNNING ]
	[ "$(in_guest "$1" hostname)" = "$1" ]
	[ "$(in_guest "$1" id -u)" = 0 ]
	# root of the container is nobody of the host
	pid=$(sysc info -p -H "$1")
	[ "$(awk '$1 == "Uid:" { print $2 }' "/proc/$pid/status")" -gt 65535 ]
	# the host reaches it by the address that the list names
	wait_until 30 has_address "$1"
	address=$(sysc info -i -H "$1" | head -n 1)
	busybox ping -c 1 -W 5 "$address"
	sysc stop -t 30s "$1"
	[ "$(sysc info -s -H "$1")" = STOPPED ]
	assert_nothing_left
	sysc destroy "$1"
	run sysc info "$1"
	[ "$status" = 3 ]
	[ ! -e "$SYSC_PATH/$1" ]
	assert_nothing_left
}

@test "busybox: boots, is reached, stops, is destroyed" {
	make_busybox guest
	whole_life guest
}

@test "Alpine: boots, is reached, stops, is destroyed" {
	make_alpine guest
	grep -q '^ID=alpine' "$SYSC_PATH/guest/rootfs/etc/os-release"
	whole_life guest
}

@test "Debian 12: systemd reaches running with no failed unit" {
	make_debian guest bookworm
	sysc start guest
	wait_until 90 has_booted guest
	in_guest guest systemctl --failed --no-legend
	[ "$(in_guest guest systemctl is-system-running)" = running ]
	[ "$(in_guest guest systemd-detect-virt)" = lxc ]
	sysc stop -t 60s guest
	assert_nothing_left
}

@test "Debian 12: is reached, stops by its own signal, is destroyed" {
	make_debian guest bookworm
	whole_life guest
}

@test "two containers and the host reach one another" {
	make_busybox one
	make_busybox two
	sysc start one
	sysc start two
	in_guest one ping -c 1 -W 5 "$(sysc info -i -H two | head -n 1)"
	in_guest two ping -c 1 -W 5 "$(sysc info -i -H one | head -n 1)"
	in_guest two ping -c 1 -W 5 10.83.0.1
	sysc stop -k one two
	assert_nothing_left
}
