#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# cache: debian bookworm
# sysc export and sysc import: what goes in comes out, entry by entry; what is damaged or hostile leaves nothing.
# shellcheck shell=bash

bats_require_minimum_version 1.5.0
LIFECYCLE_NETWORK=no
load ../lib/lifecycle
load ../lib/tree
load ../lib/images

setup() {
	lifecycle_setup
	need userns
	need python3
	cd "$BATS_TEST_TMPDIR" || return
}

# strange_tree NAME: all kinds of entries, names, times and attributes that the container of this name can have
strange_tree() {
	local root
	root=$(rootfs "$1")
	mkdir -p "$root/strange/deep/er" "$root/strange/$(printf 'a b\n\\x2d \303\251')"
	echo one >"$root/strange/file"
	ln "$root/strange/file" "$root/strange/deep/er/link"
	ln -s ../no/where "$root/strange/dangling"
	chown 1000:65534 "$root/strange/file"
	chmod 6711 "$root/strange/file"
	truncate -s 40M "$root/strange/sparse"
	printf data | dd of="$root/strange/sparse" bs=1 seek=10000000 conv=notrunc status=none
	printf end >>"$root/strange/sparse"
	chmod 1777 "$root/strange/deep"
	cp /bin/true "$root/strange/tool"
	! command -v setcap >/dev/null || setcap cap_net_raw+ep "$root/strange/tool"
	! command -v setfacl >/dev/null || setfacl -m u:7:rwx,d:g:8:r "$root/strange/deep"
	! command -v setfacl >/dev/null || setfacl -m u:9:rx,d:u:9:r,m::x "$root"
	python3 - "$root/strange" <<-'END'
		import os, sys
		os.chdir(sys.argv[1])
		for name in b"bad\xff\xfeutf8", b"n" * 255, b"-option", b"\\back", b" ":
		    open(name, "w").write("x")
		os.symlink(b"\xff\xfe to\n", "badlink")
		os.symlink("x" * 4000, "longlink")
		for name, size, at in ("tera", 1 << 40, 1 << 39), ("giga", 9 << 30, (9 << 30) - 4), ("hole", 3 << 20, None):
		    fd = os.open(name, os.O_CREAT | os.O_WRONLY, 0o640)
		    try:
		        os.ftruncate(fd, size)
		        if at: os.pwrite(fd, b"data", at)
		    except OSError:
		        os.unlink(name)  # the file system has no files of this size
		    os.close(fd)
		for name, ns in ("past", -1500000001), ("ancient", -2**31 * 10**9), ("future", 4 * 10**18 + 123456789):
		    os.close(os.open(name, os.O_CREAT))
		    os.utime(name, ns=(ns, ns))
		os.mkfifo("fifo"); os.link("fifo", "fifo2")
		os.symlink("a", "link"); os.link("link", "link2", follow_symlinks=False)
		os.mknod("whiteout", 0o020000, os.makedev(0, 0)); os.link("whiteout", "whiteout2")
		os.setxattr("past", "user.bytes", bytes(range(256))); os.setxattr("..", "user.root", b"value")
		os.mkdir("empty"); os.chmod("empty", 0o2750)
		for _ in range(15):
		    os.mkdir("d" * 250); os.chdir("d" * 250)
		open("deep", "w").write("deep")
		os.utime("deep", ns=(0, 999999999))
	END
	chown 0:5 "$root"
	chmod 2711 "$root"
	touch -h -d '2001-02-03 04:05:06.789' "$root/strange/dangling" "$root/strange"
	touch -d '2001-01-01 01:01:01.123456789' "$root"
}

@test "a strange tree comes back as it was, by each method, by files and by pipes" {
	local method
	make_busybox web1
	strange_tree web1
	for method in zstd gzip xz none; do
		sysc export -q -z "$method" -o a.tar web1
		[[ $(stat -c %a a.tar) == 600 ]]
		run -0 elsewhere import a.tar
		same web1
		elsewhere destroy web1
	done
	sysc export -o - web1 | elsewhere import -
	same web1
	# holes are holes
	(($(stat -c %b other/web1/rootfs/strange/sparse) < 1000))
	[[ $(stat -c %i other/web1/rootfs/strange/file) == $(stat -c %i other/web1/rootfs/strange/deep/er/link) ]]
	[[ $(find . -maxdepth 1 -name '.*.partial' | wc -l) == 0 ]]
}

@test "gzip by several threads is one stream that other programs read" {
	local threads count
	make_busybox web1
	head -c 3000000 /dev/urandom >"$(rootfs web1)/noise"
	head -c 9000000 /dev/zero >"$(rootfs web1)/nothing"
	for threads in 1 3 16; do
		sysc export -q -z gzip --level 1 -T "$threads" -o a.tar.gz web1
		gzip -t a.tar.gz
		tar -xOzf a.tar.gz rootfs/noise | cmp - "$(rootfs web1)/noise"
		python3 - a.tar.gz "$(rootfs web1)" <<-'END'
			import sys, tarfile, zlib
			packed = open(sys.argv[1], "rb").read()
			member = zlib.decompressobj(31)
			tar = member.decompress(packed)
			assert member.eof and not member.unused_data and len(tar) > 12000000
			for m in tarfile.open(sys.argv[1]):
			    if m.name in ("rootfs/noise", "rootfs/nothing"):
			        assert m.size == len(open(sys.argv[2] + m.name[6:], "rb").read())
		END
		count=$(tar -tf a.tar.gz | wc -l)
		! command -v bsdtar >/dev/null || [[ $(bsdtar -tf a.tar.gz | wc -l) == "$count" ]]
		sysc import -q --verify a.tar.gz
	done
}

@test "what a method does not have is wrong usage, and nothing is made" {
	local words
	make_busybox web1
	while read -r words; do
		# shellcheck disable=SC2086 # words
		run -2 sysc export $words -o a.tar web1
		echo "$output"
		[[ $output == *"level"* || $output == *"threads"* ]]
		[[ $(find . -name '*a.tar*') == "" ]]
	done <<-'END'
		-z gzip --level 10
		-z gzip --level x
		-z zstd --level 0
		-z zstd --level 23
		-z xz --level 10
		-z none --level 1
		-T 257
	END
	sysc export -q -z gzip --level 0 -T 256 -o a.tar web1
	sysc import -q --verify a.tar
}

@test "a privileged container keeps devices, all owners, trusted.*; what cannot be kept is said" {
	need setfattr
	make_busybox web1 -s container.privileged=yes
	strange_tree web1
	cd "$(rootfs web1)/strange"
	mknod device c 1 3
	mknod disk b 259 1048575
	ln disk disk2
	chown 3000000000:4294967294 device file
	setfattr -n trusted.overlay.opaque -v y deep
	setfattr -n trusted.md5sum -v 0 file
	setfattr -n security.selinux -v system_u:object_r:etc_t:s0 file
	setfattr -n security.selinux -v system_u:object_r:etc_t:s0 sparse
	touch fixed log
	cd "$BATS_TEST_TMPDIR"
	run -0 sysc export web1
	[[ $output == *"security.selinux of 2 entries, left out"* && $output != *trusted* ]]
	setfattr -x security.selinux "$(rootfs web1)/strange/file"
	setfattr -x security.selinux "$(rootfs web1)/strange/sparse"
	elsewhere import --trust web1.tar.zst
	same web1
	# its owners and attributes are not for another kind of container, which is told
	run sysc import web2 web1.tar.zst
	echo "$output"
	((status == 0))
	[[ $output == *"'strange/device': a device node, left out"* ]]
	[[ $output == *"'strange/file': its owner is none of the container's, and is nobody now"* ]]
	[[ $output == *"trusted.md5sum of 1 entry, left out"* && $output == *"trusted.overlay.opaque of 1 entry, left out"* ]]
	[[ $(stat -c %u:%g "$(rootfs web2)/strange/file") == 65534:65534 ]]
}

@test "what no container of its kind can have is left out of its archive, and said" {
	need setfattr
	need setfacl
	make_busybox web1
	root=$(rootfs web1)
	touch "$root/foreign" "$root/shared" "$root/marked"
	chown 70000:0 "$root/foreign"
	setfacl -m u:70000:r,u:7:rw "$root/shared"
	setfattr -n trusted.note -v 1 "$root/marked"
	run -0 sysc export web1
	[[ $output == *"'foreign': its owner is none of the container's, and is nobody now"* ]]
	[[ $output == *"'shared': what its ACL gives to ids that are none of the container's, left out"* ]]
	[[ $output == *"trusted.note of 1 entry, left out"* ]]
	run -0 elsewhere import web1.tar.zst
	[[ $output != *"left out"* && $(stat -c %u:%g other/web1/rootfs/foreign) == 65534:0 ]]
	getfacl -n other/web1/rootfs/shared | grep -q user:7:rw-
	run ! grep 70000 <(getfacl -n other/web1/rootfs/shared)
}

@test "immutable and append-only files are kept without their flag, and said" {
	need chattr
	make_busybox web1
	root=$(rootfs web1)
	touch "$root/fixed" "$root/log"
	chattr +i "$root/fixed" 2>/dev/null || skip "the file system has no flags of files"
	chattr +a "$root/log"
	run sysc export web1
	chattr -ia "$root/fixed" "$root/log"
	((status == 0))
	[[ $output == *"'fixed': it is immutable, which is not kept"* && $output == *"'log': it can only be appended to"* ]]
	elsewhere import web1.tar.zst
	same web1
}

@test "from each backend, and to each: the same tree" {
	local backend backends=(dir overlay loop)
	need_loop
	mkdir other
	if command -v mkfs.btrfs >/dev/null; then
		make_store btrfs 2G
		mkdir mnt/other
		mount --bind mnt/other other
		backends+=(btrfs)
	fi
	make_busybox web1
	strange_tree web1
	rm -rf --one-file-system "$(rootfs web1)/strange/"{tera,giga}
	tree web1 >before
	sysc export -q -o web1.tar.zst web1
	for backend in "${backends[@]}"; do
		size=()
		[[ $backend != loop ]] || size=(--size 1G)
		run elsewhere import -B "$backend" "${size[@]}" web1.tar.zst
		((status == 0)) || { echo "$output" && return 1; }
		said=$output
		grep -q "^path = $backend:" other/web1/config
		run -0 elsewhere export -o again.tar.zst web1
		run -0 sysc import -q --size max web2 again.tar.zst
		# an overlay has whiteouts for itself
		unlike=etc/hosts
		[[ $backend != overlay ]] || { unlike='etc/hosts\|strange/whiteout2\?' && [[ $said == *"'strange/whiteout': a device node, left out"* ]]; }
		diff <(grep -v "^\($unlike\) " before) <(tree web2 | grep -v '^etc/hosts ')
		sysc destroy web2
		elsewhere destroy web1
	done
	! mountpoint -q other || umount other
	drop_images
}

@test "a tree whose owners were shifted at create goes as a plain one" {
	mkdir lower upper other
	make_busybox web1
	strange_tree web1
	rm "$(rootfs web1)"/strange/whiteout* # an overlay has them for itself
	tree web1 >before
	sysc export -q web1
	# an overlay cannot be id-mapped
	mount -t tmpfs -o mode=0755 tmpfs upper
	mkdir upper/u upper/w
	mount -t overlay overlay -o "lowerdir=lower,upperdir=upper/u,workdir=upper/w" other
	run -0 elsewhere import web1.tar.zst
	grep -q '^options = shifted' other/web1/config
	[[ $(stat -c %u other/web1/rootfs/bin/busybox) != 0 ]]
	elsewhere export -q -o again.tar.zst web1
	sysc destroy web1
	sysc import -q web1 again.tar.zst
	diff before <(tree web1)
	umount other upper
}

@test "the same tree makes the same archive, and any tar reads it" {
	make_busybox web1
	sysc export -q -z none -o a.tar web1
	sysc export -q -z none -o b.tar web1
	[[ $(tar -xOf a.tar sysc-list 2>/dev/null) == $(tar -xOf b.tar sysc-list 2>/dev/null) ]]
	[[ $(tar -tf a.tar 2>/dev/null | head -n 3 | tr '\n' ' ') == "sysc-manifest sysc-config rootfs/ " ]]
	[[ $(tar -tf a.tar 2>/dev/null | tail -n 1) == sysc-list ]]
}

@test "a Debian tree comes back as it was, and beside itself is another machine" {
	need debian bookworm
	make_debian web1 bookworm
	sysc export -q web1
	[[ -f web1.tar.zst ]]
	tree web1 >before
	machine_id=$(cat "$(rootfs web1)/etc/machine-id")
	sysc destroy web1
	sysc import web1.tar.zst
	tree web1 >after
	diff before after
	[[ $(cat "$(rootfs web1)/etc/machine-id") == "$machine_id" ]]
	# beside it: another machine
	sysc import web2 web1.tar.zst
	[[ $(cat "$(rootfs web2)/etc/hostname") == web2 ]]
	grep -q '/debian.conf$' "$SYSC_PATH/web2/config"
}

@test "a socket is left out and said" {
	need python3
	make_busybox web1
	python3 -c 'import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$(rootfs web1)/run.sock"
	run -0 sysc export web1
	[[ $output == *"'run.sock': a socket, left out"* ]]
	elsewhere import web1.tar.zst
	[[ -d other/web1/rootfs/bin && ! -e other/web1/rootfs/run.sock ]]
}

@test "a running container is frozen meanwhile and goes on, also when the export is killed" {
	start_busybox web1
	head -c 60M /dev/urandom >"$(rootfs web1)/big"
	run -0 sysc export web1
	[[ $output =~ "was frozen for "[0-9]+\.[0-9]{3}" s" ]]
	[[ $(state_of web1) == RUNNING ]]
	inside web1 true
	run -0 sysc export --no-freeze web1
	[[ $output != *frozen* ]]
	rm web1.tar.zst
	# a reader that does not read: it stays in the middle
	mkfifo pipe
	exec 9<>pipe
	"$top_builddir/src/sysc" export -o - web1 >pipe 3>&- 4>&- &
	exporter=$!
	wait_until 10 eval '[[ $(state_of web1) == FROZEN ]]'
	kill -KILL "$exporter"
	wait "$exporter" || :
	exec 9>&-
	wait_until 10 eval '[[ $(state_of web1) == RUNNING ]]'
	inside web1 true
}

@test "a running container goes on while what it was at one moment is read, where that takes no copy of it" {
	need mkfs.btrfs
	make_store btrfs 1G
	mkfifo pipe
	for backend in dir overlay loop btrfs; do
		make_busybox web1 -B "$backend"
		sysc start web1
		inside web1 'head -c 3000000 /dev/urandom >/root/big; echo before >/root/file'
		# a reader that does not read: it stays in the middle
		exec 9<>pipe
		"$top_builddir/src/sysc" export -o - web1 >pipe 2>said 3>&- 4>&- 9>&- &
		exporter=$!
		exec 8<pipe 9>&-
		head -c 100000 <&8 >archive
		[[ $(state_of web1) == RUNNING && ! -e $SYSC_RUN/web1/frozen_by ]]
		timeout 20 "$top_builddir/src/sysc" attach web1 -- sh -c 'echo after >/root/file; rm /root/big'
		cat <&8 >>archive
		exec 8<&-
		wait "$exporter"
		grep -q 'was frozen for [0-9]*\.[0-9]* s' said
		[[ -z $(ls -A "$SYSC_PATH/web1/snapshots" 2>/dev/null) ]]
		sysc import web2 archive
		sysc start web2
		[[ $(inside web2 'cat /root/file; wc -c </root/big') == $'before\n3000000' ]]
		[[ $(inside web1 'cat /root/file; ls /root') == $'after\nfile' ]]
		sysc stop -k web1 web2
		sysc destroy web1 web2
		[[ $(find mnt/store -maxdepth 3 ! -name .lock | wc -l) == 1 ]]
	done
	# killed in the middle, what was kept for it goes
	make_busybox web1 -B btrfs
	sysc start web1
	inside web1 'head -c 3000000 /dev/urandom >/root/big'
	exec 9<>pipe
	"$top_builddir/src/sysc" export -o - web1 >pipe 3>&- 4>&- 9>&- &
	exporter=$!
	exec 8<pipe 9>&-
	head -c 100000 <&8 >archive
	kill -KILL "$exporter"
	wait "$exporter" || :
	exec 8<&-
	[[ -e $SYSC_PATH/web1/snapshots/..moment.creating/rootfs/root/big ]]
	sysc snapshot create web1 one
	[[ $(ls -A "$SYSC_PATH/web1/snapshots") == one ]]
	sysc stop -k web1
	sysc destroy -s web1
	[[ -z $(btrfs subvolume list mnt) ]]
	drop_images
}

@test "identity: kept where it is free, new where it is taken, an error with --keep" {
	make_busybox web1
	sysc config set web1 network.eth0.type veth
	sysc config set web1 network.eth0.mac 10:66:6a:01:02:03
	uuid=$(sysc config get web1 container.uuid)
	sysc export -q web1
	run -0 sysc import web2 web1.tar.zst
	[[ $output == *"a new UUID: 'web1' has that of the archive"* ]]
	[[ $(sysc config get web2 container.uuid) != "$uuid" ]]
	[[ $(sysc config get web2 network.eth0.mac) != 10:66:6a:01:02:03 ]]
	[[ $(sysc config get web2 idmap.map) != $(sysc config get web1 idmap.map) ]]
	run -1 sysc import --keep web3 web1.tar.zst
	[[ $output == *"is that of container 'web1'"* && ! -e $SYSC_PATH/web3 ]]
	sysc destroy web1 web2
	run -0 sysc import --keep web1.tar.zst
	[[ $(sysc config get web1 container.uuid) == "$uuid" ]]
	[[ $(sysc config get web1 network.eth0.mac) == 10:66:6a:01:02:03 ]]
	run -4 sysc import web1.tar.zst
	[[ $output == *"a container of this name exists already"* ]]
}

@test "keys that reach out of the container come only with --trust" {
	make_busybox web1
	sysc config set web1 mounts.entry '/etc srv none bind,create=dir 0 0'
	sysc config set web1 limits.memory 100M
	sysc config set web1 cgroup.memory.oom.group 1
	sysc export -q web1
	sysc destroy web1
	run -0 sysc import web1.tar.zst
	[[ $output == *"left out (--trust takes it): mounts.entry = /etc srv"* && $output == *"cgroup.memory.oom.group"* ]]
	run ! grep -qE 'srv|oom' "$SYSC_PATH/web1/config"
	[[ $(sysc config get web1 limits.memory) == 100M ]]
	sysc destroy web1
	sysc import -q --trust -s limits.pids=77 web1.tar.zst
	grep -q srv "$SYSC_PATH/web1/config"
	[[ $(sysc config get web1 limits.pids) == 77 ]]
}

@test "a damaged or cut archive is one error and leaves nothing" {
	local at size
	make_busybox web1
	head -c 200000 /dev/urandom >"$(rootfs web1)/data"
	sysc export -q -z none -o a.tar web1
	size=$(stat -c %s a.tar)
	for at in 1 600 2000 $((size / 2)) $((size - 3000)) $((size - 1100)); do
		head -c "$at" a.tar >cut.tar
		run sysc import web2 cut.tar
		((status == 1))
		[[ ${#lines[@]} == 1 ]]
		nothing_left
	done
	: >empty.tar
	run -1 sysc import web2 empty.tar
	nothing_left
}

# flip FILE OFFSET: a copy of it, flipped.tar, with one bit changed
flip() {
	python3 -c 'import sys
data = bytearray(open(sys.argv[1], "rb").read())
data[int(sys.argv[2])] ^= 4
open("flipped.tar", "wb").write(data)' "$@"
}

# same_or_refused WHERE: one error and nothing left, or the container as it was
same_or_refused() {
	run elsewhere import -q web1 flipped.tar # a name is none of what the digests are over
	if ((status == 0)); then
		same web1 || { echo "another tree: $1" && return 1; }
		elsewhere destroy web1
	else
		((status == 1)) && [[ ${#lines[@]} == 1 ]] || { echo "$1: $output" && return 1; }
		[[ ! -e other || -z $(find other -mindepth 1 -maxdepth 1 ! -name .lock) ]]
	fi
}

@test "one bit in any part of an archive: an error, or nothing is the worse for it" {
	local method place where offset size
	make_busybox web1
	head -c 20000 /dev/urandom >"$(rootfs web1)/data"
	sysc export -q -z none -o a.tar web1
	python3 - >places <<-'END'
		import tarfile
		data, tar = open("a.tar", "rb").read(), tarfile.open("a.tar")
		members = {m.name: m for m in tar}
		for name in "sysc-manifest", "sysc-config", "rootfs", "rootfs/data", "sysc-list":
		    m = members[name]
		    header = m.offset_data - 512
		    for part, at in ("name", 0), ("mode", 102), ("size", 130), ("sum", 150), ("type", 156):
		        print(name + ":" + part, header + at)
		    if m.size:
		        for at in 0, m.size // 2, m.size - 1:
		            print("%s:content+%d" % (name, at), m.offset_data + at)
		    if m.offset != header:
		        print(name + ":pax", data.index(b"mtime=", m.offset) + 8)
		manifest = members["sysc-manifest"].offset_data
		for word in b"config-sha256 ", b"\nname ", b"\nmap ":
		    print("sysc-manifest:" + word.decode().strip(), data.index(word, manifest) + len(word) + 1)
		print("end", members["sysc-list"].offset_data + members["sysc-list"].size + 700)
	END
	(($(wc -l <places) > 40))
	while read -r where offset; do
		flip a.tar "$offset"
		same_or_refused "$where"
	done <places
	# what is packed: its head, its ends, its blocks
	for method in zstd gzip xz; do
		sysc export -q -z "$method" -o "a.$method" web1
		size=$(stat -c %s "a.$method")
		for place in 0 4 5 9 20 $((size / 4)) $((size / 2)) $((size - 2000)) $((size - 9)) $((size - 1)); do
			flip "a.$method" "$place"
			same_or_refused "$method: byte $place of $size"
		done
	done
}

@test "an archive that is made to deceive is refused" {
	need python3
	make_busybox web1
	sysc export -q -z none -o a.tar web1
	sysc destroy web1
	# deceived PYTHON WORDS
	deceived() {
		forge a.tar "$1"
		run sysc import web1 forged.tar
		echo "$output"
		((status == 1))
		[[ ${#lines[@]} == 1 && $output == *"$2"* ]]
		[[ ! -e $SYSC_PATH/web1 && ! -e $SYSC_PATH/.web1.creating ]]
	}
	deceived 'members.insert(1, members[0])' "was expected"
	deceived 'members[0], members[1] = members[1], members[0]' "was expected"
	deceived 'members.insert(2, item("etc/evil"))' "was expected"
	deceived 'members.append(item("rootfs/late"))' "was expected"
	deceived 'members.insert(-1, item("rootfs/evil"))' "not what was packed"
	deceived 'members.pop()' "ends too early"
	deceived 'del members[20]' ""
	deceived 'members.insert(-1, item("rootfs/../../evil"))' "'..'"
	deceived 'members.insert(-1, item("/rootfs/evil"))' "was expected"
	deceived 'members.insert(-1, item("rootfs/a", tarfile.SYMTYPE, "/etc")); members.insert(-1, item("rootfs/a/b"))' "symlink"
	deceived 'members.insert(-1, item("rootfs/a", tarfile.LNKTYPE, "/etc/passwd"))' "outside"
	deceived 'members.insert(-1, item("rootfs/a", tarfile.LNKTYPE, "sysc-config"))' "outside"
	deceived 'members[2] = item("rootfs", tarfile.SYMTYPE, "/")' "the root is not a directory"
	deceived 'members.insert(2, members[0])' "was expected"
	deceived 'members[-1] = (members[-1][0], members[-1][1].replace(b" bin -\n", b" nib -\n"))' "bin"
	deceived 'lines = members[-1][1].split(b"\n"); del lines[5]; members[-1] = item("sysc-list", data=b"\n".join(lines))' ""
	deceived 'members[-1] = item("sysc-list", data=b"")' ""
	deceived 'members[-1] = item("sysc-list", data=members[-1][1] + b"x")' ""
	deceived 'members[-1] = item("sysc-list", data=b"x" * 70000 + b"\n")' ""
	deceived 'members[-1] = item("sysc-list", tarfile.SYMTYPE, "/etc/passwd")' "not a plain file"
	deceived 'members[0] = item("sysc-manifest", data=members[0][1] * 400)' ""
	deceived 'members[1] = item("sysc-config", data=b"x" * (3 << 20))' "longer than"
	deceived 'i = next(i for i, m in enumerate(members) if m[1] and m[0].name.startswith("rootfs/")); members[i] = item(members[i][0].name, data=members[i][1] + b"x")' ""
	deceived 'members[1] = item("sysc-config", data=b"[hooks]\npre_start = /bin/sh\n")' "digest"
	deceived 'members[0] = item("sysc-manifest", data=members[0][1].replace(b"name web1", b"name ../x"))' "damaged"
	deceived 'members[0] = item("sysc-manifest", data=members[0][1].replace(b"name web1", b"name ../x").split(b"manifest-sha256")[0])' "'../x'"
}

@test "an archive that grows without end is stopped" {
	make_busybox web1
	sysc export -q -z none -o a.tar web1
	sysc destroy web1
	python3 - <<-'END'
		import io, tarfile
		class Zeros(io.RawIOBase):
		    def read(self, count): return bytes(count)
		source, out = tarfile.open("a.tar"), tarfile.open("bomb.tar.gz", "w:gz", compresslevel=9)
		for m in source:
		    if m.name == "sysc-list":
		        zeros = tarfile.TarInfo("rootfs/zeros")
		        zeros.size = 1200 << 20
		        out.addfile(zeros, Zeros())
		    out.addfile(m, source.extractfile(m) if m.isreg() else None)
		out.close()
	END
	run sysc import web1 bomb.tar.gz
	((status == 1))
	[[ ${#lines[@]} == 1 ]]
	[[ $output == *"not what was packed"* || $output == *"is in it and not"* || $output == *"bomb"* ]]
	[[ ! -e $SYSC_PATH/web1 && ! -e $SYSC_PATH/.web1.creating ]]
}

@test "an archive of nothing but heads does not fill the memory" {
	need python3
	python3 - <<-'END'
		import hashlib, io, tarfile
		out = tarfile.open("heads.tar.gz", "w:gz", compresslevel=1)
		config = b";\n" * (1 << 19)
		def add(name, data):
		    m = tarfile.TarInfo(name)
		    m.size = len(data)
		    out.addfile(m, io.BytesIO(data))
		for left in range(299, -1, -1):
		    add("sysc-manifest", b"sysc-archive 2\nname web1\ndate 2026-11-22T06:30:00Z\nversion 0\narch x\nbackend dir\n"
		        + (b"parts-left %d\n" % left if left else b"") + b"config-sha256 " + hashlib.sha256(config).hexdigest().encode() + b"\n")
		    add("sysc-config", config)
		    add("sysc-list", b"")
		out.close()
	END
	run -1 sysc import heads.tar.gz
	[[ ${#lines[@]} == 1 && $output == *"longer than 256 MiB in all"* ]]
	run -1 sysc import --show - <heads.tar.gz
	[[ $output == *"longer than 256 MiB in all"* ]]
}

@test "a plain tree becomes a container, from a file and from a pipe" {
	make_busybox web1
	echo 'ID=alpine' >"$(rootfs web1)/etc/os-release"
	tar -C "$(rootfs web1)" -czf plain.tgz .
	run -1 sysc import plain.tgz
	[[ $output == *"give the NAME"* ]]
	sysc import web2 plain.tgz
	grep -q '/alpine.conf$' "$SYSC_PATH/web2/config"
	[[ $(cat "$(rootfs web2)/etc/hostname") == web2 ]]
	sysc start web2
	inside web2 true
	sysc stop -k web2
	sysc import web3 - <plain.tgz
	cat plain.tgz | sysc import web4 -
	[[ -x $(rootfs web3)/bin/busybox && -x $(rootfs web4)/bin/busybox && ! -e $SYSC_PATH/web4/input ]]
	head -c 3000 plain.tgz >cut.tgz
	run -1 sysc import web5 cut.tgz
	[[ ! -e $SYSC_PATH/web5 ]]
}

@test "a full disk is an error and leaves nothing" {
	make_busybox web1
	head -c 8M /dev/urandom >"$(rootfs web1)/data"
	sysc export -q -o a.tar web1
	mkdir small
	mount -t tmpfs -o size=4M none small
	run -1 sysc export -o small/a.tar web1
	[[ ${#lines[@]} == 1 && $output == *"No space left"* && -z $(ls -A small) ]]
	mkdir small/store
	run -1 sysc import -P "$PWD/small/store" web2 a.tar
	[[ $output == *"more than"* || $output == *"No space left"* ]]
	[[ -z $(find small/store -mindepth 1 ! -name .lock) ]]
	umount small
}

# is_locked FILE; are_waiting NUMBER FILE: so many commands wait for it
is_locked() { grep -q "FLOCK .*:$(stat -c %i "$1") " /proc/locks; }
are_waiting() { [[ $(grep -c -- "-> FLOCK .*:$(stat -c %i "$2") " /proc/locks) == "$1" ]]; }
# hold FILE: has it locked until $background ends
hold() {
	need python3
	in_background python3 -c "import fcntl, signal
lock = open('$1', 'a'); fcntl.flock(lock, fcntl.LOCK_EX); signal.pause()"
	wait_until 10 is_locked "$1"
}

@test "an export waits for what is left of a killed one" {
	local first packer second
	make_busybox web1
	head -c 60M /dev/urandom >"$(rootfs web1)/noise"
	"$top_builddir/src/sysc" export -q -z xz --level 9 -T 1 -o a.tar web1 3>&- 4>&- &
	first=$!
	wait_until 10 is_locked .a.tar.partial
	wait_until 10 pgrep -P "$first" -x sysc-archive
	packer=$(pgrep -P "$first" -x sysc-archive)
	kill -STOP "$packer"
	kill -KILL "$first"
	"$top_builddir/src/sysc" export -q -o a.tar web1 3>&- 4>&- &
	second=$!
	wait_until 10 pgrep -P "$second" -x sysc # what waits for the lock: /proc/locks hides those of the dead
	kill -CONT "$packer"
	wait "$second"
	sysc import -q --verify a.tar
	[[ ! -e .a.tar.partial ]]
}

@test "an export never writes to the archive that another one has just finished" {
	local second
	make_busybox web1
	echo whole >.a.tar.partial
	exec 7<.a.tar.partial
	hold .a.tar.partial
	"$top_builddir/src/sysc" export -q -o a.tar web1 3>&- 4>&- 7<&- &
	second=$!
	wait_until 10 are_waiting 1 .a.tar.partial
	mv .a.tar.partial a.tar
	kill "$background"
	wait "$second"
	[[ $(cat <&7) == whole ]]
	exec 7<&-
	sysc import -q --verify a.tar
	[[ ! -e .a.tar.partial ]]
}

@test "an export that another one keeps from its file refuses, and leaves that alone" {
	make_busybox web1
	echo half >.a.tar.partial
	hold .a.tar.partial
	run -4 sysc export -o a.tar web1
	[[ $output == *"'a.tar' is being written by another export" && $(cat .a.tar.partial) == half && ! -e a.tar ]]
}

@test "imports side by side never keep one UUID or MAC address twice" {
	make_busybox web1 -s network.eth0.type=veth -s network.eth0.mac=10:66:6a:00:00:01
	sysc export -q -o a.tar web1
	sysc destroy web1
	local n imports=()
	# all of them have looked at what is taken when the first one goes on
	hold "$SYSC_PATH/.lock"
	for n in 1 2 3 4; do
		"$top_builddir/src/sysc" import -q "web$n" a.tar 3>&- 4>&- &
		imports+=("$!")
	done
	wait_until 20 are_waiting 4 "$SYSC_PATH/.lock"
	kill "$background"
	for n in "${imports[@]}"; do wait "$n"; done
	[[ $(sysc config get web1 container.uuid) ]]
	[[ $(for n in 1 2 3 4; do sysc config get "web$n" container.uuid; done | sort -u | wc -l) == 4 ]]
	[[ $(for n in 1 2 3 4; do sysc config get "web$n" network.eth0.mac; done | sort -u | wc -l) == 4 ]]
	# one of them is the one that went
	[[ $(for n in 1 2 3 4; do sysc config get "web$n" network.eth0.mac; done | grep -c 10:66:6a:00:00:01) == 1 ]]
}

@test "a bridge that is not the default one is left out, and the container is in the default one" {
	make_busybox web1 -s network.eth0.bridge=syscbr0 -s network.eth0.address=auto -s network.eth1.bridge=br7
	sysc export -q -o a.tar web1
	run -0 sysc import web2 a.tar
	[[ $output == *"network.eth1.bridge: syscbr0 in place of br7 (--trust keeps it)"* && $output != *"eth0.bridge"* ]]
	[[ $(sysc config get web2 network.eth0.bridge) == syscbr0 && $(sysc config get web2 network.eth1.bridge) == syscbr0 ]]
	sysc import -q --trust web3 a.tar
	[[ $(sysc config get web3 network.eth1.bridge) == br7 ]]
}

@test "trees are kept as default.conf says, unless -B or -s says it" {
	make_busybox web1
	sysc export -q -o a.tar web1
	printf '[rootfs]\nbackend = overlay\n' >"$SYSC_ETC/default.conf"
	sysc import -q web2 a.tar
	[[ $(sysc config get web2 rootfs.path) == overlay:* ]]
	sysc import -q -B dir web3 a.tar
	[[ $(sysc config get web3 rootfs.path) == dir:* ]]
	sysc import -q -s rootfs.backend=dir web4 a.tar
	[[ $(sysc config get web4 rootfs.path) == dir:* ]]
}
