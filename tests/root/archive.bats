#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# sysc-archive: what a root file system holds arrives as it was, and a hostile archive is refused as a whole.
# shellcheck shell=bash

bats_require_minimum_version 1.5.0
SANDBOX_NETWORK=no
load ../lib/sandbox

setup() {
	sandbox_setup
	need userns
	need python3
	cd "$BATS_TEST_TMPDIR" || return
	archive=${top_builddir:?}/src/sysc-archive
}

# make_tar FILE PYTHON-LINES: entries of a tar file; add(name, type, ...) is defined
make_tar() {
	python3 - "$1" <<END
import io, sys, tarfile
tar = tarfile.open(sys.argv[1], "w:gz", format=tarfile.PAX_FORMAT)
def add(name, kind=tarfile.REGTYPE, link="", data=b"x", mode=0o644, uid=0, gid=0, pax=None, major=1, minor=3):
    item = tarfile.TarInfo(name)
    item.type, item.linkname, item.mode, item.uid, item.gid, item.mtime = kind, link, mode, uid, gid, 1000000000
    item.devmajor, item.devminor, item.pax_headers = major, minor, pax or {}
    item.size = len(data) if kind == tarfile.REGTYPE else 0
    tar.addfile(item, io.BytesIO(data))
from tarfile import BLKTYPE, CHRTYPE, DIRTYPE, LNKTYPE, SYMTYPE
$2
tar.close()
END
}

# refused WORDS PYTHON-LINES [OPTION...]: exit code 1, the words in one line, nothing left
refused() {
	local words=$1 lines=$2
	shift 2
	make_tar hostile.tgz "$lines"
	rm -rf into
	run "$archive" unpack "$@" --into into hostile.tgz
	echo "$output"
	((status == 1))
	[[ ${#lines[@]} -ge 1 && $output == *"$words"* ]]
	[[ $(grep -c . <<<"$output") == 1 ]]
	[[ ! -e into ]]
	# looking finds the same
	[[ $* == *--max* ]] || run ! "$archive" check hostile.tgz
}

@test "owners, modes, times, links, xattrs and holes arrive as they were" {
	mkdir -p tree/bin tree/home
	echo hello >tree/bin/tool
	chown 0:42 tree/bin/tool
	chmod 4750 tree/bin/tool
	ln tree/bin/tool tree/bin/other
	ln -s ../etc/passwd tree/home/link
	truncate -s 8M tree/home/sparse
	echo end >>tree/home/sparse
	chown 1000:65534 tree/home
	chmod 1777 tree/home
	mkfifo tree/home/pipe
	printf name >"tree/home/$(printf 'caf\303\251 \\n')"
	touch -d '2001-02-03 04:05:06' tree/bin/tool
	setcap cap_net_raw+ep tree/bin/tool 2>/dev/null || :
	tar --xattrs --xattrs-include='*' -S -cpf tree.tar -C tree .
	"$archive" unpack --into into tree.tar
	list() { (cd "$1" && find . -mindepth 1 -printf '%P|%y|%m|%U|%G|%s|%n|%l\n' | sort); }
	diff <(list tree) <(list into)
	[[ $(stat -c %Y into/bin/tool) == $(stat -c %Y tree/bin/tool) ]]
	[[ $(stat -c %i into/bin/tool) == $(stat -c %i into/bin/other) ]]
	(($(stat -c %b into/home/sparse) < 1000))
	cmp tree/home/sparse into/home/sparse
	[[ $(getcap tree/bin/tool 2>/dev/null | sed 's/.* //') == $(getcap into/bin/tool 2>/dev/null | sed 's/.* //') ]]
}

@test "with the ids of a container the tree still has plain ids" {
	make_tar plain.tgz 'add("file", uid=0, gid=7)'
	"$archive" unpack --map "b 0 1048576 65536" --into into plain.tgz
	[[ $(stat -c %u:%g into/file) == 0:7 ]]
}

@test "standard input, a digest, the packings" {
	make_tar plain.tgz 'add("./a/"[:-1], DIRTYPE, mode=0o755); add("./a/b")'
	"$archive" unpack --into into1 - <plain.tgz
	gunzip -k plain.tgz -c >plain.tar
	for pack in gzip xz zstd bzip2; do
		command -v $pack >/dev/null || continue
		$pack -c plain.tar >"plain.$pack"
		"$archive" unpack --into "into-$pack" "plain.$pack"
		diff -r into1 "into-$pack"
	done
	"$archive" unpack --sha256 "$(sha256sum <plain.tgz | cut -c 1-64)" --into into2 plain.tgz
	run "$archive" unpack --sha256 "$(printf '%064d' 0)" --into into3 plain.tgz
	((status == 1))
	[[ $output == *"its sha256 is"*"expected 0000"* && ! -e into3 ]]
}

@test "an absolute path is refused" { refused "entry '/etc/passwd': an absolute path" 'add("/etc/passwd")'; }

@test "'..' in a path is refused" { refused "'..' in its path" 'add("a/../../evil")'; }

@test "a file through a symlink is refused" {
	mkdir outside
	refused "goes through the symlink 'out'" "add('fine'); add('out', SYMTYPE, '$PWD/outside'); add('out/evil')"
	[[ -z $(ls outside) ]]
	refused "goes through the symlink 'a/up'" "add('a', DIRTYPE, mode=0o755); add('a/up', SYMTYPE, '..'); add('a/up/evil')"
}

@test "what comes where a symlink was takes its place, and nothing is written through it" {
	mkdir outside
	echo untouched >outside/file
	make_tar replace.tgz "add('f', SYMTYPE, '$PWD/outside/file'); add('f', data=b'new')
add('d', SYMTYPE, '$PWD/outside'); add('d', DIRTYPE, mode=0o700)
add('up', SYMTYPE, '..'); add('up', DIRTYPE, mode=0o700)"
	"$archive" unpack --into into replace.tgz
	[[ ! -L into/f && $(cat into/f) == new && ! -L into/d && -d into/d && ! -L into/up && -d into/up ]]
	[[ $(cat outside/file) == untouched && $(stat -c %a outside) == 755 && $(stat -c %a into) == 755 ]]
}

@test "a hard link to a place outside is refused" {
	refused "a hard link to a place outside" 'add("link", LNKTYPE, "/etc/shadow")'
	refused "a hard link to a place outside" 'add("link", LNKTYPE, "../../etc/shadow")'
	refused "goes through the symlink 'out'" 'add("out", SYMTYPE, "/etc"); add("link", LNKTYPE, "out/shadow")'
}

@test "device nodes are refused, left out or made, as asked" {
	refused "a device node, which is not allowed" 'add("null", CHRTYPE)'
	refused "a device node" 'add("disk", BLKTYPE, major=8, minor=0)'
	make_tar devices.tgz 'add("null", CHRTYPE); add("file")'
	"$archive" unpack --skip-devices --into skipped devices.tgz
	[[ -e skipped/file && ! -e skipped/null ]]
	"$archive" unpack --allow-devices --into made devices.tgz
	[[ $(stat -c %F:%t:%T made/null) == "character special file:1:3" ]]
}

@test "limits: bytes, entries, an archive bomb" {
	refused "more than 1000 bytes" 'add("big", data=b"y" * 5000)' --max-bytes 1000
	refused "more than 3 entries" '[add("f%d" % i) for i in range(5)]' --max-entries 3
	python3 -c '
import tarfile, io, gzip
class Zeros(io.RawIOBase):
    def read(self, n): return bytes(n)
t = tarfile.open("bomb.tgz", "w:gz", compresslevel=9)
i = tarfile.TarInfo("zeros"); i.size = 200 << 20
t.addfile(i, Zeros()); t.close()'
	run "$archive" unpack --max-ratio 500 --into into bomb.tgz
	((status == 1))
	[[ $output == *"archive bomb"* && ! -e into ]]
}

@test "owners outside a container's ids are refused" {
	refused "is not among the ids of a container" 'add("file", uid=100000)'
}

@test "a target that is a symlink or not empty is refused" {
	make_tar plain.tgz 'add("file")'
	mkdir real
	ln -s real link
	run "$archive" unpack --into link plain.tgz
	((status == 1))
	[[ $output == *"symlink"* && -z $(ls real) ]]
	touch real/mine
	run "$archive" unpack --into real plain.tgz
	((status == 1))
	[[ $(ls real) == mine ]]
}

@test "what is no archive, or a cut one, is refused and leaves nothing" {
	head -c 100000 /dev/urandom >noise
	run "$archive" unpack --into into noise
	((status == 1))
	[[ $output == *"expected a tar file"* && ! -e into ]]
	python3 -c 'import os; os.makedirs("t"); open("t/random", "wb").write(os.urandom(300000))'
	tar -cf whole.tar t
	head -c 150000 whole.tar >cut.tar
	run "$archive" unpack --into into cut.tar
	((status == 1))
	[[ ! -e into ]]
}

@test "names with control characters do not reach the terminal" {
	make_tar evil.tgz 'add("a\x1b]0;owned\x07/../b")'
	run "$archive" unpack --into into evil.tgz
	((status == 1))
	[[ $output != *$'\e'* && $output == *'\x1b'* ]]
}

@test "interrupted, it leaves nothing" {
	mkfifo pipe
	in_background bash -c "exec '$archive' unpack --into '$PWD/into' - <'$PWD/pipe'"
	exec 7>pipe
	make_tar plain.tgz 'add("f", data=b"z" * 5000000)'
	gunzip -c plain.tgz | head -c 1000000 >&7
	wait_until 10 test -e into/f
	kill -INT "${background:?}"
	wait_until 10 test ! -e into
	exec 7>&-
	wait "$background" || status=$?
	((status == 130))
}

@test "the confined process has nothing open but its work" {
	mkfifo pipe
	echo secret >private
	exec 8<private
	in_background bash -c "exec '$archive' unpack --into '$PWD/into' - <'$PWD/pipe'"
	exec 8<&- 7>pipe
	make_tar plain.tgz 'add("f", data=b"z" * 5000000)'
	gunzip -c plain.tgz | head -c 1000000 >&7
	wait_until 10 test -e into/f
	grep -q private <(ls -l "/proc/${background:?}/fd")
	child=$(cat "/proc/$background/task/$background/children")
	ls -l "/proc/${child% }/fd"
	run ! grep private <(ls -l "/proc/${child% }/fd")
	(($(ls "/proc/${child% }/fd" | wc -l) <= 7))
	kill -INT "$background"
	exec 7>&-
	wait "$background" || :
}

@test "who may make device nodes cannot open one" {
	mkfifo pipe
	in_background bash -c "exec '$archive' unpack --allow-devices --into '$PWD/into' - <'$PWD/pipe'"
	exec 7>pipe
	make_tar nodes.tgz 'add("null", CHRTYPE); add("f", data=b"z" * 5000000)'
	gunzip -c nodes.tgz | head -c 1000000 >&7
	wait_until 10 test -c into/null
	child=$(cat "/proc/${background:?}/task/$background/children")
	grep -E '^[^ ]+ [^ ]+ [^ ]+ [^ ]+ / [^ ]*nodev' "/proc/${child% }/mountinfo"
	kill -INT "$background"
	exec 7>&-
	wait "$background" || :
}

@test "files are put into a hostile root file system without leaving it" {
	mkdir -p root/etc outside
	echo untouched >outside/file
	ln -s "$PWD/outside/file" root/etc/hostname
	tree=$top_builddir/src/sysc-tree
	echo web1 | "$tree" put --root root etc/hostname
	[[ $(cat root/etc/hostname) == web1 && ! -L root/etc/hostname && $(cat outside/file) == untouched ]]
	ln -s "$PWD/outside" root/out
	run "$tree" put --root root out/evil <<<evil
	((status == 1))
	run "$tree" link --root root /dev/null out/evil
	((status == 1))
	[[ ! -e outside/evil ]]
	"$tree" link --root root /dev/null etc/null
	[[ $(readlink root/etc/null) == /dev/null ]]
	"$tree" put --root root --mode 0600 etc/shadow </dev/null
	[[ $(stat -c %a root/etc/shadow) == 600 ]]
	for words in 'put etc/x' 'put --root' 'put --root root --mode 9 etc/x' 'link --root root etc/x' 'new --root root x'; do
		# shellcheck disable=SC2086 # words
		run "$tree" $words </dev/null
		((status == 2))
	done
	"$tree" remove --root root out/file etc/hostname absent/file
	[[ -e outside/file && ! -e root/etc/hostname ]]
}
