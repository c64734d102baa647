#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# sysc snapshot diff: by file and by package, of trees that are deep, hostile or still changing.
# shellcheck shell=bash

bats_require_minimum_version 1.5.0
LIFECYCLE_NETWORK=no
load ../lib/lifecycle
load ../lib/images

# gone NAME: destroyed with its snapshots, and nothing of it is anywhere
gone() {
	sysc destroy -f -s "$1"
	[[ -z $(find "$SYSC_PATH" -mindepth 1 -maxdepth 1 ! -name .lock) ]]
}

@test "diff by file and by package" {
	need busybox
	make_store xfs 400M
	for backend in dir overlay; do
		make_busybox web1 -B "$backend"
		sysc start web1
		inside web1 'mkdir -p /srv/a/b /var/lib/dpkg; echo 1 >/srv/a/same; echo 1 >/srv/a/content; echo 1 >/srv/a/touched; echo 1 >/srv/a/gone
			echo 1 >/srv/mode; ln -s x /srv/link; echo 1 >/srv/type
			printf "Package: zlib\nStatus: install ok installed\nVersion: 1.2\n\nPackage: old\nStatus: install ok installed\nVersion: 7\n" >/var/lib/dpkg/status'
		sysc snapshot create web1 one
		[[ $(sysc snapshot diff web1 one) != */srv* ]] # init may still write its own files
		inside web1 'echo 2 >/srv/a/content; touch -d 2001-01-01 /srv/a/touched; rm /srv/a/gone; chmod 600 /srv/mode; chown 3:4 /srv/a
			ln -sf y /srv/link; rm /srv/type; mkdir /srv/type; echo n >/srv/type/new; printf x >"/srv/odd
name"
			printf "Package: new\nStatus: install ok installed\nVersion: 3\n\nPackage: zlib\nStatus: install ok installed\nVersion: 1.3\n" >/var/lib/dpkg/status'
		run sysc snapshot diff web1 one
		((status == 0))
		[[ $(grep ' /srv' <<<"$output") == '~ /srv/a (owner)
~ /srv/a/content (content)
- /srv/a/gone
~ /srv/link (content)
~ /srv/mode (mode)
+ /srv/odd?name
~ /srv/type (type)
+ /srv/type/new' ]]
		[[ $(sysc snapshot diff web1 one --packages) == $'+ new 3\n- old 7\n~ zlib (1.2 -> 1.3)' ]]
		# of two architectures: both were replaced, or one alone came
		inside web1 'printf "Package: zlib\nVersion: 1.2\n\nPackage: zlib\nVersion: 1.2\n\nPackage: old\nVersion: 7\n" >/var/lib/dpkg/status'
		[[ $(sysc snapshot diff web1 one --packages) == '+ zlib 1.2' ]]
		inside web1 'printf "Package: zlib\nVersion: 1.3\n\nPackage: zlib\nVersion: 1.4\n\nPackage: old\nVersion: 7\n" >/var/lib/dpkg/status'
		[[ $(sysc snapshot diff web1 one --packages) == $'- zlib 1.2\n+ zlib 1.3\n+ zlib 1.4' ]]
		sysc snapshot create web1 two
		[[ $(sysc snapshot diff web1 one two | grep -c /srv) == 8 ]]
		sysc snapshot diff --json web1 two one | python3 -c '
import json, sys
changes = {c["path"]: c for c in json.load(sys.stdin)["changes"]}
assert changes["/srv/a/gone"]["change"] == "added"
assert changes["/srv/mode"]["what"] == ["mode"]'
		gone web1
	done
	drop_store
}

@test "diff of trees of any depth, and of more changes than are kept at a time" {
	need busybox
	need python3
	need jq
	for backend in dir overlay; do
		make_busybox web1 -B "$backend"
		sysc start web1
		inside web1 'mkdir -p /srv/many; i=0; cd /srv; while [ $i -lt 700 ]; do mkdir beside d; cd d; i=$((i+1)); done'
		sysc snapshot create -q web1 one
		[[ $(sysc snapshot diff web1 one) != */srv* ]]
		inside web1 'i=0; while [ $i -lt 2500 ]; do echo $i >/srv/many/this-is-file-number-$i; i=$((i+1)); done
			cd /srv; i=0; while [ $i -lt 600 ]; do cd d; i=$((i+1)); done; echo x >deep; rmdir beside'
		deep=/srv$(printf '/d%.0s' {1..600})
		[[ $(sysc snapshot diff web1 one | grep ' /srv/d') == "- $deep/beside"$'\n'"+ $deep/deep" ]]
		(($(sysc snapshot diff web1 one | grep -c '^+ /srv/many/this') == 2500))
		sysc snapshot diff --json web1 one | jq -e --arg deep "$deep" '
			([.changes[] | select(.path == $deep + "/deep" and .change == "added")] | length == 1) and
			([.changes[] | select(.path | startswith("/srv/many/"))] | length == 2500)'
		sysc stop -k web1
		# deeper than any path can say: the last folder that can be named stands for it
		tree=$(storage_tree web1)
		deepen "$tree/srv/d" 6000
		run sysc snapshot diff web1 one
		((status == 0))
		((${#lines[@]} < 5000))
		[[ $(grep -c ' (below)$' <<<"$output") == 1 ]]
		[[ $(grep ' (below)$' <<<"$output" | wc -c) -gt 4000 ]]
		gone web1
	done
	# nobody reads it to the end
	make_busybox web1
	sysc snapshot create -q web1 one
	mkdir "$(rootfs web1)/many"
	(cd "$(rootfs web1)/many" && seq 30000 | xargs touch)
	run bash -c "'$top_builddir/src/sysc' snapshot diff web1 one | head -n 1; exit \${PIPESTATUS[0]}"
	((status == 1 || status == 141))
	gone web1
}

# storage_tree NAME: where a stopped container's own files are written
storage_tree() {
	local path
	path=$(sysc config get "$1" rootfs.path)
	case $path in
	overlay:*) echo "${path##*:}/upper" ;;
	*) echo "${path#dir:}" ;;
	esac
}

# deepen FOLDER LEVELS: a chain of folders below it
deepen() {
	python3 -c '
import os, sys
os.makedirs(sys.argv[1], exist_ok=True)
os.chdir(sys.argv[1])
for i in range(int(sys.argv[2])):
    os.mkdir("new-and-deep")
    os.chdir("new-and-deep")' "$@"
}

# make_rpms: tiny packages in rpms/, "NAME-VERSION.rpm"
make_rpms() {
	local word name version epoch
	need rpm
	need rpmbuild
	mkdir -p build rpms
	cat >build/a.spec <<-'END'
		Name: %{n}
		Version: %{v}
		Release: 1
		%{?e:Epoch: %{e}}
		Summary: nothing
		License: none
		BuildArch: noarch
		%description
		%files
	END
	for word in zlib-1.2 zlib-1.3 old-7 new-3 same-1 kernel-5.1 kernel-5.2 kernel-5.3; do
		name=${word%-*} version=${word##*-} epoch=()
		[[ $name != zlib ]] || epoch=(--define "e 2")
		rpmbuild -bb --quiet --define "_topdir $PWD/build" --define "_rpmfilename out.rpm" \
			--define "n $name" --define "v $version" "${epoch[@]}" build/a.spec 2>/dev/null
		mv build/RPMS/out.rpm "rpms/$word.rpm"
	done
}

# in_rpm TREE FOLDER RPM-OPTION...: the host's rpm at a tree whose database is in that folder
in_rpm() {
	local tree=$1 folder=$2
	shift 2
	mkdir -p "$tree$folder"
	rpm --root "$tree" --dbpath "$folder" --nodeps "$@" 2>/dev/null
}

# first_state TREE FOLDER, second_state TREE FOLDER: one is added, one removed, one upgraded; of three kernels two are kept
first_state() { in_rpm "$1" "$2" -i rpms/{zlib-1.2,old-7,same-1,kernel-5.1,kernel-5.2}.rpm; }
second_state() {
	in_rpm "$1" "$2" -U rpms/{zlib-1.3,new-3}.rpm
	in_rpm "$1" "$2" -i rpms/kernel-5.3.rpm
	in_rpm "$1" "$2" -e old kernel-5.1-1
}
rpm_changes=$'~ kernel (5.1-1 -> 5.3-1)\n+ new 3-1\n- old 7-1\n~ zlib (2:1.2-1 -> 2:1.3-1)'

# as_berkeley FOLDER: its database of sqlite becomes one as rpm made it until 4.15
as_berkeley() {
	python3 - "$1" >dump <<-'END'
		import sqlite3, struct, sys
		rows = sqlite3.connect(sys.argv[1] + "/rpmdb.sqlite").execute("select hnum, blob from Packages").fetchall()
		print("VERSION=3\nformat=bytevalue\ntype=hash\nHEADER=END")
		rows.append((0, struct.pack("=I", max(number for number, _ in rows))))
		for number, blob in rows:
		    print(" " + struct.pack("=I", number).hex() + "\n " + blob.hex())
		print("DATA=END")
	END
	rm "$1"/*
	db5.3_load -f dump "$1/Packages"
}

@test "diff by package of rpm: sqlite and Berkeley databases, in either place" {
	need busybox
	need jq
	need python3
	need db5.3_load
	make_rpms
	for folder in /usr/lib/sysimage/rpm /var/lib/rpm; do
		for form in sqlite berkeley; do
			make_busybox web1
			tree=$(rootfs web1)
			first_state "$tree" $folder
			# what dpkg or apk left empty does not hide it
			mkdir -p "$tree/var/lib/dpkg"
			touch "$tree/var/lib/dpkg/status"
			[[ $form == sqlite ]] || cp -a "$tree$folder" kept
			[[ $form == sqlite ]] || as_berkeley "$tree$folder"
			sysc snapshot create -q web1 one
			if [[ $form == berkeley ]]; then
				rm -r "$tree$folder"
				mv kept "$tree$folder"
			fi
			second_state "$tree" $folder
			[[ $form == sqlite ]] || as_berkeley "$tree$folder"
			was=$(cd "$tree$folder" && sha256sum ./*)
			[[ $(sysc snapshot diff --packages web1 one) == "$rpm_changes" ]]
			sysc snapshot create -q web1 two
			[[ $(sysc snapshot diff --packages web1 one two) == "$rpm_changes" ]]
			[[ -z $(sysc snapshot diff --packages web1 two) ]]
			sysc snapshot diff --json --packages web1 two one | jq -e '.changes == [
				{path: "kernel", change: "changed", what: ["5.3-1 -> 5.1-1"]},
				{path: "new 3-1", change: "removed", what: []},
				{path: "old 7-1", change: "added", what: []},
				{path: "zlib", change: "changed", what: ["2:1.3-1 -> 2:1.2-1"]}]'
			# it is looked at, and left alone
			[[ $(cd "$tree$folder" && sha256sum ./*) == "$was" ]]
			gone web1
		done
	done
}

@test "diff by package of rpm: what stands in the log of the database alone, and what it had no time to finish" {
	need busybox
	need python3
	make_rpms
	make_busybox web1
	tree=$(rootfs web1) folder=/usr/lib/sysimage/rpm
	first_state "$tree" $folder
	sysc snapshot create -q web1 one
	# one transaction is done, another one is not; nobody closed it
	python3 - "$tree$folder/rpmdb.sqlite" <<-'END'
		import os, sqlite3, sys
		database = sqlite3.connect(sys.argv[1], isolation_level=None)
		remove = "delete from Packages where hnum in (select hnum from Name where key = ?)"
		assert database.execute("pragma journal_mode = wal").fetchone() == ("wal",)
		database.execute("pragma wal_autocheckpoint = 0")
		database.execute("begin")
		assert database.execute(remove, ("same",)).rowcount == 1
		database.execute("commit")
		database.execute("begin")
		assert database.execute(remove, ("old",)).rowcount == 1
		os._exit(0)
	END
	[[ -s $tree$folder/rpmdb.sqlite-wal ]]
	was=$(cd "$tree$folder" && sha256sum ./*)
	[[ $(sysc snapshot diff --packages web1 one) == '- same 1-1' ]]
	[[ $(cd "$tree$folder" && sha256sum ./*) == "$was" ]]
	gone web1
}

@test "diff by package of rpm: of running containers, on each backing store" {
	need busybox
	need btrfs
	make_rpms
	folder=/usr/lib/sysimage/rpm
	first_state "$PWD/tree" $folder
	cp "tree$folder/rpmdb.sqlite" one
	second_state "$PWD/tree" $folder
	cp "tree$folder/rpmdb.sqlite" two
	make_store btrfs 600M
	for backend in dir overlay btrfs loop; do
		make_busybox web1 -B "$backend" --fstype ext4 2>/dev/null || make_busybox web1 -B "$backend"
		sysc start web1
		inside web1 "mkdir -p $folder; cat >$folder/rpmdb.sqlite" <one
		sysc snapshot create -q web1 one
		inside web1 "cat >$folder/rpmdb.sqlite" <two
		case $backend in
		loop) sysc stop -k web1 ;; # nobody else reaches its tree
		esac
		[[ $(sysc snapshot diff --packages web1 one) == "$rpm_changes" ]]
		gone web1
	done
	drop_store
}

# own_rpm NAME: what stands on stdin is the guest's own rpm
own_rpm() {
	cat >"$(rootfs "$1")/usr/bin/rpm"
	chmod 755 "$(rootfs "$1")/usr/bin/rpm"
}

# whether the guest's rpm is at work
asks_guest() { [[ $(sandbox_processes) == *"--dbpath /var/lib/rpm "* ]]; }
asks_nobody() { ! asks_guest; }

# without_host_rpm COMMAND...: as on a host that has no rpm; the mount is this test's own
without_host_rpm() {
	local code=0
	touch empty
	mount --bind empty "$(command -v rpm)"
	"$@" || code=$?
	umount "$(command -v rpm)"
	return $code
}

@test "diff by package of rpm: by the guest's own program where the host has none that can" {
	need busybox
	make_rpms
	make_busybox web1
	tree=$(rootfs web1) folder=/usr/lib/sysimage/rpm
	first_state "$tree" $folder
	sysc snapshot create -q web1 one
	second_state "$tree" $folder
	run without_host_rpm sysc snapshot diff --packages web1 one
	((status == 1))
	[[ $output == *"snapshot 'one': its packages are in a database of rpm, and there is no 'rpm' to read it (install the package 'rpm' on this host)" ]]
	# the real one, with its libraries
	mkdir -p "$tree/usr/lib"
	cp -a /usr/lib/rpm "$tree/usr/lib/"
	for file in $(command -v rpm) $(ldd "$(command -v rpm)" | grep -o '/[^ ]*'); do
		mkdir -p "$tree${file%/*}"
		cp -L "$file" "$tree$file"
	done
	sysc snapshot create -q web1 two
	[[ -z $(without_host_rpm sysc snapshot diff --packages web1 two) ]]
	in_rpm "$tree" $folder -e same
	[[ $(without_host_rpm sysc snapshot diff --packages web1 two) == '- same 1-1' ]]
	# a form that the host's cannot read
	rm -r "$tree$folder"
	mkdir "$tree$folder"
	printf 'zlib 1\nold 2\n' >"$tree$folder/Packages.db"
	run sysc snapshot diff --packages web1 two
	((status == 1))
	[[ $output == *"web1: 'rpm' found no package in its database" ]]
	rm "$tree/usr/bin/rpm"
	run sysc snapshot diff --packages web1 two
	((status == 1))
	[[ $output == *"web1: 'rpm' cannot read its database: "* ]]
	own_rpm web1 <<-'END'
		#!/bin/sh
		# rpm --dbpath FOLDER -qa ...
		[ "$1 $3" = "--dbpath -qa" ] || exit 1
		while read -r line; do echo "$line"; done <"$2/Packages.db"
	END
	sysc snapshot create -q web1 three
	printf 'zlib 1\nnew 2\n' >"$tree$folder/Packages.db"
	[[ $(sysc snapshot diff --packages web1 three) == $'+ new 2\n- old 2' ]]
	gone web1
}

@test "diff by package of rpm: a hostile program or database reaches nothing and ends" {
	need busybox
	make_rpms
	make_busybox web1
	tree=$(rootfs web1) folder=/var/lib/rpm
	first_state "$tree" $folder
	sysc snapshot create -q web1 good
	# the program: nothing but its copy is writable, no process, no device, no network, none of the host's files
	mv "$tree$folder/rpmdb.sqlite" database
	rm -f "$tree$folder"/*
	echo 'zlib 1' >"$tree$folder/Packages.db"
	chmod 666 "$tree/etc/passwd"
	own_rpm web1 <<-'END'
		#!/bin/sh
		echo "zlib 1"
		{ : >/escaped; } 2>/dev/null && echo "root 1"
		{ echo x >>/etc/passwd; } 2>/dev/null && echo "passwd 1"
		{ : </proc/1/status; } 2>/dev/null && echo "proc 1"
		{ : </dev/kmsg; } 2>/dev/null && echo "kmsg 1"
		for file in /sys/* /run/* /var/lib/rpm/../../../..$OLDPWD/database /mnt/*; do [ ! -e "$file" ] || echo "$file 1"; done
		echo mine >"$2/mine" && echo "copy 1"
		printf '\033[2Jred 1\n'
		printf 'two\nlines 1\n'
		ulimit -n
		(echo "child 1")
		echo "after 1"
	END
	run sysc snapshot diff --packages web1 good
	# a process cannot be made, which ends the script
	((status == 1))
	[[ $output == *"'rpm' cannot read its database: "* && $output != *$'\033'* ]]
	sed -i '/child/d' "$tree/usr/bin/rpm"
	run sysc snapshot diff --packages web1 good
	((status == 0))
	[[ $(grep '^+' <<<"$output") == $'+ red 1\n+ after 1\n+ copy 1\n+ lines 1' ]]
	[[ $(ls "$tree$folder") == Packages.db && ! -e $tree/escaped ]]
	[[ -z $(grep -x x "$tree/etc/passwd") ]]
	own_rpm web1 <<<$'#!/bin/sh\nwhile echo "zlib 1"; do :; done'
	run sysc snapshot diff --packages web1 good
	((status == 1))
	[[ $output == *"output of 'rpm'"* ]]
	# ioctl(2) is for nothing that it has
	own_rpm web1 <<<$'#!/bin/sh\nexec /bin/busybox stty'
	run sysc snapshot diff --packages web1 good
	((status == 1))
	[[ $output == *"Operation not permitted"* ]]
	# a killed command takes it along
	own_rpm web1 <<<$'#!/bin/sh\nwhile :; do :; done'
	in_background "$top_builddir/src/sysc" snapshot diff --packages web1 good
	wait_until 10 asks_guest
	kill -KILL "$background"
	wait_until 10 asks_nobody
	own_rpm web1 <<<$'#!/bin/sh\nkill -KILL $$\nexit 3'
	run ! sysc snapshot diff --packages web1 good
	rm "$tree/usr/bin/rpm" "$tree$folder/Packages.db"
	# the database
	for kind in garbage empty cut symlink fifo folder huge; do
		rm -rf "${tree:?}$folder"
		mkdir "$tree$folder"
		case $kind in
		garbage) head -c 100000 /dev/urandom >"$tree$folder/rpmdb.sqlite" ;;
		empty) : >"$tree$folder/rpmdb.sqlite" ;;
		cut) head -c 20000 database >"$tree$folder/rpmdb.sqlite" ;;
		symlink) ln -s "$PWD/database" "$tree$folder/rpmdb.sqlite" ;;
		fifo) mkfifo "$tree$folder/rpmdb.sqlite" ;;
		folder) mkdir "$tree$folder/rpmdb.sqlite" ;;
		huge) truncate -s 4T "$tree$folder/rpmdb.sqlite" || truncate -s 1G "$tree$folder/rpmdb.sqlite" ;;
		esac
		run sysc snapshot diff --packages web1 good
		((status == 1)) || { echo "$kind: $output" >&2; return 1; }
		((${#lines[@]} == 1))
		case $kind in
		huge) [[ $output == *"web1: the database of rpm is over 512 MiB" ]] ;;
		symlink | fifo | folder) [[ $output == *"web1: '/var/lib/rpm/rpmdb.sqlite' is no file" ]] ;;
		*) [[ $output == *"web1: 'rpm' cannot read its database: error: "* ]] ;;
		esac
	done
	# a folder that leads out of the tree leads to nothing; one that stays in it is right
	cp "$tree/../snapshots/good/rootfs$folder"/* .
	for target in "$PWD" "../../../../../../../../../..$PWD"; do
		rm -rf "${tree:?}$folder"
		ln -s "$target" "$tree$folder"
		run sysc snapshot diff --packages web1 good
		((status == 1))
		[[ $output == *"web1: its packages are not known: no database of dpkg, apk or rpm" ]]
	done
	mkdir -p "$tree/usr/lib/elsewhere"
	cp rpmdb.sqlite* "$tree/usr/lib/elsewhere/"
	rm "$tree$folder"
	ln -s ../../usr/lib/elsewhere "$tree$folder"
	[[ -z $(sysc snapshot diff --packages web1 good) ]]
	gone web1
}
