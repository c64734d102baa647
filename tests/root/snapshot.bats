#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Snapshots on each backing store, of stopped and of running containers: what is kept, what a restore brings back and
# how it is undone; killed commands and full disks leave snapshots and containers whole.
# shellcheck shell=bash

bats_require_minimum_version 1.5.0
LIFECYCLE_NETWORK=no
load ../lib/lifecycle
load ../lib/images

setup() {
	images_setup
	need_loop
}

# gone NAME: destroyed with its snapshots, and nothing of it is anywhere
gone() {
	sysc destroy -f -s "$1"
	[[ -z $(find "$SYSC_PATH" -mindepth 1 -maxdepth 1 ! -name .lock) ]]
	assert_no_image other
}

# whole_life NAME: made, changed inside, restored, undone; of a running one too
whole_life() {
	local name=$1
	sysc start "$name"
	inside "$name" 'echo one >/root/file; mkdir /root/d; echo x >/root/d/x; ln /root/file /root/link'
	run sysc snapshot create "$name" -c 'while it runs'
	((status == 0)) || { echo "$output" >&2; return 1; }
	[[ $output == *"snapshot 'snap0' made (frozen for "*" ms)"* ]]
	[[ $(state_of "$name") == RUNNING ]]
	inside "$name" 'echo two >/root/file; rm -r /root/d; echo more >/root/more'
	run sysc snapshot restore "$name" snap0
	((status == 4))
	[[ $output == *"it is RUNNING"*"restore -f"* ]]
	sysc stop -k "$name"
	sysc snapshot create "$name" stopped
	sysc config set "$name" container.description changed
	sysc snapshot restore "$name" snap0
	sysc start "$name"
	[[ $(inside "$name" 'cat /root/file /root/d/x /root/link; ls /root/more 2>/dev/null || :') == $'one\nx\none' ]]
	[[ -z $(sysc config get "$name" container.description) ]]
	inside "$name" 'echo three >/root/file'
	sysc stop -k "$name"
	sysc snapshot restore "$name" --undo
	sysc start "$name"
	[[ $(inside "$name" 'cat /root/file /root/more; ls /root/d 2>/dev/null || :') == $'two\nmore' ]]
	[[ $(sysc config get "$name" container.description) == changed ]]
	sysc stop -k "$name"
	# both are still what they were, and there is one undo
	[[ $(sysc snapshot list "$name" | awk 'NR > 1 { print $2 }' | grep -vc before-) == 2 ]]
	[[ $(sysc snapshot list "$name" | awk 'NR > 1 { print $2 }' | grep -c before-) == 1 ]]
	sysc start "$name"
	sysc snapshot restore -f --no-keep "$name" stopped
	[[ $(state_of "$name") == RUNNING ]]
	[[ $(inside "$name" 'cat /root/file /root/more') == $'two\nmore' ]]
	sysc stop -k "$name"
	sysc snapshot delete "$name" snap0
	run ! sysc snapshot restore "$name" snap0
	[[ $output == *"no snapshot 'snap0'"* ]]
	sysc start "$name"
	[[ $(inside "$name" 'cat /root/file /root/more') == $'two\nmore' ]]
	sysc snapshot delete "$name" stopped
	[[ -z $(sysc snapshot list "$name") ]]
	[[ -z $(ls -A "$SYSC_PATH/$name/snapshots") ]]
	sysc stop -k "$name"
	sysc start "$name"
	[[ $(inside "$name" 'cat /root/file /root/more') == $'two\nmore' ]]
	sysc stop -k "$name"
}

@test "dir, overlay, loop on ext4: created running and stopped, restored, undone, deleted" {
	need busybox
	need userns
	make_store ext4 600M
	for backend in dir overlay loop; do
		make_busybox web1 -B "$backend" --size 48M 2>/dev/null || make_busybox web1 -B "$backend"
		whole_life web1
		gone web1
	done
	drop_store
}

@test "dir, overlay, loop on xfs with shared blocks" {
	need busybox
	need userns
	make_store xfs 600M
	for backend in dir overlay loop; do
		make_busybox web1 -B "$backend" --size 48M 2>/dev/null || make_busybox web1 -B "$backend"
		whole_life web1
		gone web1
	done
	drop_store
}

@test "btrfs: subvolumes" {
	local kept
	need busybox
	need userns
	need btrfs
	make_store btrfs 600M
	make_busybox web1 -B btrfs
	sysc snapshot create web1 first
	[[ $(stat -c %i "$SYSC_PATH/web1/snapshots/first/rootfs") == 256 ]]
	run ! touch "$SYSC_PATH/web1/snapshots/first/rootfs/x"
	# what a restore replaced is read-only with what is in it, and goes all the same
	btrfs -q subvolume create "$SYSC_PATH/web1/rootfs/srv"
	touch "$SYSC_PATH/web1/rootfs/srv/file"
	sysc snapshot restore web1 first
	kept=$(cd "$SYSC_PATH/web1/snapshots" && echo before-*)
	run ! touch "$SYSC_PATH/web1/snapshots/$kept/rootfs/x"
	[[ -e $SYSC_PATH/web1/snapshots/$kept/rootfs/srv/file ]]
	sysc snapshot delete web1 "$kept"
	sysc snapshot delete web1 first
	whole_life web1
	touch "$SYSC_PATH/web1/rootfs/writable"
	gone web1
	[[ -z $(btrfs subvolume list mnt) ]]
	drop_store
}

# commits: how often a transaction was brought to the disk
commits() {
	btrfs inspect-internal dump-super "$(findmnt -n -o SOURCE mnt)" | awk '$1 == "generation" { print $2 }'
}

@test "btrfs: a snapshot waits for the disk twice" {
	local before
	need busybox
	need btrfs
	make_store btrfs 600M
	mount -o remount,commit=600 mnt
	make_busybox web1 -B btrfs
	sync -f mnt
	before=$(commits)
	sysc snapshot create web1 one
	(($(commits) - before <= 2))
	[[ $(stat -c %i "$SYSC_PATH/web1/snapshots/one/rootfs") == 256 ]]
	drop_store
}

@test "killed at any moment: snapshots are whole or absent, the container lives and is not left frozen" {
	need busybox
	need btrfs
	need userns
	make_store xfs 600M
	for backend in dir overlay loop; do
		make_busybox web1 -B "$backend"
		sysc start web1
		inside web1 'i=0; while [ $i -lt 200 ]; do echo $i >/root/f$i; i=$((i+1)); done'
		for moment in 1 2 3 5 7 9 12 16 20 26 32 40 50; do
			with_kill "$moment" snapshot create web1 "s$moment"
			wait_until 10 bash -c "[[ \$('$top_builddir/src/sysc' info -s -H web1) == RUNNING ]]"
			for snap in $(sysc snapshot list web1 | awk 'NR > 1 { print $2 }'); do
				[[ -s $SYSC_PATH/web1/snapshots/$snap/config ]]
				[[ $backend != dir || $(ls "$SYSC_PATH/web1/snapshots/$snap/rootfs/root" | wc -l) == 200 ]]
				with_kill $((moment % 7 + 1)) snapshot delete web1 "$snap"
			done
		done
		sysc stop -k web1
		[[ $(inside_tree web1) == 200 ]]
		sysc snapshot create web1 good
		for moment in 1 2 3 4 5 6 8 10 12 15 18 22 27 33 40; do
			with_kill "$moment" snapshot restore web1 good
			with_kill "$moment" snapshot create web1 "r$moment"
			sysc config check web1
		done
		# the next command ends or removes what is left
		sysc snapshot create web1 last
		[[ -z $(find "$SYSC_PATH/web1/snapshots" -maxdepth 1 -name '.*') ]]
		sysc start web1
		[[ $(inside web1 'ls /root | wc -l') == 200 ]]
		sysc stop -k web1
		# each of them can be restored
		for snap in $(sysc snapshot list web1 | awk 'NR > 1 && $2 !~ /^before-/ { print $2 }'); do
			sysc snapshot restore web1 "$snap"
			[[ $(inside_tree web1) == 200 ]]
		done
		gone web1
	done
	drop_store
}

# inside_tree NAME: how many files its /root has, while it is stopped
inside_tree() {
	sysc start "$1"
	inside "$1" 'ls /root | wc -l'
	sysc stop -k "$1"
}

# freeze_by_hand NAME: by its cgroup alone, as a command that goes no further
freeze_by_hand() {
	local root
	for root in /sys/fs/cgroup /sys/fs/cgroup/*; do
		if [[ -e $root/$SYSC_CGROUP/$1/cgroup.freeze ]]; then
			echo 1 >"$root/$SYSC_CGROUP/$1/cgroup.freeze"
			wait_until 10 grep -q '^frozen 1' "$root/$SYSC_CGROUP/$1/cgroup.events"
			return
		fi
	done
	echo FROZEN >"/sys/fs/cgroup/freezer/$SYSC_CGROUP/$1/freezer.state"
	wait_until 10 grep -q FROZEN "/sys/fs/cgroup/freezer/$SYSC_CGROUP/$1/freezer.state"
}

@test "a container that a killed snapshot left frozen goes on" {
	need busybox
	make_store ext4 400M
	make_busybox web1
	sysc start web1
	# both the command and its guard are gone: the next command sees whose it was
	sysc freeze web1
	printf '999999 1\n' >"$SYSC_RUN/web1/frozen_by"
	run sysc snapshot create web1
	((status == 0))
	[[ $output == *"thawed, a killed command had left it frozen"* ]]
	[[ $(state_of web1) == RUNNING && ! -e $SYSC_RUN/web1/frozen_by ]]
	# killed between the freezing and the supervisor's note of it
	printf '999999 1\n' >"$SYSC_RUN/web1/frozen_by"
	freeze_by_hand web1
	[[ $(state_of web1) == RUNNING ]]
	sysc snapshot delete web1 snap0
	[[ $(timeout 10 "$top_builddir/src/sysc" attach web1 -- echo awake) == awake ]]
	[[ ! -e $SYSC_RUN/web1/frozen_by ]]
	# one that the administrator froze stays frozen, and what he lets go on is no killed command's any more
	for word in freeze unfreeze; do
		printf '999999 1\n' >"$SYSC_RUN/web1/frozen_by"
		sysc "$word" web1
		[[ ! -e $SYSC_RUN/web1/frozen_by ]]
	done
	sysc freeze web1
	sysc snapshot create web1
	[[ $(state_of web1) == FROZEN ]]
	sysc unfreeze web1
	sysc stop -k web1
	gone web1
	drop_store
}

@test "a snapshot of a running container is one moment of it, whatever it writes" {
	need busybox
	make_store ext4 400M
	for backend in dir overlay; do
		make_busybox web1 -B "$backend"
		sysc start web1
		in_background sysc attach web1 -- sh -c "$(churn)"
		wait_until 20 inside web1 '[ -s /srv/f2 ]'
		for i in $(seq 12); do
			run sysc snapshot create web1 "s$i"
			((status == 0))
			[[ $output == *"(frozen for "*" ms)"* ]]
		done
		run sysc snapshot create web1 loose --no-freeze
		((status == 0))
		inside web1 ': >/srv/stop'
		wait "$background"
		for i in $(seq 12); do
			folder=$SYSC_PATH/web1/snapshots/s$i/rootfs
			if [[ $backend == overlay ]]; then
				folder=$(sed -nE 's/^path = overlay:([^:]*).*/\1/p' "$SYSC_PATH/web1/snapshots/s$i/config")
			fi
			one_moment "$folder/srv" || { echo "$backend, snapshot $i:" >&2; ls -lR "$folder/srv" >&2; return 1; }
		done
		# at rest nothing has changed since the last one but what churn wrote
		sysc stop -k web1
		sysc snapshot create web1 rest
		[[ -z $(sysc snapshot diff web1 rest) ]]
		gone web1
	done
	drop_store
}

# interrupted SIGNAL CODE WORD...: sysc snapshot WORD..., which gets the signal while it is at work; it may come too late
interrupted() {
	local signal=$1 code=$2 status=0
	shift 2
	in_background "$top_builddir/src/sysc" snapshot "$@"
	wait_until 10 bash -c "[[ -n \$(find '$SYSC_PATH/web1/snapshots' -maxdepth 1 -name '.*' -newer begin) ]] || ! kill -0 $background"
	kill "-$signal" "$background" 2>/dev/null || :
	wait "$background" || status=$?
	[[ -z $(find "$SYSC_PATH/web1/snapshots" -maxdepth 1 -name '.*') ]] || { ls -A "$SYSC_PATH/web1/snapshots" >&2; return 1; }
	((status == 0 || status == code)) || { echo "status $status" >&2; return 1; }
	# only when it was in time
	((status == code)) && ended=$((ended + 1))
	return 0
}

@test "interrupted by SIGINT or SIGTERM: thawed, nothing is left, the container is what it was" {
	need busybox
	make_store ext4 600M
	make_busybox web1
	mkdir -p "$SYSC_PATH/web1/rootfs/srv/many"
	(cd "$SYSC_PATH/web1/rootfs/srv/many" && seq 3000 | xargs touch)
	head -c 60M /dev/urandom >"$SYSC_PATH/web1/rootfs/srv/big"
	sysc snapshot create web1 good
	sysc start web1
	ended=0
	for signal in INT TERM; do
		[[ $signal == TERM ]] && code=143 || code=130
		for i in 1 2 3 4; do
			touch begin
			interrupted "$signal" "$code" create web1 "$signal$i"
			[[ $(state_of web1) == RUNNING && ! -e $SYSC_RUN/web1/frozen_by ]]
			[[ ! -e $SYSC_PATH/web1/snapshots/$signal$i ]] || sysc snapshot delete web1 "$signal$i"
		done
	done
	((ended > 0))
	sysc stop -k web1
	ended=0
	echo later >"$SYSC_PATH/web1/rootfs/srv/later"
	for signal in INT TERM; do
		[[ $signal == TERM ]] && code=143 || code=130
		for i in 1 2 3 4; do
			touch begin
			before=$ended
			interrupted "$signal" "$code" restore web1 good
			if ((ended > before)); then
				[[ $(cat "$SYSC_PATH/web1/rootfs/srv/later") == later ]]
			else
				echo later >"$SYSC_PATH/web1/rootfs/srv/later"
			fi
		done
	done
	((ended > 0))
	gone web1
	drop_store
}

@test "a full file system: nothing is left of what failed" {
	need busybox
	make_store ext4 60M
	make_busybox web1
	head -c 20M /dev/urandom >"$SYSC_PATH/web1/rootfs/root/big"
	sysc snapshot create web1 one || :
	run sysc snapshot create web1 two
	((status == 1))
	[[ $output == *"No space left"* ]]
	[[ -z $(find "$SYSC_PATH/web1/snapshots" -maxdepth 1 -name '.*') && ! -e $SYSC_PATH/web1/snapshots/two ]]
	run sysc snapshot restore web1 one
	((status == 1))
	[[ -z $(find "$SYSC_PATH/web1/snapshots" -maxdepth 1 -name '.*') ]]
	cmp "$SYSC_PATH/web1/rootfs/root/big" "$SYSC_PATH/web1/snapshots/one/rootfs/root/big"
	gone web1
	drop_store
}

@test "two at once: one after the other" {
	need busybox
	make_busybox web1
	pids=()
	for i in 1 2 3 4 5 6; do
		sysc snapshot create web1 3>&- &
		pids+=($!)
	done
	wait "${pids[@]}"
	[[ $(sysc snapshot list web1 | awk 'NR > 1 { print $2 }' | sort | xargs) == "snap0 snap1 snap2 snap3 snap4 snap5" ]]
	[[ $(sysc snapshot list --json web1 | grep -c '"reason": "hand"') == 6 ]]
	run sysc snapshot create web1 snap3
	((status == 1))
	[[ $output == *"'snap3' is there already"* ]]
	run sysc snapshot create web1 ../x
	((status == 2))
	run sysc snapshot show web1 snap33
	((status == 1))
	[[ $output == *"did you mean 'snap3'"* ]]
	run sysc snapshot create nobody
	((status == 3))
	run sysc destroy web1
	((status == 4))
	sysc destroy -s web1
	[[ -z $(find "$SYSC_PATH" -mindepth 1 ! -name .lock) ]]
}

@test "schedule and keep rules" {
	need busybox
	make_busybox web1
	sysc snapshot run
	[[ -z $(sysc snapshot list web1) ]]
	run ! sysc config set web1 snapshots.schedule sometimes
	[[ $output == *"is no calendar expression"* ]]
	run ! sysc config set web1 snapshots.keep 'daily'
	sysc config set web1 snapshots.schedule minutely
	sysc snapshot create web1 byhand
	# in the words of the unit, which nobody else runs here
	words=$(sed -n 's|^ExecStart=@bindir@/sysc ||p' "$top_srcdir/config/systemd/sysc-snapshot.service.in")
	# shellcheck disable=SC2086 # words on purpose
	sysc $words
	sysc snapshot run # not due again
	(($(sysc snapshot list web1 | grep -c schedule) <= 2))
	(($(sysc snapshot list web1 | grep -c schedule) >= 1))
	# older ones: the time is what info says
	for day in 1 2 3 4; do
		sysc snapshot delete web1 "auto-$day" 2>/dev/null || :
		cp -a "$SYSC_PATH/web1/snapshots/byhand" "$SYSC_PATH/web1/snapshots/auto-$day"
		sed -i "s/^reason .*/reason schedule/; s/^created_ms .*/created_ms $((($(date +%s) - day * 86400) * 1000))/" \
			"$SYSC_PATH/web1/snapshots/auto-$day/info"
		sed -i "s,snapshots/byhand,snapshots/auto-$day," "$SYSC_PATH/web1/snapshots/auto-$day/config"
	done
	run sysc snapshot prune web1 --keep 'daily 3' --dry-run
	((status == 0))
	[[ $output == *"'auto-3' would be deleted"*"'auto-4' would be deleted"* && $output == *"'auto-2' is kept (daily)"* ]]
	[[ -e $SYSC_PATH/web1/snapshots/auto-4 ]]
	run sysc snapshot prune web1
	((status == 1))
	[[ $output == *"snapshots.keep is not set"* ]]
	sysc config set web1 snapshots.keep 'daily 3'
	sysc snapshot prune web1
	[[ ! -e $SYSC_PATH/web1/snapshots/auto-3 && ! -e $SYSC_PATH/web1/snapshots/auto-4 ]]
	[[ -e $SYSC_PATH/web1/snapshots/auto-2 && -e $SYSC_PATH/web1/snapshots/byhand ]]
	# where nothing goes it says what it looked at
	kept=$(sysc snapshot list web1 | grep -c ' schedule ')
	[[ $(sysc snapshot prune web1) == "web1: nothing to delete: 'daily 3' keeps all snapshots of the schedule ($kept)" ]]
	[[ -z $(sysc snapshot prune -q web1) ]]
	sysc snapshot prune --json web1 | jq -e '[.snapshots[] | select(.deleted)] == []'
	sysc snapshot prune web1 --keep 'last 1' --all-kinds
	[[ $(sysc snapshot list web1 | tail -n +2 | wc -l) == 1 ]]
	[[ $(sysc snapshot prune web1 --all-kinds) == "web1: nothing to delete: 'daily 3' keeps all snapshots (1)" ]]
	sysc snapshot delete web1 "$(sysc snapshot list web1 | awk 'NR == 2 { print $2 }')"
	[[ $(sysc snapshot prune -n web1) == 'web1: nothing to delete: no snapshots of the schedule' ]]
	[[ $(sysc snapshot prune --json web1 | jq -c .snapshots) == '[]' ]]
	sysc snapshot create -q web1 mine
	[[ $(sysc snapshot prune web1) == *': no snapshots of the schedule (1 by hand stay, --all-kinds counts them)' ]]
	sysc destroy -s web1
}

# in_guest NAME COMMAND: of a stopped container
in_guest() { sysc start "$1" && inside "$1" "$2" && sysc stop -k "$1"; }

@test "single paths: restored, undone, all of it or nothing, on every backend" {
	need busybox
	need userns
	need btrfs
	make_store btrfs 900M
	fill='mkdir -p /srv/www/a /srv/other; echo one >/srv/www/a/index; ln /srv/www/a/index /srv/www/link; ln -s index /srv/www/a/sym
		chown 33:34 /srv/www/a; chmod 2750 /srv/www/a; mkfifo /srv/www/fifo; echo x >/srv/other/x; echo secret >/etc/secret; chmod 600 /etc/secret'
	look='cd /; cat srv/www/a/index srv/www/link etc/secret srv/other/x 2>&1; stat -c "%n %u:%g %a %h" srv/www srv/www/* srv/www/a/* etc/secret 2>&1; ls srv'
	for backend in dir overlay btrfs loop; do
		make_busybox web1 -B "$backend" --fstype ext4 2>/dev/null || make_busybox web1 -B "$backend"
		in_guest web1 "$fill"
		then=$(in_guest web1 "$look")
		sysc snapshot create web1 daily
		sysc start web1
		inside web1 'rm -r /srv/www; mkdir /srv/www; echo mine >/srv/www/mine; echo two >/etc/secret; echo y >/srv/other/x; echo passwd >>/etc/passwd'
		sysc stop -k web1
		now=$(in_guest web1 "$look")
		# nothing is done when one of them is not there
		run sysc snapshot restore web1 daily --path /srv/www --path /srv/none
		((status == 1))
		[[ $output == *"'/srv/none' is not in snapshot 'daily'"* ]]
		[[ $(in_guest web1 "$look") == "$now" ]]
		run sysc snapshot restore web1 daily --path /srv/www/ --path /etc/secret
		((status == 0))
		[[ $output == *"'/srv/www', '/etc/secret' restored from 'daily' (restore --undo: 'before-restore-"* ]]
		[[ $(in_guest web1 "$look") == "${then/$'\nx\n'/$'\ny\n'}" ]] || { echo "$backend: $(in_guest web1 "$look") instead of $then" >&2; return 1; }
		in_guest web1 'grep -q ^passwd$ /etc/passwd; [ ! -e /srv/www/mine ]; ls -A /srv /etc | grep sysc && exit 1 || :'
		# only those are kept, and only those come back
		sysc snapshot list web1 | grep -q "restore .*what 'daily' replaced: '/srv/www', '/etc/secret'"
		run sysc snapshot restore web1 --undo --to web2
		((status == 1))
		part=$(basename "$(echo "$SYSC_PATH"/web1/snapshots/before-restore-*)")
		for words in "snapshot diff web1 $part" "export -o web1.tar --snapshot $part web1" "export -o web1.tar --snapshots=$part web1"; do
			# shellcheck disable=SC2086
			run sysc $words
			((status == 1))
			[[ $output == *"snapshot '$part' has only what a restore of '/srv/www' and other paths replaced"* && ! -e web1.tar ]]
		done
		in_guest web1 'echo z >/srv/other/x'
		sysc snapshot restore web1 --undo
		[[ $(in_guest web1 "$look") == "${now/$'\ny\n'/$'\nz\n'}" ]]
		sysc snapshot restore web1 --undo
		[[ $(in_guest web1 'cat /srv/www/link /srv/other/x') == $'one\nz' ]]
		# what was not there is not there again after the undo
		in_guest web1 'rm -r /srv/www'
		sysc snapshot restore web1 daily --path /srv/www
		[[ $(in_guest web1 'cat /srv/www/link') == one ]]
		in_guest web1 'echo more >/srv/www/more'
		sysc snapshot restore web1 --undo
		[[ $(in_guest web1 'ls /srv') == other ]]
		sysc snapshot restore web1 daily --path /srv/www --no-keep
		[[ $(in_guest web1 'ls /srv/www') == $'a\nfifo\nlink' ]]
		run ! sysc snapshot restore web1 --undo
		[[ -z $(find "$SYSC_PATH/web1/snapshots" -maxdepth 1 -name '.*') ]]
		gone web1
	done
	drop_store
}

@test "single paths of a running container, or with -f; a hostile one leads nowhere" {
	need busybox
	need userns
	make_store ext4 400M
	make_busybox web1
	sysc start web1
	inside web1 'mkdir -p /srv/www /srv/sub; echo one >/srv/www/index; ln -s /srv/www /srv/link; echo x >/srv/sub/x'
	sysc snapshot create web1 daily
	inside web1 'echo two >/srv/www/index; cd /srv/www; echo open >kept'
	run sysc snapshot restore web1 daily --path /srv/www --path /srv/link
	((status == 0))
	[[ $output == *"frozen for "*" ms (restore --undo"* && $(state_of web1) == RUNNING ]]
	[[ $(inside web1 'cat /srv/www/index /srv/link/index; ls -A /srv') == $'one\none\nlink\nsub\nwww' ]]
	sysc snapshot restore web1 --undo
	[[ $(inside web1 'cat /srv/www/index /srv/www/kept') == $'two\nopen' ]]
	# its own mounts are in no snapshot
	inside web1 'mount -t tmpfs none /srv/sub'
	for path in /srv /srv/sub /srv/sub/x /proc/self; do
		run sysc snapshot restore web1 daily --path "$path"
		((status == 1 || status == 4))
		[[ $output == *"is a mount in the running container"* || $output == *"is not in snapshot"* ]]
	done
	inside web1 'umount /srv/sub'
	# symlinks in the way stay inside
	echo host >host
	mkdir outside
	inside web1 "rm -r /srv/www; ln -s $PWD/outside /srv/www"
	run sysc snapshot restore web1 daily --path /srv/www/index
	((status == 1))
	inside web1 "mkdir -p $PWD/outside"
	sysc snapshot restore web1 daily --path /srv/www/index
	[[ -z $(ls -A outside) && $(inside web1 'cat /srv/www/index') == one ]]
	# while it swaps folders for symlinks, nothing is made outside of it
	in_background sysc attach web1 -- sh -c "cd /srv; mkdir real; while [ ! -e stop ]; do rm -rf sub; ln -s $PWD/outside sub; rm sub; mkdir sub; done"
	for i in $(seq 10); do
		sysc snapshot restore web1 daily --path /srv/sub/x || :
	done
	inside web1 ': >/srv/stop'
	wait "$background"
	[[ -z $(ls -A outside) && $(cat host) == host && $(state_of web1) == RUNNING ]]
	sysc stop -k web1
	sysc snapshot list web1 >/dev/null
	gone web1
	make_busybox web1 -B overlay
	sysc start web1
	inside web1 'echo one >/etc/one'
	sysc snapshot create web1 daily
	inside web1 'echo two >/etc/one'
	run sysc snapshot restore web1 daily --path /etc
	((status == 4))
	[[ $output == *"restore -f"* ]]
	sysc snapshot restore -f web1 daily --path /etc
	[[ $(state_of web1) == RUNNING && $(inside web1 'cat /etc/one') == one ]]
	sysc stop -k web1
	gone web1
	for wrong in '--path etc' '--path /' '--path /a/../b' '--path /a --path /a/b' '--path /etc --to web2' '--path /etc --config-only' '--path /etc --undo'; do
		# shellcheck disable=SC2086 # several words
		run sysc snapshot restore web1 $wrong
		((status == 2))
	done
	drop_store
}

@test "single paths, killed at any moment: each path is the old or the new one, and it can be undone" {
	need busybox
	make_store ext4 400M
	for backend in dir overlay; do
		make_busybox web1 -B "$backend"
		in_guest web1 'mkdir -p /srv/a /srv/b; for i in 1 2 3 4 5 6 7 8 9; do echo old >/srv/a/$i; echo old >/srv/b/$i; done'
		sysc snapshot create web1 old
		in_guest web1 'for i in 1 2 3 4 5 6 7 8 9; do echo new >/srv/a/$i; echo new >/srv/b/$i; done; rm -r /srv/b/1'
		for moment in 2 4 6 8 10 12 14 16 18 20 22 25 28 32 36 40 50; do
			with_kill "$moment" snapshot restore web1 old --path /srv/a --path /srv/b
			seen=$(in_guest web1 'cat /srv/a/* | sort | uniq -c | xargs; cat /srv/b/* | sort | uniq -c | xargs; ls -A /srv | xargs')
			[[ $seen =~ ^"9 "(old|new)$'\n'("9 old"|"8 new")$'\na b'$ ]] || { echo "$backend, after $moment ms: $seen" >&2; return 1; }
			[[ -z $(find "$SYSC_PATH/web1/snapshots" -maxdepth 1 -name '.*') ]]
			if [[ $seen != "9 new"*"8 new"* ]]; then
				sysc snapshot restore web1 --undo
				[[ $(in_guest web1 'cat /srv/[ab]/* | sort | uniq -c | xargs') == "17 new" ]]
			fi
		done
		gone web1
	done
	drop_store
}

@test "what a running overlay stands on stays, though its file names another tree by now" {
	make_busybox web1 -B overlay
	sysc start web1
	inside web1 'echo mine >/root/file'
	cp "$SYSC_PATH/web1/config" as-started
	sed -i "s|^path = .*|path = dir:$SYSC_PATH/web1/rootfs|" "$SYSC_PATH/web1/config"
	# the moment that it begins with cannot be had there, and what was made for it goes; the tree itself is read
	sysc export -q -o archive web1
	[[ $(inside web1 'cat /root/file') == mine ]]
	sysc stop -k web1
	cp as-started "$SYSC_PATH/web1/config"
	sysc start web1
	[[ $(inside web1 'cat /root/file') == mine ]]
	sysc stop -k web1
}

# layers_of NAME: how many folders the overlay has
layers_of() { sysc config get "$1" rootfs.path | tr ':' '\n' | grep -c /; }

# as_seen NAME: everything in /srv, as the guest sees it
as_seen() { in_guest "$1" 'cd /srv && find . | sort | while read -r f; do if [ -f "$f" ]; then echo "$f $(cat "$f") $(stat -c "%u %a %h" "$f")"; else echo "$f $(stat -c "%F %u %a" "$f")"; fi; done'; }

# step NUMBER: a change of the tree, of each kind that layers know: new, changed, removed, replaced by another type, opaque
step() {
	cat <<-END
		cd /srv; echo $1 >always; mkdir -p keep/d$(($1 % 7)); echo $1 >keep/d$(($1 % 7))/f
		[ $(($1 % 3)) != 0 ] || rm -rf keep/d$((($1 + 3) % 7))
		rm -rf swap; [ $(($1 % 2)) = 0 ] && echo file >swap || { mkdir swap; echo $1 >swap/in$1; }
		rm -f one two; echo $1 >one; ln one two; rm -rf base/sub$(($1 % 4)); [ $(($1 % 5)) != 0 ] || mkdir -p base/sub$(($1 % 4))/new
		chown $1 keep; chmod 7$(($1 % 8))5 keep
	END
}

@test "a hundred snapshots with keep rules: the chain of layers grows no longer, what each has stays" {
	need busybox
	make_store ext4 400M
	make_busybox web1 -B overlay
	mkdir -p "$SYSC_PATH/web1/rootfs/srv/base/sub"{0,1,2,3}
	touch "$SYSC_PATH/web1/rootfs/srv/base/sub"{0,1,2,3}/x
	for i in $(seq 12); do
		in_guest web1 "$(step "$i")"
		sysc snapshot create web1 "s$i"
		seen[i]=$(as_seen web1)
		if ((i > 4)); then
			# one in the middle, and the oldest but one
			sysc snapshot delete web1 "s$((i - 2))"
		fi
		(($(layers_of web1) <= $(sysc snapshot list web1 | wc -l) + 2))
		[[ $(as_seen web1) == "${seen[i]}" ]] || { echo "after $i: $(as_seen web1) instead of ${seen[i]}" >&2; return 1; }
	done
	for snap in $(sysc snapshot list web1 | awk 'NR > 1 { print $2 }'); do
		sysc snapshot restore web1 "$snap" --to web2
		[[ $(as_seen web2) == "${seen[${snap#s}]}" ]] || { echo "$snap: $(as_seen web2) instead of ${seen[${snap#s}]}" >&2; return 1; }
		sysc destroy web2
	done
	# a copy that stands on a layer keeps it
	sysc copy -s web1 child
	in_guest web1 "$(step 13)"
	sysc snapshot create web1 s13
	in_guest web1 "$(step 14)"
	sysc snapshot create web1 s14
	before=$(as_seen child)
	sysc snapshot prune web1 --all-kinds --keep 'last 1'
	[[ $(as_seen child) == "$before" ]]
	sysc destroy child
	for i in $(seq 100); do
		echo "$i" >"$SYSC_PATH/number"
		upper=$(sysc config get web1 rootfs.path)
		cp "$SYSC_PATH/number" "${upper##*:}/upper/srv/number$((i % 9))" 2>/dev/null ||
			{ in_guest web1 'mkdir -p /srv; touch /srv' && upper=$(sysc config get web1 rootfs.path) && cp "$SYSC_PATH/number" "${upper##*:}/upper/srv/number$((i % 9))"; }
		sysc snapshot create -q web1
		sysc snapshot prune -q web1 --all-kinds --keep 'last 3'
		(($(layers_of web1) <= 6)) || { sysc config get web1 rootfs.path >&2; return 1; }
	done
	rm "$SYSC_PATH/number"
	[[ $(in_guest web1 'cat /srv/number[0-8] | sort -n | xargs') == "92 93 94 95 96 97 98 99 100" ]]
	gone web1
	drop_store
}

@test "layers that are folded when it is killed: the same tree, and nothing is left" {
	need busybox
	make_store ext4 400M
	make_busybox web1 -B overlay
	in_guest web1 "mkdir -p /srv; $(step 1)"
	sysc snapshot create web1 first
	n=1
	for moment in 3 5 7 9 11 13 15 18 21 24 28 32; do
		for one in a b c; do
			n=$((n + 1))
			in_guest web1 "$(step $n)"
			sysc snapshot create web1 "$one"
		done
		was=$(as_seen web1)
		with_kill "$moment" snapshot delete web1 a b
		now=$(as_seen web1)
		[[ $now == "$was" ]] || { printf 'after %s ms: %s\ninstead of %s\n' "$moment" "$now" "$was" >&2; return 1; }
		sysc snapshot delete web1 a 2>/dev/null || :
		sysc snapshot delete web1 b 2>/dev/null || :
		sysc snapshot delete web1 c
		[[ $(as_seen web1) == "$was" ]]
		# first stands on one, and the container on at most two more
		(($(layers_of web1) <= 5))
		(($(find "$SYSC_PATH/web1" -maxdepth 1 -name 'delta*' | wc -l) <= 4))
	done
	gone web1
	drop_store
}

# own NAME SNAPSHOT: what it holds itself, in KiB; show and list say the same
own() {
	local bytes
	bytes=$(sysc snapshot show --json "$1" "$2" | jq .snapshot.own)
	[[ $(sysc snapshot list -s --json "$1" | jq --arg name "$2" '.snapshots[] | select(.name == $name).own') == "$bytes" ]] || return 1
	echo $((bytes / 1024))
}

# fill NAME FILE MEBIBYTES: on disk, in a stopped container
fill() {
	in_guest "$1" "dd if=/dev/urandom of=/srv/$2 bs=1M count=$3 conv=notrunc 2>/dev/null"
	sync -f "$SYSC_PATH"
}

@test "what a snapshot holds itself, on each backend" {
	need busybox
	need userns
	need btrfs
	need jq
	make_store ext4 600M
	make_busybox web1
	in_guest web1 'mkdir /srv'
	fill web1 file 4
	in_guest web1 'ln /srv/file /srv/link; ln /srv/file /srv/more'
	sysc snapshot create -q web1 one
	# all is its own, a file of three names counts once
	(($(own web1 one) > 4096 && $(own web1 one) < 8192 + 2 * $(du -k "$(command -v busybox)" | cut -f 1)))
	[[ $(sysc snapshot list web1 | head -n 1) != *OWN* && $(sysc snapshot list --json web1 | jq -c '[.snapshots[].own]') == '[null]' ]]
	[[ $(sysc snapshot list --size web1 | head -n 1) == *" SIZE "*" OWN "*" COMMENT"* ]]
	sysc snapshot list -s web1 | awk 'NR == 2 { exit !($5 == "-" && $6 ~ "^[0-9.]+M$") }'
	sysc snapshot show web1 one | grep -Eq "^Own: +[0-9.]+M$"
	gone web1
	# an overlay: what was written between two of them
	make_busybox web1 -B overlay
	in_guest web1 'mkdir -p /srv'
	fill web1 file 4
	sysc snapshot create -q web1 one
	sysc snapshot create -q web1 two
	in_guest web1 'rm /srv/file'
	fill web1 other 2
	sysc snapshot create -q web1 three
	sysc start web1
	inside web1 'dd if=/dev/urandom of=/srv/third bs=1M count=1 2>/dev/null'
	sysc snapshot create -q web1 four
	sysc stop -k web1
	(($(own web1 one) >= 4096 && $(own web1 one) < 5120))
	[[ $(own web1 two) == 0 ]]
	(($(own web1 three) >= 2048 && $(own web1 three) < 3072))
	(($(own web1 four) >= 1024 && $(own web1 four) < 2048))
	gone web1
	drop_store
	# shared blocks are its own when the container has others
	for type in xfs btrfs quota; do
		make_store "${type/quota/btrfs}" 600M
		[[ $type != quota ]] || btrfs quota enable mnt
		for backend in dir btrfs loop; do
			[[ $type != xfs || $backend != btrfs ]] || continue
			[[ $type != quota || $backend == btrfs ]] || continue
			make_busybox web1 -B "$backend" --fstype ext4 2>/dev/null || make_busybox web1 -B "$backend"
			in_guest web1 'mkdir -p /srv'
			fill web1 file 4
			sysc snapshot create -q web1 one
			(($(own web1 one) < 1024))
			fill web1 file 4
			(($(own web1 one) >= 4096 && $(own web1 one) < 5120)) || { echo "$type, $backend: $(own web1 one)" >&2; return 1; }
			gone web1
		done
		drop_store
	done
}

@test "restore to a new name: a machine of its own, the old one runs on" {
	need busybox
	need userns
	make_store xfs 600M
	for backend in dir overlay loop; do
		make_busybox web1 -B "$backend"
		sysc start web1
		inside web1 'echo then >/root/file'
		sysc snapshot create web1 one
		inside web1 'echo now >/root/file'
		sysc snapshot restore web1 one --to web2
		[[ $(inside web1 'cat /root/file') == now ]]
		sysc start web2
		[[ $(inside web2 'cat /root/file; hostname') == $'then\nweb2' ]]
		[[ $(sysc config get web1 container.uuid) != "$(sysc config get web2 container.uuid)" ]]
		[[ $(sysc config get web1 idmap.map) != "$(sysc config get web2 idmap.map)" ]]
		sysc stop -k web2
		sysc destroy web2
		gone web1
	done
	run sysc snapshot restore nobody --to web2
	((status == 3))
	drop_store
}

@test "what a restore replaced, come from an archive, goes with the next restore like any other" {
	need busybox
	need userns
	make_busybox web1
	sysc snapshot create web1 first
	sysc snapshot restore web1 first
	sysc export -q --snapshots -o web1.tar.zst web1
	sysc import -q web2 web1.tar.zst
	[[ $(sysc snapshot list web2 | grep -c before-restore-) == 1 ]]
	run sysc snapshot restore web2 first
	((status == 0))
	[[ $output != *stays* ]]
	[[ $(sysc snapshot list web2 | grep -c before-restore-) == 1 ]]
}
