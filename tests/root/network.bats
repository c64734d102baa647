#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# The network of containers, on the bridge of the sandbox.

bats_require_minimum_version 1.5.0
SANDBOX_NETWORK=no
load ../lib/lifecycle

setup() {
	lifecycle_setup
	need ip
	sysc net up --no-dhcp --no-nat >/dev/null
}

teardown() {
	sandbox_teardown
	sysc net down -f >/dev/null 2>&1 || :
}

address_of() { sysc info -i -H "$1" | grep -F . | head -n 1; }
reaches() { inside "$1" "ping -c 1 -W 5 $2" >/dev/null; }

@test "two containers and the host reach one another" {
	start_busybox web1
	start_busybox web2
	one=$(address_of web1)
	two=$(address_of web2)
	[[ $one == 10.83.* && $two == 10.83.* && $one != "$two" ]]
	reaches web1 "$two"
	reaches web2 "$one"
	reaches web1 10.83.0.1
	busybox ping -c 1 -W 5 "$one" >/dev/null
	# TCP, too
	inside web1 'echo hello >/index.html; httpd -h / -p 80'
	[ "$(inside web2 "wget -q -O - http://$one/index.html")" = hello ]
	# the way out is the bridge
	inside web1 'ip route' | grep -q '^default via 10.83.0.1 dev eth0'
	inside web1 'ip link show lo' | grep -q UP
	sysc stop -k --all
	assert_nothing_left
}

@test "address = auto is kept over stop, start and reboot, and is nobody else's" {
	start_busybox web1
	one=$(address_of web1)
	sysc stop -k web1
	start_busybox web2
	[ "$(address_of web2)" != "$one" ]
	sysc start web1
	[ "$(address_of web1)" = "$one" ]
	before=$(pid_of web1)
	inside web1 'reboot -f' || :
	wait_until 20 eval '[ "$(state_of web1)" = RUNNING ] && [ "$(pid_of web1)" != '"$before"' ]'
	wait_until 10 eval '[ "$(address_of web1)" = '"$one"' ]'
	[ "$(ip -o link show type veth | wc -l)" = 2 ]
}

@test "static: address, gateway, route, MTU, MAC and the name on the host" {
	make_busybox web1 -s network.eth0.address= -s network.eth0.address=10.83.3.7/20 -s network.eth0.gateway=10.83.0.1 \
		-s network.eth0.mtu=1400 -s network.eth0.mac=10:66:6a:00:00:07 -s network.eth0.host_name=web1-host
	sysc start web1
	inside web1 'ip -4 addr show eth0' | grep -q 'inet 10.83.3.7/20'
	inside web1 'ip link show eth0' >"$BATS_TEST_TMPDIR/link"
	grep -q 'mtu 1400' "$BATS_TEST_TMPDIR/link"
	grep -q 10:66:6a:00:00:07 "$BATS_TEST_TMPDIR/link"
	inside web1 'ip route' | grep -q '^default via 10.83.0.1'
	ip link show web1-host | grep -q 'mtu 1400.*master syscbr0'
	[[ $(sysc info web1) == *"Link:"*web1-host* ]]
	reaches web1 10.83.0.1
	sysc stop -k web1
	run ! ip link show web1-host
	assert_nothing_left
}

@test "an address that another running container has, given or chosen, is refused, in another bridge it is not" {
	make_busybox web1
	sysc start web1
	chosen=$(address_of web1)
	make_busybox web2 -s network.eth0.address= -s network.eth0.address="$chosen/20"
	run sysc start web2
	((status == 1))
	[[ $output == *"network.eth0.address: 'web1' runs with $chosen/20 ("* ]]
	ip link add other0 type bridge
	ip link set other0 up
	sysc config set web2 network.eth0.bridge other0
	sysc start web2
	sysc stop -k web1 web2
	sysc config set web2 network.eth0.bridge syscbr0
	sysc start web2
	reaches web2 10.83.0.1
	sysc stop -k web2
	ip link del other0
}

@test "IPv6: static address and gateway" {
	[ -e /proc/net/if_inet6 ] || skip "the kernel has no IPv6"
	ip -6 addr add fd00:83::1/64 dev syscbr0 nodad
	make_busybox web1 -s network.eth0.address= -s network.eth0.address=fd00:83::7/64 -s network.eth0.gateway=fd00:83::1
	sysc start web1
	inside web1 'ip -6 addr show eth0' | grep -q 'inet6 fd00:83::7/64'
	wait_until 10 inside web1 'ip -6 route | grep -q "^default via fd00:83::1"'
	wait_until 10 inside web1 'ping -6 -c 1 -W 1 fd00:83::1'
	[[ $(sysc info -i -H web1) == *fd00:83::7* ]]
}

@test "several interfaces; type none has its loopback only" {
	make_busybox web1 -s network.lan1.type=veth -s network.lan1.bridge=syscbr0 -s network.lan1.address=10.83.4.4/20
	sysc start web1
	[ "$(inside web1 'ip -o link | grep -c "eth0\|lan1"')" = 2 ]
	[ "$(ip -o link show type veth | wc -l)" = 2 ]
	make_busybox web2 -s network.eth0.type=none
	sysc start web2
	[ "$(inside web2 'ls /sys/class/net | tr "\n" " "')" = "lo " ]
	run ! reaches web2 10.83.0.1
	sysc stop -k --all
	assert_nothing_left
}

@test "dns goes to resolv.conf, also where that is a dangling link" {
	make_busybox web1 -s network.eth0.dns=192.0.2.53 -s network.eth0.dns=192.0.2.54
	rm -f "$(rootfs web1)/etc/resolv.conf"
	ln -s ../run/nowhere/resolv.conf "$(rootfs web1)/etc/resolv.conf"
	sysc start web1
	[ "$(inside web1 'grep ^nameserver /etc/resolv.conf')" = $'nameserver 192.0.2.53\nnameserver 192.0.2.54' ]
	[ "$(stat -c %a "$(rootfs web1)/etc/resolv.conf")" = 644 ]
}

@test "a missing bridge stops the start with its line and a way out" {
	make_busybox web1
	sysc net down -f
	run sysc start web1
	echo "$output"
	[ "$status" = 1 ]
	line=$(grep -n '^bridge' "$SYSC_PATH/web1/config" | cut -d: -f1)
	[[ $output == "sysc-start: web1: network.eth0.bridge: "*syscbr0*"$SYSC_PATH/web1/config:$line"* ]]
	[ "${#lines[@]}" = 1 ]
	assert_nothing_left
	[[ $(sysc info web1) == *"Last failure:"*syscbr0* ]]
}

@test "a guest that moves, renames or deletes its interface leaves nothing on the host" {
	for action in 'ip link set eth0 down; ip link set eth0 name other' 'ip link delete eth0' 'ip addr flush dev eth0'; do
		make_busybox web1
		sysc start web1
		inside web1 "$action"
		sysc info web1 >/dev/null
		sysc stop -k web1
		assert_nothing_left
		sysc destroy web1
	done
}

@test "each step made to fail leaves no link and no address" {
	make_busybox web1
	for step in addresses birth maps links filter applied ready run; do
		SYSC_FAIL_STEP=$step run sysc start web1
		[ "$status" = 1 ]
		assert_nothing_left
	done
	sysc start web1
	reaches web1 10.83.0.1
}

@test "info and ls show addresses and traffic" {
	start_busybox web1
	one=$(address_of web1)
	reaches web1 10.83.0.1
	[[ $(sysc ls -F NAME,IPV4) == *"$one"* ]]
	[ "$(fact web1 host_name)" = "$(ip -o link show type veth | awk -F'[ :@]+' '{print $2}')" ]
	[ "$(fact web1 rx_bytes)" -gt 0 ]
	[ "$(fact web1 tx_bytes)" -gt 0 ]
}
