#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2154 # run and helpers.bash set variables
# sysc autostart without a container that runs: usage, and the list of what would start and why.
load helpers

# is_line N WORD...: the words of line N of the last output, blanks aside
is_line() {
	local n=$1 words
	shift
	read -ra words <<<"${lines[n]}"
	[[ ${words[*]} == "$*" ]] || {
		echo "line $n is '${words[*]}' instead of '$*'" >&2
		return 1
	}
}

@test "wrong usage; a name that is not there" {
	define web1
	status 2 sysc autostart -s -k
	says "one of --shutdown, --kill and --reboot"
	status 2 sysc autostart -r -s
	status 2 sysc autostart -a web1
	says "names or --all"
	status 2 sysc autostart -t soon
	status 2 sysc autostart -j few
	status 3 sysc autostart -L nope
	says "no such container 'nope'"
	status 3 sysc autostart -L web2
	says "did you mean 'web1'"
}

@test "-L: the order with its reasons, and what is left out" {
	define app '[boot]' 'autostart = yes' 'order = 20' 'after = db'
	define cache '[boot]' 'order = 5'
	define db '[boot]' 'autostart = yes' 'order = 10' 'delay = 2s' 'ready = network' 'after = cache'
	define log '[boot]' 'autostart = yes'
	define other
	define web '[boot]' 'autostart = yes' 'after = db'
	status 0 sysc autostart -L
	is_line 0 STEP NAME ORDER AFTER DELAY READY WHY
	is_line 1 1 log 0 - - running autostart = yes
	is_line 2 2 cache 5 - - running db comes after it
	is_line 3 3 db 10 cache 2s network autostart = yes
	is_line 4 4 web 0 db - running autostart = yes, held back to order 10 by after
	is_line 5 5 app 20 db - running autostart = yes
	is_line 6 - other 0 - - running autostart = no
	[[ ${#lines[@]} == 7 ]]
}

@test "-L with names, groups and -a" {
	define db '[container]' 'groups = data' '[boot]' 'autostart = yes'
	define web1 '[container]' 'groups = front' '[boot]' 'autostart = yes' 'after = db'
	define web2 '[container]' 'groups = front'
	status 0 sysc autostart -L web2
	is_line 1 1 web2 0 - - running named
	is_line 2 - db 0 - - running not named
	# what the group needs comes with it
	status 0 sysc autostart -L -g front
	is_line 1 1 db 0 - - running web1 comes after it
	is_line 2 2 web1 0 db - running autostart = yes
	is_line 3 - web2 0 - - running autostart = no
	status 0 sysc autostart -L -a -g front
	is_line 2 1 web2 0 - - running --all
	status 0 sysc autostart -L -a -g data
	is_line 1 1 db 0 - - running autostart = yes
	is_line 2 - web1 0 db - running not in the group
	status 0 sysc autostart -L 'web*' -g front
	is_line 2 1 web2 0 - - running named
}

@test "-L tells what will fail: a circle, an unknown name, a broken configuration, with file and line" {
	define a '[boot]' 'autostart = yes' 'after = b'
	define b '[boot]' 'autostart = yes' 'after = c'
	define c '[boot]' 'autostart = yes' 'after = a'
	define d '[boot]' 'autostart = yes' 'after = gone'
	define e '[boot]' 'autostart = yes' 'ordre = 5'
	define f 'nonsense'
	status 0 sysc autostart -L
	file=$SYSC_PATH
	says "will fail: boot.after goes in a circle: a -> b -> c -> a ($file/a/config:8)"
	says "a -> b -> c -> a ($file/b/config:8)"
	says "will fail: boot.after names no container: 'gone' ($file/d/config:8)"
	says "will fail: $file/e/config:8: unknown key 'ordre'"
	[[ $output == *f*"broken configuration"* ]]
	status 0 sysc autostart -L --json
	json '.schema == 1 and (.containers | length == 6)'
	json '.containers[] | select(.name == "a") | .problem | test("a -> b -> c -> a")'
	json '.containers[] | select(.name == "f") | .included == false and .step == null'
}

@test "-L as JSON" {
	define db '[boot]' 'order = 10' 'delay = 1500ms' 'ready_timeout = 5s'
	define web '[container]' 'groups = front' '[boot]' 'autostart = yes' 'after = db'
	pretend db RUNNING
	status 0 sysc autostart -L --json
	json '.containers | map(.name) == ["db", "web"]'
	json '.containers[0] | .included and .step == 1 and .order == 10 and .effective_order == 10 and .delay_ms == 1500'
	json '.containers[0] | (.autostart | not) and .ready_timeout_ms == 5000 and .state == "RUNNING" and .problem == null'
	json '.containers[0].why == "web comes after it, is RUNNING"'
	json '.containers[1] | .step == 2 and .order == 0 and .effective_order == 10 and .after == ["db"] and .groups == ["front"]'
}

@test "-L -s: what runs, backwards, whatever its autostart" {
	define app '[boot]' 'after = db' 'autostart = yes'
	define db
	define edge '[boot]' 'order = 20'
	define off '[boot]' 'autostart = yes'
	define odd 'nonsense'
	pretend app RUNNING
	pretend db FROZEN
	pretend edge RUNNING
	pretend odd RUNNING
	status 0 sysc autostart -L -s
	is_line 1 1 edge 20 - - running runs
	is_line 2 2 app 0 db - running runs
	[[ ${lines[3]} == 3*odd*runs && ${lines[4]} == 3*db*runs ]]
	[[ ${lines[5]} == "-"*off*"does not run" ]]
	status 0 sysc autostart -L -k app
	is_line 1 1 app 0 db - running runs
	[[ $output == *"not named"* ]]
}

@test "starting needs root" {
	as_user=()
	if [[ $(id -u) == 0 ]]; then
		command -v setpriv >/dev/null || missing setpriv
		as_user=(setpriv --reuid 65534 --clear-groups)
	fi
	export SYSC_ETC=/nowhere SYSC_PATH=/nowhere SYSC_RUN=/nowhere
	status 1 "${as_user[@]}" "$program" autostart
	says "needs root"
	status 0 "${as_user[@]}" "$program" autostart -L
}
