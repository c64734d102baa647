#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# [security] apparmor on a host without AppArmor. With it: tests/vm/job-apparmor.sh.

bats_require_minimum_version 1.5.0
SANDBOX_NETWORK=no
load ../lib/sandbox

setup() {
	[ "$(cat /sys/module/apparmor/parameters/enabled 2>/dev/null)" != Y ] || skip "AppArmor is enabled here"
	sandbox_setup
	printf '[console]\nttys = 0\n' >"$SYSC_ETC/default.conf"
}

teardown() {
	[ -z "${SYSC_PATH-}" ] || sandbox_teardown
}

@test "auto and unconfined start, privileged too, and nothing is warned of" {
	sysc create -q -t busybox web
	sysc create -q -t busybox -s container.privileged=yes -s security.apparmor=auto root
	sysc create -q -t busybox -s security.apparmor=unconfined free
	for one in web root free; do
		sysc start "$one"
		[ "$(sysc attach "$one" -- echo in)" = in ]
	done
	run ! grep -i apparmor "$SYSC_LOG"/*.log
	[ "$(sysc info --json web | jq '.containers[0].apparmor')" = null ]
	[[ $(sysc info web) != *AppArmor* ]]
}

@test "a profile by name is an error with its line, and nothing is left" {
	sysc create -q -t busybox web
	printf '\n[security]\napparmor = mine\n' >>"$SYSC_PATH/web/config"
	line=$(grep -n '^apparmor = mine' "$SYSC_PATH/web/config" | cut -d: -f1)
	run ! sysc start web
	[[ $output == *"security.apparmor"*"$SYSC_PATH/web/config:$line"*"AppArmor is not enabled here"* ]]
	[ "$(sysc info -s -H web)" = STOPPED ]
	sysc config set web security.apparmor auto
	sysc start web
}

@test "a privileged container has the mount calls where no profile needs them gone" {
	sysc create -q -t busybox -s container.privileged=yes root
	"${CC:-cc}" -static -o "$SYSC_PATH/root/rootfs/mount-calls" "$top_srcdir/tests/vm/mount-calls.c"
	sysc start root
	run ! sysc attach root -- /mount-calls
	[[ $output == *fsopen* ]]
}
