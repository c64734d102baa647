#!/usr/bin/env bats
# SPDX-License-Identifier: LGPL-2.1-or-later
# The alpine template with packages: a mirror with the real mini root file system and a package repository of our own,
# from which the tree's real apk installs. The packages have the name alpine-base but no OpenRC, so only the
# installation is tested here, no boot.
# shellcheck shell=bash

bats_require_minimum_version 1.5.0
SANDBOX_NETWORK=no
load ../lib/sandbox

setup_file() {
	command -v openssl >/dev/null || return 0
	local name
	for name in own other; do
		openssl genrsa -out "$BATS_FILE_TMPDIR/$name.rsa" 2048
		mkdir "$BATS_FILE_TMPDIR/keys.$name"
		openssl rsa -in "$BATS_FILE_TMPDIR/$name.rsa" -pubout -out "$BATS_FILE_TMPDIR/keys.$name/$name.rsa.pub"
	done 2>/dev/null
}

setup() {
	sandbox_setup
	need alpine
	need python3
	need openssl
	cd "$BATS_TEST_TMPDIR" || return
	mkdir -p mirror/v3.20
	cp -r "$(alpine_folder)/v3.20/releases" mirror/v3.20/
	export SYSC_CACHE=$PWD/cache SYSC_TEST_ALPINE=$PWD/mirror
	chmod -R u+w mirror
	serve_alpine # here: "run" would hide its process from teardown
	image=$(cd mirror/v3.20/releases/x86_64 && echo alpine-minirootfs-*.tar.gz)
	image=$PWD/mirror/v3.20/releases/x86_64/$image
}

# make_repository: alpine-base, what it needs, and one more
make_repository() {
	"${top_srcdir:?}/tests/lib/make-apk-repo" mirror/v3.20/main "$BATS_FILE_TMPDIR/own.rsa" \
		alpine-base=sysc-one,sysc-two sysc-one sysc-two=sysc-one sysc-extra
}

# create NAME WORD...: with packages, and further words for the template
create() {
	local name=$1
	shift
	sysc create -t alpine "$name" -- --release v3.20 --mirror http://127.0.0.1:8073 "$@"
}

own_keys() { echo "$BATS_FILE_TMPDIR/keys.own"; }

# flip FILE: another bit in its last but twentieth byte
flip() {
	python3 -c '
import sys
with open(sys.argv[1], "r+b") as f:
    f.seek(-20, 2); b = f.read(1); f.seek(-20, 2); f.write(bytes([b[0] ^ 1]))' "$1"
}

# nothing_left: no container, no tree and no download; only the locks
nothing_left() {
	[[ -z $(find "$SYSC_PATH" -mindepth 1 -maxdepth 1 ! -name .lock) ]]
	[[ -z $(find cache -type f ! -name lock) ]] || { find cache -type f && return 1; }
	[[ -z $(find cache -mindepth 3 -type d) ]]
}

@test "packages are installed by the tree's apk, once for all containers" {
	local name
	make_repository
	create a1 --keys "$(own_keys)" --packages sysc-extra
	rootfs=$SYSC_PATH/a1/rootfs
	for name in alpine-base sysc-one sysc-two sysc-extra; do
		[[ $(cat "$rootfs/usr/share/$name/marker") == "$name" ]]
		[[ $(cat "$rootfs/usr/share/$name/configured") == 0 ]] # its script ran
		grep -q "^P:$name$" "$rootfs/lib/apk/db/installed"
	done
	# on disk ids are plain
	[[ -z $(find "$rootfs/usr/share/alpine-base" "$rootfs/usr/share/sysc-one" "$rootfs/etc/apk" "$rootfs/lib/apk" \
		! -uid 0 -o ! -gid 0) ]]
	grep -qx sysc-extra "$rootfs/etc/apk/world"
	cmp "$rootfs/etc/apk/keys/own.rsa.pub" "$(own_keys)/own.rsa.pub"
	[[ $(cat "$rootfs/etc/apk/repositories") == $'http://127.0.0.1:8073/v3.20/main\nhttp://127.0.0.1:8073/v3.20/community' ]]
	grep -q openrc "$rootfs/etc/inittab"
	# nothing of the making: devices, the host's name servers, lists and packages
	[[ -z $(find "$rootfs/dev" -type b -o -type c) && ! -e $rootfs/dev/random && ! -e $(echo cache/alpine/*/tree)/etc/resolv.conf ]]
	[[ -z $(find "$rootfs" -name 'APKINDEX*' -o -name '*.apk') ]]
	[[ -z $(find cache -name '*.partial' -o -name 'download*') ]]
	# a second one asks the server for nothing
	asked=$(grep -c '"GET ' background.log)
	create a2 --keys "$(own_keys)" --packages sysc-extra
	[[ $(grep -c '"GET ' background.log) == "$asked" ]]
	[[ -e $SYSC_PATH/a2/rootfs/usr/share/sysc-extra/marker && $(cat "$SYSC_PATH/a2/rootfs/etc/hostname") == a2 ]]
	# other packages are another tree
	create a3 --keys "$(own_keys)"
	[[ ! -e $SYSC_PATH/a3/rootfs/usr/share/sysc-extra && -e $SYSC_PATH/a3/rootfs/usr/share/sysc-two/marker ]]
}

@test "packages of an unknown key are refused; --no-verify takes them, for itself only" {
	make_repository
	run create a1
	((status == 1))
	[[ ${lines[-1]} == *"signed by a key that the image does not have"*--keys* ]]
	nothing_left
	run create a1 --keys "$BATS_FILE_TMPDIR/keys.other"
	((status == 1))
	[[ ${lines[-1]} == *"signed by a key that the image does not have"* ]]
	nothing_left
	run -0 create a1 --no-verify
	[[ $output == *"whoever signed them"* && -e $SYSC_PATH/a1/rootfs/usr/share/sysc-two/marker ]]
	# not from the cache: what was not checked is not for one who wants a check
	run create a2
	((status == 1))
	[[ ${lines[-1]} == *"signed by a key"* && ! -e $SYSC_PATH/a2 ]]
	# a signature says nothing about its key's name
	mkdir keys
	cp "$BATS_FILE_TMPDIR/keys.other/other.rsa.pub" keys/own.rsa.pub
	run create a2 --keys "$PWD/keys"
	((status == 1))
	[[ ! -e $SYSC_PATH/a2 ]]
}

@test "a damaged list of packages is refused" {
	make_repository
	flip mirror/v3.20/main/x86_64/APKINDEX.tar.gz
	for word in --quiet --no-verify; do
		run create a1 --keys "$(own_keys)" $word
		((status == 1))
		[[ ${lines[-1]} == *"damaged or not the signed one"* ]]
		nothing_left
	done
}

@test "a package that is damaged, or not the listed one, is refused" {
	make_repository
	package=mirror/v3.20/main/x86_64/sysc-two-1.0-r0.apk
	flip $package
	run create a1 --keys "$(own_keys)"
	((status == 1))
	[[ ${lines[-1]} == *"damaged or not the signed one"* && $output == *"ERROR: sysc-two-1.0-r0"* ]]
	nothing_left
	# whole and signed, but by another key than the list
	"$top_srcdir/tests/lib/make-apk-repo" other "$BATS_FILE_TMPDIR/other.rsa" sysc-two
	cp other/x86_64/sysc-two-*.apk $package
	for word in --quiet --no-verify; do
		run create a1 --keys "$(own_keys)" $word
		((status == 1))
		[[ ${lines[-1]} == *"damaged or not the signed one"* ]]
		nothing_left
	done
}

@test "what the mirror or the folder of keys does not have is named" {
	run create a1
	((status == 1))
	[[ ${lines[-1]} == *"no package repository"*--minimal* ]]
	nothing_left
	make_repository
	run create a1 --keys "$(own_keys)" --packages sysc-extra,nosuch
	((status == 1))
	[[ ${lines[-1]} == *"no package nosuch"* ]]
	nothing_left
	mkdir empty
	run create a1 --keys "$PWD/empty"
	((status == 1))
	[[ ${lines[-1]} == *"has no keys"* ]]
	run create a1 --keys "$PWD/absent"
	((status == 1))
	[[ ${lines[-1]} == *"not a directory"* ]]
	nothing_left
}

# gpg_as NAME WORD...: with a home of its own; make_key makes one key there and its public half keys.gpg/NAME.asc
gpg_as() {
	local home=$BATS_TEST_TMPDIR/gpg.$1
	shift
	gpg --homedir "$home" --batch --quiet --pinentry-mode loopback --passphrase '' "$@"
}

make_key() {
	mkdir -m 0700 "gpg.$1"
	gpg_as "$1" --quick-generate-key "$1 <$1@example.org>" ed25519 sign "${2:-never}"
	mkdir -p "keys.$1"
	gpg_as "$1" --armor --export >"keys.$1/$1.asc"
}

# sign NAME FILE: FILE.asc beside it
sign() {
	rm -f "$2.asc"
	gpg_as "$1" --armor --detach-sign "$2"
}

@test "the image's signature: a good one passes, all others are refused" {
	need gpg
	make_key ours
	make_key theirs
	run create a1 --minimal --keys "$PWD/keys.ours"
	((status == 1))
	[[ ${lines[-1]} == *"no signature of"*--no-verify* ]]
	nothing_left
	run -0 create a1 --minimal --keys "$PWD/keys.ours" --no-verify
	[[ $output == *"only its digest"* ]]
	sysc destroy a1
	rm -r cache
	# another's
	sign theirs "$image"
	for word in --quiet --no-verify; do
		run create a1 --minimal --keys "$PWD/keys.ours" $word
		((status == 1))
		[[ ${lines[-1]} == *"signature of alpine-minirootfs"*"is wrong"* ]]
		nothing_left
	done
	# ours, of something else
	echo other >other.tar
	sign ours other.tar
	cp other.tar.asc "$image.asc"
	run create a1 --minimal --keys "$PWD/keys.ours"
	((status == 1))
	[[ ${lines[-1]} == *"is wrong"* ]]
	# a tree that was not checked by these keys is not taken for one that was
	create a1 --minimal
	run create a2 --minimal --keys "$PWD/keys.ours"
	((status == 1))
	sign ours "$image"
	create a2 --minimal --keys "$PWD/keys.ours"
	[[ -x $SYSC_PATH/a2/rootfs/bin/busybox ]]
	run ! grep -lsqa "$SYSC_CACHE" /proc/[0-9]*/cmdline # no agent of gpg stays
	# several keys, and both kinds of them, in one folder
	cp "$(own_keys)/own.rsa.pub" keys.theirs/theirs.asc keys.ours/
	sign theirs "$image"
	make_repository
	create a3 --keys "$PWD/keys.ours"
	[[ -e $SYSC_PATH/a3/rootfs/usr/share/alpine-base/marker ]]
}

@test "the image's signature: by a key that was revoked it is refused" {
	need gpg
	make_key ours
	sign ours "$image"
	# the revocation that gpg writes beside a new key has a colon before it, against mistakes
	sed 's/^:---/---/' gpg.ours/openpgp-revocs.d/*.rev | gpg_as ours --import
	gpg_as ours --armor --export >keys.ours/ours.asc
	run create a1 --minimal --keys "$PWD/keys.ours"
	((status == 1))
	[[ ${lines[-1]} == *"is wrong or by none of the keys"* ]]
	nothing_left
}
