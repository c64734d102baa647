#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2154 # run and helpers.bash set variables
# The completion of bash: sourced here, asked as bash asks it.
load helpers

# completes WORD... : the last is the one under the cursor; what is offered, sorted, in $offered
completes() {
	COMP_WORDS=("$program" "$@")
	COMP_CWORD=$#
	COMPREPLY=()
	_sysc
	offered=$(printf '%s\n' "${COMPREPLY[@]}" | sort | tr '\n' ' ')
	offered=${offered% }
}

# offers TEXT: exactly this
offers() {
	[[ $offered == "$1" ]] || {
		echo "offered: '$offered' instead of '$1'" >&2
		return 1
	}
}

load_completion() {
	PATH=$top_builddir/src:$PATH
	# shellcheck source=/dev/null
	source "$top_srcdir/config/sysc.bash-completion"
}

@test "verbs" {
	load_completion
	completes ver
	offers version
	completes ''
	for verb in $(all_verbs); do
		[[ " $offered " == *" $verb "* ]]
	done
}

@test "options of the verb, own and common" {
	load_completion
	completes ls --fr
	offers --frozen
	completes ls --form
	offers --format
	completes wait --js
	offers ''
	completes info --no
	offers --no-humanize
}

@test "when a start returns" {
	load_completion
	completes start --wait r
	offers "ready running"
	completes autostart --sh
	offers --shutdown
}

@test "containers by state: what the verb is for" {
	load_completion
	define web1
	define web2
	define db
	pretend web1 RUNNING
	pretend db FROZEN
	completes info ''
	offers 'db web1 web2'
	completes info web1 w
	offers 'web1 web2'
	completes stop ''
	offers 'db web1'
	completes start ''
	offers web2
	completes unfreeze ''
	offers db
	completes info -n w
	offers 'web1 web2'
}

@test "-P chooses the store, -- ends it" {
	load_completion
	define web1
	mkdir -p other/web9
	cp "$SYSC_PATH/web1/config" other/web9
	completes info -P "$PWD/other" ''
	offers web9
	completes info -- ''
	offers ''
}

@test "config: its words, names, keys" {
	load_completion
	define web1
	completes config s
	offers 'set show'
	completes config get ''
	offers web1
	completes config get web1 limits.mem
	offers 'limits.memory limits.memory_high limits.memory_low'
	completes config set web1 network.wan0.br
	offers network.wan0.bridge
	completes config show web1 ''
	offers ''
	completes info -c rootfs.pa
	offers rootfs.path
	touch some.conf
	completes config check so
	offers some.conf
	completes config import-lxc so
	offers some.conf
	completes config i
	offers import-lxc
	completes import --lxc so
	offers some.conf
	completes import web1 so
	offers some.conf
}

@test "snapshot: its words, containers, their snapshots" {
	load_completion
	define web1
	define web2
	for snap in daily weekly; do
		mkdir -p "$SYSC_PATH/web1/snapshots/$snap"
		echo 'schema 1' >"$SYSC_PATH/web1/snapshots/$snap/info"
	done
	completes snapshot pr
	offers prune
	completes snapshot restore w
	offers 'web1 web2'
	completes snapshot restore web1 ''
	offers 'daily weekly'
	completes snapshot delete web1 daily w
	offers weekly
	completes snapshot diff web1 daily ''
	offers 'daily weekly'
	completes snapshot create web1 ''
	offers ''
	completes snapshot prune web1 ''
	offers 'web1 web2'
}

@test "arguments: states, levels, columns, groups, templates" {
	load_completion
	define web1 '[container]' 'groups = prod' 'groups = web'
	completes wait -s FRO
	offers FROZEN
	completes ls -F na
	offers name
	completes ls --format name,unp
	offers name,unprivileged
	completes ls --log-level d
	offers debug
	completes ls -g ''
	offers 'prod web'
}

@test "templates are those of the templates folder" {
	sysc help --verbs | grep -qx create || skip "sysc-create is not built in"
	load_completion
	completes create -t busy
	offers busybox
}

@test "sysc-VERB is completed as the verb" {
	load_completion
	define web1
	COMP_WORDS=("$top_builddir/src/sysc-info" '')
	COMP_CWORD=1
	_sysc
	[[ ${COMPREPLY[*]} == web1 ]]
	complete -p sysc-info | grep -q _sysc
}
