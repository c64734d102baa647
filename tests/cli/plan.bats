#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2154 # run and helpers.bash set variables
# sysc plan and sysc apply on containers that are pretended to run; tests/root/live.bats has real ones.
load helpers

# runs_with NAME LINE...: the container is there, running, started with these values beside those of define
runs_with() {
	local name=$1
	shift
	pretend "$name" RUNNING
	printf '%s\n' "rootfs.path=dir:$SYSC_PATH/$name/rootfs" 'idmap.map=b 0 1048576 65536' "$@" >"$SYSC_RUN/$name/applied"
}

@test "nothing differs, also in other words" {
	define web1 '[container]' 'hostname = web1' '[limits]' 'memory = 1024M' 'cpus = 1.50' 'pids = max' '[stop]' 'timeout = 1min' '[network.eth0]'
	runs_with web1 limits.memory=512M limits.memory=1G limits.cpus=1.5 network.eth0.type=veth
	status 0 sysc plan -e web1
	[[ $output == "web1: nothing differs" ]]
	status 0 sysc plan -q web1
	[[ -z $output ]]
	status 0 sysc plan --json web1
	json '.schema == 1 and .containers == [{name: "web1", state: "RUNNING", changes: []}]'
}

@test "each kind of difference has its line" {
	define web1 '[limits]' 'memory = 1G' 'io = /dev/vda rbps=1M' 'io = /dev/vda wbps=2M' '[stop]' 'timeout = 10s' \
		'[sysctl]' 'net.ipv4.ip_forward = 1' '[network.eth0]' 'address = dhcp' '[network.eth1]' 'bridge = br1'
	runs_with web1 limits.memory=512M 'limits.io=/dev/vda rbps=1M' sysctl.net.ipv4.ip_default_ttl=32 \
		network.eth0.address=10.0.0.2/24 network.eth2.type=veth
	status 4 sysc plan --exit-code web1
	says 'KEY'
	grep -qE '^web1 +limits.memory +512M +1G +live$' <<<"$output"
	grep -qE '^web1 +limits.io +/dev/vda rbps=1M +/dev/vda rbps=1M, /dev/vda wbps=2M +live$' <<<"$output"
	grep -qE '^web1 +stop.timeout +60s +10s +restart$' <<<"$output"
	grep -qE '^web1 +sysctl.net.ipv4.ip_forward +- +1 +restart$' <<<"$output"
	grep -qE '^web1 +sysctl.net.ipv4.ip_default_ttl +32 +- +restart$' <<<"$output"
	grep -qE '^web1 +network.eth0.address +10.0.0.2/24 +dhcp +restart$' <<<"$output"
	grep -qE '^web1 +network.eth1 +- +bridge=br1 +restart$' <<<"$output"
	grep -qE '^web1 +network.eth2 +type=veth +- +restart$' <<<"$output"
	[[ ${#lines[@]} == 9 ]]
	status 4 sysc plan -e --json web1
	json '.containers[0].changes | length == 8 and (.[] | select(.key == "limits.io") | .running == ["/dev/vda rbps=1M"] and
		.configured == ["/dev/vda rbps=1M", "/dev/vda wbps=2M"] and .applies == "live" and .kernel == null)'
}

@test "what only commands read is no difference, and no note of set" {
	define web1 '[container]' 'description = new' 'groups = a' '[boot]' 'autostart = yes' 'order = 3' 'delay = 2s' 'after = web2'
	runs_with web1 container.groups=b
	status 0 sysc plan -e web1
	status 0 sysc config set web1 container.groups c
	[[ -z $output ]]
	status 0 sysc config set web1 container.hostname other
	[[ $output == "sysc-config: web1 is running: container.hostname applies at the next start" ]]
}

@test "several, stopped ones, unknown ones, broken ones" {
	define web1 '[limits]' 'pids = 7'
	define web2
	runs_with web1 limits.pids=7
	status 0 sysc plan web1 web2
	says "web1: nothing differs"
	says "web2 is not running: all of it applies at the next start"
	status 0 sysc apply web2
	says "web2 is not running"
	status 3 sysc plan nope
	status 3 sysc apply nope
	status 2 sysc plan
	status 2 sysc apply
	status 2 sysc apply --nope web1
	define web3 '[limits]' 'pids = many'
	status 1 sysc plan web3
	says "$SYSC_PATH/web3/config:7"
	status 6 sysc plan web1 web3
	rm "$SYSC_RUN/web1/applied"
	status 1 sysc plan web1
	says "restart it once"
}

@test "a live change that fails leaves the file alone" {
	define web1 '[limits]' 'pids = 7'
	runs_with web1 limits.pids=7
	before=$(sha256sum "$SYSC_PATH/web1/config" "$SYSC_RUN/web1/applied")
	# it has no cgroup
	status 1 sysc config set web1 limits.pids 8
	says "limits.pids"
	status 1 sysc config unset web1 limits.pids
	status 1 sysc config set web1 limits.pids none
	status 1 sysc config set web1 limits.pids several
	[[ $(sha256sum "$SYSC_PATH/web1/config" "$SYSC_RUN/web1/applied") == "$before" ]]
	printf 'cpus = 2\n' >>"$SYSC_PATH/web1/config"
	[[ $(id -u) != 0 ]] || status 1 sysc apply web1
	status 4 sysc plan -e web1
}
