#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck disable=SC2154 # run and helpers.bash set variables
# The command line that all verbs share: help, version, wrong usage, exit codes.
load helpers
bats_require_minimum_version 1.5.0

@test "sysc alone and sysc help list every verb, within 80 columns" {
	status 0 sysc
	alone=$output
	status 0 sysc help
	[[ $output == "$alone" ]]
	for verb in $(all_verbs); do
		grep -qE "^  $verb " <<<"$output"
	done
	run ! env LC_ALL=C.UTF-8 grep -E '^.{81}' <<<"$output"
}

@test "every verb has help on stdout, by --help, -h and help VERB" {
	for verb in $(all_verbs); do
		status 0 sysc help "$verb"
		by_help=$output
		says "Usage: sysc $verb"
		says "--help"
		[[ $(sysc "$verb" --help 2>/dev/null) == "$by_help" ]]
		[[ $(sysc "$verb" -h 2>/dev/null) == "$by_help" ]]
	done
}

@test "a link sysc-VERB is the verb" {
	for verb in ls version config; do
		ln -s "$program" "sysc-$verb"
		status 0 "./sysc-$verb" --help
		says "Usage: sysc $verb"
	done
	status 0 ./sysc-version
	[[ $output == "sysc "[0-9]* ]]
	ln -s "$program" sysc-nonsense
	status 2 ./sysc-nonsense
	says "unknown command 'nonsense'"
}

@test "version: sysc --version, sysc version, VERB --version say the same" {
	status 0 sysc --version
	version=$output
	[[ $version == "sysc "[0-9]*.* ]]
	[[ $(sysc version) == "$version" ]]
	[[ $(sysc ls --version) == "$version" ]]
	status 0 sysc version -v
	says "kernel $(uname -r)"
	status 0 sysc version --json
	json ".schema == 1 and .kernel == \"$(uname -r)\" and \"sysc \" + .version == \"$version\""
}

@test "an unknown verb is wrong usage, with a near one named" {
	status 2 sysc verson
	says "unknown command 'verson', did you mean 'version'?"
	status 2 sysc qqqqqq
	says "unknown command 'qqqqqq'"
	[[ $output != *"did you mean"* ]]
	status 2 sysc help verson
	says "did you mean 'version'?"
	status 2 sysc --frob
	says "unknown option '--frob'"
}

@test "an unknown option is named, with a near one and where to look" {
	status 2 sysc ls --jason
	[[ $output == "sysc-ls: unknown option '--jason', did you mean '--json'? (see sysc-ls --help)" ]]
	status 2 sysc ls --frobnicate
	[[ $output == "sysc-ls: unknown option '--frobnicate' (see sysc-ls --help)" ]]
	status 2 sysc ls -Z
	says "unknown option '-Z'"
	status 2 sysc ls -1Zf
	says "unknown option '-Z'"
}

@test "wrong use of an option is one line that names it" {
	status 2 sysc ls --format
	says "option '--format' needs an argument (COLUMNS)"
	status 2 sysc ls -F
	says "option '-F' needs an argument"
	status 2 sysc ls --json=yes
	says "option '--json' takes no argument"
	status 2 sysc wait -s RUNNING -t soon web1
	says "option '-t': 'soon' is not a time"
	status 2 sysc logs -t many web1
	says "option '-t': 'many' is not a whole number"
	status 2 sysc logs -t -5 web1
	says "option '-t'"
	status 2 sysc ls -P ''
	says "option '-P': its argument is empty"
	status 2 sysc ls --log-level loud
	says "option '--log-level': 'loud' is not error, warn, info or debug"
	[[ ${#lines[@]} == 1 ]]
}

@test "long options may be shortened while they are unambiguous" {
	status 0 sysc ls --form name
	status 0 sysc version --js
}

@test "every verb refuses an unknown option with exit code 2, and leaves stdout alone" {
	for verb in $(all_verbs); do
		run --separate-stderr sysc "$verb" --no-such-option
		[[ $status == 2 && -z $output && -n $stderr ]]
	done
}

@test "a verb that takes a container wants one: exit code 2 without, 3 for one that is not there" {
	define web1
	for verb in info wait logs; do
		extra=()
		[[ $verb != wait ]] || extra=(-s RUNNING)
		status 2 sysc "$verb" "${extra[@]}"
		says "no container name given"
		status 3 sysc "$verb" "${extra[@]}" webb1
		says "no such container 'webb1'"
		says "did you mean 'web1'?"
		status 3 sysc "$verb" "${extra[@]}" -n other
		says "no such container 'other'"
	done
}

@test "a name that can be none is refused with the reason" {
	for name in ../etc .hidden a/b 'a b' "$(printf 'x%.0s' {1..64})"; do
		status 1 sysc logs "$name"
		says "name"
	done
	status 2 sysc info ''
	says "the container name is empty"
}

@test "too many words are wrong usage" {
	status 2 sysc version now
	says "unexpected word 'now'"
	status 2 sysc wait -s RUNNING web1 web2
	says "unexpected word 'web2'"
	status 2 sysc help ls info
	says "unexpected word 'info'"
}

@test "--all and names exclude each other" {
	define web1
	status 2 sysc info --all web1
	says "give names or --all, not both"
	status 0 sysc info --all -s
	says STOPPED
}

@test "options may follow the name, and -- ends them" {
	define web1
	status 0 sysc info web1 -s -H
	[[ $output == STOPPED ]]
	status 0 sysc info -s -H -- web1
	[[ $output == STOPPED ]]
	status 1 sysc info -s -- -H
	says "the container's name '-H'"
}

@test "a full disk or a closed output is an error" {
	[[ -w /dev/full ]] || missing /dev/full
	run bash -c "'$program' help >/dev/full"
	[[ $status == 1 ]]
	says "write to standard output: No space left on device"
}

@test "-P, SYSC_PATH and sysc.conf name the store, in this order" {
	define web1
	mkdir -p other/elsewhere/web2 third/web3
	cp "$SYSC_PATH/web1/config" other/elsewhere/web2/config
	cp "$SYSC_PATH/web1/config" third/web3/config
	status 0 sysc ls
	[[ $output == web1 ]]
	status 0 sysc ls -P other/elsewhere
	[[ $output == web2 ]]
	printf '[sysc]\npath = %s\n' "$PWD/third" >"$SYSC_ETC/sysc.conf"
	status 0 sysc ls
	[[ $output == web1 ]]
	unset SYSC_PATH
	status 0 sysc ls
	[[ $output == web3 ]]
}

@test "a broken sysc.conf is told with file and line, and does not stand in the way of help" {
	printf '[sysc]\npath = /srv\nfrob = 1\n' >"$SYSC_ETC/sysc.conf"
	status 1 sysc ls
	says "$SYSC_ETC/sysc.conf:3"
	status 0 sysc help
	status 0 sysc version
}
