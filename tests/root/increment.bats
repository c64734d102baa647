#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# sysc export --since and sysc import --then: a chain of archives makes the tree of the last one, or nothing at all.
# shellcheck shell=bash

bats_require_minimum_version 1.5.0
LIFECYCLE_NETWORK=no
load ../lib/lifecycle
load ../lib/tree
load ../lib/images

setup() {
	lifecycle_setup
	need userns
	cd "$BATS_TEST_TMPDIR" || return
}

# members FILE: the entries of its tree
members() { zstd -dc "$1" | tar -tf - 2>/dev/null | grep '^rootfs' | sed 's|/$||' | sort; }
# lines FILE: its list, without the times of inodes
lines() { zstd -dc "$1" | tar -xOf - sysc-list 2>/dev/null | cut -d' ' -f2-; }

# first_tree NAME: what the increments change
first_tree() {
	local root
	root=$(rootfs "$1")/data
	mkdir -p "$root/folder/deep" "$root/gone/deep" "$root/moved" "$root/becomes-file/in"
	for name in same changed mode owner time becomes-folder hard/one folder/in gone/deep/file moved/file becomes-file/in/file; do
		mkdir -p "$(dirname "$root/$name")"
		head -c 3000 /dev/urandom >"$root/$name"
	done
	head -c 2M /dev/urandom >"$root/big"
	ln "$root/hard/one" "$root/hard/two"
	ln "$root/hard/one" "$root/folder/three"
	ln "$root/big" "$root/bigger"
	ln -s same "$root/link"
	mkfifo "$root/fifo"
	truncate -s 5M "$root/sparse"
	printf data | dd of="$root/sparse" bs=1 seek=3000000 conv=notrunc status=none
}

# age: what was written until now is older than the archive that is made next, by its coarse clock
age() {
	local now
	now=$(date +%s)
	wait_until 5 eval "((\$(date +%s) > $now + 1))"
}

# change_inside NAME: by the guest itself
change_inside() {
	inside "$1" 'cd /data && echo new >new && mkdir -p new-folder/deep && echo x >new-folder/deep/x &&
		echo more >>changed && chmod 751 mode && chmod 2775 folder && chown 7:8 owner && touch -d "2001-02-03 04:05:06" time &&
		rm -rf gone && mv moved renamed && mv folder/in folder/out && ln -sf changed link &&
		rm -r becomes-file && echo file >becomes-file && rm becomes-folder && mkdir becomes-folder && echo in >becomes-folder/in &&
		rm fifo && mkdir fifo && ln same same-too && rm hard/one && chmod 600 big &&
		printf more | dd of=sparse bs=1 seek=1000000 conv=notrunc'
}

@test "a chain of three: what a running container changed, and nothing else" {
	need zstd
	start_busybox web1
	first_tree web1
	age
	sysc export -q -o full.tar.zst web1
	change_inside web1
	run -0 sysc export --since full.tar.zst -o mon.tar.zst web1
	[[ $output =~ [0-9]+" of "[0-9]+" entries changed since "20.*Z", "[0-9]+" are gone; "[0-9.]+" MiB are as they were" ]]
	members mon.tar.zst >packed
	for name in same changed/x gone folder/deep; do
		run ! grep -qx "rootfs/data/$name" packed
	done
	for name in new changed mode owner time link becomes-file becomes-folder/in fifo same-too big bigger sparse renamed/file; do
		grep -qx "rootfs/data/$name" packed
	done
	# what only got another mode is there without its two megabytes
	(($(stat -c %s mon.tar.zst) < 200000))
	inside web1 'cd /data && rm -r new-folder becomes-folder && mv big becomes-folder && echo again >>changed && rm same-too'
	sysc export -q --since mon.tar.zst -o tue.tar.zst web1
	sysc stop -k web1
	tree web1 >last
	run -0 elsewhere import full.tar.zst --then mon.tar.zst --then tue.tar.zst
	diff last <(SYSC_PATH=$PWD/other tree web1)
	[[ $(stat -c %i other/web1/rootfs/data/bigger) == $(stat -c %i other/web1/rootfs/data/becomes-folder) ]]
	[[ $(stat -c %h other/web1/rootfs/data/same) == 1 && $(stat -c %h other/web1/rootfs/data/hard/two) == 2 ]]
	(($(stat -c %b other/web1/rootfs/data/sparse) < 1000))
	# the middle one is the tree of that day
	elsewhere destroy web1
	elsewhere import -q full.tar.zst --then mon.tar.zst
	[[ -d other/web1/rootfs/data/becomes-folder && -e other/web1/rootfs/data/same-too ]]
	elsewhere start web1
	[[ $(elsewhere attach web1 -- cat /data/new) == new ]]
	elsewhere stop -k web1
}

@test "attributes alone: extended ones, ACLs and capabilities come and go" {
	need setfattr setfacl setcap
	make_busybox web1
	first_tree web1
	root=$(rootfs web1)/data
	setfattr -n user.old -v 1 "$root/mode"
	setfattr -n user.old -v 1 "$root/folder"
	setfacl -m d:u:7:rwx "$root/moved"
	setfacl -m u:7:rwx "$root/owner"
	setcap cap_net_raw+ep "$root/time"
	age
	sysc export -q -o full.tar.zst web1
	setfattr -x user.old "$root/mode"
	setfattr -x user.old "$root/folder"
	setfattr -n user.new -v 2 "$root/same"
	setfattr -n user.new -v 2 "$root/folder/deep"
	setfacl -bk "$root/moved"
	setfacl -b "$root/owner"
	setcap -r "$root/time"
	setcap cap_chown+ep "$root/changed"
	sysc export -q --since full.tar.zst -o inc.tar.zst web1
	elsewhere import -q full.tar.zst --then inc.tar.zst
	same web1
	getfattr -dhRP -m . other/web1/rootfs/data >attributes
	run ! grep -q user.old attributes
	[[ $(grep -c user.new attributes) == 2 ]]
}

@test "a change that hides: the same size and time are not believed" {
	make_busybox web1
	first_tree web1
	root=$(rootfs web1)/data
	# at once: the archive is of the same second
	sysc export -q -o full.tar.zst web1
	cp -p "$root/same" reference
	head -c 3000 /dev/urandom >"$root/same"
	touch -r reference "$root/same"
	cp -p "$root/big" reference
	printf X | dd of="$root/big" bs=1 seek=1000000 conv=notrunc status=none
	touch -r reference "$root/big"
	# and what only looks changed is left out
	cp -a "$root/folder/in" "$root/copy"
	mv "$root/copy" "$root/folder/in"
	sysc export -q --since full.tar.zst -o inc.tar.zst web1
	members inc.tar.zst >packed
	grep -qx rootfs/data/same packed
	grep -qx rootfs/data/bigger packed
	run ! grep -qx rootfs/data/folder/in packed
	elsewhere import -q full.tar.zst --then inc.tar.zst
	same web1
}

@test "nothing changed: an increment of nothing, and the next one to that" {
	make_busybox web1
	age
	sysc export -q -o full.tar.zst web1
	run -0 sysc export --since full.tar.zst -o one.tar.zst --json web1
	[[ $output == *'"removed": 0'* && $output == *'"since": "20'* ]]
	[[ $(members one.tar.zst) == "" ]]
	sysc export -q --since one.tar.zst -o two.tar.zst web1
	elsewhere import -q full.tar.zst --then one.tar.zst --then two.tar.zst
	same web1
	# and the default name is not that of the whole
	run -0 sysc export --since two.tar.zst web1
	[[ -n $(find . -name 'web1-20*Z.tar.zst') && ! -e web1.tar.zst ]]
}

@test "a kept list is as good as the archive, and is replaced when the next is whole" {
	make_busybox web1
	first_tree web1
	age
	sysc export -q --list web1.list -o - web1 >full.tar.zst
	[[ $(stat -c %a web1.list) == 600 && $(head -n 1 web1.list) == "sysc-archive "* ]]
	rm -r "$(rootfs web1)/data/gone"
	echo x >"$(rootfs web1)/data/changed"
	sysc export -q --since full.tar.zst -o by-archive.tar.zst web1
	before=$(cat web1.list)
	run -1 sysc export --since web1.list --list web1.list -o /no/such/folder/inc.tar.zst web1
	[[ $(cat web1.list) == "$before" ]]
	sysc export -q --since web1.list --list web1.list -o - web1 >by-list.tar.zst
	run -1 sysc export --list one.tar.zst -o one.tar.zst web1
	[[ $output == *"'one.tar.zst' cannot be the archive and its list" && ! -e one.tar.zst ]]
	[[ $(cat web1.list) != "$before" && $(lines by-list.tar.zst) == $(lines by-archive.tar.zst) ]]
	echo y >"$(rootfs web1)/data/changed"
	sysc export -q --since web1.list -o last.tar.zst web1
	elsewhere import -q full.tar.zst --then by-list.tar.zst --then last.tar.zst
	same web1
	# all but one from pipes
	elsewhere destroy web1
	elsewhere import -q web1 - --then by-list.tar.zst --then last.tar.zst <full.tar.zst
	same web1
	elsewhere destroy web1
	elsewhere import -q full.tar.zst --then - --then last.tar.zst < <(cat by-list.tar.zst)
	same web1
	run -2 sysc import web9 - --then -
	# a list that somebody cut or changed
	head -n 30 web1.list >cut.list
	run -1 sysc export --since cut.list -o x.tar.zst web1
	[[ $output == *"'cut.list': its end is missing"* && ! -e x.tar.zst ]]
	sed 's|data/same|data/some|' web1.list >bad.list
	run -1 sysc export --since bad.list -o x.tar.zst web1
	[[ $output == *"'bad.list': "* && ! -e x.tar.zst ]]
	run -1 sysc export --since full.tar.zst -o full.tar.zst web1
	[[ $output == *"must stay as it is"* ]]
}

# three_archives: full.tar.zst, one.tar.zst, two.tar.zst of web1
three_archives() {
	make_busybox web1
	first_tree web1
	age
	sysc export -q -o full.tar.zst web1
	echo 1 >"$(rootfs web1)/data/one"
	head -c 300000 /dev/urandom >"$(rootfs web1)/data/random"
	age
	sysc export -q --since full.tar.zst -o one.tar.zst web1
	echo 2 >"$(rootfs web1)/data/one"
	rm -r "$(rootfs web1)/data/gone"
	age
	sysc export -q --since one.tar.zst -o two.tar.zst web1
}

# refused TEXT WORD...: one error, and nothing is left
refused() {
	local text=$1
	shift
	run sysc import "$@"
	echo "$output"
	((status == 1))
	[[ ${#lines[@]} == 1 && $output == *"$text"* ]]
	nothing_left
	[[ ! -e $SYSC_PATH/web9 ]]
}

@test "a chain that is not one is refused before anything is made, and says what is missing" {
	three_archives
	date=$(sysc import --show --json full.tar.zst | sed -nE 's/^ *"date": "(.*)",/\1/p')
	refused "is an increment to the archive of $date (digest " web9 one.tar.zst
	[[ $output == *"--then one.tar.zst"* ]]
	refused "'two.tar.zst' of " web9 full.tar.zst --then two.tar.zst
	[[ $output =~ "belongs before it" ]]
	refused "'two.tar.zst' of " web9 full.tar.zst --then two.tar.zst --then one.tar.zst
	refused "'full.tar.zst' is no increment" web9 full.tar.zst --then full.tar.zst
	refused "'one.tar.zst' of " web9 full.tar.zst --then one.tar.zst --then one.tar.zst
	make_busybox web2
	sysc export -q -o other.tar.zst web2
	run -1 sysc export --since other.tar.zst -o x.tar.zst web1
	[[ $output == *"is of container 'web2' with the UUID "* && ! -e x.tar.zst ]]
	sysc destroy web2
	refused "is of container 'web1'" web9 other.tar.zst --then one.tar.zst
	tar -cf plain.tar -C "$(rootfs web1)" .
	refused "'plain.tar': it is no archive of sysc-export" web9 full.tar.zst --then plain.tar
	run -1 sysc export --since plain.tar -o x.tar.zst web1
	[[ $output == *"'plain.tar': "*"it is no archive of sysc-export"* ]]
}

@test "a bit in the middle of a chain, and a list that was made to deceive" {
	need python3 zstd
	three_archives
	size=$(stat -c %s one.tar.zst)
	python3 - <<-END
		data = bytearray(open("one.tar.zst", "rb").read())
		data[$((size / 2))] ^= 1
		open("flipped.tar.zst", "wb").write(data)
	END
	refused "" web9 full.tar.zst --then flipped.tar.zst --then two.tar.zst
	run -1 sysc import --verify full.tar.zst --then flipped.tar.zst
	zstd -qd two.tar.zst
	# deceived PYTHON WORDS
	deceived() {
		forge two.tar "$1"
		refused "$2" web9 full.tar.zst --then one.tar.zst --then forged.tar
	}
	forge two.tar pass
	elsewhere import -q full.tar.zst --then one.tar.zst --then forged.tar
	deceived 'members.pop(2)' "not what"
	deceived 'seal([l for l in lines() if "data/same " not in l])' "does not tell of it"
	deceived 'seal([l for l in lines() if " x " not in l])' "does not tell of it"
	deceived 'seal([l.replace(" 0644 0 0 3000", " 0666 0 0 3000") for l in lines()])' "is not what was there before"
	deceived 'l = lines(); l.append(l[-1].rsplit(" ", 2)[0] + " zzz -"); seal(l)' "is not in it"
	deceived 'l = lines(); l.reverse(); seal(l)' ""
	deceived 'members.insert(-1, item("rootfs/zzz", tarfile.LNKTYPE, "rootfs/zzz"))' ""
	deceived 'members.insert(-1, item("rootfs/data/link/x"))' ""
}

@test "old archives are read, newer ones are refused by their version" {
	need python3
	make_busybox web1
	sysc export -q -z none -o a.tar web1
	sysc destroy web1
	# version PYTHON: changes the lines of the manifest
	version() { forge a.tar "lines = head(); $1; set_head(lines)"; }
	version 'lines = ["sysc-archive 1"] + [l for l in lines[1:] if not l.startswith("uuid ")]'
	sysc import -q web1 forged.tar
	[[ -x $(rootfs web1)/bin/busybox ]]
	# an increment to one of them: by its name, since it has no UUID
	sysc export -q --since forged.tar -o inc.tar web1
	sysc destroy web1
	elsewhere import -q web1 forged.tar --then inc.tar
	version 'lines[0] = "sysc-archive 4"'
	run -1 sysc import web1 forged.tar
	[[ $output == *"it is of version 4 of the form, known are those up to 3"* && $output == *"newer sysc"* ]]
	version 'lines.append("strange key")'
	run -1 sysc import web1 forged.tar
	[[ $output == *"not understood"* ]]
	nothing_left
}

@test "what an archive says of itself, and whether it is whole" {
	three_archives
	run -0 sysc import --show full.tar.zst
	[[ $output == *"container"*"web1"* && $output != *"increment to"* ]]
	run -0 sysc import --show --json one.tar.zst
	[[ $output == *'"since_date": "20'* && $output == *'"name": "web1"'* && $output != *verified* ]]
	run -0 sysc import --verify --json full.tar.zst --then one.tar.zst --then two.tar.zst
	[[ $(grep -c '"verified": true' <<<"$output") == 3 ]]
	run -0 sysc import --verify one.tar.zst
	[[ $output == *"increment to"* && $output == *"whole"*"yes"* ]]
	run -0 sysc import --verify - <two.tar.zst
	run -1 sysc import --verify full.tar.zst --then two.tar.zst
	head -c 5000 full.tar.zst >cut.tar.zst
	run -1 sysc import --verify cut.tar.zst
	: >empty
	run -1 sysc import --show empty
	run -2 sysc import --show web1 full.tar.zst
	nothing_left
}

@test "a snapshot is exported while the container goes on, and increments are to it as to any other" {
	start_busybox web1
	first_tree web1
	age
	sysc snapshot create web1 daily
	tree web1 >daily
	inside web1 'echo later >/data/later; rm -r /data/gone'
	run -0 sysc export --snapshot daily -o daily.tar.zst web1
	[[ $output != *frozen* ]]
	run -0 sysc import --show daily.tar.zst
	[[ $output == *"snapshot"*"daily"* ]]
	sysc stop -k web1
	elsewhere import -q daily.tar.zst
	diff daily <(SYSC_PATH=$PWD/other tree web1)
	elsewhere destroy web1
	run -0 sysc export --since daily.tar.zst -o now.tar.zst web1
	[[ $output == *"its snapshots are not in the archive (1; "* ]]
	elsewhere import -q daily.tar.zst --then now.tar.zst
	[[ -e other/web1/rootfs/data/later && ! -e other/web1/rootfs/data/gone && -e other/web1/rootfs/data/same ]]
	run -1 sysc export --snapshot nope -o x.tar.zst web1
	[[ $output == *"no snapshot 'nope'"* && ! -e x.tar.zst ]]
	sysc snapshot delete web1 daily
}

# with_snapshots NAME: three snapshots that differ, and a container that does, too
with_snapshots() {
	first_tree "$1"
	sysc snapshot create -c 'the first one' "$1" one
	rm -r "$(rootfs "$1")/data/gone"
	echo two >"$(rootfs "$1")/data/changed"
	chmod 700 "$(rootfs "$1")/data/mode"
	sysc snapshot create "$1" two
	mv "$(rootfs "$1")/data/moved" "$(rootfs "$1")/data/renamed"
	sysc config set "$1" limits.pids 99
	sysc snapshot create "$1" three
	echo now >"$(rootfs "$1")/data/now"
}

# snapshots_of STORE NAME: what is told of them, but for how much they take
snapshots_of() { SYSC_PATH=$1 sysc snapshot list --json "$2" | grep -E '"(name|comment|created|reason|running)' || :; }

# as_snapshot STORE NAME SNAP: the tree of one
as_snapshot() {
	SYSC_PATH=$1 sysc export -q -z none --snapshot "$3" -o - "$2" | listed
}

# mounted_tree STORE NAME: its tree, whatever the backend is
mounted_tree() {
	SYSC_PATH=$1 sysc export -q -z none -o - "$2" | listed
}

# listed: the list of the archive on stdin, without what belongs to a host name
listed() {
	tar -xOf - sysc-list 2>/dev/null | grep -v '^end' | cut -d' ' -f2- | grep -vE ' etc/(machine-id|hostname|hosts) | etc -| \. -$'
}

# round_trip BACKEND: there and back, each snapshot and the container
round_trip() {
	local other=$BATS_TEST_TMPDIR/other snap
	make_busybox web1
	with_snapshots web1
	run -0 sysc export --snapshots -o all.tar.zst web1
	[[ $output != *"not in the archive"* ]]
	# not much more than the container alone
	sysc export -q -o alone.tar.zst web1
	(($(stat -c %s all.tar.zst) < $(stat -c %s alone.tar.zst) * 3 / 2))
	for method in "$@"; do
		elsewhere import -q -B "$method" all.tar.zst
		diff <(mounted_tree "$SYSC_PATH" web1) <(mounted_tree "$other" web1)
		diff <(snapshots_of "$SYSC_PATH" web1) <(snapshots_of "$other" web1)
		for snap in one two three; do
			diff <(as_snapshot "$SYSC_PATH" web1 "$snap") <(as_snapshot "$other" web1 "$snap")
		done
		run ! grep -r '\.creating' other/web1/config other/web1/snapshots
		grep -q 'pids = 99' other/web1/snapshots/three/config
		run ! grep -q 'pids = 99' other/web1/snapshots/two/config
		elsewhere start web1
		elsewhere stop -k web1
		elsewhere snapshot restore web1 one
		[[ $(SYSC_PATH=$other mounted_tree "$other" web1) == *data/gone* ]]
		elsewhere destroy -s web1
	done
}

@test "snapshots go and come back: on folders and overlays" {
	round_trip dir overlay
}

@test "snapshots go and come back: on images" {
	need_loop
	round_trip loop
}

@test "snapshots go and come back: on btrfs, by shared blocks" {
	make_store btrfs 700M
	mkdir mnt/other
	ln -s mnt/other other
	round_trip btrfs dir
	[[ $(stat -fc %T other) == btrfs ]]
}

@test "some of the snapshots, none of them, and by pipes" {
	make_busybox web1
	with_snapshots web1
	sysc export -q --snapshots=three,one -o some.tar.zst web1
	elsewhere import -q some.tar.zst
	[[ $(elsewhere snapshot list -1 web1 2>/dev/null || SYSC_PATH=$PWD/other snapshots_of other web1) == *one*three* ]]
	[[ ! -e other/web1/snapshots/two ]]
	same web1
	elsewhere destroy -s web1
	elsewhere import -q --no-snapshots some.tar.zst
	[[ ! -e other/web1/snapshots ]]
	same web1
	elsewhere destroy web1
	for method in gzip xz none; do
		sysc export -q -z "$method" --snapshots -o - web1 | elsewhere import -q -
		[[ -d other/web1/snapshots/one && -d other/web1/snapshots/two && -d other/web1/snapshots/three ]]
		same web1
		elsewhere destroy -s web1
	done
	run -0 sysc import --verify --json some.tar.zst
	[[ $(grep -c '"verified": true' <<<"$output") == 3 && $output == *'"snapshot": "one"'* ]]
	# an increment to it is to the container
	echo later >"$(rootfs web1)/data/later"
	sysc export -q --since some.tar.zst -o later.tar.zst web1
	elsewhere import -q some.tar.zst --then later.tar.zst
	same web1
	[[ -d other/web1/snapshots/one ]]
	run -1 sysc export --snapshots=one,nope -o x.tar.zst web1
	[[ $output == *"no snapshot 'nope'"* && ! -e x.tar.zst ]]
	run -2 sysc export --snapshots --snapshot one web1
	# cut behind a part: all or nothing
	sysc export -q -z none --snapshots -o whole.tar web1
	at=$(grep -abo sysc-manifest whole.tar | cut -d: -f1 | sed -n 3p)
	head -c "$at" whole.tar >cut.tar
	refused "" web9 cut.tar
	nothing_left
}

# parts FILE: the snapshots that are in it, and "-" for the container
parts() { sysc import --show --json "$1" | sed -nE 's/^ *"snapshot": (null|"(.*)"),$/\2-/p' | sed -E 's/(.)-$/\1/' | xargs; }
# has_snapshots NAME...: the container of $other has those, as they are here, and no more
has_snapshots() {
	local snap
	[[ $(find "$other/web1/snapshots" -mindepth 1 -maxdepth 1 -printf '%f\n' 2>/dev/null | sort | xargs) == "$(printf '%s\n' "$@" | sort | xargs)" ]]
	for snap; do diff <(as_snapshot "$SYSC_PATH" web1 "$snap") <(as_snapshot "$other" web1 "$snap"); done
}

# increments_with_snapshots BACKEND...: a week of them, made again on each of these
increments_with_snapshots() {
	local other=$BATS_TEST_TMPDIR/other root backend
	make_busybox web1
	with_snapshots web1
	root=$(rootfs web1)/data
	sysc export -q --snapshots=one,three -o sun.tar.zst web1
	# one is gone, three another one; two is older than Sunday's archive, which has it not
	sysc snapshot delete web1 one
	sysc snapshot delete web1 three
	echo other >"$root/same"
	sysc snapshot create -c 'another three' web1 three
	rm "$root/now"
	run -0 sysc export --since sun.tar.zst --snapshots --list mon.list -o mon.tar.zst web1
	[[ $output != *"not in the archive"* ]]
	[[ $(parts sun.tar.zst) == "one three -" && $(parts mon.tar.zst) == "two three -" ]]
	run -0 sysc import --show mon.tar.zst
	[[ $output == *$'\nsnapshots         two three\n'* || $output == *$'\nsnapshots         two three' ]]
	for backend; do
		elsewhere import -q -B "$backend" sun.tar.zst --then mon.tar.zst
		has_snapshots two three
		diff <(snapshots_of "$SYSC_PATH" web1) <(snapshots_of "$other" web1)
		diff <(mounted_tree "$SYSC_PATH" web1) <(mounted_tree "$other" web1)
		elsewhere destroy -s web1
	done
	# to a list; then nothing new, then without the option, which leaves them as they are
	echo four >"$root/four"
	sysc snapshot create web1 four
	sysc export -q --since mon.list --snapshots -o tue.tar.zst web1
	sysc export -q --since tue.tar.zst --snapshots -o wed.tar.zst web1
	echo thu >"$root/thu"
	run -0 sysc export --since wed.tar.zst -o thu.tar.zst web1
	[[ $output == *"its snapshots are not in the archive (3; "* ]]
	[[ $(parts tue.tar.zst) == "four -" && $(parts wed.tar.zst) == - && $(parts thu.tar.zst) == - ]]
	sysc import -q --verify tue.tar.zst
	for backend; do
		elsewhere import -q -B "$backend" sun.tar.zst --then mon.tar.zst --then tue.tar.zst --then wed.tar.zst --then thu.tar.zst
		has_snapshots two three four
		diff <(mounted_tree "$SYSC_PATH" web1) <(mounted_tree "$other" web1)
		elsewhere start web1
		elsewhere stop -k web1
		elsewhere snapshot restore web1 two
		elsewhere destroy -s web1
	done
	# two of them only, and after that none at all
	sysc snapshot create web1 five
	sysc export -q --since thu.tar.zst --snapshots=two,five -o fri.tar.zst web1
	[[ $(parts fri.tar.zst) == "five -" ]]
	elsewhere import -q sun.tar.zst --then mon.tar.zst --then tue.tar.zst --then wed.tar.zst --then thu.tar.zst --then fri.tar.zst
	has_snapshots two five
	elsewhere destroy -s web1
	sysc snapshot delete web1 two three four five
	sysc export -q --since tue.tar.zst --snapshots -o none.tar.zst web1
	run -0 sysc import --show --json none.tar.zst
	[[ $output == *'"holds": []'* ]]
	elsewhere import -q sun.tar.zst --then mon.tar.zst --then tue.tar.zst --then none.tar.zst
	has_snapshots
	diff <(mounted_tree "$SYSC_PATH" web1) <(mounted_tree "$other" web1)
}

@test "an increment has the snapshots that the archives before it have not: on folders and overlays" {
	increments_with_snapshots dir overlay
}

@test "an increment has the snapshots that the archives before it have not: on btrfs" {
	make_store btrfs 700M
	mkdir mnt/other
	ln -s mnt/other other
	increments_with_snapshots btrfs
}

@test "more snapshots than an increment can tell of" {
	local i name
	make_busybox web1
	sysc export -q -o a.tar.zst web1
	name=$(printf 'x%.0s' {1..60})
	for ((i = 100; i < 315; i++)); do sysc snapshot create -q web1 "$name$i"; done
	run -1 sysc export --snapshots --since a.tar.zst -o b.tar.zst web1
	[[ ${#lines[@]} == 1 && $output == *"more snapshots than an increment can tell of"* && ! -e b.tar.zst ]]
	sysc export -q --snapshots="${name}100" --since a.tar.zst -o b.tar.zst web1
	[[ $(parts b.tar.zst) == "${name}100 -" ]]
}

@test "snapshots of an increment: a forged list of them" {
	need python3
	make_busybox web1
	sysc snapshot create web1 one
	sysc export -q -z none --snapshots -o a.tar web1
	sysc snapshot create web1 two
	sysc export -q -z none --snapshots --since a.tar -o b.tar web1
	# rewrite OLD NEW: b.tar with another text in its manifests, as forged.tar
	rewrite() { forge b.tar "replace_heads('$1', '$2')"; }
	local made
	made=$(tar -xOf b.tar --ignore-zeros sysc-manifest | sed -n 's/^holds .*two@//p')
	rewrite "two@$made" "two@$made ../three@5"
	run -1 sysc import web9 a.tar --then forged.tar
	[[ $output == *"tells of the snapshot '../three@5', which none of the archives has"* ]]
	run -1 sysc import --verify a.tar --then forged.tar
	rewrite "holds one@" "holds eno@"
	run -1 sysc import web9 a.tar --then forged.tar
	[[ $output == *"which none of the archives has"* ]]
	nothing_left
	# what is not listed is not made
	rewrite " two@$made" ""
	elsewhere import -q a.tar --then forged.tar
	[[ -d other/web1/snapshots/one && ! -e other/web1/snapshots/two ]]
}

@test "an import with snapshots that is killed leaves nothing" {
	local i pid
	make_busybox web1
	with_snapshots web1
	sysc export -q --snapshots -o all.tar.zst web1
	for i in 10 40 90 150 200 300 400 600; do
		"$top_builddir/src/sysc" import -P "$PWD/other" -q all.tar.zst 3>&- 4>&- &
		pid=$!
		read -rt "$(printf '0.%03d' "$i")" <> <(:) || :
		kill -KILL "$pid" 2>/dev/null || :
		wait "$pid" || :
		if [[ -e other/web1 ]]; then
			[[ -d other/web1/snapshots/three ]]
			same web1
			elsewhere destroy -s web1
		fi
	done
	elsewhere import -q all.tar.zst
	same web1
	[[ -z $(find other -mindepth 1 -maxdepth 1 -name '*ing') ]]
}

@test "an administrator unpacks a chain with tar alone" {
	need zstd
	three_archives
	mkdir -p by-hand/web1/rootfs
	for archive in full one two; do
		zstd -dc "$archive.tar.zst" | tar -xOf - sysc-list 2>/dev/null | awk '$2 == "x" { print $11 }' |
			(cd by-hand/web1/rootfs && xargs -r rm -rf)
		zstd -dc "$archive.tar.zst" | tar -C by-hand/web1 -xpf - --xattrs --xattrs-include='*' --acls 2>/dev/null
	done
	diff <(tree web1) <(SYSC_PATH=$PWD/by-hand tree web1)
}

@test "killed at any moment, a chain is whole or absent" {
	local i pid
	three_archives
	for i in 1 3 8 21 40 55 80 120 160 233; do
		"$top_builddir/src/sysc" import -P "$PWD/other" -q full.tar.zst --then one.tar.zst --then two.tar.zst 3>&- 4>&- &
		pid=$!
		read -rt "$(printf '0.%03d' "$i")" <> <(:) || :
		kill -KILL "$pid" 2>/dev/null || :
		wait "$pid" || :
		[[ ! -e other/web1 ]] || { same web1 && elsewhere destroy web1; }
		"$top_builddir/src/sysc" export -q --since full.tar.zst --list b.list -o b.tar.zst web1 3>&- 4>&- &
		pid=$!
		read -rt "$(printf '0.%03d' "$i")" <> <(:) || :
		kill -KILL "$pid" 2>/dev/null || :
		wait "$pid" || :
		[[ ! -e b.list || -e b.tar.zst ]]
		[[ ! -e b.tar.zst ]] || { sysc import --verify full.tar.zst --then b.tar.zst >verified && rm -f b.tar.zst b.list; }
	done
	elsewhere import -q full.tar.zst --then one.tar.zst --then two.tar.zst
	same web1
	sysc export -q --since full.tar.zst --list b.list -o b.tar.zst web1
	[[ -z $(find . -maxdepth 1 -name '.*.partial') && -z $(find other -mindepth 1 -maxdepth 1 -name '*ing') ]]
}
