#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Backing stores: a container on each, on file systems made for the test; limits that hold; what depends on what; full
# disks and killed commands leave nothing.
# shellcheck shell=bash

bats_require_minimum_version 1.5.0
LIFECYCLE_NETWORK=no
load ../lib/lifecycle
load ../lib/images

setup() {
	images_setup
	need_loop
}

# lives NAME: it boots, in its own user namespace, writes, stops, and what it wrote is there with plain ids
lives() {
	sysc start "$1"
	[[ $(inside "$1" 'cat /proc/1/comm') == init ]]
	# one root mount, nothing of the host below it
	[[ $(inside "$1" "awk '\$5 == \"/\"' /proc/self/mountinfo" | wc -l) == 1 ]]
	inside "$1" 'echo written >/root/file && mkdir -p /srv/a/b && chown 5:6 /srv/a && mv /etc/profile /etc/moved && rm /etc/shells'
	inside "$1" 'setpriv true 2>/dev/null; mknod /root/fifo p && ln /root/file /root/link && cp -a /bin/busybox /root/copy && cmp /bin/busybox /root/copy'
	sysc stop -k "$1"
	sysc start "$1"
	[[ $(inside "$1" 'cat /root/link; stat -c %u:%g /srv/a; ls /etc/moved /etc/shells 2>/dev/null') == $'written\n5:6\n/etc/moved' ]]
	sysc stop -k "$1"
}

# gone NAME: destroyed, and nothing of it is anywhere
gone() {
	sysc destroy -f "$1"
	[[ $(find "$SYSC_PATH" -mindepth 1 -maxdepth 1 ! -name .lock) == '' ]]
	assert_nothing_left "$1"
	assert_no_image other
}

@test "dir, overlay, loop: a container on each lives, and goes without a trace" {
	need busybox
	need userns
	for backend in dir overlay loop; do
		make_busybox web1 -B "$backend"
		grep -q "^path = $backend:" "$SYSC_PATH/web1/config"
		assert_no_image
		lives web1
		gone web1
	done
}

@test "overlay: what was there before stays as it was, what is written is beside it" {
	need busybox
	need userns
	make_busybox web1 -B overlay
	before=$(cd "$SYSC_PATH/web1/rootfs" && find . -printf '%p %T@ %s %m %U\n' | sort)
	lives web1
	[[ $(cd "$SYSC_PATH/web1/rootfs" && find . -printf '%p %T@ %s %m %U\n' | sort) == "$before" ]]
	[[ $(cat "$SYSC_PATH/web1/delta/upper/root/file") == written ]]
	[[ $(stat -c %u:%g "$SYSC_PATH/web1/delta/upper/srv/a") == 5:6 ]]
	# privileged, and read-only
	sysc config set web1 rootfs.readonly yes
	sysc start web1
	run ! inside web1 'echo x >/root/more'
	sysc stop -k web1
}

@test "loop: ext4, xfs and btrfs; the size is the image's and holds" {
	need busybox
	need userns
	for type in ext4 xfs btrfs; do
		need "mkfs.$type"
		make_busybox web1 -B loop --fstype "$type" --size 320M
		[[ $(stat -c %s "$SYSC_PATH/web1/rootfs.img") == $((320 << 20)) ]]
		(($(stat -c %b "$SYSC_PATH/web1/rootfs.img") * 512 < 200 << 20))
		sysc start web1
		[[ $(inside web1 'grep " / / " /proc/self/mountinfo | sed "s/.* - //; s/ .*//"') == "$type" ]]
		run ! inside web1 'dd if=/dev/zero of=/root/big bs=1M count=400 2>&1'
		[[ $output == *"No space left"* ]]
		inside web1 'rm /root/big; echo small >/root/file'
		sysc stop -k web1
		gone web1
	done
	run sysc create -B loop --fstype vfat web1
	((status == 1))
	[[ $output == *"none of ext4, xfs, btrfs"* ]]
	run sysc create -B loop --size 1M web1
	((status == 1))
	[[ $output == *"at least 16M"* && -z $(ls "$SYSC_PATH") ]]
}

# size_of NAME: what info says that its root file system may take
size_of() { sysc info --json "$1" | jq -r '.containers[0].storage.size'; }
# can_resource: what growing a mounted ext4 takes (CAP_SYS_RESOURCE, bit 24), which a machine may lack
can_resource() { (($(awk '/^CapEff/ { print "0x" $2 }' /proc/self/status) >> 24 & 1)); }
# room NAME: what the file system inside has, in MiB
room() { inside "$1" "df -m / | awk 'NR == 2 { print \$2 }'"; }

@test "loop: ext4, xfs and btrfs grow while they are mounted; who cannot shrink says so" {
	need busybox
	need userns
	need jq
	for type in ext4 xfs btrfs; do
		need "mkfs.$type"
		make_busybox web1 -B loop --fstype "$type" --size 320M
		[[ $(size_of web1) == $((320 << 20)) ]]
		[[ $(sysc info web1) == *"Storage: "*loop*"Disk use: "*"limit 320M"* ]]
		sysc start web1
		before=$(room web1)
		if [[ $type == ext4 ]] && ! can_resource; then
			run sysc config set web1 rootfs.size=640M
			((status == 1))
			[[ $output == *"resize the ext4: Operation not permitted"*"stop the container first"* ]]
			[[ $(size_of web1) == $((320 << 20)) && $(sysc config get web1 rootfs.size) == 320M ]]
			sysc stop -k web1
			sysc config set web1 rootfs.size=640M
			sysc start web1
		else
			sysc config set web1 rootfs.size=640M
		fi
		[[ $(size_of web1) == $((640 << 20)) ]]
		(($(room web1) >= before + 300))
		run sysc plan -e web1
		((status == 0)) || { echo "$output"; return 1; }
		inside web1 'dd if=/dev/zero of=/root/big bs=1M count=350 2>/dev/null && sync && rm /root/big'
		if [[ $type == btrfs ]]; then
			sysc config set web1 rootfs.size=400M
			(($(room web1) <= 400))
		else
			run sysc config set web1 rootfs.size=400M
			((status == 1))
			[[ $output == *"$type cannot be made smaller"* ]]
			[[ $(sysc config get web1 rootfs.size) == 640M && $(size_of web1) == $((640 << 20)) ]]
		fi
		sysc stop -k web1
		# at rest it grows too, and so it does at a start for which somebody has edited the file
		sysc config set web1 rootfs.size=700M
		[[ $(size_of web1) == $((700 << 20)) ]]
		sed -i 's/^size = .*/size = 720M/' "$SYSC_PATH/web1/config"
		sysc start web1
		(($(room web1) >= before + 360))
		[[ $type != ext4 ]] || can_resource || { gone web1 && continue; }
		# while it runs, apply does
		sed -i 's/^size = .*/size = 730M/' "$SYSC_PATH/web1/config"
		[[ $(sysc plan web1) == *rootfs.size*720M*730M*live* ]]
		sysc apply web1
		[[ $(size_of web1) == $((730 << 20)) ]]
		gone web1
	done
}

# make_image SIZE MEGABYTES: web1, stopped, with so much in /root/big; sets sum
make_image() {
	need busybox
	need userns
	need resize2fs
	make_busybox web1 -B loop --size "$1"
	sysc start web1
	inside web1 "dd if=/dev/urandom of=/root/big bs=1M count=$2 2>/dev/null; ln /root/big /root/link"
	sum=$(inside web1 'sync; sha256sum /root/big')
	sysc stop -k web1
}

@test "loop: a stopped ext4 shrinks as a whole, as far as there is room" {
	make_image 300M 100
	run sysc config set web1 rootfs.size=64M
	((status == 1))
	[[ $output == *resize2fs* ]]
	[[ $(sysc config get web1 rootfs.size) == 300M && $(stat -c %s "$SYSC_PATH/web1/rootfs.img") == $((300 << 20)) ]]
	[[ -z $(find "$SYSC_PATH/web1" -name '.*') ]]
	sysc config set web1 rootfs.size=256M
	[[ $(stat -c %s "$SYSC_PATH/web1/rootfs.img") == $((256 << 20)) ]]
	e2fsck -fn "$SYSC_PATH/web1/rootfs.img"
	sysc start web1
	[[ $(inside web1 'sha256sum /root/big') == "$sum" ]]
	(($(room web1) <= 256))
	sysc stop -k web1
	run sysc config set web1 rootfs.size=8M
	((status == 1))
	[[ $output == *"at least 16M"* ]]
	gone web1
}

@test "loop: killed while its size changes, the next command goes on or all is as before" {
	need jq
	make_image 100M 40
	for moment in $(seq 2 7 140); do
		for size in 160M 100M; do
			timeout -s KILL "$(printf '0.%03d' "$moment")" "$top_builddir/src/sysc" config set web1 "rootfs.size=$size" >/dev/null 2>&1 || :
		done
		# resize2fs of a killed command works on a copy that nobody wants any more
		sysc start web1
		[[ $(inside web1 'sha256sum /root/big') == "$sum" ]]
		wanted=$(sysc config get web1 rootfs.size)
		[[ $(size_of web1) == $((${wanted%M} << 20)) ]]
		(($(room web1) > ${wanted%M} - 20))
		sysc stop -k web1
	done
	sysc config set web1 rootfs.size=120M
	[[ -z $(find "$SYSC_PATH/web1" -name '.rootfs*') ]]
	e2fsck -fn "$SYSC_PATH/web1/rootfs.img"
	gone web1
}

@test "btrfs: a quota grows and shrinks while it runs, and goes when it is unset" {
	need busybox
	need userns
	need btrfs
	need jq
	make_store btrfs 600M
	btrfs quota enable mnt
	make_busybox web1 -B btrfs --size 50M
	sysc start web1
	run ! inside web1 'dd if=/dev/urandom of=/root/big bs=1M count=80 2>&1'
	sysc config set web1 rootfs.size=150M
	[[ $(size_of web1) == $((150 << 20)) ]]
	inside web1 'dd if=/dev/urandom of=/root/big bs=1M count=80 2>/dev/null'
	sync -f mnt
	(($(sysc info --json web1 | jq '.containers[0].storage.used') > 80 << 20))
	sysc config set web1 rootfs.size=100M
	run ! inside web1 'dd if=/dev/urandom of=/root/more bs=1M count=60 2>&1'
	sysc config unset web1 rootfs.size
	[[ $(size_of web1) == null ]]
	inside web1 'dd if=/dev/urandom of=/root/more bs=1M count=60 2>/dev/null'
	[[ $(sysc plan web1) == *"nothing differs"* ]]
	# what would not hold changes nothing
	btrfs quota disable mnt
	run sysc config set web1 rootfs.size=200M
	((status == 1))
	[[ $output == *"quotas are not enabled"* && $(sysc config get web1 rootfs.size) == none ]]
	sysc stop -k web1
	gone web1
	drop_store
}

@test "btrfs: subvolumes, quota groups, nested subvolumes go too" {
	need busybox
	need userns
	need btrfs
	make_store btrfs 600M
	run sysc create -B btrfs --size 100M web1
	((status == 1))
	[[ $output == *"quotas are not enabled"*"btrfs quota enable"* ]]
	make_busybox web1 -B btrfs
	[[ $(stat -c %i "$SYSC_PATH/web1/rootfs") == 256 ]]
	lives web1
	btrfs -q subvolume create "$SYSC_PATH/web1/rootfs/srv/inner"
	btrfs -q subvolume create "$SYSC_PATH/web1/rootfs/srv/inner/most"
	touch "$SYSC_PATH/web1/rootfs/srv/inner/most/file"
	btrfs -q subvolume snapshot -r "$SYSC_PATH/web1/rootfs/srv/inner/most" "$SYSC_PATH/web1/rootfs/srv/frozen"
	gone web1
	[[ -z $(btrfs subvolume list mnt) ]]
	btrfs quota enable mnt
	make_busybox web1 -B best --size 50M
	grep -q "^path = btrfs:" "$SYSC_PATH/web1/config"
	sysc start web1
	run ! inside web1 'dd if=/dev/urandom of=/root/big bs=1M count=80 2>&1'
	[[ $output == *"quota exceeded"* || $output == *"No space left"* ]]
	sysc stop -k web1
	gone web1
	drop_store
}

@test "btrfs: the second create of a release is a snapshot of the cached tree" {
	need busybox
	need btrfs
	need alpine
	make_store btrfs 600M
	make_alpine a1 -B btrfs >/dev/null
	[[ $(stat -c %i mnt/cache/alpine/*/tree) == 256 ]]
	make_alpine a2 -B btrfs >/dev/null
	cmp "$SYSC_PATH/a1/rootfs/bin/busybox" "$SYSC_PATH/a2/rootfs/bin/busybox"
	[[ $(cat "$SYSC_PATH/a2/rootfs/etc/hostname") == a2 ]]
	btrfs subvolume show "$SYSC_PATH/a2/rootfs" | grep -q "Parent UUID:.*[0-9a-f]-"
	sysc destroy a1 a2
	drop_store
}

@test "the template local unpacks into each of them" {
	need userns
	mkdir -p tree/sbin tree/usr/bin tree/srv
	ln -s ../usr/bin/init tree/sbin/init
	cp "$(type -P busybox)" tree/usr/bin/init
	touch tree/srv/file
	chown 7:8 tree/srv/file
	tar -cf tree.tar -C tree .
	for backend in dir overlay loop; do
		sysc create -t local -B "$backend" web1 -- --rootfs "$PWD/tree.tar"
		[[ $backend == loop ]] || [[ $(stat -c %u:%g "$SYSC_PATH/web1/rootfs/srv/file") == 7:8 ]]
		gone web1
	done
}

@test "best: dir where nothing better is; xfs shares blocks" {
	need busybox
	make_busybox web1 -B best
	grep -q "^path = dir:" "$SYSC_PATH/web1/config"
	gone web1
	make_store xfs 400M
	head -c 20M /dev/urandom >tree.bin
	mkdir -p mnt/from mnt/to
	cp tree.bin mnt/from/
	sync -f mnt
	used=$(df --output=used -B1K mnt | tail -n 1)
	"$top_builddir/src/sysc-tree" copy mnt/from mnt/to
	cmp mnt/from/tree.bin mnt/to/tree.bin
	sync -f mnt
	(($(df --output=used -B1K mnt | tail -n 1) < used + 4096))
	drop_store
}

@test "a limit that would not hold is refused, with what to do; nothing is made" {
	need busybox
	make_store ext4 100M
	for backend in dir overlay; do
		run sysc create -B "$backend" --size 50M web1
		((status == 1))
		[[ $output == *"would not hold"*prjquota*"or no limit: rootfs.size=max)" ]]
	done
	# as it says: an image has a size, a folder here none
	make_busybox web2 -B loop --size 30M
	sysc export -q -o web2.tar.zst web2
	run ! sysc copy -B dir web2 web3
	[[ $output == *"or no limit: rootfs.size=max)" ]]
	sysc copy -q -B dir -S rootfs.size=max web2 web3
	run ! sysc import -B dir web4 web2.tar.zst
	[[ $output == *"or no limit: rootfs.size=max)" ]]
	sysc import -q -B dir -s rootfs.size=max web4 web2.tar.zst
	[[ -e $SYSC_PATH/web3/rootfs/bin/busybox && -e $SYSC_PATH/web4/rootfs/bin/busybox ]]
	sysc destroy -q web2 web3 web4
	run sysc create -B btrfs web1
	((status == 1))
	[[ $output == *"is not on btrfs"* ]]
	run sysc create -B lvm web1
	((status == 1))
	[[ $output == *"lvm"* ]]
	run sysc create -B zfs web1
	((status == 1))
	[[ $output == *"zfs"* ]]
	[[ $(ls -A "$SYSC_PATH") == lost+found || -z $(find "$SYSC_PATH" -mindepth 1 ! -name .lock) ]]
	drop_store
}

@test "a project quota holds, and goes with the container" {
	need busybox
	need userns
	need mkfs.ext4
	truncate -s 200M disk.img
	mkfs.ext4 -q -O project,quota disk.img
	mkdir mnt
	mount -o loop,prjquota disk.img mnt 2>/dev/null || skip "this kernel has no project quotas"
	export SYSC_PATH=$PWD/mnt/store
	mkdir "$SYSC_PATH"
	for backend in dir overlay; do
		make_busybox web1 -B "$backend" --size 30M
		sysc start web1
		run ! inside web1 'dd if=/dev/zero of=/root/big bs=1M count=60 2>&1'
		inside web1 'rm /root/big'
		sysc stop -k web1
		gone web1
	done
	drop_store
}

@test "a full file system leaves nothing, whatever the backend" {
	need busybox
	make_store btrfs 120M
	head -c 200M /dev/zero >mnt/filler 2>/dev/null || :
	for backend in dir overlay btrfs; do
		run sysc create -B "$backend" web1
		if ((status == 0)); then
			sysc destroy web1
		else
			[[ $output == *"No space left"* || $output == *template* ]]
		fi
		[[ -z $(find "$SYSC_PATH" -mindepth 1 ! -name .lock) ]]
	done
	drop_store
}

@test "who stands on a tree keeps it: destroy refuses and names them" {
	need busybox
	make_busybox base
	make_busybox child1
	make_busybox child2
	for name in child1 child2; do
		mkdir -p "$SYSC_PATH/$name/delta"/{upper,work}
		sysc config set "$name" rootfs.path "overlay:$SYSC_PATH/base/rootfs:$SYSC_PATH/$name/delta"
	done
	run sysc destroy -f base
	((status == 4))
	[[ $output == *"'child1', 'child2' stand on its root file system"* ]]
	[[ -x $SYSC_PATH/base/rootfs/bin/busybox ]]
	# a start would change it under them: refused too, by whatever path the folder is named, once they were started
	sysc start child1
	sysc stop -k child1
	run sysc start base
	((status != 0))
	[[ $output == *"'child1', 'child2' stand on its root file system, which it would change"* ]]
	ln -s "$SYSC_PATH/base" other
	sysc config set child2 rootfs.path "overlay:$PWD/other/rootfs:$SYSC_PATH/child2/delta"
	sysc config set child1 rootfs.path "overlay:$SYSC_PATH/base/rootfs/usr:$SYSC_PATH/base/rootfs:$SYSC_PATH/child1/delta"
	run sysc start base
	[[ $output == *"'child1', 'child2' stand on its root file system"* && $(state_of base) == STOPPED ]]
	sysc config set child1 rootfs.path "overlay:$SYSC_PATH/base/rootfs:$SYSC_PATH/child1/delta"
	sysc config set child2 rootfs.path "overlay:$SYSC_PATH/base/rootfs:$SYSC_PATH/child2/delta"
	# read-only it changes nothing; and a copy that shares is no hindrance to its source
	sysc config set base rootfs.readonly yes
	sysc start base
	sysc stop -k base
	sysc config set base rootfs.readonly no
	make_busybox sharing
	sysc copy -s sharing shared
	sysc start sharing
	sysc destroy -f shared
	sysc destroy -f sharing
	sysc start child1
	[[ $(inside child1 'hostname; cat /etc/hostname') == $'child1\nbase' ]]
	sysc stop -k child1
	sysc destroy child1
	run sysc destroy base
	((status == 4))
	[[ $output == *"'child2' stands on"* ]]
	sysc destroy child2
	sysc start base
	sysc stop -k base
	[[ ! -e $SYSC_PATH/base/.lower ]]
	gone base
}

@test "destroy: snapshots, a mount in the folder, immutable files" {
	need busybox
	make_busybox web1
	mkdir -p "$SYSC_PATH/web1/snapshots/daily"
	run sysc destroy web1
	((status == 4))
	[[ $output == *"snapshots: 'daily'"*"destroy -s"* ]]
	mkdir "$SYSC_PATH/web1/rootfs/mnt/here"
	mount -t tmpfs none "$SYSC_PATH/web1/rootfs/mnt/here"
	touch "$SYSC_PATH/web1/rootfs/mnt/here/kept"
	run sysc destroy -s web1
	((status == 4))
	[[ $output == *"rootfs/mnt/here' is a mount point (unmount it first)"* ]]
	[[ -e $SYSC_PATH/web1/rootfs/mnt/here/kept && -x $SYSC_PATH/web1/rootfs/bin/busybox ]]
	umount "$SYSC_PATH/web1/rootfs/mnt/here"
	chattr +i "$SYSC_PATH/web1/rootfs/etc/hostname" 2>/dev/null || :
	sysc destroy -s web1
	[[ -z $(find "$SYSC_PATH" -mindepth 1 ! -name .lock) ]]
}

@test "killed at any moment, create leaves nothing that the next command does not remove" {
	need busybox
	need btrfs
	make_store btrfs 300M
	for backend in overlay loop btrfs; do
		for moment in $(seq 1 12 150); do
			with_kill "$moment" create -B "$backend" --fstype ext4 web1
			if [[ $(sysc ls -1) == web1 ]]; then
				sysc config check web1
				with_kill $((moment % 9 + 1)) destroy web1
			fi
		done
		[[ ! -e $SYSC_PATH/web1 ]] || sysc destroy web1
		make_busybox web9 -B "$backend" >/dev/null
		sysc destroy web9
		[[ -z $(find "$SYSC_PATH" -mindepth 1 ! -name .lock) ]]
	done
	assert_no_image other
	[[ -z $(btrfs subvolume list mnt) ]]
	drop_store
}

@test "a hundred thousand files, hard links among them, are copied and removed" {
	need python3
	python3 -c '
import os
os.mkdir("from")
open("from/first", "w").close()
for i in range(400):
    os.makedirs(f"from/{i % 20}/{i}")
    for j in range(250):
        path = f"from/{i % 20}/{i}/{j}"
        if j % 50 == 0:
            os.link("from/first", path)
        else:
            with open(path, "w") as file: file.write(path)'
	mkdir to
	"$top_builddir/src/sysc-tree" copy from to
	list='%P %y %m %U %G %s %n %T@ %l\n'
	[[ $(cd to && find . -printf "$list" | sort | sha256sum) == $(cd from && find . -printf "$list" | sort | sha256sum) ]]
	(($(find to -type f | wc -l) > 100000 - 1))
	diff -r from to
	"$top_builddir/src/sysc-tree" remove from to
	[[ ! -e from && ! -e to ]]
}

# fake_lvm: a program in the place of lvm(8) that knows what sysc asks of it; its lvcreate says that it has begun into one
# pipe, and waits for another
fake_lvm() {
	volumes=$BATS_TEST_TMPDIR/volumes
	mkdir "$volumes"
	mkfifo "$volumes/.begun" "$volumes/.go" "$volumes/.made"
	# of this mount namespace; the first folder that programs are looked for in
	mount -t tmpfs tmpfs /usr/local/sbin
	cat >/usr/local/sbin/lvm <<-END
		#!/bin/bash
		cd "$volumes" || exit 1
		place=\${!#}
		case \$1 in
		lvs)
			name=\$(sed -n 's/.*lv_name="\(.*\)".*/\1/p' <<<"\$*")
			[[ ! -e \$name ]] || echo "\$name \$(cat "\$name")"
			;;
		lvcreate)
			while ((\$# > 1)); do
				[[ \$1 != --addtag ]] || tag=\$2
				[[ \$1 != -n ]] || name=\$2
				shift
			done
			echo >.begun
			read -r _ <.go
			echo "\$tag" >"\$name"
			echo >.made
			;;
		lvremove) rm "\${place##*/}" ;;
		esac
	END
	chmod 0755 /usr/local/sbin/lvm
}

@test "lvm: a volume that appears after sysc was killed is not forgotten by what cleans up before" {
	need busybox
	fake_lvm
	in_background "$top_builddir/src/sysc" create -t busybox -B lvm -s rootfs.options=vg=vg0 web1
	read -rt 20 <>"$volumes/.begun"
	kill -KILL "$background"
	wait "$background" || :
	# nobody has the volume yet: what tells of it stays, and the name is taken
	make_busybox other
	[[ -e $SYSC_PATH/.web1.creating/config ]]
	run sysc create -t busybox web1
	((status != 0))
	[[ $output == *"another command is making it"* ]]
	echo >"$volumes/.go"
	read -rt 20 <>"$volumes/.made"
	[[ -e $volumes/web1 ]]
	wait_until 20 flock -n "$SYSC_PATH/.web1.creating" true
	make_busybox another
	[[ ! -e $volumes/web1 && ! -e $SYSC_PATH/.web1.creating ]]
	umount /usr/local/sbin
}

@test "lvm: what tells of the copy of a running container is on disk before there is a volume" {
	need busybox
	fake_lvm
	start_busybox web1
	exec {begun}<>"$volumes/.begun" {go}<>"$volumes/.go" {made}<>"$volumes/.made"
	echo >&"$go"
	# the volume has no device, so that the copy ends there
	run "$top_builddir/tests/lib/step" -l "$BATS_TEST_TMPDIR/steps" "$top_builddir/src/sysc" copy -B lvm -S rootfs.options=vg=vg0 web1 web2
	((status != 0))
	exec {begun}>&- {go}>&- {made}>&-
	order=$(grep -oE ' (sysc (rename|syncfs)|lvm openat) .*/(config|\.web2\.creating|web2)$' "$BATS_TEST_TMPDIR/steps" | cut -d ' ' -f 2,3)
	[[ $order == $'sysc rename\nsysc syncfs\nlvm openat' ]]
	umount /usr/local/sbin
}
