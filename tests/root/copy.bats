#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Copies: whole or absent, another machine than their source, on every backend; copy-on-write and ephemeral ones; who
# stands on whom; full disks, killed commands, several at once.
# cache: debian bookworm
# shellcheck shell=bash

bats_require_minimum_version 1.5.0
load ../lib/lifecycle
load ../lib/images

value() { sysc config get "$1" "$2"; }
path_of() { value "$1" rootfs.path; }
# all that is below a tree, with owners, modes, times and content
tree_of() { (cd "$1" && find . ! -type d -printf '%p %m %U:%G %T@ %s %n %l\n' && find . -type d -printf '%p %m %U:%G\n' && find . -type f -exec md5sum {} +) | sort; }

@test "a full copy is the same tree and another machine; both run side by side and reach each other" {
	need busybox
	need userns
	make_busybox web1
	echo 'kept' >"$(rootfs web1)/root/file"
	ln "$(rootfs web1)/root/file" "$(rootfs web1)/root/link"
	cp -r "$(rootfs web1)" before
	sysc start web1
	sysc stop -k web1
	echo mine >"$SYSC_PATH/web1/notes"
	run sysc copy web1 web2 web3
	((status == 0))
	[[ $output == $'web2: copied from web1\nweb3: copied from web1' ]]
	diff <(cd "$(rootfs web1)" && tree_of . | grep -v 'etc/host') <(cd "$(rootfs web2)" && tree_of . | grep -v 'etc/host')
	[[ $(cat "$SYSC_PATH/web2/notes") == mine && ! -e $SYSC_PATH/web2/addresses ]]
	for key in container.uuid idmap.map network.eth0.mac; do
		[[ -n $(value web1 $key) ]]
		[[ $(for name in web1 web2 web3; do value $name $key; done | sort -u | wc -l) == 3 ]]
	done
	[[ $(value web2 network.eth0.mac) == "$(value web1 network.eth0.mac | cut -c1-9)"* ]]
	[[ $(cat "$(rootfs web2)/etc/hostname") == web2 ]]
	grep -qw web2 "$(rootfs web2)/etc/hosts"
	run ! grep -rqw web1 "$(rootfs web2)/etc/hosts" "$SYSC_PATH/web2/rootfs/etc/hostname"
	sysc start web1 web2
	[[ $(inside web2 'hostname; stat -c %u /root/file') == $'web2\n0' ]]
	address=$(sysc info -i -H web2 | grep -m 1 -F .)
	[[ -n $address && $address != "$(sysc info -i -H web1 | grep -m 1 -F .)" ]]
	wait_until 10 sysc attach web1 -- ping -c 1 -W 1 "$address"
}

@test "--keep, --set, -m and --start; what is refused leaves nothing" {
	need busybox
	need userns
	make_busybox web1 -s network.eth0.address=10.83.0.77/24
	run sysc copy --keep mac,uuid,hostname web1 web2
	((status == 0))
	[[ $output == *"network.eth0.address 10.83.0.77/24 is kept"* ]]
	[[ $(value web1 network.eth0.mac) == "$(value web2 network.eth0.mac)" ]]
	[[ $(value web1 container.uuid) == "$(value web2 container.uuid)" ]]
	[[ $(value web2 container.hostname) == web1 && $(cat "$(rootfs web2)/etc/hostname") == web1 ]]
	mkdir data
	echo shared >data/file
	run sysc copy --start -m "bind=$PWD/data:/srv/data:ro" -S network.eth0.address=10.83.0.78/24 -S limits.memory=64M -S network.eth0.mac=02:00:00:xx:xx:xx web1 web3
	((status == 0))
	[[ $(value web3 limits.memory) == 64M && $(value web3 network.eth0.address) == 10.83.0.78/24 ]]
	[[ $(value web3 network.eth0.mac) =~ ^02:00:00(:[0-9a-f]{2}){3}$ ]]
	[[ $(inside web3 'cat /srv/data/file') == shared ]]
	run ! inside web3 'echo x >/srv/data/file'
	before=$(ls -A "$SYSC_PATH")
	for words in "web1 web2" "web1 web4 --keep all,nothing" "web1 web4 -m data:/srv" "web1 web4 -S limits.memory=lots" \
		"web1 web4 -B none" "web1" "none web4" "web1 ../web4" "web1 web4 -s -B loop"; do
		# shellcheck disable=SC2086
		run sysc copy $words
		((status != 0))
		[[ $(wc -l <<<"$output") == 1 ]]
		[[ $(ls -A "$SYSC_PATH") == "$before" ]]
	done
	run sysc copy web1 web2
	((status == 4))
	run sysc copy web1 web2 web5
	((status == 6))
	[[ -e $SYSC_PATH/web5/config ]]
}

@test "--newpath: into another store, on another file system, whole or not at all; what would stand on this one is refused" {
	need busybox
	need userns
	make_busybox web1
	mkdir "$SYSC_PATH/web1/data"
	echo shared >"$SYSC_PATH/web1/data/file"
	sysc config set web1 mounts.entry "$SYSC_PATH/web1/data data none bind,create=dir 0 0"
	echo kept >"$(rootfs web1)/root/file"
	here=$SYSC_PATH
	make_store ext4 64M
	there=$SYSC_PATH SYSC_PATH=$here
	run sysc copy -p "$there" web1 web2 web3
	((status == 0))
	[[ $output == $'web2: copied from web1\nweb3: copied from web1' ]]
	[[ $(ls "$here") == web1 && $(ls "$there") == $'web2\nweb3' ]]
	[[ $(SYSC_PATH=$there sysc config get web2 rootfs.path) == "dir:$there/web2/rootfs" ]]
	[[ $(SYSC_PATH=$there sysc config get web2 mounts.entry) == "$there/web2/data data "* ]]
	ids=$(for name in web2 web3; do SYSC_PATH=$there sysc config get $name idmap.map; done)
	[[ $(printf '%s\n' "$ids" "$(value web1 idmap.map)" | sort -u | wc -l) == 3 ]]
	sysc start -P "$there" web2
	[[ $(sysc attach -P "$there" web2 -- sh -c 'hostname; cat /root/file /data/file') == $'web2\nkept\nshared' ]]
	sysc stop -k -P "$there" web2
	# the same name is another container there
	sysc copy -p "$there" web1 web1
	run sysc copy -p "$there" web1 web1
	((status == 4))
	# layers of a container that this store's commands could remove
	for words in "-s web1 web4" "-e web1 web4" "-s -B overlay web1 web4"; do
		# shellcheck disable=SC2086
		run sysc copy -p "$there" $words
		((status == 1))
		[[ $output == *"a container in '$there' cannot stand on layers of one in '$here' (make a full copy)" ]]
	done
	# no room: nothing is there, and what is here stays
	dd if=/dev/zero of="$(rootfs web1)/root/big" bs=1M count=60 status=none
	run sysc copy -p "$there" web1 web4
	((status == 1))
	[[ $output == *"No space left on device"* && $(wc -l <<<"$output") == 1 ]]
	[[ $(find "$there" -mindepth 1 -maxdepth 1 ! -name .lock -printf '%f\n' | sort) == $'web1\nweb2\nweb3' ]]
	# what a killed one leaves there is removed by the next one
	rm "$(rootfs web1)/root/big"
	mkdir -p "$there/.web9.creating/rootfs/etc"
	sysc copy -p "$there" web1 web5
	[[ ! -e $there/.web9.creating && -e $there/web5/rootfs/bin/busybox ]]
}

@test "--address: of the copy; an address of both is refused by the second start" {
	need busybox
	need userns
	make_busybox web1 -s network.eth0.address=10.83.0.77/24
	run sysc copy --address 10.83.0.78/24,fd00:83::78/64 web1 web2
	((status == 0))
	[[ $output == "web2: copied from web1" ]]
	[[ $(value web2 network.eth0.address) == $'10.83.0.78/24\nfd00:83::78/64' ]]
	run sysc copy -S network.eth0.address=10.83.0.79/24 web1 web3
	[[ $output == "web3: copied from web1" ]]
	sysc copy --address auto web1 web4 web5
	[[ $(value web5 network.eth0.address) == auto ]]
	for words in "--address 10.83.0.80/24 web1 web6 web7" "--address nowhere web1 web6"; do
		# shellcheck disable=SC2086
		run sysc copy $words
		((status == 2))
		[[ ! -e $SYSC_PATH/web6 ]]
	done
	sysc copy web1 web6
	sysc start web1
	run sysc start web6
	((status == 1))
	[[ $output == "sysc-start: web6: network.eth0.address: 'web1' runs with 10.83.0.77/24 ("*"/web6/config:"*") (stop it, or give one of the two another address)" ]]
	sysc stop -k web1
	sysc start web6
}

@test "copy-on-write: layers, copies of copies, who stands on whom" {
	need busybox
	need userns
	make_busybox web1
	echo first >"$(rootfs web1)/root/file"
	sysc copy -s -B overlay web1 web2
	[[ $(path_of web1) == "overlay:$(rootfs web1):$SYSC_PATH/web1/delta" ]]
	[[ $(path_of web2) == "overlay:$(rootfs web1):$SYSC_PATH/web2/delta" ]]
	before=$(tree_of "$(rootfs web1)")
	sysc start web1 web2
	inside web1 'echo one >/root/file'
	inside web2 'cat /root/file && echo two >/root/file'
	[[ $(inside web1 'cat /root/file') == one && $(inside web2 'cat /root/file; hostname') == $'two\nweb2' ]]
	# of a running one: what it wrote is copied
	run sysc copy -s web1 web3
	((status == 0))
	[[ $output =~ "which was frozen for "[0-9]+" ms" ]]
	[[ $(state_of web1) == RUNNING ]]
	sysc stop -k web1 web2
	sysc copy -s web2 web4
	[[ $(path_of web4) == "overlay:$SYSC_PATH/web2/delta/upper:$(rootfs web1):$SYSC_PATH/web4/delta" ]]
	# nothing was written since: no layer more
	was=$(path_of web1)
	sysc start web4
	[[ $(inside web4 'cat /root/file') == two ]]
	sysc start web3
	[[ $(inside web3 'cat /root/file; hostname') == $'one\nweb3' ]]
	[[ $(path_of web1) == "$was" && $(tree_of "$(rootfs web1)") == "$before" ]]
	run sysc destroy web1
	((status == 4))
	[[ $output == *"'web2', 'web3', 'web4' stand on its root file system"* ]]
	run sysc destroy web2
	[[ $output == *"'web4' stands on its root file system"* ]]
	# a full copy depends on nobody, with the backend of its source or another
	sysc copy web4 web5
	sysc copy -B dir web4 web6
	sysc destroy -f web4
	sysc destroy -f web2 web3
	sysc destroy web1
	for name in web5 web6; do
		sysc start $name
		[[ $(inside $name 'cat /root/file') == two ]]
	done
	# a plain tree of one that runs cannot be shared
	if ! cp --reflink=always disk.img x 2>/dev/null; then
		run sysc copy -s -B overlay web6 web7
		((status == 1))
		[[ $output == *"'web6' runs"*"stop it"* && ! -e $SYSC_PATH/web7 ]]
	fi
}

@test "ephemeral: starts at once, goes when it stops, its source stays as it was" {
	need busybox
	need userns
	make_busybox web1
	quick_init web1
	sysc copy -e web1 test1
	[[ $(state_of test1) == RUNNING ]]
	inside test1 'echo gone >/root/file; rm -r /etc'
	sysc stop -k test1
	wait_until 10 test ! -e "$SYSC_PATH/test1"
	# in memory: nothing is on the disk, and no more than it may take
	sysc copy -e -t 16M web1 test2
	inside test2 'echo here >/root/file; hostname; cat /etc/hostname'
	[[ $(inside test2 'cat /root/file; hostname; cat /etc/hostname') == $'here\ntest2\ntest2' ]]
	[[ ! -e $SYSC_PATH/test2/delta/upper/root/file ]]
	run ! inside test2 'dd if=/dev/zero of=/root/big bs=1M count=40 2>&1'
	sysc stop -k test2
	wait_until 10 test ! -e "$SYSC_PATH/test2"
	run sysc copy -t 16M web1 test3
	((status == 2))
	# one whose start fails, or is killed before it, is nobody's
	run sysc copy -e -S network.eth0.bridge=none0 web1 test4
	((status == 1))
	[[ $output == *"no bridge 'none0'"* && ! -e $SYSC_PATH/test4 ]]
	for name in test5 mine; do
		sysc copy -s -S container.ephemeral=yes web1 $name
	done
	echo "1 1 $(value test5 container.uuid)" >"$SYSC_PATH/.test5.unstarted"
	echo "1 1 $(value test5 container.uuid)" >"$SYSC_PATH/.mine.unstarted"
	sysc copy -s web1 test6
	[[ ! -e $SYSC_PATH/test5 && -e $SYSC_PATH/mine/config ]]
	sysc destroy mine test6
	[[ -z $(find "$SYSC_PATH" -name '*.unstarted') ]]
	# without a name it gets one
	run sysc copy -e web1
	((status == 0))
	name=${output%%:*}
	[[ $name =~ ^web1-[0-9a-f]{6}$ && $(state_of "$name") == RUNNING ]]
	sysc stop -k "$name"
	wait_until 10 test ! -e "$SYSC_PATH/$name"
	run sysc copy -e -t lots web1 test3
	((status == 2))
	[[ ! -e $(rootfs web1)/root/file && -e $(rootfs web1)/etc/hostname ]]
	sysc destroy web1
	assert_nothing_left
}

@test "every backend: a copy of a stopped and of a running one, full and shared" {
	need busybox
	need userns
	need btrfs
	make_store btrfs 900M
	for backend in dir overlay btrfs loop; do
		make_busybox web1 -B $backend
		sysc start web1
		inside web1 'echo one >/root/file; sync'
		sysc copy web1 web2
		sysc stop -k web1
		sysc copy -s web1 web3
		sysc start web1
		inside web1 'echo more >/root/file'
		sysc copy -s web1 web4
		sysc stop -k web1
		[[ $backend == overlay ]] || sysc destroy web1
		for name in web2=one web3=one web4=more; do
			sysc start "${name%=*}"
			[[ $(inside "${name%=*}" 'cat /root/file; hostname') == "${name#*=}"$'\n'"${name%=*}" ]]
			[[ $(path_of "${name%=*}") == $backend:* ]]
			sysc destroy -f "${name%=*}"
		done
		[[ $backend != overlay ]] || sysc destroy web1
		[[ -z $(find "$SYSC_PATH" -mindepth 1 ! -name .lock) ]]
	done
	[[ -z $(btrfs subvolume list mnt) ]]
	# from any to any
	make_busybox web0 -B dir
	for backend in btrfs overlay loop dir; do
		sysc copy -B $backend web0 web1
		sysc start web1
		[[ $(inside web1 hostname) == web1 ]]
		sysc stop -k web1
		sysc destroy web0
		sysc copy web1 web0
		sysc destroy web1
	done
}

@test "an image on a file system that cannot share blocks: what to do instead" {
	need busybox
	need mkfs.ext4
	make_store ext4 300M
	make_busybox web1 -B loop
	for word in -s -e; do
		run sysc copy $word web1 web2
		((status == 1))
		[[ $output == *"cannot share blocks (make a full copy, or "* ]]
		[[ ! -e $SYSC_PATH/web2 && ! -e $SYSC_PATH/.web2.creating ]]
	done
	sysc copy web1 web2
}

@test "a Debian: machine-id, keys of sshd and seeds are its own, and systemd boots" {
	make_debian web1 bookworm
	need ssh-keygen
	mkdir -p "$(rootfs web1)/etc/ssh" "$(rootfs web1)/var/lib/dhcp"
	echo 0123456789abcdef0123456789abcdef >"$(rootfs web1)/etc/machine-id"
	ssh-keygen -q -t ed25519 -N '' -f "$(rootfs web1)/etc/ssh/ssh_host_ed25519_key"
	echo seed >"$(rootfs web1)/var/lib/systemd/random-seed"
	echo lease >"$(rootfs web1)/var/lib/dhcp/dhclient.eth0.leases"
	sysc copy web1 web2
	sysc copy -s web1 web3
	for name in web2 web3; do
		sysc start $name
		wait_until 60 sysc attach $name -- sh -c 'test -s /etc/machine-id'
		[[ $(inside $name 'cat /etc/hostname') == "$name" ]]
		[[ $(inside $name 'cat /etc/machine-id') == "$(value $name container.uuid | tr -d -)" ]]
		inside $name 'test ! -e /var/lib/dhcp/dhclient.eth0.leases'
		[[ $(inside $name 'stat -c %a:%u /etc/ssh/ssh_host_ed25519_key') == 600:0 ]]
		inside $name 'cat /etc/ssh/ssh_host_ed25519_key.pub' >$name.pub
		[[ $(cut -d ' ' -f 2 $name.pub) != "$(cut -d ' ' -f 2 "$(rootfs web1)/etc/ssh/ssh_host_ed25519_key.pub")" ]]
		sysc stop -k $name
	done
	[[ $(cut -d ' ' -f 2 web2.pub) != "$(cut -d ' ' -f 2 web3.pub)" ]]
}

@test "a hostile tree leads nowhere" {
	need busybox
	make_busybox web1
	echo web1 >outside
	mkdir keys
	echo mine >keys/ssh_host_rsa_key
	rm -rf "$(rootfs web1)/etc/hostname" "$(rootfs web1)/etc/ssh"
	ln -s "$PWD/outside" "$(rootfs web1)/etc/hostname"
	ln -s "$PWD/keys" "$(rootfs web1)/etc/ssh"
	ln -s "$PWD/outside" "$(rootfs web1)/etc/machine-id"
	mkfifo "$(rootfs web1)/etc/mailname"
	timeout 20 "$top_builddir/src/sysc" copy web1 web2
	[[ $(cat outside keys/ssh_host_rsa_key) == $'web1\nmine' ]]
}

@test "a full file system: nothing is made, the source is as it was" {
	need busybox
	make_store ext4 48M
	make_busybox web1
	dd if=/dev/zero of="$(rootfs web1)/root/big" bs=1M count=20 status=none
	run sysc copy web1 web2
	((status == 1))
	[[ $output == *"No space left on device"* ]]
	[[ $(find "$SYSC_PATH" -mindepth 1 -maxdepth 1 ! -name .lock) == "$SYSC_PATH/web1" ]]
	sysc copy -s web1 web3
	[[ $(path_of web1) == overlay:* ]]
}

@test "killed at any moment: a copy is whole or absent, its source always whole" {
	need busybox
	need userns
	make_busybox web1
	sysc start web1
	for way in "web1 web2" "-s web0 web2" "-s -B overlay web9 web2"; do
		[[ -e $SYSC_PATH/web0 ]] || make_busybox web0 -B overlay
		[[ -e $SYSC_PATH/web9 ]] || make_busybox web9
		for moment in $(seq 1 9 160); do
			# shellcheck disable=SC2086
			with_kill "$moment" copy $way
			sysc config check web0 web9
			if [[ -e $SYSC_PATH/web2 ]]; then
				sysc config check web2
				[[ -e $(rootfs web2)/bin/busybox || -d $SYSC_PATH/web2/delta/upper ]]
				sysc destroy web2
			fi
		done
		# a guard lets go what a killed command froze
		wait_until 10 eval '[[ $(state_of web1) == RUNNING ]]'
		# shellcheck disable=SC2086
		sysc copy $way
		sysc destroy web2
		[[ -z $(find "$SYSC_PATH" -maxdepth 1 -name '.*.*') ]]
	done
	for name in web0 web9; do
		sysc start $name
		[[ $(inside $name hostname) == "$name" ]]
	done
}

@test "a copy of a running one is one moment of it, whatever it writes" {
	need busybox
	make_store ext4 400M
	make_busybox web1
	make_busybox web9 -B overlay
	for way in "web1 web2" "-B overlay web1 web2" "-B loop -S rootfs.size=64M web1 web2" "-s web9 web2" "web9 web2"; do
		name=${way% *} name=${name##* }
		sysc start "$name"
		in_background sysc attach "$name" -- sh -c "$(churn)"
		wait_until 20 inside "$name" '[ -s /srv/f2 ]'
		for i in 1 2 3; do
			# shellcheck disable=SC2086 # words
			run sysc copy $way
			((status == 0))
			[[ $output =~ "which was frozen for "[0-9]+" ms" ]]
			tree=$(path_of web2)
			case $tree in
			loop:*) mkdir -p image && mount -o ro,loop "${tree#loop:}" image && tree=image ;;
			overlay:*) [[ $way != -s* ]] && tree=$SYSC_PATH/web2/rootfs || tree=$SYSC_PATH/web2/delta/upper ;;
			*) tree=${tree#*:} ;;
			esac
			one_moment "$tree/srv" || { echo "$way, copy $i:" >&2; ls -lR "$tree/srv" >&2; return 1; }
			[[ $tree != image ]] || umount image
			[[ ! -e $SYSC_PATH/$name/snapshots && ! -e $SYSC_PATH/$name/delta.1 ]]
			sysc destroy web2
		done
		inside "$name" ': >/srv/stop'
		wait "$background"
		sysc stop -k "$name"
		sysc start "$name"
		inside "$name" 'rm -r /srv && mkdir /srv'
		sysc stop -k "$name"
	done
	drop_store
}

@test "a running one goes on while it is copied, and is frozen for the rest only" {
	need busybox
	make_store ext4 400M
	make_busybox web1
	make_busybox web9 -B overlay
	cat >look <<-'END'
		[ -e "$SYSC_RUN/$name/frozen_by" ] && [ ! -e "$out" ] || exit 0
		find "$SYSC_PATH/.web2.creating" -path '*/srv/many/*' | wc -l >"$out"
	END
	for way in "web1 web2" "-B loop -S rootfs.size=64M web1 web2" "-s web9 web2"; do
		name=${way% *} name=${name##* } out=$PWD/out
		rm -f out
		sysc start "$name"
		inside "$name" 'mkdir -p /srv/many; for i in 1 2 3 4 5 6 7 8 9; do echo $i >/srv/many/$i; done'
		# shellcheck disable=SC2086 # words
		name=$name out=$out "$top_builddir/tests/lib/step" -x "sh $PWD/look" "$top_builddir/src/sysc" copy $way
		if [[ $way == *loop* ]]; then
			# its file system is mounted nowhere that could be looked at: the image has them
			[[ -e out ]]
			sysc start web2
			[[ $(inside web2 'ls /srv/many | wc -l') == 9 ]]
			sysc stop -k web2
		else
			[[ $(cat out) == 9 ]] || { cat out && return 1; }
		fi
		[[ $(state_of "$name") == RUNNING ]]
		sysc stop -k "$name"
		sysc destroy web2
	done
	drop_store
}

@test "several at once: one of a name wins; the source is not started while it is read" {
	need busybox
	need userns
	make_busybox web1
	pids=()
	for number in 1 2 3 4; do
		"$top_builddir/src/sysc" copy web1 web2 >"out.$number" 2>&1 3>&- &
		pids+=($!)
	done
	wait "${pids[@]}" || :
	[[ $(cat out.* | grep -c "web2: copied from web1") == 1 ]]
	[[ $(cat out.* | grep -c "exists already\|is making it") == 3 ]]
	in_background "$top_builddir/src/sysc" copy web1 web3
	sysc start web1
	wait_until 20 test -e "$SYSC_PATH/web3/config"
	sysc start web3
	[[ $(inside web3 hostname) == web3 ]]
}

@test "a tree with its container's ids on disk gets those of the copy, and is not shared" {
	need busybox
	need userns
	mkdir lower upper mnt
	# an overlay cannot be id-mapped
	mount -t tmpfs -o mode=0755 tmpfs upper
	mkdir upper/u upper/w
	mount -t overlay overlay -o "lowerdir=lower,upperdir=upper/u,workdir=upper/w" mnt
	export SYSC_PATH=$PWD/mnt/store
	mkdir "$SYSC_PATH"
	make_busybox web1
	[[ $(value web1 rootfs.options) == shifted ]]
	run sysc copy -s web1 web2
	((status == 1))
	[[ $output == *"cannot be shared (make a full copy)" ]]
	sysc copy web1 web2
	first=$(value web2 idmap.map | cut -d ' ' -f 3)
	[[ $first != "$(value web1 idmap.map | cut -d ' ' -f 3)" ]]
	[[ -z $(find "$(rootfs web2)" ! -uid "$first") ]]
	sysc start web2
	[[ $(inside web2 'stat -c %u / /etc/hostname; hostname') == $'0\n0\nweb2' ]]
	sysc destroy -f web2
	sysc destroy web1
	umount mnt upper
}
