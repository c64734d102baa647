#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# cache: debian bookworm
# sysc create and sysc destroy: every template, the cache, and that a container is whole or absent.
# shellcheck shell=bash

bats_require_minimum_version 1.5.0
SANDBOX_NETWORK=no
load ../lib/sandbox

setup() {
	sandbox_setup
	cd "$BATS_TEST_TMPDIR" || return
}

# nothing_left: no folder of a container, made or half made, and no process or mount of a template
nothing_left() {
	[[ -z $(find "$SYSC_PATH" -mindepth 1 -maxdepth 1 ! -name .lock) ]] || { ls -la "$SYSC_PATH" && return 1; }
	! grep "$SYSC_PATH" /proc/self/mounts || return 1
	! grep -lsqa "$SYSC_PATH/\.[a-z0-9]*\.creating" /proc/[0-9]*/cmdline
}

# slow_template: says when it has written something, and waits to be killed
slow_template() {
	mkfifo never
	cat >slow <<-END
		#!/bin/sh
		while [ "\$1" != --rootfs ]; do shift; done
		mkdir "\$2/etc"
		head -c 100000 /dev/urandom >"\$2/etc/data"
		mount -t tmpfs none "\$2/etc"
		touch "$PWD/begun"
		read -r word <"$PWD/never"
	END
	chmod +x slow
}

@test "busybox: the config says all that is needed, ids are the container's own" {
	need busybox
	run -0 sysc create -t busybox web1
	run -0 sysc create web2
	[[ -x $SYSC_PATH/web1/rootfs/bin/busybox && -L $SYSC_PATH/web1/rootfs/sbin/init ]]
	[[ $(stat -c %a "$SYSC_PATH/web1") == 700 && $(stat -c %a "$SYSC_PATH/web1/config") == 640 ]]
	grep -q "^path = dir:$SYSC_PATH/web1/rootfs$" "$SYSC_PATH/web1/config"
	[[ $(grep ^map "$SYSC_PATH/web1/config") != $(grep ^map "$SYSC_PATH/web2/config") ]]
	[[ $(grep ^uuid "$SYSC_PATH/web1/config") != $(grep ^uuid "$SYSC_PATH/web2/config") ]]
	grep -qE '^mac = 10:66:6a(:[0-9a-f]{2}){3}$' "$SYSC_PATH/web1/config"
	[[ $(cat "$SYSC_PATH/web1/rootfs/etc/hostname") == web1 ]]
	sysc config check web1
	# on disk ids are plain
	[[ -z $(find "$SYSC_PATH/web1/rootfs" ! -uid 0) ]]
}

@test "busybox: it boots, answers and stops" {
	need busybox
	need userns
	sysc create -s network.eth0.type=none web1
	sysc start web1
	[[ $(sysc attach web1 -- cat /proc/1/comm) == init ]]
	wait_until 10 sysc attach web1 -- pidof syslogd
	[[ $(sysc attach web1 -- hostname) == web1 ]]
	run sysc destroy web1
	((status == 4))
	sysc stop web1
	sysc destroy web1
	nothing_left
}

@test "busybox: one that is dynamically linked is refused, with the package to install" {
	need busybox
	cp "$(type -P true)" dynamic
	run sysc create web1 -- --busybox "$PWD/dynamic"
	((status == 1))
	[[ $output == *"dynamically linked"*busybox-static* ]]
	nothing_left
}

@test "alpine --minimal: verified, and the second one comes from the cache" {
	need alpine
	export SYSC_CACHE=$PWD/cache
	make_alpine a1
	make_alpine a2
	[[ -x $SYSC_PATH/a2/rootfs/bin/busybox ]]
	[[ $(cat "$SYSC_PATH/a2/rootfs/etc/hostname") == a2 ]]
	run ! grep openrc "$SYSC_PATH/a2/rootfs/etc/inittab"
	# the server was asked once for the list and once for the image
	[[ $(grep -c '"GET ' background.log) == 2 ]]
	make_alpine a3 -s container.privileged=yes
	run ! grep ^map "$SYSC_PATH/a3/config"
}

@test "alpine: an image that is not the listed one is refused" {
	need alpine
	export SYSC_CACHE=$PWD/cache
	cp -r "$(alpine_folder)" mirror
	chmod -R u+w mirror
	printf x >>mirror/v3.20/releases/x86_64/alpine-minirootfs-3.20.3-x86_64.tar.gz
	export SYSC_TEST_ALPINE=$PWD/mirror
	serve_alpine # not in "run", which would hide its process from teardown
	run make_alpine a1
	((status == 1))
	[[ $output == *"its sha256 is not"* ]]
	nothing_left
	[[ -z $(find cache -name tree -o -name '*.tar.gz') ]]
}

@test "alpine: a mirror without packages is told from one that is none" {
	need alpine
	serve_alpine
	export SYSC_CACHE=$PWD/cache
	run sysc create -t alpine a1 -- --release v3.20 --mirror http://127.0.0.1:8073
	((status == 1))
	[[ $output == *"no package repository"*--minimal* ]]
	run sysc create -t alpine a1 -- --release v9.9 --mirror http://127.0.0.1:8073
	((status == 1))
	[[ $output == *"no list of releases"* ]]
	run sysc create -t alpine a1 -- --minimal
	((status == 1))
	[[ $output == *"--mirror"* ]]
	nothing_left
}

@test "local: a tar file with its digest; a hostile one leaves nothing" {
	need python3
	mkdir -p tree/etc tree/sbin
	echo secret >tree/etc/ssh_note
	mkdir tree/etc/ssh
	touch tree/etc/ssh/ssh_host_rsa_key tree/etc/ssh/sshd_config
	echo 0123 >tree/etc/machine-id
	ln -s /etc/shadow tree/etc/hostname
	tar -czf tree.tgz -C tree .
	sysc create -t local l1 -- --rootfs "$PWD/tree.tgz" --sha256 "$(sha256sum <tree.tgz | cut -c 1-64)"
	rootfs=$SYSC_PATH/l1/rootfs
	[[ $(cat "$rootfs/etc/ssh_note") == secret && ! -e $rootfs/etc/ssh/ssh_host_rsa_key && -e $rootfs/etc/ssh/sshd_config ]]
	[[ -e $rootfs/etc/machine-id && ! -s $rootfs/etc/machine-id ]]
	[[ ! -L $rootfs/etc/hostname && $(cat "$rootfs/etc/hostname") == l1 ]]
	sysc destroy l1
	run sysc create -t local l1 -- --rootfs "$PWD/tree.tgz" --sha256 "$(printf '%064d' 1)"
	((status == 1))
	[[ $output == *sha256* ]]
	python3 -c '
import tarfile
t = tarfile.open("evil.tar", "w")
i = tarfile.TarInfo("../../escaped"); i.type = tarfile.DIRTYPE; t.addfile(i)'
	run sysc create -t local l1 -- --rootfs "$PWD/evil.tar"
	((status == 1))
	[[ $output == *"'..' in its path"* ]]
	nothing_left
}

@test "debian: from the cache, no keys or machine-id in it" {
	need debian bookworm
	sysc create -t debian d1
	rootfs=$SYSC_PATH/d1/rootfs
	[[ -e $rootfs/etc/machine-id && ! -s $rootfs/etc/machine-id && -L $rootfs/sbin/init ]]
	run ! compgen -G "$rootfs/etc/ssh/ssh_host_*"
	[[ $(cat "$rootfs/etc/hostname") == d1 ]]
	[[ -z $(find "$rootfs/dev" -type b -o -type c) ]]
}

@test "names, templates and options that are wrong say so" {
	run sysc create ../evil
	((status == 2))
	run sysc create -t nosuch web1
	((status == 1))
	[[ $output == *"no template 'nosuch'"*busybox* ]]
	run sysc create -s limits.memroy=1G web1
	((status == 1))
	[[ $output == *"did you mean 'memory'"* ]]
	run sysc create web1 -- --nonsense x
	((status == 1))
	[[ $output == *"unknown option '--nonsense'"* ]]
	nothing_left
	run -0 sysc create -t debian -- --help
	[[ $output == *--init* ]]
	for template in busybox alpine debian local; do
		"${top_srcdir:?}/templates/sysc-$template" --help | awk 'length > 80 { bad = 1 } END { exit bad }'
	done
}

@test "a name that is taken is refused; one that is being made, too" {
	need busybox
	sysc create web1
	before=$(cat "$SYSC_PATH/web1/config")
	run sysc create web1
	((status == 4))
	[[ $(cat "$SYSC_PATH/web1/config") == "$before" ]]
	slow_template
	in_background "${top_builddir:?}/src/sysc" create -t "$PWD/slow" web2
	wait_until 10 test -e begun
	run sysc create web2
	((status == 4))
	[[ $output == *"another command"* ]]
	[[ $(sysc ls -1) == web1 ]]
	# and its ids are not given away meanwhile
	sysc create web3
	run ! grep -h "$(grep ^map "$SYSC_PATH/.web2.creating/config")" "$SYSC_PATH/web3/config"
}

@test "a template that fails leaves nothing, and its last line is told" {
	printf '#!/bin/sh\necho first >&2\necho the mirror is on fire >&2\nexit 3\n' >broken
	chmod +x broken
	run sysc create -t "$PWD/broken" web1
	((status == 1))
	[[ ${lines[-1]} == "sysc-create: web1: template 'broken' failed with code 3 (the mirror is on fire)" ]]
	nothing_left
}

@test "interrupted by SIGINT or SIGTERM, it leaves nothing" {
	slow_template
	for signal in INT TERM; do
		rm -f begun
		in_background "$top_builddir/src/sysc" create -t "$PWD/slow" web1
		wait_until 10 test -e begun
		kill -$signal "$background"
		wait "$background" || :
		nothing_left
	done
}

@test "killed at any moment, the container is whole or absent, and the next command cleans up" {
	need busybox
	slow_template
	in_background "$top_builddir/src/sysc" create -t "$PWD/slow" web1
	wait_until 10 test -e begun
	kill -KILL "$background"
	wait "$background" || :
	[[ -z $(sysc ls -1) ]]
	sysc create web1
	[[ $(ls -A "$SYSC_PATH") == $'.lock\nweb1' ]]
	sysc destroy web1
	nothing_left
	# after 1, 11, 21 … ms
	for moment in $(seq 1 10 201); do
		with_kill "$moment" create web1
		if [[ $(sysc ls -1) == web1 ]]; then
			sysc config check web1
			[[ -e $SYSC_PATH/web1/rootfs/etc/hostname ]]
			with_kill $((moment % 8 + 1)) destroy web1
			[[ ! -e $SYSC_PATH/web1 || -e $SYSC_PATH/web1/rootfs/etc/hostname ]]
		fi
	done
	[[ ! -e $SYSC_PATH/web1 ]] || sysc destroy web1
	sysc create web9
	[[ $(ls -A "$SYSC_PATH") == $'.lock\nweb9' ]]
}

@test "a full disk leaves nothing" {
	need busybox
	mkdir small
	mount -t tmpfs -o size=600k tmpfs small
	run sysc create -P "$PWD/small" web1
	((status == 1))
	[[ $(ls -A small) == .lock ]]
	umount small
}

@test "where the file system cannot be id-mapped, owners are changed once" {
	need busybox
	mkdir plain
	mount -t ramfs ramfs plain
	sysc create -P "$PWD/plain" web1
	grep -q '^options = shifted$' plain/web1/config
	first=$(sed -n 's/^map = b 0 \([0-9]*\) .*/\1/p' plain/web1/config)
	[[ $(stat -c %u plain/web1/rootfs/bin/busybox) == "$first" ]]
	sysc destroy -P "$PWD/plain" web1
	umount plain
}

@test "-q says nothing, --json one document, -f another beginning, -s the last word" {
	need busybox
	run -0 sysc create -q web1
	[[ -z $output ]]
	run -0 --separate-stderr sysc create --json web2
	[[ $(tr -d ' \n' <<<"$output") == "{\"schema\":1,\"name\":\"web2\",\"path\":\"$SYSC_PATH/web2\"}" ]]
	printf '[limits]\nmemory = 64M\n[network.eth0]\ntype = none\n' >mine.conf
	sysc create -f mine.conf -s limits.memory=32M -s limits.pids=10 web3
	[[ $(sysc config get web3 limits.memory) == 32M && $(sysc config get web3 limits.pids) == 10 ]]
	run ! grep bridge "$SYSC_PATH/web3/config"
}

@test "destroy: several, absent, without its tree, with a broken config, an own tree that stays" {
	need busybox
	for name in web1 web2 web3; do sysc create "$name"; done
	rm -r "$SYSC_PATH/web1/rootfs"
	echo nonsense >>"$SYSC_PATH/web2/config"
	sysc destroy web1
	run -0 sysc destroy web2
	run sysc destroy nosuch
	((status == 3))
	sysc destroy 'web*'
	nothing_left
	mkdir mine
	touch mine/file
	sysc create -t none -s "rootfs.path=dir:$PWD/mine" web4
	run -0 sysc destroy web4
	[[ $output == *stays* && -e mine/file ]]
	nothing_left
}

@test "dhcp: the guest asks for its address only then" {
	need busybox
	need userns
	need dnsmasq
	sysc net up
	sysc create -s network.eth0.address=dhcp web1
	sysc start web1
	wait_until 20 bash -c "'${top_builddir:?}/src/sysc' attach web1 -- ip -4 addr show eth0 | grep -q 'inet '"
	wait_until 5 grep -q ^nameserver "$SYSC_PATH/web1/rootfs/etc/resolv.conf"
	sysc stop web1
	sysc net down
	run ! grep -h udhcpc "$(sysc create -q web2 && echo "$SYSC_PATH/web2/rootfs/etc/inittab")"
}
