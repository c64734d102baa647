#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Inside the virtual machine: the bridge as a unit of systemd, in its fence; an address by DHCP; systemd-networkd,
# NetworkManager and udev, which leave our interfaces alone; what the shipped sysctl and sysusers files do.
# shellcheck disable=SC2016 # what runs inside is quoted
# shellcheck source=lib.sh
. /job/lib.sh
rm -f "${etc:?}/default.conf"

fact() { sysc info --json "$1" | jq -r ".. | .$2? // empty" | head -n 1; }
dnsmasq_pid() { sysc net status --json | jq -r '.dhcp.pid'; }
address_of() { sysc attach "$1" -- ip -4 -o addr show eth0 | sed -n 's|.* inet \(10\.83\.[0-9.]*\)/.*|\1|p'; }
has_address() { [ -n "$(address_of "$1")" ]; }
clean_up() {
	for config in "${store:?}"/*/config; do
		[ ! -e "$config" ] || sysc destroy -q -f "$(basename "$(dirname "$config")")" >/dev/null 2>&1
	done
}

account_and_folders() {
	systemd-sysusers
	systemd-tmpfiles --create
	getent passwd sysc-dnsmasq
	same "711 700" "$(stat -c %a "$store" /run/sysc | paste -sd' ')"
	systemctl daemon-reload
}

sysctls_are_taken() {
	# each line of the file is known to the kernel; one may be refused, and says so by a "-"
	/lib/systemd/systemd-sysctl "$(dirname "$(systemctl show -P FragmentPath sysc-net)")/../../sysctl.d/50-sysc.conf" 2>&1 | tee /tmp/said
	same "" "$(grep -v bpf_jit_limit /tmp/said)"
	same 65536 "$(cat /proc/sys/fs/inotify/max_user_instances)"
	same 2000 "$(cat /proc/sys/kernel/keys/maxkeys)"
	same 32768 "$(cat /proc/sys/kernel/pty/max)"
	same 16384 "$(cat /proc/sys/net/ipv6/neigh/default/gc_thresh3)"
}

unit_makes_the_network() {
	systemctl start sysc-net
	same active "$(systemctl is-active sysc-net)"
	contains "$(ip -4 addr show syscbr0)" 10.83.0.1/20
	same 1 "$(cat /proc/sys/net/ipv4/ip_forward)"
	contains "$(nft list table ip sysc_syscbr0)" masquerade
	pid=$(dnsmasq_pid)
	same "sysc-dnsmasq sysc-dnsmasq" "$(ps -o user:20=,group:20= -p "$pid" | tr -s ' ')"
	contains "$(cat "/proc/$pid/cgroup")" /system.slice/sysc-net.service
	# again: nothing changes; when it was killed, it comes back
	systemctl reload sysc-net
	same "$pid" "$(dnsmasq_pid)"
	kill -KILL "$pid"
	wait_for 10 sh -c "! kill -0 $pid"
	systemctl reload sysc-net
	[ "$(dnsmasq_pid)" != "$pid" ]
	contains "$(systemctl status sysc-net)" dnsmasq
}

guest_has_an_address() {
	sysc create -q -t busybox web1 -s network.eth0.address=dhcp
	sysc start web1
	wait_for 30 has_address web1
	contains "$(sysc attach web1 -- ip route)" "default via 10.83.0.1"
	sysc attach web1 -- ping -c 1 -W 5 10.83.0.1
	ping -c 1 -W 5 "$(address_of web1)"
	contains "$(sysc info web1)" "$(address_of web1)"
	contains "$(cat /run/sysc/.net/syscbr0@leases)" " $(address_of web1) "
}

# the host's managers of networks, told to take everything
others_stay_away() {
	printf '[Match]\nName=other0 syscbr0 ve-*\n[Network]\nDHCP=yes\nAddress=192.0.2.77/24\n' >/etc/systemd/network/90-all.network
	systemctl start systemd-networkd
	# a bridge with a port, which is not ours
	ip link add other0 type bridge
	ip link add other1 master other0 type veth peer name other2
	for link in other0 other1 other2; do
		ip link set $link up
	done
	before=$(ip -o link show syscbr0 | grep -o 'link/ether [^ ]*')
	sysc create -q -t busybox web1 -s network.eth0.address=dhcp
	sysc start web1
	udevadm settle
	# it does take what is not ours
	wait_for 30 sh -c 'ip addr show other0 | grep -q 192.0.2.77'
	for link in syscbr0 ve-web1; do
		wait_for 30 sh -c "networkctl list $link | grep -q unmanaged"
		! ip addr show $link | grep -E '192.0.2.77|10.83.*secondary|169.254' || exit 1
		contains "$(udevadm info "/sys/class/net/$link")" NM_UNMANAGED=1
	done
	! udevadm info /sys/class/net/other0 | grep SYSC_LINK || exit 1
	same "$before" "$(ip -o link show syscbr0 | grep -o 'link/ether [^ ]*')"
	wait_for 30 has_address web1
	systemctl stop systemd-networkd.socket systemd-networkd
	rm /etc/systemd/network/90-all.network
	# and NetworkManager
	systemctl unmask NetworkManager
	systemctl start NetworkManager
	wait_for 30 sh -c 'nmcli -t -f DEVICE,STATE device | grep "^other0:connected"'
	nmcli -t -f DEVICE,STATE device
	for link in syscbr0 ve-web1; do
		wait_for 30 sh -c "nmcli -t -f DEVICE,STATE device | grep -qx $link:unmanaged"
	done
	has_address web1
	systemctl stop NetworkManager
	ip link delete other1
	ip link delete other0
}

stop_of_a_bridge_in_use() {
	sysc create -q -t busybox web1 -s network.eth0.address=dhcp
	sysc start web1
	wait_for 30 has_address web1
	systemctl stop sysc-net
	same failed "$(systemctl is-failed sysc-net)"
	contains "$(journalctl -b -u sysc-net -o cat)" "bridge 'syscbr0' is in use: 1 port is attached"
	# a restart of the unit does not disturb the guest
	before=$(address_of web1)
	systemctl restart sysc-net
	same active "$(systemctl is-active sysc-net)"
	kill -0 "$(dnsmasq_pid)"
	ping -c 1 -W 5 "$before"
	sysc stop -q web1
	pid=$(dnsmasq_pid)
	systemctl stop sysc-net
	same inactive "$(systemctl is-active sysc-net)"
	[ ! -e /sys/class/net/syscbr0 ]
	! kill -0 "$pid" 2>/dev/null || exit 1
	same 0 "$(cat /proc/sys/net/ipv4/ip_forward)"
	same "" "$(nft list tables)"
	[ -d /run/sysc/.net ]
}

is_fenced() {
	systemctl start sysc-net
	systemd-analyze --no-pager security sysc-net >/out/security-sysc-net
	tail -n 1 /out/security-sysc-net
	exposure=$(sed -n 's/.*Overall exposure level for sysc-net.service: \([0-9]*\)\..*/\1/p' /out/security-sysc-net)
	[ "$exposure" -le 3 ]
	pid=$(dnsmasq_pid)
	! nsenter -t "$pid" -m sh -c 'echo x >/etc/x' 2>&1 || exit 1
	same "" "$(systemd-analyze verify --man=no "$(systemctl show -P FragmentPath sysc-net)" 2>&1 | grep sysc || :)"
}

run_case account_and_folders "sysusers and tmpfiles make the account and the folders"
run_case sysctls_are_taken "the kernel takes every sysctl"
run_case unit_makes_the_network "sysc-net.service makes bridge, DHCP and NAT, and mends them"
run_case guest_has_an_address "a guest gets an address and a route by DHCP"
run_case others_stay_away "systemd-networkd and NetworkManager leave bridge and veth alone"
run_case stop_of_a_bridge_in_use "stop and restart of sysc-net.service, with and without containers"
run_case is_fenced "sysc-net.service is fenced in"
finish
