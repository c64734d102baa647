#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# sysc snapshot diff: by file and by package, of trees that are deep, hostile or still changing.
# shellcheck shell=bash

bats_require_minimum_version 1.5.0
LIFECYCLE_NETWORK=no
load ../lib/lifecycle
load ../lib/images

setup() {
	lifecycle_setup
	cd "$BATS_TEST_TMPDIR" || return
}

teardown() {
	sandbox_teardown
	drop_images
}

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
