#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# From a fresh checkout to configure, a build, a running container or a test run: see usage below.
# Nothing has to be installed first; what is missing comes from the machine's package manager.
# shellcheck disable=SC2034 # the package lists are chosen by name, through eval
set -eu
top=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
cd "$top"

usage() {
	cat <<'END'
usage: ./autogen.sh [WORD] [CONFIGURE-OPTION...]

without a word   prepare configure (needs autoconf and automake)
  deps           install what is missing to build and run (as root)
  build          deps, then configure and make, in this folder
  demo           build, then make, boot, visit, stop and destroy a container (as root)
  check          build, then install what the tests need and run make check (as root)
  check-vm       the same with the tests in a virtual machine, make check-vm (as root)
  --help         this text

CONFIGURE-OPTIONs, as in "./autogen.sh build --enable-werror", go to configure.
END
}

say() { printf '%s\n' "== $*"; }
die() { printf '%s\n' "autogen.sh: $*" >&2; exit 1; }

# The same things under the names that each distribution gives them
debian_build='gcc make autoconf automake pkg-config libc6-dev linux-libc-dev libnl-3-dev
	libcap-dev libseccomp-dev uuid-dev libinih-dev libarchive-dev zlib1g-dev
	busybox-static curl ca-certificates util-linux'
debian_check='bats jq shellcheck mandoc clang-format mmdebstrap debootstrap debian-archive-keyring
	dnsmasq-base nftables iproute2 procps python3 bash-completion openssl gpg gpg-agent xz-utils zstd
	apparmor attr acl libcap2-bin btrfs-progs xfsprogs e2fsprogs mount
	rpm db5.3-util'
debian_check_vm='qemu-system-x86 mmdebstrap debian-archive-keyring e2fsprogs busybox-static jq'
fedora_build='gcc make autoconf automake pkgconf-pkg-config glibc-devel glibc-static kernel-headers
	libnl3-devel libcap-devel libseccomp-devel libuuid-devel inih-devel libarchive-devel zlib-devel
	busybox curl ca-certificates util-linux'
fedora_check='bats jq ShellCheck mandoc clang-tools-extra debootstrap debian-keyring
	dnsmasq nftables iproute procps-ng python3 bash-completion openssl gnupg2 xz zstd diffutils
	attr acl libcap btrfs-progs xfsprogs e2fsprogs rpm-build'
fedora_check_vm='qemu-system-x86-core mmdebstrap debian-keyring e2fsprogs busybox jq'

# find_manager: sets manager, and family, the prefix of the lists above
find_manager() {
	if command -v apt-get >/dev/null 2>&1; then
		manager=apt family=debian
	elif command -v dnf >/dev/null 2>&1; then
		manager=dnf family=fedora
	else
		die "no apt-get and no dnf on this machine: install the packages that configure names by hand"
	fi
}

# is_installed PACKAGE
is_installed() {
	case $manager in
	apt) [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ] ;;
	dnf) rpm -q --quiet --whatprovides "$1" ;;
	esac
}

# is_known PACKAGE: can the package manager install it?
is_known() {
	case $manager in
	apt) apt-cache policy "$1" 2>/dev/null | grep -q '^  Candidate: [^(]' ;;
	dnf) [ -n "$(dnf -q repoquery "$1" 2>/dev/null)" ] ;;
	esac
}

# refresh_lists [now]: the lists of packages, when they are absent or older than a week
refresh_lists() {
	[ "$manager" = apt ] || return 0
	if [ "${1-}" = now ] ||
	   [ -z "$(find /var/lib/apt/lists -name '*Packages*' -mtime -7 2>/dev/null | head -n 1)" ]; then
		apt-get -q update || die "apt-get update failed: is the network there?"
	fi
}

# fetch PACKAGE...
fetch() {
	case $manager in
	apt) DEBIAN_FRONTEND=noninteractive apt-get -q -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 \
		install --no-install-recommends "$@" </dev/null ;;
	dnf) dnf -q -y install "$@" </dev/null ;;
	esac
}

# install_missing must|may PACKAGE...: with "may", what the distribution does not have is left out
install_missing() {
	rule=$1
	shift
	missing=''
	for package; do
		is_installed "$package" || missing="$missing $package"
	done
	[ -n "$missing" ] || return 0
	[ "$(id -u)" = 0 ] || die "these packages are missing, and only root can install them:$missing"
	refresh_lists
	if [ "$rule" = may ]; then
		known=''
		for package in $missing; do
			if is_known "$package"; then
				known="$known $package"
			else
				say "not in the package sources, tests that need it are skipped: $package"
			fi
		done
		missing=$known
		[ -n "$missing" ] || return 0
	fi
	say "installing:$missing"
	# shellcheck disable=SC2086 # one word per package
	fetch $missing && return 0
	# lists can be younger than a week and yet name versions that the mirror no longer has
	refresh_lists now
	# shellcheck disable=SC2086
	fetch $missing || die "installing failed:$missing"
}

install_build() {
	find_manager
	eval "packages=\$${family}_build"
	# shellcheck disable=SC2086,SC2154 # one word per package; set by eval
	install_missing must $packages
}

# install_tests WORD: what check or check-vm needs
install_tests() {
	find_manager
	eval "packages=\$${family}_$(echo "$1" | tr - _)"
	# shellcheck disable=SC2086
	install_missing may $packages
}

prepare() {
	command -v autoreconf >/dev/null 2>&1 ||
		die "autoreconf is missing: install autoconf and automake, or run ./autogen.sh deps as root"
	mkdir -p config/m4 config/build-aux
	autoreconf --install --force
}

# make itself runs autoconf and configure again when their input changes later
build() {
	if [ ! -f configure ] || [ ! -f Makefile.in ]; then
		say "preparing configure"
		prepare
	fi
	if [ ! -f Makefile ] || [ $# -gt 0 ]; then
		say "configure $*"
		./configure --quiet "$@"
	fi
	say "make"
	make -j"$(getconf _NPROCESSORS_ONLN)"
}

need_root() {
	[ "$(id -u)" = 0 ] || die "$1 needs root (containers with a network are made): run it as root"
}

word=${1-}
[ $# = 0 ] || shift
case $word in
'')
	prepare
	echo "Now run ./configure and make, or: ./autogen.sh build"
	;;
deps)
	install_build
	say "everything needed to build is installed"
	;;
build)
	install_build
	build "$@"
	;;
demo)
	need_root demo
	install_build
	build "$@"
	exec sh tests/lib/demo
	;;
check | check-vm)
	need_root "$word"
	install_build
	install_tests "$word"
	build "$@"
	exec make "$word"
	;;
-h | --help | help)
	usage
	;;
*)
	usage >&2
	exit 2
	;;
esac
