#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# Renames: everything is found again under the new name, nothing under the old one, whenever it is killed.
# shellcheck shell=bash

bats_require_minimum_version 1.5.0
LIFECYCLE_NETWORK=no
load ../lib/lifecycle
load ../lib/images

value() { sysc config get "$1" "$2"; }

@test "everything goes along: tree, snapshots, logs, last run, host name; nothing of the old name stays" {
	need busybox
	need userns
	make_busybox web1 -s container.hostname=web1.example.org
	echo kept >"$(rootfs web1)/root/file"
	inode=$(stat -c %i "$(rootfs web1)/root/file")
	mkdir "$SYSC_PATH/web1/data"
	sysc config set web1 mounts.entry "$SYSC_PATH/web1/data srv none bind,create=dir 0 0"
	sysc start web1
	run sysc rename web1 db1
	((status == 4))
	[[ $output == *"it is RUNNING (stop it first)"* ]]
	sysc stop -k web1
	sysc snapshot create web1 first
	uuid=$(value web1 container.uuid)
	run sysc rename web1 db1
	((status == 0))
	[[ $output == "web1: renamed to db1" ]]
	[[ $(sysc ls -1) == db1 ]]
	[[ $(value db1 container.uuid) == "$uuid" && $(value db1 container.hostname) == db1.example.org ]]
	[[ $(stat -c %i "$(rootfs db1)/root/file") == "$inode" ]]
	[[ -z $(find "$SYSC_PATH" "$SYSC_RUN" "$SYSC_LOG" -maxdepth 2 \( -name '*web1*' -o -name '*.renam*' \)) ]]
	run ! grep -r "/web1/" "$SYSC_PATH" --include=config
	[[ $(sysc info --json db1) == *'"stop_'* || $(sysc info db1) == *"stop"* ]]
	sysc start db1
	[[ $(inside db1 'hostname; cat /root/file /etc/hostname') == $'db1.example.org\nkept\ndb1' ]]
	inside db1 'echo lost >/root/file'
	sysc stop -k db1
	sysc snapshot restore db1 first
	[[ $(cat "$(rootfs db1)/root/file") == kept ]]
	sysc destroy -s db1
	assert_nothing_left
}

@test "those who stand on it follow, running ones too; references are told or changed" {
	need busybox
	need userns
	make_busybox web1
	sysc copy -s -B overlay web1 web2
	sysc copy -s -B overlay web2 web3
	sysc config set web2 boot.after web1
	sysc start web2
	run sysc rename web1 base
	((status == 0))
	[[ $output == *"web2: boot.after still names 'web1'"* ]]
	[[ $(inside web2 hostname) == web2 ]]
	run ! grep -r "/web1/" "$SYSC_PATH" --include=config
	sysc stop -k web2
	sysc rename -r base golden
	sysc config set web2 boot.after web1
	sysc rename web2 next
	sysc rename -r golden web1
	sysc start next web3 web1
	[[ $(inside next hostname) == next && $(inside web3 hostname) == web3 && $(inside web1 hostname) == web1 ]]
	run sysc destroy -f web1
	[[ $output == *"'next', 'web3' stand on"* ]]
	sysc stop -k next
	sysc config set next boot.after web3
	sysc stop -k web3
	sysc rename -r web3 last
	[[ $(value next boot.after) == *last* && $(value next boot.after) != *web3* ]]
}

@test "what is refused changes nothing" {
	need busybox
	make_busybox web1
	make_busybox web2
	before=$(cd "$SYSC_PATH" && find . -type f ! -name .lock -exec md5sum {} + | sort)
	for words in "web1 web2" "web1 web1" "none web3" "web1" "web1 ../web3" "web1 web3 web4" "web1 .web3"; do
		# shellcheck disable=SC2086
		run sysc rename $words
		((status != 0))
		[[ $(wc -l <<<"$output") == 1 ]]
	done
	mkdir "$SYSC_PATH/web3"
	run sysc rename web1 web3
	((status == 4))
	[[ $output == *"is in the way"* ]]
	rmdir "$SYSC_PATH/web3"
	[[ $(cd "$SYSC_PATH" && find . -type f ! -name .lock -exec md5sum {} + | sort) == "$before" ]]
}

@test "killed at any moment: whole under one name, the next command does the rest" {
	need busybox
	need userns
	make_busybox a1
	sysc copy -s -B overlay a1 child
	sysc snapshot create a1 first
	for moment in $(seq 1 60); do
		timeout --foreground -s KILL "$(printf '0.%04d' $((moment * 4)))" "$top_builddir/src/sysc" rename a1 b1 >/dev/null 2>&1 || :
		names=$(sysc ls -1 | tr '\n' ' ')
		[[ $names == "a1 child " || $names == "b1 child " ]]
		name=${names%% *}
		[[ ! -e $SYSC_PATH/.renaming ]]
		sysc config check "$name" child
		[[ $(value "$name" rootfs.path) == overlay:$SYSC_PATH/$name/rootfs:* ]]
		[[ $(value child rootfs.path) == overlay:$SYSC_PATH/$name/rootfs:* ]]
		grep -q "$SYSC_PATH/$name/snapshots/first" "$SYSC_PATH/$name/snapshots/first/config"
		if [[ $name == b1 ]]; then sysc rename b1 a1 >/dev/null; fi
	done
	# what was prepared and never came to a plan is not taken for this one
	sysc rename a1 b1
	sysc rename b1 a1
	sysc start a1 child
	[[ $(inside a1 hostname) == a1 ]]
	[[ -z $(find "$SYSC_PATH" -name '*.renamed') ]]
}

@test "no room for the new configuration: nothing is changed; what a killed rename prepared goes with any next command" {
	need busybox
	make_store ext4 16M
	make_busybox a1
	sysc copy -s -B overlay a1 child
	before=$(cd "$SYSC_PATH" && find . -type f ! -name .lock -exec md5sum {} + | sort)
	mkdir mnt/full
	# no inode is left
	for ((i = 0; i < 100000; i++)); do : 2>/dev/null >"mnt/full/$i" || break; done
	run sysc rename a1 b1
	rm -r mnt/full
	((status == 1))
	[[ $output == *"No space left on device"* && $(wc -l <<<"$output") == 1 ]]
	[[ $(cd "$SYSC_PATH" && find . -type f ! -name .lock -exec md5sum {} + | sort) == "$before" ]]
	# as a rename leaves it that was killed before its plan
	cp "$SYSC_PATH/a1/config" "$SYSC_PATH/a1/config.renamed"
	: >"$SYSC_PATH/.renaming.prepared"
	sysc copy a1 c1
	[[ $(ls -A "$SYSC_PATH") == $'.lock\na1\nc1\nchild' && ! -e $SYSC_PATH/a1/config.renamed ]]
	sysc rename a1 b1
	[[ $(ls -A "$SYSC_PATH") == $'.lock\nb1\nc1\nchild' ]]
}

@test "a rename that stopped after its plan is ended by any command" {
	need busybox
	make_busybox a1
	mv "$SYSC_PATH/a1" "$SYSC_PATH/b1"
	sed "s|/a1/|/b1/|" "$SYSC_PATH/b1/config" >"$SYSC_PATH/b1/config.renamed"
	chmod 640 "$SYSC_PATH/b1/config.renamed"
	echo "a1 b1" >"$SYSC_PATH/.renaming"
	[[ $(sysc ls -1) == b1 ]]
	[[ $(value b1 rootfs.path) == "dir:$SYSC_PATH/b1/rootfs" && ! -e $SYSC_PATH/.renaming && ! -e $SYSC_PATH/b1/config.renamed ]]
}
