#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Inside the virtual machine, whose kernel has AppArmor: the profiles are loaded by the real parser, are put on init and
# on what attaches, hold against root of a privileged container, and let a systemd guest be what it is.
# shellcheck disable=SC2016 # what runs inside is quoted
# shellcheck source=lib.sh
. /job/lib.sh

list=/sys/kernel/security/apparmor/profiles
profile=$(dirname "${etc:?}")/apparmor.d/sysc-container

pid_of() { sysc info -p -H "$1"; }
label_of() { cat "/proc/$1/attr/apparmor/current"; }
inside() { sysc attach "$1" -- sh -c "$2"; }
is_loaded() { grep -q "^$1 (enforce)$" "$list"; }
unload() { for one in sysc-container sysc-container-nesting sysc-container-privileged; do
	! is_loaded "$one" || printf '%s' "$one" >/sys/kernel/security/apparmor/.remove
done; }
log_of() { cat "${store:?}/../../log/sysc/$1.log"; }
clean_up() {
	for config in "${store:?}"/*/config; do
		[ ! -e "$config" ] || sysc destroy -q -f "$(basename "$(dirname "$config")")" >/dev/null 2>&1
	done
}
fails() { if "$@"; then echo "it worked: $*"; return 1; fi; }
# refused CONTAINER COMMAND: root of the container does not get it done
refused() {
	if inside "$1" "$2"; then
		echo "the container did it: $2"
		return 1
	fi
}

host_has_apparmor() {
	same Y "$(cat /sys/module/apparmor/parameters/enabled)"
	contains "$(cat /sys/kernel/security/lsm)" apparmor
	[ -e "$profile" ]
	same unconfined "$(label_of self)"
}

start_loads_the_profile() {
	unload
	fails is_loaded sysc-container
	sysc create -q -t busybox web1
	sysc start web1
	is_loaded sysc-container
	is_loaded sysc-container-privileged
	is_loaded sysc-container-nesting
	same "sysc-container (enforce)" "$(label_of "$(pid_of web1)")"
}

label_of_each_kind() {
	sysc create -q -t busybox web1
	sysc create -q -t busybox -s container.privileged=yes root1
	sysc create -q -t busybox -s container.nesting=yes nest1
	for one in web1=sysc-container root1=sysc-container-privileged nest1=sysc-container-nesting; do
		name=${one%%=*} want=${one#*=}
		sysc start "$name"
		pid=$(pid_of "$name")
		same "$want (enforce)" "$(label_of "$pid")"
		same "$want (enforce)" "$(inside "$name" 'cat /proc/self/attr/current')"
		same "$want (enforce)" "$(inside "$name" 'cat /proc/1/attr/current')"
		same "$want enforce" "$(sysc info --json "$name" | jq -r '.containers[0].apparmor | .label + " " + .mode')"
		contains "$(sysc info "$name")" "AppArmor:       $want (enforce)"
	done
	same unconfined "$(sysc attach -eLSM web1 -- cat /proc/self/attr/current)"
	same "sysc-container (enforce)" "$(printf x | sysc attach web1 -- sh -c 'cat >/dev/null; cat /proc/self/attr/current' | cat)"
}

execute_has_the_label() {
	sysc create -q -t busybox web1
	same "sysc-container (enforce)" "$(sysc execute web1 -- cat /proc/self/attr/current)"
	printf 'text\n' >/root/input
	same text "$(sysc execute web1 -- cat </root/input)"
}

with_no_new_privileges() {
	sysc create -q -t busybox -s security.no_new_privileges=yes web1
	sysc start web1
	same "sysc-container (enforce)" "$(label_of "$(pid_of web1)")"
	same "sysc-container (enforce)" "$(inside web1 'cat /proc/self/attr/current')"
}

unconfined_when_asked() {
	sysc create -q -t busybox -s security.apparmor=unconfined -s container.privileged=yes root1
	sysc start root1
	same unconfined "$(label_of "$(pid_of root1)")"
	same unconfined "$(inside root1 'cat /proc/self/attr/current')"
}

profile_by_name() {
	cat >/etc/apparmor.d/vm-own <<'PROFILE'
profile vm-own flags=(attach_disconnected,mediate_deleted) {
  file,
  network,
  capability,
  mount,
  umount,
  pivot_root,
  unix,
  signal,
  ptrace,
  deny /etc/passwd w,
}
PROFILE
	apparmor_parser -r /etc/apparmor.d/vm-own
	sysc create -q -t busybox -s security.apparmor=vm-own web1
	sysc start web1
	same "vm-own (enforce)" "$(label_of "$(pid_of web1)")"
	refused web1 'echo >>/etc/passwd'
	inside web1 'cat /etc/passwd >/dev/null'
}

unknown_profile_is_an_error() {
	sysc create -q -t busybox web1
	printf '\n[security]\napparmor = not-there\n' >>"$store/web1/config"
	line=$(grep -n 'apparmor = not-there' "$store/web1/config" | cut -d: -f1)
	fails sysc start web1 2>/tmp/said
	contains "$(cat /tmp/said)" "profile 'not-there' is not loaded"
	contains "$(cat /tmp/said)" "$store/web1/config:$line"
	contains "$(cat /tmp/said)" "apparmor_parser -r"
	same STOPPED "$(sysc info -s -H web1)"
}

without_the_parser() {
	unload
	parser=$(command -v apparmor_parser)
	sysc create -q -t busybox web1
	sysc create -q -t busybox -s container.privileged=yes root1
	mount --bind /dev/null "$parser"
	code=0
	(
		set -e
		sysc start web1
		same unconfined "$(label_of "$(pid_of web1)")"
		contains "$(log_of web1)" "runs without an AppArmor profile"
		fails sysc start root1 2>/tmp/said
		contains "$(cat /tmp/said)" "security.apparmor"
		contains "$(cat /tmp/said)" "security.apparmor = unconfined"
	) || code=1
	umount "$parser"
	[ "$code" = 0 ]
	sysc start root1
	same "sysc-container-privileged (enforce)" "$(label_of "$(pid_of root1)")"
}

# what root of a privileged container could do to the host through its own mounts
privileged_root_is_fenced() {
	sysc create -q -t busybox -s container.privileged=yes root1
	sysc start root1
	inside root1 'mount -t tmpfs x /mnt && echo y >/mnt/y && mkdir /mnt/b && mount --bind /mnt /mnt/b && umount /mnt/b && umount /mnt'
	inside root1 'mount --make-rslave / && mount --make-rprivate /'
	inside root1 'mount -t ramfs x /mnt && umount /mnt && mount -t cgroup2 x /mnt && umount /mnt'
	inside root1 'mount -t tmpfs x /mnt && mount -o remount,ro /mnt && mount -o remount,rw /mnt && touch /mnt/a && umount /mnt'
	inside root1 'echo 1 >/proc/sys/net/ipv4/ip_forward && hostname other'
	inside root1 'echo 100 >/proc/self/oom_score_adj'
	# shown to be there, so that what follows fails for its reason
	inside root1 'grep -q " /proc/sys " /proc/self/mountinfo; [ -e /proc/sysrq-trigger ]'

	refused root1 'umount /proc/sysrq-trigger'
	refused root1 'umount -l /proc/sys'
	refused root1 'umount -l /proc'
	refused root1 'umount -l /proc/kcore'
	refused root1 'umount /sys/firmware'
	refused root1 'umount -l /sys'
	refused root1 'mount -o remount,rw /proc/sys'
	refused root1 'mount -o remount,rw,bind /proc/sys'
	refused root1 'mount -o remount,rw,bind /proc/sysrq-trigger'
	refused root1 'mount -o remount,rw /sys'
	refused root1 'mount -o remount,rw,bind /sys'
	refused root1 'mount -t tmpfs x /mnt && mkdir /mnt/a && mount --move /proc/sys /mnt/a'
	refused root1 'echo h >/proc/sysrq-trigger'
	refused root1 'head -c 1 /proc/kcore >/dev/null && [ -s /proc/kcore ]'
	for type in proc sysfs securityfs debugfs tracefs configfs efivarfs binfmt_misc pstore cgroup bpf ext4 selinuxfs; do
		refused root1 "mkdir -p /m && mount -t $type x /m"
		refused root1 "mkdir -p /m && mount -t $type -o ro x /m"
	done
	refused root1 'mkdir -p /m && mount --bind /proc /m'
	refused root1 'mkdir -p /m && mount --rbind /proc /m'
	refused root1 'mkdir -p /m && mount --bind /proc/sys /m'
	refused root1 'mkdir -p /m && mount --bind /proc/sys/kernel /m'
	refused root1 'mkdir -p /m && mount --bind /sys /m'
	refused root1 'mkdir -p /m && mount --rbind /sys /m'
	refused root1 'mkdir -p /m && mount --rbind / /m'
	refused root1 'mkdir -p /m && mount --bind / /m && ls /m/proc/1'
	refused root1 'mount --move /proc /m'
	refused root1 'echo 1 >/proc/sys/kernel/sysrq'
	refused root1 'echo x >/proc/sys/kernel/core_pattern'
	refused root1 'echo 0 >/proc/sys/vm/swappiness'
	refused root1 'echo "exec unconfined" >/proc/self/attr/exec && cat /proc/self/attr/current | grep unconfined'
	refused root1 'echo "changeprofile unconfined" >/proc/self/attr/current'
	refused root1 'echo mem >/sys/power/state'
}

# where systemd makes the view of a service the whole tree may be once more: its covers come along and stay
another_view_is_fenced() {
	before=$(cat /proc/sys/kernel/core_pattern)
	sysc create -q -t busybox -s container.privileged=yes root1
	sysc start root1
	inside root1 'mkdir -p /run/systemd/mount-rootfs && mount --rbind / /run/systemd/mount-rootfs'
	at=/run/systemd/mount-rootfs/proc
	inside root1 "[ -d $at/1 ]"
	refused root1 "umount -l $at/sys"
	refused root1 "umount $at/sysrq-trigger"
	refused root1 "mkdir -p /m && mount --move $at /m"
	refused root1 "mkdir -p /m && mount --bind /run/systemd/mount-rootfs/proc /m && echo x >/m/sys/kernel/core_pattern"
	# systemd's own proc for a service, which has no covers
	refused root1 "mkdir -p /run/systemd/other && mount -t proc proc /run/systemd/other"
	inside root1 "mount -t proc proc $at"
	refused root1 "echo '|/bin/x' >$at/sys/kernel/core_pattern"
	refused root1 "echo 1 >$at/sys/vm/drop_caches"
	refused root1 "echo h >$at/sysrq-trigger"
	refused root1 "mkdir -p /m && mount --bind $at/sys/kernel /m && echo x >/m/core_pattern"
	inside root1 'mv /run/systemd /run/other'
	at=/run/other/mount-rootfs/proc
	inside root1 "[ -d $at/1 ]"
	refused root1 "echo 1 >$at/sys/vm/drop_caches"
	refused root1 "echo '|/bin/x' >$at/sys/kernel/core_pattern"
	refused root1 "echo /bin/x >$at/sys/kernel/modprobe"
	refused root1 "echo h >$at/sysrq-trigger"
	refused root1 "head -c 1 $at/kcore"
	same "$before" "$(cat /proc/sys/kernel/core_pattern)"
}

mount_calls_by_fd_are_gone() {
	sysc create -q -t busybox -s container.privileged=yes root1
	sysc start root1
	same 2 "$(inside root1 'grep Seccomp: /proc/self/status' | tr -dc 0-9)"
	cp /job/mount-calls "$store/root1/rootfs/mount-calls"
	inside root1 /mount-calls
}

nothing_outside_is_traced() {
	sysc create -q -t busybox -s container.privileged=yes root1
	sysc start root1
	same 0 "$(dmesg | grep -c 'apparmor="DENIED".*operation="signal".*sysc-container' || :)"
	sysc stop root1
	same STOPPED "$(sysc info -s -H root1)"
}

# systemd_guest PROFILE [OPTION...]
systemd_guest() {
	want=$1
	shift
	sysc create -q -t debian deb1 "$@"
	sysc start deb1
	wait_for 240 inside deb1 'case $(systemctl is-system-running) in running|degraded) ;; *) exit 1 ;; esac'
	inside deb1 'systemctl --failed --no-legend --plain' | tee /dev/stderr
	same running "$(inside deb1 'systemctl is-system-running')"
	same "$want (enforce)" "$(label_of "$(pid_of deb1)")"
	inside deb1 'systemd-run --wait -q -p PrivateTmp=yes -p ProtectSystem=strict -p ProtectHome=yes -p PrivateDevices=yes -p ProtectKernelTunables=yes -p ProtectKernelLogs=yes -p ProtectControlGroups=yes -p ProtectProc=invisible -p NoNewPrivileges=yes /bin/true'
	inside deb1 'systemd-run --wait -q -p DynamicUser=yes -p StateDirectory=try -p RestrictNamespaces=yes /bin/true'
	inside deb1 'systemctl restart systemd-journald systemd-logind'
	dmesg | grep 'apparmor="DENIED"' | grep sysc-container >/out/denied."$want" || :
	sysc stop deb1
}
systemd_guest_user() { systemd_guest sysc-container; }
systemd_guest_privileged() { systemd_guest sysc-container-privileged -s container.privileged=yes; }
systemd_guest_nesting() { systemd_guest sysc-container-nesting -s container.nesting=yes; }

run_case host_has_apparmor "the kernel has AppArmor, the profile is installed"
run_case start_loads_the_profile "a start loads the profile that is not loaded"
run_case label_of_each_kind "init and attach have the profile of the kind of container; info shows it"
run_case execute_has_the_label "execute has it too, and streams from outside work"
run_case with_no_new_privileges "no_new_privileges goes with it"
run_case unconfined_when_asked "unconfined puts none on"
run_case profile_by_name "a profile by name"
run_case unknown_profile_is_an_error "a profile that is not loaded: an error with its line, nothing started"
run_case without_the_parser "without the parser a privileged container does not start, another one does with a warning"
run_case privileged_root_is_fenced "root of a privileged container cannot take the covers away, nor mount around them"
run_case another_view_is_fenced "nor by another view of the tree, in the place where systemd makes one"
run_case mount_calls_by_fd_are_gone "nor by the mount calls that AppArmor does not see"
run_case nothing_outside_is_traced "a stop by signals from outside is not denied"
run_case systemd_guest_user "a systemd guest reaches running in a user namespace"
run_case systemd_guest_privileged "a privileged systemd guest reaches running"
run_case systemd_guest_nesting "a systemd guest with nesting reaches running"
finish
