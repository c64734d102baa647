#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Each init system that a guest may have: it boots without a failure, knows that it is in a container, has a login on its
# console, reboots and powers off from inside, and a stop reaches it by its own signal at any moment.
# cache: debian bookworm
# cache: debian trixie
# cache: debian bookworm-sysvinit
# cache of all guests: debian bullseye
# cache of all guests: debian bookworm-openrc
# cache of all guests: debian bookworm-runit

bats_require_minimum_version 1.5.0
SANDBOX_NETWORK=no
load ../lib/sandbox

setup() {
	sandbox_setup
	printf '[console]\nttys = 2\n' >"$SYSC_ETC/default.conf"
}

in_guest() { timeout 30 "$top_builddir/src/sysc" attach guest -- "$@"; }
init_pid() { sysc info -p -H guest; }

# --- what a whole boot is ---

has_login() { grep -aq 'guest login:' "$SYSC_LOG/guest.console"; }
up_systemd() { in_guest systemctl is-system-running --wait; }
up_sysvinit() { [ "$(in_guest runlevel)" = "N 2" ]; }
up_runit() { in_guest pgrep -x runsvdir; }
up_busybox() { in_guest sh -c 'ps | grep -q "[g]etty.* tty2"'; }

has_new_pid() { pid=$(init_pid) && [ -n "$pid" ] && [ "$pid" != "$1" ]; }

# is_clean: the last end was init's own, not a kill
is_clean() {
	run sysc info guest
	echo "$output"
	[[ $output == *STOPPED* && $output == *SIGINT* && $output != *SIGKILL* ]]
}

stop_clean() {
	local begin=$SECONDS
	run sysc stop -t 40s guest
	echo "$output"
	[ "$status" = 0 ]
	[[ $output != *killed* ]]
	is_clean
	[ $((SECONDS - begin)) -lt 20 ]
	assert_nothing_left
}

# whole_life KIND: the container "guest" is there
whole_life() {
	local pid
	: >"$SYSC_LOG/guest.console"
	sysc start guest
	[[ $(sysc info guest) == *"$1"* ]]
	wait_until 60 "up_$1"
	wait_until 30 has_login
	[ "$(in_guest hostname)" = guest ]
	in_guest sh -c "tr '\\0' '\\n' </proc/1/environ" | grep -x container=lxc
	[ -z "${2-}" ] || "$2"
	pid=$(init_pid)
	in_guest reboot || :
	wait_until 40 has_new_pid "$pid"
	wait_until 60 "up_$1"
	stop_clean
	# a stop that comes while init starts is heard too
	sysc start guest
	stop_clean
	for verb in poweroff halt; do
		sysc start guest
		wait_until 60 "up_$1"
		in_guest "$verb" || :
		sysc wait -s STOPPED -t 40s guest
		is_clean
	done
	assert_nothing_left
	sysc destroy guest
}

# --- what is looked at in a systemd guest that is up ---

look_at_systemd() {
	[ -z "$(in_guest systemctl --failed --no-legend)" ]
	[ "$(in_guest systemctl is-system-running)" = running ]
	[ "$(in_guest systemd-detect-virt)" = lxc ]
	# the id that the administrator sees is the one that the guest has
	[ "$(in_guest cat /etc/machine-id)" = "$(sed -n 's/^uuid = //p' "$SYSC_PATH/guest/config" | tr -d -)" ]
	in_guest systemctl is-active console-getty.service container-getty@1.service container-getty@2.service
	# a service with its own mounts, users and filters, and one in a cgroup of its own
	in_guest systemd-run --wait --quiet -p PrivateTmp=yes -p ProtectSystem=strict -p DynamicUser=yes true
	in_guest systemd-run --wait --quiet -p MemoryMax=50M -p TasksMax=10 true
	[ "$(in_guest sh -c 'journalctl -b -p err -q --no-pager | grep -v dbus | wc -l')" = 0 ]
}

for_both() { # RELEASE KIND [LOOK]
	make_debian guest "$1" -s container.privileged="${4:-no}"
	whole_life "$2" "${3-}"
}

@test "Debian 12, systemd" { for_both bookworm systemd look_at_systemd; }
@test "Debian 12, systemd, privileged" { for_both bookworm systemd look_at_systemd yes; }
@test "Debian 13, systemd" { for_both trixie systemd look_at_systemd; }
@test "Debian 13, systemd, privileged" { for_both trixie systemd look_at_systemd yes; }
@test "Debian 11, systemd" { for_both bullseye systemd look_at_systemd; }
@test "Debian 12, sysvinit" { for_both bookworm-sysvinit sysvinit; }
@test "Debian 12, sysvinit, privileged" { for_both bookworm-sysvinit sysvinit '' yes; }
@test "Debian 12, OpenRC" { for_both bookworm-openrc sysvinit; }
@test "Debian 12, runit" { for_both bookworm-runit runit; }

# Nothing that looks like an error on the console of a guest that has nothing to complain about.
is_quiet() { ! grep -aiE "can't|cannot|denied|not found|no such|fail|error" "$SYSC_LOG/guest.console"; }

@test "Alpine without OpenRC" {
	make_alpine guest
	whole_life busybox is_quiet
}

@test "busybox" {
	make_busybox guest
	whole_life busybox is_quiet
}

@test "busybox, privileged" {
	make_busybox guest -s container.privileged=yes
	whole_life busybox is_quiet
}
