#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# What a container may never do: hostile root file systems, and root inside against the host, another container and its
# own limits. A hostile tree is refused with a clear line, or everything stays inside.
# cache: debian bookworm

bats_require_minimum_version 1.5.0
SANDBOX_NETWORK=no
load ../lib/sandbox

setup() {
	sandbox_setup
	printf '[console]\nttys = 1\n' >"$SYSC_ETC/default.conf"
	outside=$BATS_TEST_TMPDIR/outside
	mkdir -p "$outside/folder"
	echo host >"$outside/file"
	outside_before=$(outside_state)
}

teardown() {
	local code=0
	[ "$(outside_state)" = "$outside_before" ] || { echo "something outside of the container changed" >&2; code=1; }
	sandbox_teardown || code=1
	return $code
}

# Everything that must not change, with modes, owners and contents.
outside_state() {
	(
		cd "$outside" || exit
		find . -printf '%p %m %U %G %l %s\n' | sort
		cat file
	)
	stat -c '%a %u %g' /dev/null /dev/zero /dev/tty
	cat /proc/sys/kernel/core_pattern /proc/sys/kernel/hostname /proc/sys/vm/swappiness
}

guest() { timeout 30 "$top_builddir/src/sysc" attach web -- "$@"; }
root_of() { echo "$SYSC_PATH/$1/rootfs"; }
add_config() { cat >>"$SYSC_PATH/web/config"; }
status_of() { awk -v "k=$1:" '$1 == k { print $2 }' "/proc/$2/status"; }

# refuses COMMAND...: the guest's root is told no
refuses() {
	run guest "$@"
	echo "$*: $status $output"
	[ "$status" != 0 ] && [ "$status" != 124 ]
}

# --- hostile trees ---

@test "a symlink at /dev, /proc or /sys is refused, and named" {
	for place in dev proc sys; do
		make_busybox web
		rm -rf "${SYSC_PATH:?}/web/rootfs/$place"
		ln -s "$outside/folder" "$(root_of web)/$place"
		run sysc start web
		echo "$output"
		[ "$status" = 1 ]
		[[ $output == *"'/$place'"*symlink* ]]
		assert_nothing_left web
		sysc destroy -f web
	done
}

@test "what a tree has in /dev is neither followed nor used" {
	make_busybox web
	for place in console null pts shm tty1 mqueue zero; do
		ln -s "$outside/folder/$place" "$(root_of web)/dev/$place"
	done
	ln -s "$outside/file" "$(root_of web)/dev/full"
	sysc start web
	guest test -c /dev/null -a -c /dev/console -a -d /dev/pts -a -c /dev/tty1
	sysc stop -k web
}

@test "a rootfs that is a symlink is refused" {
	make_busybox web
	mv "$(root_of web)" "$BATS_TEST_TMPDIR/tree"
	ln -s "$BATS_TEST_TMPDIR/tree" "$(root_of web)"
	run sysc start web
	[ "$status" = 1 ]
	[[ $output == *"rootfs' is a symlink"* ]]
	assert_nothing_left web
}

@test "mounts through planted symlinks stay inside" {
	for link in "$outside" "../../../../../../../../../..$outside" /proc/1/root"$outside"; do
		make_busybox web
		ln -s "$link" "$(root_of web)/mnt/link"
		add_config <<-END
			[mounts]
			entry = tmpfs mnt/link/made tmpfs create=dir,optional
			entry = $outside/file mnt/link/madefile none bind,ro,create=file,optional
		END
		# refused or inside: teardown looks at what is outside
		run sysc start web
		echo "$link: $status $output"
		[ ! -e "$outside/made" ]
		[ ! -e "$outside/madefile" ]
		sysc destroy -f web
	done
}

@test "names and name servers are written inside only, whatever the links of /etc say" {
	need ip
	sysc net up --no-dhcp --no-nat
	make_busybox web
	rm -f "$(root_of web)/etc/resolv.conf" "$(root_of web)/etc/hostname"
	ln -s "$outside/file" "$(root_of web)/etc/resolv.conf"
	ln -s "$outside/file" "$(root_of web)/etc/hostname"
	add_config <<-'END'
		[network.eth0]
		type = veth
		bridge = syscbr0
		address = auto
		dns = 192.0.2.53
	END
	sysc start web
	[ "$(guest hostname)" = web ]
	[[ $(guest cat /etc/resolv.conf) == *192.0.2.53* ]]
	sysc stop -k web
	# the whole of /etc elsewhere
	mv "$(root_of web)/etc" "$(root_of web)/etc.away"
	ln -s "$outside" "$(root_of web)/etc"
	run sysc start web
	echo "$status $output"
	sysc destroy -f web
	sysc net down -f
}

@test "a fifo for /etc/passwd and /etc/group does not hold up attach" {
	make_busybox web
	rm "$(root_of web)/etc/passwd" "$(root_of web)/etc/group"
	mkfifo "$(root_of web)/etc/passwd" "$(root_of web)/etc/group"
	sysc start web
	run timeout 10 "$top_builddir/src/sysc" attach web -- /bin/sh -c 'echo $USER'
	echo "$output"
	[ "$status" = 0 ]
	[ "${lines[-1]}" = root ]
	run timeout 10 "$top_builddir/src/sysc" attach -u daemon web -- /bin/sh -c :
	[ "$status" = 125 ]
	[[ $output == *"no user 'daemon'"* ]]
	sysc stop -k web
}

@test "an init that is a link to a magic link, a folder or nothing is refused, and named" {
	make_busybox web
	init=$(root_of web)/sbin/init
	for kind in /proc/self/exe /proc/1/exe /nowhere "$outside/file" folder fifo; do
		rm -rf "$init"
		case $kind in
		folder) mkdir "$init" ;;
		fifo) mkfifo "$init" ;;
		*) ln -s "$kind" "$init" ;;
		esac
		run timeout 20 "$top_builddir/src/sysc" start web
		echo "$kind: $status $output"
		[ "$status" = 1 ]
		[[ $output == *"'/sbin/init'"* ]]
		assert_nothing_left web
	done
}

@test "a device node planted in the tree opens nothing" {
	disk=$(lsblk -dnro MAJ:MIN 2>/dev/null | head -n 1)
	[ -n "$disk" ] || skip "no block device here"
	make_busybox web
	mknod -m 666 "$(root_of web)/disk" b "${disk%:*}" "${disk#*:}"
	mknod -m 666 "$(root_of web)/kmsg" c 1 11
	sysc start web
	refuses dd if=/disk of=/dev/null bs=512 count=1
	refuses dd if=/kmsg of=/dev/null bs=1 count=1
	guest mount -o remount,bind,dev / || :
	refuses dd if=/disk of=/dev/null bs=512 count=1
	sysc stop -k web
}

@test "a setuid program of a tree is out of reach on the host" {
	need setpriv
	make_busybox web
	chmod 4755 "$(root_of web)/bin/busybox"
	run setpriv --reuid 65534 --regid 65534 --clear-groups stat "$(root_of web)/bin/busybox"
	[ "$status" != 0 ]
	[[ $output == *"ermission denied"* ]]
}

# --- root inside ---

@test "init and attach: capabilities, filter, groups, files, as documented" {
	make_busybox web
	sysc start web
	pid=$(sysc info -p -H web)
	in_background "$top_builddir/src/sysc" attach web -- sleep 60
	wait_until 10 pgrep -P "$background" sleep
	attached=$(pgrep -P "$background" sleep)
	# without sys_module sys_rawio sys_time mac_override mac_admin audit_read
	denied=$((1 << 16 | 1 << 17 | 1 << 25 | 1 << 32 | 1 << 33 | 1 << 37))
	for p in "$pid" "$attached"; do
		[ $((0x$(status_of CapBnd "$p") & denied)) = 0 ]
		[ "$(status_of CapBnd "$p")" = "$(status_of CapBnd "$pid")" ]
		[ $((0x$(status_of CapPrm "$p") & ~0x$(status_of CapBnd "$p"))) = 0 ]
		[ "$(status_of CapInh "$p")" = 0000000000000000 ]
		[ "$(status_of CapAmb "$p")" = 0000000000000000 ]
		[ "$(status_of Seccomp "$p")" = 2 ]
		[ "$(status_of Uid "$p")" -gt 65535 ]
		[ -z "$(status_of Groups "$p")" ]
		[ "$(cat "/proc/$p/oom_score_adj")" = "$(cat /proc/self/oom_score_adj)" ]
		# nothing but the three streams
		[ "$(ls "/proc/$p/fd" | sort -n | tr '\n' ' ')" = "0 1 2 " ]
		# one user namespace, and none of the host's
		for ns in user mnt pid net uts ipc cgroup; do
			[ "$(readlink "/proc/$p/ns/$ns")" = "$(readlink "/proc/$pid/ns/$ns")" ]
			[ "$(readlink "/proc/$p/ns/$ns")" != "$(readlink "/proc/self/ns/$ns")" ]
		done
	done
	# the container's cgroups hold processes of the container only
	mapfile -t folders < <(sandbox_cgroups | grep '/web')
	((${#folders[@]} > 0))
	for dir in "${folders[@]}"; do
		while read -r p; do
			[ ! -d "/proc/$p" ] || [ "$(readlink "/proc/$p/ns/pid")" = "$(readlink "/proc/$pid/ns/pid")" ]
		done <"$dir/cgroup.procs"
	done
	sysc stop -k web
}

@test "the kernel's settings are read-only, and stay the host's when the fence is taken away" {
	make_busybox web
	sysc start web
	settings="/proc/sys/kernel/core_pattern /proc/sys/vm/swappiness /proc/sys/vm/drop_caches /proc/sys/fs/file-max"
	for file in $settings /proc/sysrq-trigger; do
		[ -e "$file" ] || continue
		refuses sh -c "echo 1 >$file"
	done
	# root of a user namespace may take covers away: what is below them is guarded by the kernel
	guest sh -c 'mount -o remount,rw,bind /proc/sys; umount /proc/sysrq-trigger 2>/dev/null; mkdir /tmp/proc
		mount -t proc proc /tmp/proc' || :
	for file in $settings /proc/sysrq-trigger; do
		[ -e "$file" ] || continue
		refuses sh -c "echo 1 >$file"
		refuses sh -c "echo 1 >/tmp$file"
	done
	# no file of /sys that root may write, but for its own network
	run guest sh -c 'find /sys -path /sys/fs/cgroup -prune -o -path "*/net/*" -prune -o -type f -perm -200 -print |
		while read -r f; do (: >>"$f") 2>/dev/null && echo "$f"; done; :'
	echo "$output"
	[ -z "$output" ]
	sysc stop -k web
}

@test "no device, no module, no kernel log, no swap, no clock" {
	make_busybox web
	sysc start web
	refuses mknod /tmp/disk b 8 0
	refuses mknod /tmp/mem c 1 1
	refuses dmesg
	refuses insmod /bin/busybox
	refuses swapoff -a /dev/null
	[[ $(guest date -s 2001-01-01 2>&1) == *"not permitted"* ]]
	refuses mount -t debugfs none /mnt
	refuses mount -t securityfs none /mnt
	refuses chmod 0600 /dev/null
	refuses chown 1 /dev/null
	refuses nsenter -t 1 -U true
	# a mount of a disk
	disk=$(lsblk -dnro MAJ:MIN 2>/dev/null | head -n 1)
	[ -z "$disk" ] || refuses sh -c "mknod /tmp/d b ${disk%:*} ${disk#*:} && mount -t ext4 /tmp/d /mnt"
	sysc stop -k web
}

@test "system calls that are denied to a privileged container too" {
	need debian bookworm
	for privileged in no yes; do
		make_debian web bookworm -s container.privileged=$privileged
		sysc start web
		[ "$(uname -m)" = x86_64 ] || skip "numbers of x86_64"
		# kexec_load 246, init_module 175, finit_module 313, open_by_handle_at 304, bpf 321, perf_event_open 298:
		# EPERM 1; add_key 248: ENOSYS 38; umount2 166 with MNT_FORCE: EACCES 13; ioctl TIOCSTI: EPERM
		run guest perl -e '
			for (["246", 1], ["175", 1], ["313", 1], ["304", 1], ["321", 1], ["298", 1], ["248", 38]) {
				$! = 0; my $r = syscall(int($_->[0]), 0, 0, 0, 0, 0);
				print "$_->[0] ", $r, " ", $!+0, "\n" if $r != -1 || $! != $_->[1];
			}
			my $path = "/mnt"; $! = 0; my $r = syscall(166, $path, 1);
			print "umount2 $r ", $!+0, "\n" if $r != -1 || $! != 13;
			my $x = "x"; $! = 0; open(my $tty, "+<", "/dev/tty1"); $r = ioctl($tty, 0x5412, $x);
			print "TIOCSTI ", $r // "", " ", $!+0, "\n" if defined $r || $! != 1;
			$r = syscall(16, fileno($tty), 0x100005412, $x);
			print "TIOCSTI in 64 bits ", $r, " ", $!+0, "\n" if $r != -1 || $! != 1;
		'
		echo "$privileged: $output"
		[ "$status" = 0 ]
		[ -z "$output" ]
		sysc stop -k web
		sysc destroy web
	done
}

@test "processes of the host and of another container are not there" {
	make_busybox web
	make_busybox other
	sysc start web
	sysc start other
	sysc attach other -- mkdir -p /root/secret
	pid=$(sysc info -p -H other)
	refuses ls "/proc/$pid/root"
	refuses kill -0 "$pid"
	run guest sh -c "ls /proc | grep -c '^[0-9]'"
	[ "$output" -lt 12 ]
	# ranges of ids of their own
	a=$(awk 'NR == 1 { print $2 }' "/proc/$(sysc info -p -H web)/uid_map")
	b=$(awk 'NR == 1 { print $2 }' "/proc/$pid/uid_map")
	[ $((a > b ? a - b : b - a)) -ge 65536 ]
	# as the first container's root, with the host's view: neither the other's tree nor its command socket
	need setpriv
	for path in "$(root_of other)/root" "$SYSC_RUN/other/socket" "$(root_of web)"; do
		run setpriv --reuid "$a" --regid "$a" --clear-groups stat "$path"
		[ "$status" != 0 ]
	done
	run setpriv --reuid "$a" --regid "$a" --clear-groups kill -0 "$pid"
	[ "$status" != 0 ]
	sysc stop -k web other
}

@test "limits cannot be raised from inside" {
	need controller pids
	make_busybox web
	add_config <<-'END'
		[limits]
		pids = 60
		memory = 64M
	END
	sysc start web
	before=$(sysc info web | grep -E '^(Memory|Processes)' | sed 's/.*(/(/')
	guest sh -c '
		for c in pids memory devices cpu; do
			mkdir -p "/tmp/$c"
			mount -t cgroup -o $c none "/tmp/$c"
			echo max >"/tmp/$c/pids.max"
			echo -1 >"/tmp/$c/memory.limit_in_bytes"
			echo a >"/tmp/$c/devices.allow"
			echo 1 >"/tmp/$c/cgroup.procs"
			echo $$ >"/tmp/$c/../cgroup.procs"
		done
		for f in pids.max memory.max; do echo max >/sys/fs/cgroup/$f; done' >/dev/null 2>&1 || :
	# the limit still holds: not all of 100 processes can be made
	run guest sh -c 'n=0; while [ $n -lt 100 ]; do sleep 20 & n=$((n + 1)); done; wait'
	echo "$output" | tail -n 2
	[[ $output == *"fork"* ]]
	found=no
	for file in /sys/fs/cgroup/pids/$SYSC_CGROUP*/web*/pids.max /sys/fs/cgroup/$SYSC_CGROUP*/web*/pids.max; do
		[ -e "$file" ] || continue
		[ "$(cat "$file")" = 60 ]
		found=yes
	done
	[ "$found" = yes ]
	sysc stop -k web
}

@test "the options of a bind mount cannot be taken away in a user namespace" {
	make_busybox web
	add_config <<-END
		[mounts]
		entry = $outside mnt/folder none bind,ro,create=dir
		entry = $outside/file mnt/file none bind,ro,create=file
		entry = $outside/folder mnt/nosuid none bind,nosuid,nodev,noexec,create=dir
	END
	sysc start web
	# anybody's, if only the mount were writable
	guest sh -c 'grep -q " /mnt/folder .* ro[ ,]" /proc/self/mounts || grep " /mnt/folder " /proc/self/mounts'
	for place in folder file; do
		refuses mount -o remount,rw,bind "/mnt/$place"
	done
	refuses mount -o remount,suid,bind /mnt/nosuid
	refuses mount -o remount,dev,bind /mnt/nosuid
	refuses mount -o remount,exec,bind /mnt/nosuid
	refuses sh -c 'echo x >/mnt/file'
	refuses touch /mnt/folder/new
	# nor on a copy of it
	refuses sh -c 'mkdir /tmp/copy; mount -o bind /mnt/folder /tmp/copy && mount -o remount,rw,bind /tmp/copy'
	refuses unshare -m sh -c 'mount -o remount,rw,bind /mnt/folder'
	[ "$(guest cat /mnt/file)" = host ]
	sysc stop -k web
}

@test "privileged: the devices of the host keep their modes, and only the listed ones open" {
	make_busybox web -s container.privileged=yes
	sysc start web
	guest chmod 0600 /dev/null
	guest chmod 0600 /dev/zero
	guest chown 1 /dev/tty
	[ "$(stat -c %a /dev/null)" = 666 ]
	disk=$(lsblk -dnro MAJ:MIN 2>/dev/null | head -n 1)
	if [ -n "$disk" ]; then
		refuses sh -c "mknod /tmp/d b ${disk%:*} ${disk#*:}; dd if=/tmp/d of=/dev/null bs=512 count=1"
	fi
	refuses sh -c 'mknod /tmp/kmsg c 1 11; dd if=/tmp/kmsg of=/dev/null bs=1 count=1'
	refuses dmesg
	[[ $(guest date -s 2001-01-01 2>&1) == *"not permitted"* ]]
	pid=$(sysc info -p -H web)
	# module rawio time wake_alarm syslog mac_* audit_read
	[ $((0x$(status_of CapBnd "$pid") & (1 << 16 | 1 << 17 | 1 << 25 | 1 << 32 | 1 << 33 | 1 << 34 | 1 << 35 | 1 << 37))) = 0 ]
	[ "$(status_of Seccomp "$pid")" = 2 ]
	refuses sh -c 'echo x >/proc/sys/kernel/core_pattern'
	sysc stop -k web
}

# --- files of the host ---

@test "folders and files have the modes that keep others out" {
	export SYSC_PATH=$BATS_TEST_TMPDIR/new/store SYSC_RUN=$BATS_TEST_TMPDIR/new/run SYSC_LOG=$BATS_TEST_TMPDIR/new/log \
		SYSC_CACHE=$BATS_TEST_TMPDIR/new/cache
	umask 0
	make_busybox web
	sysc start web
	wait_until 10 test -s "$SYSC_LOG/web.console"
	mode() { stat -c %a "$1"; }
	[ "$(mode "$SYSC_RUN")" = 700 ]
	[ "$(mode "$SYSC_RUN/web")" = 700 ]
	[ "$(mode "$SYSC_CACHE")" = 700 ]
	[ "$(mode "$SYSC_PATH/web")" = 700 ]
	[ "$(mode "$SYSC_PATH/web/config")" = 640 ]
	[ "$(mode "$SYSC_LOG/web.log")" = 640 ]
	[ "$(mode "$SYSC_LOG/web.console")" = 640 ]
	# nothing that others may write
	run find "$SYSC_PATH" "$SYSC_RUN" "$SYSC_LOG" -path '*/rootfs' -prune -o -perm /022 ! -type l ! -type s -print
	echo "$output"
	[ -z "$output" ]
	sysc stop -k web
}

@test "a configuration that somebody else owns or may write is refused" {
	make_busybox web
	chmod o+w "$SYSC_PATH/web/config"
	run sysc start web
	echo "$output"
	[ "$status" = 1 ]
	[[ $output == *"$SYSC_PATH/web/config"*writ* ]]
	chmod 0640 "$SYSC_PATH/web/config"
	chown 1000 "$SYSC_PATH/web/config"
	run sysc start web
	echo "$output"
	[ "$status" = 1 ]
	[[ $output == *"$SYSC_PATH/web/config"* ]]
	chown 0 "$SYSC_PATH/web/config"
	# an included file is no other
	echo '[container]' >"$BATS_TEST_TMPDIR/more.conf"
	chmod 0666 "$BATS_TEST_TMPDIR/more.conf"
	printf '[container]\ninclude = %s\n' "$BATS_TEST_TMPDIR/more.conf" | add_config
	run sysc start web
	echo "$output"
	[ "$status" = 1 ]
	[[ $output == *more.conf* ]]
}

@test "control characters and strange names are refused" {
	make_busybox web
	run sysc config set web container.description=$'a\tb\e[31m'
	echo "$output"
	[ "$status" != 0 ]
	printf '[container]\ndescription = a\033[31mb\n' | add_config
	run sysc start web
	echo "$output" | cat -v
	[ "$status" = 1 ]
	[[ $output == *"$SYSC_PATH/web/config:"* ]]
	[[ $output != *$'\e'* ]]
	for name in ../web .web -web 'a b' a/b $'a\nb' "$(printf '%070d' 1)"; do
		run sysc create -t busybox -- "$name"
		[ "$status" != 0 ]
		run sysc info -- "$name"
		[ "$status" != 0 ]
	done
}

@test "privileged: start runs from a sealed copy of sysc, with all its options" {
	make_busybox web -s container.privileged=yes
	in_background "$top_builddir/src/sysc" start -F -v -q -o "$BATS_TEST_TMPDIR/a log" -l debug -s limits.pids=90 web
	wait_until 10 eval '[[ $(readlink "/proc/$background/exe") == "/memfd:sysc (deleted)" ]]'
	mapfile -d '' -t words <"/proc/$background/cmdline"
	echo "${words[@]}"
	[[ "|${words[*]/%/|}" == *"| --log| $BATS_TEST_TMPDIR/a log| --log-level| debug|"* ]]
	for word in start --quiet --verbose -F -s limits.pids=90 "$SYSC_PATH" web; do
		[[ "|${words[*]/%/|}" == *"| $word|"* ]]
	done
	sysc wait -s RUNNING -t 20 web
	sysc stop -k web
}

@test "privileged: attach runs from a sealed copy of sysc, which root inside cannot write to" {
	make_busybox web -s container.privileged=yes
	sysc start web
	before=$(sha256sum <"$top_builddir/src/sysc")
	"$top_builddir/src/sysc" attach web -- sleep 20 &
	attached=$!
	is_sealed() { [[ $(readlink "/proc/$attached/exe") == "/memfd:sysc (deleted)" ]]; }
	wait_until 10 is_sealed
	run python3 -c '
import fcntl, sys
print(fcntl.fcntl(open(sys.argv[1], "rb"), 1034))  # F_GET_SEALS: seal, shrink, grow, write
open(sys.argv[1], "r+b")' "/proc/$attached/exe"
	echo "$output"
	[[ $output == 15* ]]
	[ "$status" != 0 ]
	kill "$attached"
	wait "$attached" || :
	[ "$(sha256sum <"$top_builddir/src/sysc")" = "$before" ]
}
