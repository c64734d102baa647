#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# What an administrator sees at a terminal while something takes long: one line that fits and is right, and that goes.
# shellcheck shell=bash
# shellcheck disable=SC2154 # steps.bash sets what is read here

bats_require_minimum_version 1.5.0
load ../lib/steps

setup() {
	need python3
	steps_setup
	export TERM=xterm
	seen=$beside/seen
	new_fifo
	# steps that come when SINCE is true wait, each for a line, until the file "on" is there
	cat >"$beside/wait" <<-END
		[ ! -e "$beside/on" ] && eval "\$SINCE" || exit 0
		exec 9>"$beside/turn"
		flock 9
		[ -e "$beside/on" ] || read -r word <"$beside/go"
	END
	STEPS_ON="run=: >$beside/on; echo on >$beside/go"
	# it has come to those who look for it now and then
	TAKEN='run=while grep -qs "ShdPnd:.*[2367abef]$" $(grep -ls "^Name:.sysc$" /proc/[0-9]*/status); do :; done'
}

# new_fifo: of lines for those who wait; it is kept open, so that no line is lost between two of them
new_fifo() {
	rm -f "$beside/go" "$beside/on"
	mkfifo "$beside/go"
	exec 8<>"$beside/go"
}

# make_data NAME [SIZE]: a container with 10 files more, of 2 MB each. An archive is read up to 32 MB ahead
make_data() {
	make_small "$1"
	mkdir "$SYSC_PATH/$1/rootfs/data"
	for i in {10..19}; do head -c "${2-2M}" /dev/urandom >"$SYSC_PATH/$1/rootfs/data/d$i"; done
}

# since_data FOLDER: for SINCE: there is such a file
since_data() { echo "ls $SYSC_PATH/$1/rootfs/data/d* >/dev/null 2>&1"; }

# some COUNT: so many steps go on
some() { echo "run=for i in \$(seq $1); do echo >$beside/go; done"; }

# slowly CLASS SINCE TERMINAL-STEP... -- WORD...: sysc at a terminal, where its steps wait; sets code
slowly() {
	local class=$1 steps=()
	export SINCE=$2
	shift 2
	while [[ $1 != -- ]]; do steps+=("$1") && shift; done
	shift
	code=0
	new_fifo
	# ^C is for sysc alone
	terminal "${steps[@]}" -- sh -c 'trap "" INT; exec "$@"' sh "$STEP" -c "$class" -w "sh $beside/wait" "$SYSC" "$@" \
		>"$seen" || code=$?
	((code != 99 && code != 124 && code != 125)) || { tail -c 300 "$seen" && return 1; }
}

# shown COLUMNS TEXT: that alone stands on the screen in the end
shown() {
	screen=$(python3 "$top_srcdir/tests/lib/screen.py" shown "$1" <"$seen") || { echo "$screen" && return 1; }
	[[ $screen == "$2" ]] || { echo "on the screen: $screen" && return 1; }
}

# drawn COLUMNS REGEX: such a line was there for a moment, and all of them fit; sets lines
drawn() {
	mapfile -t lines < <(python3 "$top_srcdir/tests/lib/screen.py" drawn "$1" <"$seen")
	grep -E "^$2\$" <(printf '%s\n' "${lines[@]}") >/dev/null || { printf '%s\n' "${lines[@]}" && return 1; }
}

# never_back: no line has less than one before it
never_back() {
	local line last=0 now
	for line in "${lines[@]}"; do
		[[ $line =~ \ ([0-9]+)% ]] || continue
		now=${BASH_REMATCH[1]}
		((now >= last && now <= 100)) || { printf '%s\n' "${lines[@]}" && return 1; }
		last=$now
	done
	((last > 0))
}

size='[0-9]+\.[0-9]+'
bar="\[#*\.*\] +[0-9]+%, [0-9]+\.[0-9] of [26]0\.[0-9] MiB"
rate="($size [KMG]iB|[0-9]+ entries)/s"
left='[0-9]+(:[0-5][0-9])+ left'

@test "copy: percent, bytes, rate and the time that is left; then the result alone" {
	make_data web1
	slowly space "$(since_data .web2.creating)" 'expect=%' "$(some 10)" 'expect=left' "$STEPS_ON" -- copy web1 web2
	((code == 0))
	shown 80 'web2: copied from web1'
	drawn 80 "web2: $bar, $rate, $left"
	never_back
	drawn 80 'web2: writing to disk'
}

@test "copy: an error stands alone" {
	make_data web1
	mount -o "remount,size=$(($(df -B 1 --output=used "$disk" | tail -n 1) + 5000000))" "$disk"
	slowly space "$(since_data .web2.creating)" 'expect=%' "$STEPS_ON" -- copy web1 web2
	((code == 1))
	[[ $(grep -c . "$seen") -ge 1 ]]
	screen=$(python3 "$top_srcdir/tests/lib/screen.py" shown 80 <"$seen")
	[[ $(grep -c . <<<"$screen") == 1 ]]
	[[ $screen == 'sysc-copy: web2: '*'No space left on device'* ]]
	drawn 80 'web2: .*%.*'
}

@test "copy: ^C leaves the line clean" {
	make_data web1
	slowly space "$(since_data .web2.creating)" 'expect=%' 'send=\x03' 'expect=\^C' "$TAKEN" "$STEPS_ON" -- copy web1 web2
	((code == 130))
	shown 80 'sysc-copy: web2: interrupted'
	[[ ! -e $SYSC_PATH/web2 ]]
}

@test "a line fits every terminal, also one that changes its size" {
	make_data web1
	slowly space "$(since_data .web2.creating)" size=24x200 'expect=%' "$(some 10)" 'expect=left' \
		size=24x40 'expect=\r[^\r\x1b]{20,39}\x1b' size=24x22 'expect=\r[^\r\x1b]{5,21}\x1b' "$STEPS_ON" -- copy web1 web2
	((code == 0))
	shown 200 'web2: copied from web1'
	for columns in 40 24; do
		sysc destroy -q web2
		slowly space "$(since_data .web2.creating)" size=24x$columns 'expect=%' "$(some 10)" 'expect=left' "$STEPS_ON" \
			-- copy web1 web2
		shown "$columns" 'web2: copied from web1'
		drawn "$columns" "web2: .*[0-9]+%, .*$left"
		never_back
	done
}

@test "nothing is drawn with -q, with --json, on a terminal without control, in the background, on what is none" {
	make_data web1
	# once for a second, which is longer than any pause between two drawings
	cat >"$beside/wait" <<-END
		[ ! -e "$beside/on" ] && eval "\$SINCE" || exit 0
		: >"$beside/on"
		bash -c 'read -rt 1 <> <(:)'
	END
	still() {
		slowly space "$(since_data .web2.creating)" -- "$@"
		shown 80 "$2" || return
		[[ $(tr -d '\r' <"$seen") == "$screen" ]]
	}
	slowly space "$(since_data .web2.creating)" -- copy web1 web2
	drawn 80 'web2: .*%.*'
	sysc destroy -q web2
	slowly space "$(since_data .web2.creating)" -- copy -q web1 web2
	[[ ! -s $seen ]]
	sysc destroy -q web2
	slowly space "$(since_data .web2.creating)" -- copy --json web1 web2
	run ! grep -q $'\e' "$seen"
	grep -q '"name": "web2"' "$seen"
	for TERM in dumb ''; do
		sysc destroy -q web2
		slowly space "$(since_data .web2.creating)" -- copy web1 web2
		[[ $(cat "$seen") == $'web2: copied from web1\r' ]]
	done
	TERM=xterm
	sysc destroy -q web2
	export SINCE
	SINCE=$(since_data .web2.creating)
	terminal -- bash -mc '"$@" & wait' bash "$STEP" -c space -w "sh $beside/wait" "$SYSC" copy web1 web2 >"$seen"
	rm -f "$beside/on"
	run ! grep -q % "$seen"
	grep -q 'web2: copied from web1' "$seen"
	sysc destroy -q web2
	run --separate-stderr "$STEP" -c space -w "sh $beside/wait" "$SYSC" copy web1 web2
	[[ $output == 'web2: copied from web1' && -z $stderr ]]
}

@test "create: what the template does, under the name of the container" {
	make_data web1 6M
	tar -C "$SYSC_PATH/web1/rootfs" -cf "$beside/data.tar" .
	slowly space "$(since_data .web2.creating)" 'expect=%' "$(some 100)" 'expect=left' "$STEPS_ON" \
		-- create -t local web2 -- --rootfs "$beside/data.tar"
	((code == 0))
	drawn 80 "web2: $bar, $rate, $left"
	never_back
	screen=$(python3 "$top_srcdir/tests/lib/screen.py" shown 80 <"$seen")
	run ! grep -q % <<<"$screen"
	[[ $screen == *"web2: created ($SYSC_PATH/web2)" && $(grep -c '^web2: ' <<<"$screen") == 1 ]]
}

@test "create: ^C and an error of a template leave the line clean" {
	make_data web1
	tar -C "$SYSC_PATH/web1/rootfs" -cf "$beside/data.tar" .
	slowly space "$(since_data .web2.creating)" 'expect=%' 'send=\x03' 'expect=\^C' "$TAKEN" "$STEPS_ON" \
		-- create -t local web2 -- --rootfs "$beside/data.tar"
	((code == 130))
	screen=$(python3 "$top_srcdir/tests/lib/screen.py" shown 80 <"$seen")
	[[ $screen == *'sysc-create: web2: interrupted' ]]
	run ! grep -q '[%^]' <<<"$screen"
	[[ ! -e $SYSC_PATH/web2 ]]
}

@test "create: what a template prints moves no cursor; what it writes over is progress" {
	cat >"$beside/template" <<-'END'
		#!/bin/sh
		printf 'a name: \033]0;title\007\033[2J\001 of a guest\n'
		printf '\r##             10.5%%\r####       45.0%%'
		read -r word <"$(dirname "$0")/go"
		printf '\r#### 100.0%%\n'
		printf '\n'
		printf 'half a line'
		exit 7
	END
	chmod +x "$beside/template"
	code=0
	terminal 'expect=10' "run=echo >$beside/go" -- "$SYSC" create -t "$beside/template" web1 >"$seen" || code=$?
	((code == 1))
	shown 80 "a name: ^A of a guest
half a line
sysc-create: web1: template 'template' failed with code 7 (half a line)"
	drawn 80 'web1: 10\.5%'
	drawn 80 'web1: 45\.0%'
}

@test "export: to a file" {
	make_data web1
	slowly space "find $disk/out -name '.*' -size +4000k | grep -q ." 'expect=%' "$(some 10)" 'expect=left' "$STEPS_ON" \
		-- export -z none -o "$disk/out/web1.tar" web1
	((code == 0))
	drawn 80 "web1: $bar, $rate, $left"
	never_back
	drawn 80 'web1: writing to disk'
	screen=$(python3 "$top_srcdir/tests/lib/screen.py" shown 80 <"$seen")
	[[ $screen == "web1: exported to $disk/out/web1.tar (20."*" MiB, "*" s)" && $(grep -c . <<<"$screen") == 1 ]]
}

@test "export: to standard output, the line on the terminal" {
	make_data web1
	export beside SYSC
	# who reads waits
	terminal 'expect=%' "$(some 1)" -- \
		bash -c '"$SYSC" export -z none -o - web1 | { head -c 8000000; read -r word <"$beside/go"; cat; } >"$beside/out/web1.tar"' \
		>"$seen"
	drawn 80 "web1: $bar.*"
	never_back
	shown 80 ''
	sysc import -q web2 "$beside/out/web1.tar"
}

@test "export: of snapshots, part by part; ^C" {
	make_data web1
	sysc snapshot create -q web1 first
	slowly space "find $disk/out -name '.*' -size +4000k | grep -q ." 'expect=\(1 of 2\): .*%' "$STEPS_ON" -- export -z none --snapshots -o "$disk/out/web1.tar" web1
	((code == 0))
	drawn 80 'web1 \(1 of 2\): .*%.*'
	slowly space "find $disk/out -name '.*' -size +4000k | grep -q ." 'expect=%' 'send=\x03' 'expect=\^C' "$TAKEN" "$STEPS_ON" \
		-- export -z none -o "$disk/out/other.tar" web1
	((code == 130))
	shown 80 'sysc-export: web1: interrupted'
	[[ $(ls -A "$disk/out") == web1.tar ]]
}

@test "import: from a file" {
	make_data web1 6M
	sysc export -q -o "$beside/out/web1.tar" -z none web1
	sysc destroy -q web1
	slowly space "$(since_data .web1.creating)" 'expect=%' "$(some 100)" 'expect=left' "$STEPS_ON" \
		-- import "$beside/out/web1.tar"
	((code == 0))
	drawn 80 "web1: $bar, $rate, $left"
	never_back
	shown 80 "web1: imported ($SYSC_PATH/web1)"
}

@test "import: from standard input, which does not tell how much it is" {
	make_data web1
	sysc export -q -o "$beside/out/web1.tar" -z none web1
	sysc destroy -q web1
	export beside SYSC
	terminal "$(some 1)" 'expect=entries' "$(some 1)" 'expect=/s, 0:0[1-9]' "$(some 1)" -- \
		bash -c '{ for i in 1 2 3; do head -c 6000000; read -r word <"$beside/go"; done; cat; } <"$beside/out/web1.tar" | "$SYSC" import -' \
		>"$seen"
	drawn 80 "web1: [0-9]+ entries, $size MiB, $rate, [0-9]+:[0-9][0-9]"
	run ! grep -q 'left\|%' "$seen"
	shown 80 "web1: imported ($SYSC_PATH/web1)"
}

@test "import: ^C while an archive of several parts is received" {
	make_data web1
	sysc snapshot create -q web1 one
	sysc export -q -o "$beside/out/web1.tar" -z none --snapshots web1
	export beside SYSC
	code=0
	terminal 'expect=archive: ' 'send=\x03' 'expect=\^C' "$TAKEN" "$(some 1)" -- \
		bash -c 'trap "" INT; { head -c 9000000 2>/dev/null; read -r word <"$beside/go"; } <"$beside/out/web1.tar" | "$SYSC" import web9 -' \
		>"$seen" || code=$?
	((code == 130))
	shown 80 "sysc-import: web9: '-': interrupted"
	[[ $(ls -A "$SYSC_PATH") == $'.lock\nweb1' ]]
}

@test "import: what is wrong with an archive stands alone, whatever its names are" {
	make_small web1
	mkdir -p "$beside/evil/sbin"
	head -c 5000000 /dev/urandom >"$beside/evil/data"
	touch "$beside/evil/sbin/init"
	mknod "$beside/evil/$(printf 'e\033[2Jvil\r\007')" c 5 1
	tar -C "$beside/evil" -cf "$beside/evil.tar" .
	code=0
	terminal -- "$SYSC" create -t local web2 -- --rootfs "$beside/evil.tar" >"$seen" || code=$?
	((code == 1))
	screen=$(python3 "$top_srcdir/tests/lib/screen.py" shown 80 <"$seen")
	[[ $screen == *'sysc-create: web2: '*vil* ]]
}

@test "copy, export: names of a guest are harmless" {
	local evil
	evil=$(printf 'e\033[2Jvil\r\007')
	make_small web1
	python3 -c 'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' "$SYSC_PATH/web1/rootfs/$evil"
	terminal -- "$SYSC" export -o "$disk/out/web1.tar" web1 >"$seen"
	screen=$(python3 "$top_srcdir/tests/lib/screen.py" shown 80 <"$seen")
	[[ $screen == *vil*"a socket, left out"* ]]
	rm "$SYSC_PATH/web1/rootfs/$evil"
	head -c 5M /dev/urandom >"$SYSC_PATH/web1/rootfs/$evil"
	mount -o "remount,size=$(($(df -B 1 --output=used "$disk" | tail -n 1) + 1000000))" "$disk"
	code=0
	terminal -- "$SYSC" copy web1 web2 >"$seen" || code=$?
	((code == 1))
	screen=$(python3 "$top_srcdir/tests/lib/screen.py" shown 80 <"$seen")
	[[ $screen == *vil*"No space left"* ]]
}

@test "snapshot: create and restore of a tree that is copied" {
	make_data web1
	slowly space "$(since_data web1/snapshots/.one.creating)" 'expect=%' "$(some 10)" 'expect=left' "$STEPS_ON" \
		-- snapshot create web1 one
	((code == 0))
	drawn 80 "web1: $bar, $rate, $left"
	never_back
	shown 80 "sysc-snapshot: web1: its file system cannot share blocks: the tree is copied
web1: snapshot 'one' made"
}

@test "destroy: how much went; ^C ends it, and the next command removes the rest" {
	make_data web1
	make_data web2
	slowly all "test -e $SYSC_PATH/.web1.destroying/rootfs/data && ! test -e $SYSC_PATH/.web1.destroying/rootfs/data/d15" \
		'expect=web1: [0-9]+ entries removed' "$STEPS_ON" -- destroy web1
	((code == 0))
	shown 80 'web1: destroyed'
	slowly all "test -e $SYSC_PATH/.web2.destroying/rootfs/data && ! test -e $SYSC_PATH/.web2.destroying/rootfs/data/d15" \
		'expect=removed' 'send=\x03' 'expect=\^C' "$TAKEN" "$STEPS_ON" -- destroy web2
	((code == 130))
	shown 80 'sysc-destroy: web2: interrupted: it is gone, and the next command removes the rest'
	[[ -e $SYSC_PATH/.web2.destroying ]]
	sysc destroy -q web3 2>/dev/null || :
	[[ ! -e $SYSC_PATH/.web2.destroying ]]
}
