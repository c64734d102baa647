#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2154 # run and helpers.bash set variables
# sysc ls and sysc info on an empty store, on made-up containers and states.
load helpers

@test "an empty or absent store is an empty list" {
	status 0 sysc ls
	[[ -z $output ]]
	status 0 sysc ls -P "$BATS_TEST_TMPDIR/nowhere"
	[[ -z $output ]]
	status 0 sysc ls --json
	json '.schema == 1 and .containers == []'
	status 0 sysc ls -f
	[[ ${#lines[@]} == 1 && $output == NAME* ]]
}

@test "names are sorted, one in a line where no terminal is; what is no container is left out" {
	define web2
	define web10
	define db
	mkdir -p "$SYSC_PATH/.web3.creating" "$SYSC_PATH/empty" "$SYSC_PATH/bad name"
	touch "$SYSC_PATH/.web3.creating/config" "$SYSC_PATH/bad name/config"
	status 0 sysc ls
	[[ $output == $'db\nweb10\nweb2' ]]
	status 0 sysc ls -1
	[[ $output == $'db\nweb10\nweb2' ]]
}

@test "on a terminal the names fill its width" {
	command -v script >/dev/null || missing script
	for n in {1..12}; do
		define "container-$n"
	done
	run script -qec "stty cols 40; '$program' ls" /dev/null
	((${#lines[@]} == 4)) || { echo "$output"; false; }
	[[ ${lines[0]} == container-1*container-* ]]
	for line in "${lines[@]}"; do
		line=${line%$'\r'}
		((${#line} <= 40))
	done
}

@test "globs choose; one that matches nothing is an empty list, a plain name must be there" {
	define web1
	define web2
	define db
	status 0 sysc ls 'web*'
	[[ $output == $'web1\nweb2' ]]
	status 0 sysc ls 'web[2-9]' db
	[[ $output == $'db\nweb2' ]]
	status 0 sysc ls 'x*'
	[[ -z $output ]]
	status 3 sysc ls webb
	says "did you mean 'web"
	status 3 sysc ls web1 nope
	says "no such container 'nope'"
}

@test "filters by state; a dead supervisor is STOPPED" {
	define web1
	define web2
	define web3
	define web4
	pretend web1 RUNNING
	pretend web2 FROZEN
	pretend web4 RUNNING
	sed -i 's/_birth .*/_birth 1/' "$SYSC_RUN/web4/state"
	status 0 sysc ls --running
	[[ $output == web1 ]]
	status 0 sysc ls --frozen
	[[ $output == web2 ]]
	status 0 sysc ls --stopped
	[[ $output == $'web3\nweb4' ]]
	status 0 sysc ls --active
	[[ $output == $'web1\nweb2' ]]
	status 0 sysc ls --frozen --stopped
	[[ $output == $'web2\nweb3\nweb4' ]]
	status 0 sysc ls --running 'web[2-4]'
	[[ -z $output ]]
}

@test "--group: in all of the groups" {
	define web1 '[container]' 'groups = web' 'groups = prod'
	define web2 '[container]' 'groups = web'
	define broken '[container]' 'groups = web' 'nonsense = 1'
	status 0 sysc ls -g web
	[[ $output == $'web1\nweb2' ]]
	status 0 sysc ls -g web,prod
	[[ $output == web1 ]]
	status 0 sysc ls -g web -g prod
	[[ $output == web1 ]]
	status 0 sysc ls -g other
	[[ -z $output ]]
}

@test "what starts at boot, and what is ready" {
	define db '[boot]' 'autostart = yes' 'order = 10' 'delay = 1500ms'
	define web1 '[boot]' 'autostart = yes' 'after = db' 'after = cache'
	define web2
	define web3 'nonsense'
	pretend db RUNNING "ready_ms $(date +%s)000"
	pretend web1 RUNNING
	status 0 sysc ls -F name,autostart,ready
	[[ ${lines[0]} == "NAME  AUTOSTART  READY" ]]
	[[ ${lines[1]} == "db    yes 10     yes" ]]
	[[ ${lines[2]} == "web1  yes 0      no" ]]
	[[ ${lines[3]} == "web2  no         -" ]]
	[[ ${lines[4]} == "web3  -          -" ]]
	status 0 sysc ls --autostart
	[[ $output == $'db\nweb1' ]]
	status 0 sysc ls --autostart --stopped
	[[ -z $output ]]
	status 0 sysc ls --json -F name,autostart,ready
	json '.containers[0] | .autostart and .order == 10 and (.ready | test("^2.*Z$"))'
	json '.containers[1] | .autostart and .order == 0 and .ready == null'
	json '.containers[3] | .autostart == null and .order == null'

	status 0 sysc info db
	[[ $output == *$'\nAutostart:      yes, order 10, delay 1.500 s'* ]]
	status 0 sysc info web1
	[[ $output == *$'\nAutostart:      yes, order 0, after db and cache'* ]]
	status 0 sysc info web3
	[[ $output != *Autostart* ]]
	status 0 sysc info --json db web3
	json '.containers[0].boot | .autostart and .order == 10 and .delay_ms == 1500 and .after == [] and .ready == "running"'
	json '.containers[1].boot == null'
}

@test "the table: chosen columns, aliases of lxc-ls, - for what there is not" {
	define web1 '[container]' 'groups = a' 'groups = b' 'description = the first'
	define web2 '[container]' 'privileged = yes'
	pretend web1 RUNNING
	status 0 sysc ls -F name,state,Groups,ram,unprivileged,description
	[[ ${lines[0]} == "NAME  STATE    GROUPS  MEMORY  UNPRIVILEGED  DESCRIPTION" ]]
	[[ ${lines[1]} == "web1  RUNNING  a, b    -       true          the first" ]]
	[[ ${lines[2]} == "web2  STOPPED  -       -       false         -" ]]
	status 0 sysc ls -F pid,name web1
	[[ ${lines[1]} == "${PIDS[0]}"*"web1" ]]
	status 2 sysc ls -F name,nonsense
	says "no column 'nonsense'"
	status 2 sysc ls -F ,
}

@test "JSON: all columns, or those of --format; valid whatever a description holds" {
	define web1 '[container]' 'description = a "quoted" \ text: é'
	pretend web1 RUNNING
	status 0 sysc ls --json
	json ".containers | length == 1"
	json ".containers[0] | .name == \"web1\" and .state == \"RUNNING\" and .pid == ${PIDS[0]} and .memory == null"
	json '.containers[0].description == "a \"quoted\" \\ text: é"'
	json '.containers[0] | .unprivileged == true and (.started | test("^2[0-9]{3}-.*Z$"))'
	status 0 sysc ls --json -F name,state
	json '.containers[0] | keys == ["name", "state"]'
}

@test "a broken configuration does not stop a list" {
	define web1 '[container]' 'groups = a'
	define web2 'nonsense'
	status 0 sysc ls -f
	[[ ${#lines[@]} == 3 ]]
}

@test "info of a stopped container: state, no pid, exit code 0" {
	define web1
	status 0 sysc info web1
	[[ ${lines[0]} == "Name:           web1" ]]
	[[ ${lines[1]} == "State:          STOPPED" ]]
	[[ $output != *PID* ]]
	status 0 sysc info --json web1
	json '.containers[0] | .state == "STOPPED" and .pid == null and .last_failure == null'
}

@test "info -H with one filter is the bare value, as scripts for lxc-info want" {
	define web1 '[container]' 'groups = a' 'groups = b'
	pretend web1 RUNNING
	status 0 sysc info -n web1 -p -H
	[[ $output == "${PIDS[0]}" ]]
	status 0 sysc info -n web1 -sH
	[[ $output == RUNNING ]]
	status 0 sysc info -H -c rootfs.path web1
	[[ $output == "dir:$SYSC_PATH/web1/rootfs" ]]
	status 0 sysc info -H -c container.groups web1
	[[ $output == $'a\nb' ]]
	status 0 sysc info -sp web1
	[[ ${lines[0]} == "State:          RUNNING" && ${lines[1]} == "PID:            ${PIDS[0]}" ]]
	status 0 sysc info -c container.groups -c rootfs.readonly web1
	says "container.groups = b"
	says "rootfs.readonly = no"
	status 1 sysc info -c rootfs.pth web1
	says "did you mean 'path'?"
}

@test "info tells the last stop and the last failure; control characters stay off the terminal" {
	define web1
	mkdir -p "$SYSC_RUN/web1"
	printf '%s\n' 'phase STOPPED' 'stop_who sysc-stop uid 0 pid 77' 'stop_status 9' 'stopped_ms 1700000000000' \
		'failure mount nowhere\nfailed' 'failed_ms 1700000001000' >"$SYSC_RUN/web1/state"
	status 0 sysc info web1
	says "Last stop:      2023-11-14T22:13:20.000Z by sysc-stop uid 0 pid 77, killed by SIGKILL"
	says "Last failure:   2023-11-14T22:13:21.000Z: mount nowhere?failed"
	status 0 sysc info --json web1
	json '.containers[0].last_stop | .signal == 9 and .who == "sysc-stop uid 0 pid 77"'
	json '.containers[0].last_stop | has("oom_kills") and .oom_kills == null'
	json '.containers[0].last_failure.text == "mount nowhere\nfailed"'
	echo 'stop_oom_kills 2' >>"$SYSC_RUN/web1/state"
	status 0 sysc info web1
	says "Last stop:      2023-11-14T22:13:20.000Z by sysc-stop uid 0 pid 77, killed by SIGKILL, OOM kills 2"
	status 0 sysc info --json web1
	json '.containers[0].last_stop.oom_kills == 2'
}

@test "info of several: all of them, one missing is exit code 3" {
	define web1
	define web2
	status 0 sysc info -s 'web*'
	[[ ${#lines[@]} == 2 ]]
	status 0 sysc info --json --all
	json '[.containers[].name] == ["web1", "web2"]'
	status 3 sysc info web1 nope
	says "no such container 'nope'"
}
