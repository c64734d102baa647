# shellcheck shell=sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# What the templates share: options, messages, downloads, the cache, files of the guest. A template sets $template,
# defines usage, template_option and what it makes, sources this file and calls parse "$@". sysc-template(7) has the
# contract with sysc-create.
# shellcheck disable=SC2034  # most variables are read by the templates

template=${template:?set by the template} name='' rootfs='' config='' cache='' archive='' map='' address=none dns='' ttys=4
release='' arch='' mirror='' packages='' verify=yes flush=no quiet=no
root_packages=''

say() { [ "$quiet" = yes ] || printf '%s: %s\n' "sysc-$template" "$*" >&2; }
warn() { printf '%s: %s\n' "sysc-$template" "$*" >&2; }
die() {
	warn "$*"
	exit 1
}
die_usage() {
	warn "$* (see: sysc-create -t $template -- --help)"
	exit 2
}

# The options that every template has; a template's usage prints its own before them.
usage_common() {
	cat <<-'END'
		  -r, --release NAME      release of the distribution
		  -a, --arch NAME         architecture (default: the host's)
		      --mirror URL        where packages and images come from
		      --packages LIST     further packages, separated by commas or blanks
		      --no-verify         go on where digests or signatures cannot be checked
		      --flush-cache       download and prepare anew
		  -h, --help              this text

		Given by sysc-create: --name --rootfs --config --cache --archive --map --address
		--dns --ttys --quiet
	END
}

# template_flag WORD and template_option WORD VALUE take what is a template's own; false: unknown
template_flag() { false; }
template_option() { false; }

# Takes all words into the variables above.
parse() {
	while [ $# -gt 0 ]; do
		word=$1
		shift
		case $word in
		-h | --help)
			usage
			exit 0
			;;
		--no-verify) verify=no && continue ;;
		--flush-cache) flush=yes && continue ;;
		-q | --quiet) quiet=yes && continue ;;
		--?*=*) value=${word#*=} word=${word%%=*} ;;
		-*)
			template_flag "$word" && continue
			[ $# -gt 0 ] || die_usage "option '$word' is unknown or needs a value"
			value=$1
			shift
			;;
		*) die_usage "unexpected word '$word'" ;;
		esac
		take_value "$word" "$value"
	done
	for value in "$name" "$rootfs" "$cache" "$archive"; do
		[ -n "$value" ] || die_usage "--name, --rootfs, --cache and --archive are needed: sysc-create gives them"
	done
	[ -d "$rootfs" ] || die "'$rootfs' is not a directory"
	[ -z "$packages" ] || packages=$(printf '%s' "$packages" | tr -s ', \n\t' '    ' | sed 's/^ //; s/ $//')
	case $packages in
	*[!A-Za-z0-9.+:=~_\ -]* | -* | *' -'*) die_usage "not names of packages: '$packages'" ;;
	esac
	case $release$arch in *[!A-Za-z0-9._-]*) die_usage "not a release or architecture: '$release' '$arch'" ;; esac
}

take_value() {
	case $1 in
	--name) name=$2 ;;
	--rootfs)
		# sysc-create's is the first; a second one is a template's own
		if [ -z "$rootfs" ]; then rootfs=$2; else template_option "$1" "$2" || die_usage "--rootfs is given twice"; fi
		;;
	--config) config=$2 ;;
	--cache) cache=$2 ;;
	--archive) archive=$2 ;;
	--map) map=$2 ;;
	--address) address=$2 ;;
	--dns) dns="$dns $2" ;;
	--ttys) ttys=$2 ;;
	-r | --release) release=$2 ;;
	-a | --arch) arch=$2 ;;
	--mirror) mirror=${2%/} ;;
	--packages) packages="$packages $2" ;;
	*) template_option "$1" "$2" || die_usage "unknown option '$1'" ;;
	esac
}

# What comes from this host as it is has no releases, mirrors and packages.
refuse_options() {
	[ -z "$release$mirror$packages" ] ||
		die_usage "--release, --mirror and --packages mean nothing to this template"
}

# --- downloads ---

# fetch URL FILE [SHA256]: to a name of its own first; FILE is there only when it is whole and right
fetch() {
	say "download $1"
	rm -f "$2.part"
	if command -v curl >/dev/null; then
		if [ "${SYSC_PROGRESS-}" = bar ]; then bar=--progress-bar; else bar=--silent; fi
		curl "$bar" --show-error --fail --location --retry 2 --connect-timeout 20 --output "$2.part" -- "$1" ||
			return 1
	elif command -v wget >/dev/null; then
		wget -q --tries=3 --timeout=20 -O "$2.part" -- "$1" || return 1
	else
		die "curl or wget is needed for downloads: install one of them"
	fi
	if [ -n "${3-}" ] && ! is_digest "$2.part" "$3"; then
		rm -f "$2.part"
		die "download $1: its sha256 is not $3, nothing of it is used"
	fi
	mv "$2.part" "$2"
}

# is_digest FILE SHA256
is_digest() { [ "$(sha256sum <"$1" | cut -c 1-64)" = "$2" ]; }

# --- the cache: CACHE/TEMPLATE/KEY/tree is whole whenever it is there ---

# short WORDS: a few hex digits that stand for them, "" for none
short() { [ -z "$*" ] || printf '%s' "$*" | sha256sum | cut -c 1-12 | sed 's/^/-/'; }

# cache_open KEY: takes the lock of this entry and sets $entry and $tree; what a killed run left is removed. What came
# without a check is another entry: nobody who wants one gets it
cache_open() {
	entry=$cache/$template/$1
	[ "$verify" = yes ] || entry=$entry-unverified
	tree=$entry/tree is_shared=no
	[ -d "$entry" ] || mkdir -p "$entry"
	exec 9>"$entry/lock"
	# mostly all is there, and each of several copies it at once
	if [ "$flush" = no ] && cache_is_clean && flock -s -n 9 && cache_is_clean; then
		is_shared=yes
		return 0
	fi
	if ! flock -n 9; then
		say "wait for another create of $1"
		flock 9
	fi
	[ "$flush" = no ] || trees remove "$entry/tree"
	cache_clean
	trap cache_clean EXIT
}

# Whether there is the tree, and nothing that a killed run left
cache_is_clean() {
	for left in "$entry"/*; do
		case ${left##*/} in lock | tree) ;; *) return 1 ;; esac
	done
	cache_has_tree
}

# What is not whole; nobody else is at it while the lock is held. Silent: the last line that was printed is the reason
# of a failure
cache_clean() {
	for left in "$entry"/*.partial "$entry"/*.part "$entry"/download.*; do
		[ ! -e "$left" ] || trees remove "$left" 2>/dev/null || :
	done
}

cache_has_tree() { [ -d "$tree" ]; }

# cache_new_tree: tree.partial, empty, to be filled
cache_new_tree() { trees new "$tree.partial"; }

# cache_keep_tree: tree.partial is whole: on disk first, then under its name
cache_keep_tree() {
	sync -f "$entry"
	mv "$tree.partial" "$tree"
	cache_clean
}

# cache_copy: the tree into the root file system; others may copy it too, but nobody removes it meanwhile
cache_copy() {
	trap - EXIT
	[ "$is_shared" = yes ] || flock -s 9
	say "copy $tree"
	set -- --write-out
	[ "${SYSC_PROGRESS-}" != bar ] || set -- "$@" --progress
	trees copy "$@" "$tree" "$rootfs" || exit 1
	exec 9>&-
}

# trees WORD...: sysc-tree, which is beside sysc-archive
trees() { "${archive%/*}/sysc-tree" "$@"; }

# unpack FILE DIR [OPTION...]: by the confined sysc-archive
unpack() {
	unpack_file=$1 unpack_dir=$2
	shift 2
	[ "$quiet" = no ] || set -- --quiet "$@"
	[ "${SYSC_PROGRESS-}" != bar ] || set -- --progress "$@"
	[ -z "$map" ] || set -- --map "$map" "$@"
	"$archive" unpack "$@" --into "$unpack_dir" "$unpack_file" || exit 1
}

# --- files of the guest; the path is inside $guest and never leads out of it ---

guest_put() { trees put --root "$guest" --mode "${2:-0644}" "$1"; }
guest_link() { trees link --root "$guest" "$1" "$2"; }
guest_remove() { trees remove --root "$guest" "$@"; }

# guest_forget: what must not be the same in two containers
guest_forget() {
	(
		cd "$guest" || exit 1
		guest_remove etc/ssh/ssh_host_*_key etc/ssh/ssh_host_*_key.pub var/lib/dbus/machine-id \
			var/lib/systemd/random-seed
	)
	# empty: systemd makes one at each first boot (machine-id(5))
	[ ! -e "$guest/etc/machine-id" ] || guest_put /etc/machine-id 0444 </dev/null
}

# guest_name: host name and the names of itself
guest_name() {
	printf '%s\n' "$name" | guest_put /etc/hostname
	guest_put /etc/hosts <<-END
		127.0.0.1 localhost
		127.0.1.1 $name
		::1 localhost ip6-localhost ip6-loopback
		ff02::1 ip6-allnodes
		ff02::2 ip6-allrouters
	END
}

# guest_resolver: name servers as given, otherwise those of the host that can be reached from elsewhere; a DHCP client
# finds its own
guest_resolver() {
	case $address in dhcp | none) return 0 ;; esac
	[ -n "$dns" ] ||
		dns=$(sed -n 's/^nameserver[[:blank:]]*\([0-9A-Fa-f.:]*\).*/\1/p' /etc/resolv.conf 2>/dev/null | grep -v '^127\.\|^::1$') || :
	[ -n "$dns" ] || return 0
	for server in $dns; do
		printf 'nameserver %s\n' "$server"
	done | guest_put /etc/resolv.conf
}

# The numbers of the consoles beside /dev/console.
tty_numbers() {
	n=1
	while [ "$n" -le "$ttys" ]; do
		echo "$n"
		n=$((n + 1))
	done
}

# set_guest DIR: what the functions above work on
set_guest() { guest=$1; }
