# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# Loaded by every file of tests/root ("load ../lib/sandbox"). tests/lib/run-bats has put the file into namespaces of
# its own; here each test gets state folders of its own, the default bridge, makers of real guests, and a teardown
# that removes what was made. A test that needs more in setup or teardown defines them anew and calls
# sandbox_setup / sandbox_teardown. SANDBOX_NETWORK=no, set before load, leaves out the bridge.

: "${top_srcdir:?run by make check or tests/lib/run-bats}" "${top_builddir:?}"

setup() { sandbox_setup; }
teardown() { sandbox_teardown; }

sysc() { "$top_builddir/src/sysc" "$@"; }

# need WHAT [ARGUMENT]: skips the test with the reason when WHAT is not there; fails when it is in SYSC_TEST_MUST_RUN
need() {
	local why=
	case $1 in
	root) [[ $(id -u) == 0 ]] || why="needs root" ;;
	userns) unshare --user true 2>/dev/null || why="user namespaces cannot be made here" ;;
	netns) unshare --net true 2>/dev/null || why="network namespaces cannot be made here" ;;
	busybox) why=$(missing_busybox) ;;
	alpine) [[ -d $(alpine_folder)/v3.20 ]] || why="no Alpine mirror: SYSC_TEST_ALPINE names none" ;;
	debian)
		# one that nobody asked for is no failure, whatever must run
		[[ -e ${SYSC_TEST_CACHE-}/debian-$2.ok || -e ${SYSC_TEST_CACHE-}/debian-$2.why ]] ||
			skip "no tree of Debian $2 in the cache, and SYSC_TEST_ALL_GUESTS is not 1"
		[[ -e $SYSC_TEST_CACHE/debian-$2.ok ]] ||
			why="no tree of Debian $2: $(cat "$SYSC_TEST_CACHE/debian-$2.why")"
		;;
	kvm) [[ -w /dev/kvm ]] || why="needs /dev/kvm" ;;
	cgroup2) [[ -n $(findmnt -n -t cgroup2) ]] || why="no cgroup v2 hierarchy is mounted" ;;
	# a controller of either version: need controller pids
	controller)
		[[ -d /sys/fs/cgroup/$2 ]] || grep -qsw "$2" /sys/fs/cgroup/cgroup.controllers ||
			why="the host has no $2 controller"
		;;
	*) command -v "$1" >/dev/null || why="$1 is not installed" ;; # any program: dnsmasq nft jq …
	esac
	[[ -n $why ]] || return 0
	if [[ " ${SYSC_TEST_MUST_RUN-} " == *" $1 "* ]]; then
		echo "$1 must run: $why" >&2
		return 1
	fi
	skip "$why"
}

missing_busybox() {
	command -v busybox >/dev/null || { echo "busybox is not installed"; return; }
	# a static program has no interpreter
	! readelf -l "$(command -v busybox)" 2>/dev/null | grep -q INTERP || echo "busybox is not static"
}

alpine_folder() { echo "${SYSC_TEST_ALPINE:-$top_srcdir/../shared/data/alpine}"; }

sandbox_setup() {
	need root
	export SYSC_PATH="$BATS_TEST_TMPDIR/store" SYSC_RUN="$BATS_TEST_TMPDIR/run" SYSC_LOG="$BATS_TEST_TMPDIR/log" \
		SYSC_ETC="$BATS_TEST_TMPDIR/etc" SYSC_CACHE="${SYSC_TEST_CACHE:-$BATS_TEST_TMPDIR/cache}/sysc"
	: "${SYSC_CGROUP:?run by tests/lib/run-bats}"
	mkdir -p "$SYSC_PATH" "$SYSC_RUN" "$SYSC_LOG" "$SYSC_ETC" "$SYSC_CACHE"
	chmod 0711 "$BATS_TEST_TMPDIR"
	[[ ${SANDBOX_NETWORK-yes} == no ]] || sysc net up
}

sandbox_teardown() {
	local name pid
	for name in "${SANDBOX_PIDS[@]}"; do
		kill "$name" 2>/dev/null || :
		wait "$name" 2>/dev/null || : # its port is free for the next test
	done
	for name in "${SYSC_PATH:?}"/*/config; do
		[[ -e $name ]] || continue
		name=$(basename "$(dirname "$name")")
		timeout 60 "$top_builddir/src/sysc" destroy -f "$name" >/dev/null 2>&1 || :
	done
	# what destroy could not end: the recorded init and supervisor
	for name in "$SYSC_RUN"/*/state; do
		[[ -e $name ]] || continue
		while read -r pid; do
			kill -KILL "$pid" 2>/dev/null || :
		done < <(sed -nE 's/^(pid|monitor|init|monitor_pid|init_pid) *[=:] *([0-9]+)$/\2/p' "$name")
	done
	[[ ${SANDBOX_NETWORK-yes} == no ]] || sysc net down >/dev/null 2>&1 || :
	sandbox_cgroups | while read -r pid; do
		rmdir "$pid" 2>/dev/null || :
	done
	[[ $(stat -c %a /dev/null) == 666 ]] || { echo "/dev/null of the host changed its mode" >&2; return 1; }
}

# wait_until SECONDS COMMAND...: runs the command until it succeeds; fails, telling the command, after the time
wait_until() {
	local limit=$((SECONDS + $1))
	shift
	until "$@" >/dev/null 2>&1; do
		if ((SECONDS >= limit)); then
			echo "not reached in time: $*" >&2
			return 1
		fi
		read -rt 0.03 <> <(:) || : # a pause without a process
	done
}

# with_kill MILLISECONDS WORD...: sysc, killed then, it alone
with_kill() {
	local after
	after=$(printf '%d.%03d' $(($1 / 1000)) $(($1 % 1000)))
	shift
	timeout --foreground -s KILL "$after" "$top_builddir/src/sysc" "$@" >/dev/null 2>&1 || :
}

# terminal STEP... -- COMMAND...: runs it on a terminal; see terminal.py
terminal() {
	need python3
	python3 "$top_srcdir/tests/lib/terminal.py" "$@"
}

# in_background COMMAND...: ended by teardown; $background is its pid
SANDBOX_PIDS=()
in_background() {
	"$@" >"$BATS_TEST_TMPDIR/background.log" 2>&1 3>&- 4>&- &
	background=$!
	SANDBOX_PIDS+=("$background")
}

# make_busybox NAME [CREATE-OPTION...]
make_busybox() {
	local name=$1
	shift
	need busybox
	sysc create -t busybox "$@" "$name"
}

# make_alpine NAME [CREATE-OPTION...]: the mini root file system from a mirror on the loopback
make_alpine() {
	local name=$1
	shift
	need alpine
	serve_alpine
	sysc create -t alpine "$@" "$name" -- --release v3.20 --minimal --mirror http://127.0.0.1:8073
}

# serve_alpine: the mirror at http://127.0.0.1:8073 of this network namespace
serve_alpine() {
	need python3
	bash -c ': </dev/tcp/127.0.0.1/8073' 2>/dev/null && return
	in_background python3 -m http.server --bind 127.0.0.1 --directory "$(alpine_folder)" 8073
	wait_until 10 bash -c ': </dev/tcp/127.0.0.1/8073'
}

# make_debian NAME RELEASE[-INIT] [CREATE-OPTION...]: from the tree that run-bats prepared
make_debian() {
	local name=$1 release=$2 init=systemd
	shift 2
	need debian "$release"
	[[ $release != *-* ]] || init=${release#*-}
	sysc create -t debian "$@" "$name" -- --release "${release%%-*}" --init "$init"
}

# every cgroup of this sandbox's containers, deepest first
sandbox_cgroups() {
	local root
	for root in /sys/fs/cgroup /sys/fs/cgroup/*; do
		[[ ! -d $root/$SYSC_CGROUP ]] || find "$root/$SYSC_CGROUP" -mindepth 1 -depth -type d 2>/dev/null
	done
}

# assert_nothing_left [NAME...]: no cgroup, link, process, mount or file of a run is there; with no names, of any container
assert_nothing_left() {
	local left name
	left=$(
		if (($# == 0)); then set -- '*'; fi
		for name; do
			sandbox_cgroups | while read -r dir; do
				# shared by all supervisors, whose processes are looked for below
				[[ $dir != */"$SYSC_CGROUP"/.supervisors ]] || continue
				# shellcheck disable=SC2053 # the name may be a pattern
				[[ ${dir#*/"$SYSC_CGROUP"/} != $name && ${dir#*/"$SYSC_CGROUP"/} != $name/* ]] || echo "cgroup $dir"
			done
			grep -F " $SYSC_PATH/" /proc/self/mountinfo | awk -v "n=$name" '
				n == "*" || index($5 "/", "/" n "/") { print "mount " $5 }'
			# a stopped container keeps its lock, its state and the compiled filter; a removed one nothing
			# shellcheck disable=SC2231
			for dir in "$SYSC_RUN"/$name; do
				[[ ! -d $dir || -e $SYSC_PATH/${dir##*/}/config ]] || echo "file $(echo "$dir"/*)"
			done
			if [[ $name == '*' ]]; then
				ip -o link show type veth 2>/dev/null | awk -F': ' '{ print "link " $2 }'
				sandbox_processes
			fi
		done
	)
	[[ -z $left ]] || { echo "left behind:" >&2; echo "$left" >&2; return 1; }
}

# processes of containers (in another PID namespace than this) and supervisors
sandbox_processes() {
	local dir here
	here=$(readlink /proc/self/ns/pid)
	for dir in /proc/[0-9]*; do
		if [[ $(readlink "$dir/ns/pid" 2>/dev/null || echo "$here") != "$here" ||
			$(readlink "$dir/exe" 2>/dev/null) == */sysc-monitor ]]; then
			echo "process ${dir#/proc/} $(tr '\0' ' ' <"$dir/cmdline" 2>/dev/null)"
		fi
	done
}
