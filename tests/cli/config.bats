#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2154 # run and helpers.bash set variables
# sysc config: get, set, unset, show, check.
load helpers

@test "get prints values in force, defaults too" {
	define web1 '[limits]' 'memory = 512M' '[network.eth0]' 'type = veth' 'address = 10.0.0.2/24' 'address = dhcp'
	status 0 sysc config get web1 limits.memory
	[[ $output == 512M ]]
	status 0 sysc config get web1 stop.timeout
	[[ $output == 60s || $output == 1min ]]
	status 0 sysc config get web1 network.eth0.address
	[[ $output == $'10.0.0.2/24\ndhcp' ]]
	status 0 sysc config get web1 network.eth0.address --json
	json '.schema == 1 and .key == "network.eth0.address" and .values == ["10.0.0.2/24", "dhcp"]'
}

@test "an unknown key is named with a near one" {
	define web1
	status 1 sysc config get web1 limits.memry
	says "unknown key 'memry' in section 'limits' (did you mean 'memory'?)"
	status 1 sysc config set web1 limits.memry 1G
	says "did you mean 'memory'?"
	status 1 sysc config get web1 memory
	says "SECTION.KEY"
	status 3 sysc config get nope limits.memory
}

@test "set, get and unset go round; comments and order stay" {
	define web1
	status 0 sysc config set web1 limits.memory 512M
	status 0 sysc config get web1 limits.memory
	[[ $output == 512M ]]
	status 0 sysc config set web1 limits.memory=1G
	status 0 sysc config get web1 limits.memory
	[[ $output == 1G ]]
	[[ $(head -n 1 "$SYSC_PATH/web1/config") == '; made by a test' ]]
	[[ $(grep -c memory "$SYSC_PATH/web1/config") == 1 ]]
	status 0 sysc config unset web1 limits.memory
	status 0 sysc config get web1 limits.memory
	[[ $output == max ]]
	status 0 sysc config unset web1 limits.memory
	says "does not set limits.memory"
}

@test "lists: set adds, --replace replaces, unset takes one or all" {
	define web1
	sysc config set web1 container.groups a
	sysc config set web1 container.groups b
	status 0 sysc config get web1 container.groups
	[[ $output == $'a\nb' ]]
	status 0 sysc config unset web1 container.groups a
	status 0 sysc config get web1 container.groups
	[[ $output == b ]]
	sysc config set web1 container.groups c
	status 0 sysc config set -r web1 container.groups d
	status 0 sysc config get web1 container.groups
	[[ $output == d ]]
	status 0 sysc config unset web1 container.groups
	status 0 sysc config get web1 container.groups
	[[ -z $output ]]
}

@test "a wrong value or an impossible whole is refused, and the file stays as it is" {
	define web1 '[limits]' 'memory = 512M'
	before=$(sha256sum "$SYSC_PATH/web1/config")
	status 1 sysc config set web1 limits.memory 12Q
	says "'12Q' is not a size"
	status 1 sysc config set web1 limits.memory_low 1G
	says "limits.memory_low"
	status 1 sysc config set web1 container.privileged perhaps
	[[ $(sha256sum "$SYSC_PATH/web1/config") == "$before" ]]
}

@test "keys of later work are refused as not supported yet" {
	define web1
	status 1 sysc config set web1 limits.hugetlb '2M 1G'
	says "not supported yet"
	define web2 '[limits]' 'hugetlb = 2M 1G'
	status 1 sysc config check web2
	says "$SYSC_PATH/web2/config:7"
	says "not supported yet"
}

@test "set on a running container says when it applies" {
	define web1
	pretend web1 RUNNING
	status 0 sysc config set web1 container.init /bin/init
	says "web1 is running: container.init applies at the next start"
	status 0 sysc config get web1 container.init
	says /bin/init
	status 0 sysc config unset web1 container.init
	says "web1 is running: container.init applies at the next start"
}

@test "show tells file and line of each value, includes and defaults too" {
	printf '[limits]\nmemory = 1G\npids = 100\n' >common.conf
	define web1 '[container]' "include = $PWD/common.conf" '[limits]' 'memory = 2G'
	status 0 sysc config show web1
	grep -qE "^memory = 2G +; $SYSC_PATH/web1/config:9$" <<<"$output"
	grep -qE "^pids = 100 +; $PWD/common.conf:3$" <<<"$output"
	[[ $output != *"memory = 1G"* && $output != *"stop"* ]]
	status 0 sysc config show --defaults web1
	grep -qE "^halt_signal = auto +; default$" <<<"$output"
	status 0 sysc config show --json web1
	json '.values | map(select(.key == "pids"))[0] | .value == "100" and .line == 3 and .section == "limits"'
}

@test "what show prints is a configuration of the same meaning" {
	define web1 '[container]' 'groups = a' 'groups = b' '[limits]' 'cpus = 1.5' '[sysctl]' 'net.ipv4.ip_forward = 1'
	sysc config show web1 >shown.conf
	status 0 sysc config check "$PWD/shown.conf"
	mkdir "$SYSC_PATH/web2"
	cp shown.conf "$SYSC_PATH/web2/config"
	[[ $(sysc config get web2 container.groups) == $'a\nb' ]]
	[[ $(sysc config get web2 sysctl.net.ipv4.ip_forward) == 1 ]]
}

@test "check finds all errors at once, with file and line, exit code 1" {
	printf '%s\n' '[limits]' 'memory = lots' 'memry = 1G' '[nonsense]' 'a = b' '[rootfs]' 'readonly = perhaps' 'no equals sign' >bad.conf
	status 1 sysc config check "$PWD/bad.conf"
	for line in 2 3 4 7 8; do
		says "$PWD/bad.conf:$line: "
	done
	says "did you mean 'memory'?"
	status 1 sysc config check --json "$PWD/bad.conf"
	json '.schema == 1 and (.checked[0].errors | length >= 5)'
	status 0 sysc config check --json /dev/null || status 1 sysc config check --json /dev/null
}

@test "check takes names, files, several, or all there are" {
	define web1
	define web2 '[limits]' 'memory = lots'
	status 0 sysc config check web1
	says "web1: no errors"
	status 1 sysc config check web1 web2
	says "web1: no errors"
	says "web2/config:7"
	status 1 sysc config check
	status 3 sysc config check nope
	status 1 sysc config check ./nope.conf
	status 0 sysc config check -q web1
	[[ -z $output ]]
}

@test "a broken configuration can be mended by set and unset" {
	define web1 '[limits]' 'memory = lots'
	status 1 sysc config check web1
	status 0 sysc config set web1 limits.memory 1G
	status 0 sysc config check web1
}

@test "wrong words are wrong usage" {
	status 2 sysc config
	says "say which: get, set, unset, show, check"
	status 2 sysc config gte web1
	says "did you mean 'get'?"
	define web1
	status 2 sysc config get web1
	says "config get takes NAME SECTION.KEY"
	status 2 sysc config set web1 limits.memory
	status 2 sysc config show web1 web2
}

@test "side by side changes are not lost" {
	define web1
	changes=()
	for n in {1..8}; do
		sysc config set web1 container.groups "g$n" 3>&- &
		changes+=("$!")
	done
	wait "${changes[@]}"
	[[ $(sysc config get web1 container.groups | sort | tr '\n' ' ') == 'g1 g2 g3 g4 g5 g6 g7 g8 ' ]]
}
