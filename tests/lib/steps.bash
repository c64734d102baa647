# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # the sandbox that it loads reads the one, the harness sets the other
# Walks over the steps of a command (tests/lib/step.c), for the tests that kill it, fill its disk or cut the power at each
# of them: what there is before and after ("look"), which steps, the same beginning for each ("load ../lib/steps" loads
# the sandbox too).
#
# The operations are a table below; a walk takes one from its beginning once for each step. SYSC_TEST_KILL_ALL=1 takes
# every step in place of the first and last of each row of the same calls.

SANDBOX_NETWORK=no
# shellcheck source=sandbox.bash
load ../lib/sandbox

STEP="$top_builddir/tests/lib/step"
SYSC="$top_builddir/src/sysc"

setup() { steps_setup; }
teardown() { steps_teardown; }

# A disk of the test's own, and what it is mounted by (the words in STEPS_DISK); what else there is lies beside it.
STEPS_DISK=(-t tmpfs -o mode=0711 tmpfs)
steps_setup() {
	sandbox_setup
	beside=$BATS_TEST_TMPDIR
	disk=$beside/disk
	mkdir "$disk" "$beside/out"
	mount "${STEPS_DISK[@]}" "$disk"
	export SYSC_PATH=$disk/store SYSC_RUN=$beside/run SYSC_LOG=$disk/log SYSC_CACHE=$disk/cache
	mkdir "$SYSC_PATH" "$SYSC_LOG" "$SYSC_CACHE" "$disk/out"
	echo '; no network' >"$SYSC_ETC/default.conf"
	mounts=$(count_mounts)
}

steps_teardown() {
	sandbox_teardown
	umount -l "$disk"
}

# --- beginnings ---

# make_small NAME [CREATE-OPTION...]: a container of few files, with all kinds of them
make_small() {
	local name=$1
	shift
	[[ -e $beside/small.tar ]] || make_small_archive
	sysc create -q -t local "$@" "$name" -- --rootfs "$beside/small.tar"
}

make_small_archive() {
	local tree=$beside/small
	mkdir -p "$tree"/{bin,sbin,etc,root,var/log,dev,proc,sys,run,tmp,deep/er/est}
	printf '#!/bin/sh\n' >"$tree/sbin/init"
	chmod 0755 "$tree/sbin/init"
	ln -s ../sbin/init "$tree/bin/sh"
	echo small >"$tree/etc/hostname"
	echo 0123456789abcdef0123456789abcdef >"$tree/etc/machine-id"
	printf '127.0.0.1 localhost\n127.0.1.1 small\n' >"$tree/etc/hosts"
	echo 'root:x:0:0:root:/root:/bin/sh' >"$tree/etc/passwd"
	seq 1 20000 >"$tree/root/numbers"
	ln "$tree/root/numbers" "$tree/deep/er/est/numbers"
	echo secret >"$tree/deep/secret"
	chmod 0600 "$tree/deep/secret"
	chown 1000:1000 "$tree/deep/secret"
	chmod 4755 "$tree/deep/er"
	tar -C "$tree" -cf "$beside/small.tar" .
}

# keep_beginning, from_beginning: of the disk and of RUN
keep_beginning() {
	rm -rf --one-file-system "$beside/kept"
	mkdir "$beside/kept"
	cp -a "$disk/." "$beside/kept/disk"
	cp -a "$SYSC_RUN" "$beside/kept/run"
}

from_beginning() {
	find "$disk" -mindepth 1 -delete
	cp -a "$beside/kept/disk/." "$disk"
	rm -rf --one-file-system "$SYSC_RUN"
	cp -a "$beside/kept/run" "$SYSC_RUN"
}

# upper_of NAME: the folder that its files are written to
upper_of() {
	local tree
	tree=$(tree_of "$SYSC_PATH/$1/config")
	echo "${tree%%:*}"
}

# --- operations ---

# operation WHAT: makes its beginning, web1 and what it needs besides, and sets for the walks
#   words   of sysc
#   again   exit code of the same words when it was done already (0)
#   parts   yes: of several things each is as before or as after, until the next command; always: it stays so
#   next    another command, after which it is done or was never begun, in place of the same words
operation() {
	again=0 parts=no next=
	case $1 in
	create) begin && words=(create -t local web2 -- --rootfs "$beside/small.tar") again=4 ;;
	create-overlay) begin && words=(create -t local -B overlay web2 -- --rootfs "$beside/small.tar") again=4 ;;
	create-image)
		need mkfs.ext4
		begin && words=(create -t local -B loop -s rootfs.size=32M web2 -- --rootfs "$beside/small.tar") again=4
		;;
	create-busybox)
		need busybox
		begin && words=(create -t busybox web2) again=4
		;;
	config-set) begin && words=(config set web1 container.hostname other) ;;
	config-unset) begin && words=(config unset web1 container.uuid) ;;
	copy) begin && words=(copy web1 web2) again=4 ;;
	copy-folder) begin && words=(copy -s -B overlay web1 web2) again=4 parts=yes ;; # the source goes on in a layer
	copy-overlay) begin -B overlay && words=(copy -s web1 web2) again=4 parts=yes ;;
	rename) begin_child && words=(rename web1 web3) again=3 ;;
	rename-plain) # nothing inside has the name
		begin_child
		rm "$SYSC_PATH/web1/rootfs/etc"/host*
		keep_beginning
		words=(rename web1 web3) again=3
		;;
	snapshot) begin && words=(snapshot create web1 one) again=1 ;;
	snapshot-overlay) begin -B overlay && words=(snapshot create web1 one) again=1 parts=yes ;;
	restore) begin_snapshots && words=(snapshot restore web1 first) parts=yes next='config unset web1 boot.order' ;;
	restore-overlay)
		begin_snapshots -B overlay && words=(snapshot restore web1 first)
		parts=yes next='config unset web1 boot.order'
		;;
	restore-config)
		begin_snapshots && sysc config set web1 container.hostname other && keep_beginning
		words=(snapshot restore --config-only web1 first) parts=yes # what was there is kept first
		;;
	restore-paths) begin_paths && words=(snapshot restore web1 first --path /deep) parts=always next='config unset web1 boot.order' ;;
	restore-paths-below) # what is kept stands in a folder that is made for it
		begin_paths && words=(snapshot restore web1 first --path /deep/secret)
		parts=always next='config unset web1 boot.order'
		;;
	restore-paths-overlay)
		begin_paths -B overlay && words=(snapshot restore web1 first --path /deep)
		parts=always next='config unset web1 boot.order'
		;;
	restore-after-one) begin_restored && words=(snapshot restore web1 first) ;;
	restore-undo) begin_restored && words=(snapshot restore --undo web1) ;;
	restore-undo-overlay) begin_restored -B overlay && words=(snapshot restore --undo web1) ;;
	restore-paths-after-one) begin_restored && words=(snapshot restore --path /etc --path /deep web1 first) ;;
	restore-to) begin_snapshots && words=(snapshot restore --to web2 web1 first) again=4 ;;
	delete) begin_snapshots && words=(snapshot delete web1 first) again=1 ;;
	delete-overlay) begin_snapshots -B overlay && words=(snapshot delete web1 first) again=1 ;;
	prune) begin_snapshots && words=(snapshot prune --all-kinds --keep 'last 1' web1) parts=yes ;;
	export) begin && words=(export -q -o "$disk/out/web1.tar.zst" web1) ;;
	import)
		begin && sysc export -q -o "$beside/out/web1.tar.zst" web1
		words=(import web2 "$beside/out/web1.tar.zst") again=4
		;;
	import-snapshots)
		begin_snapshots && sysc export -q --snapshots -o "$beside/out/web1.tar.zst" web1
		words=(import web2 "$beside/out/web1.tar.zst") again=4
		;;
	import-then)
		begin_since
		words=(import web2 "$beside/out/web1.tar.zst" --then "$beside/out/since.tar.zst") again=4
		;;
	export-list) begin && words=(export -q -o "$disk/out/web1.tar.zst" --list "$disk/out/web1.list" web1) parts=yes ;;
	destroy) begin && words=(destroy web1) again=3 ;;
	destroy-snapshots) begin_snapshots && words=(destroy -s web1) again=3 ;;
	esac
}

# begin [CREATE-OPTION...]
begin() {
	make_small web1 "$@"
	sysc config unset web1 boot.order 2>/dev/null # it has its lock: no later command is the first to make that
	keep_beginning
}

begin_snapshots() {
	make_small web1 "$@"
	sysc snapshot create -q web1 first
	echo changed >"$(upper_of web1)/changed"
	sysc snapshot create -q web1 second
	echo again >"$(upper_of web1)/changed"
	keep_beginning
}

# an archive, and one of what changed since
begin_since() {
	begin_snapshots
	sysc export -q -o "$beside/out/web1.tar.zst" web1
	echo more >"$(upper_of web1)/more"
	rm "$(upper_of web1)/deep/secret"
	sysc export -q --since "$beside/out/web1.tar.zst" -o "$beside/out/since.tar.zst" web1
	keep_beginning
}

begin_paths() {
	make_small web1 "$@"
	sysc snapshot create -q web1 first
	mkdir -p "$(upper_of web1)/deep/new"
	echo changed >"$(upper_of web1)/deep/new/file"
	keep_beginning
}

# what a restore replaced is there, and something was done since
begin_restored() {
	begin_snapshots "$@"
	sysc snapshot restore -q web1 second
	mkdir -p "$(upper_of web1)/etc"
	echo since >"$(upper_of web1)/etc/since"
	keep_beginning
}

begin_child() {
	make_small web1
	sysc copy -q -s -B overlay web1 web2
	echo changed >"$(upper_of web2)/changed"
	sysc snapshot create -q web1 first
	sysc config unset web2 boot.order 2>/dev/null
	keep_beginning
}

# --- looking ---

# tree_of CONFIG: the folders of its root file system, the upmost first, as lowerdir= wants them
tree_of() {
	local path
	path=$(sed -n 's/^path = //p' "$1")
	case $path in
	overlay:*)
		path=${path#overlay:}
		echo "${path##*:}/upper:${path%:*}"
		;;
	*) echo "${path#*:}" ;;
	esac
}

# digest FOLDERS: names, types, modes, owners, contents, links, attributes; folders of work are in the list instead
digest() {
	local from=$1
	if [[ $from == *:* ]]; then
		mkdir -p "$beside/merged"
		mount -t overlay -o "ro,userxattr,lowerdir=$from" overlay "$beside/merged" || return
		from=$beside/merged
	fi
	tar -C "$from" --exclude='.sysc-*' --sort=name --mtime=@0 --numeric-owner --xattrs \
		--pax-option=delete=atime,delete=ctime,exthdr.name=%d/%f -cf - . 2>&1 | sha256sum
	[[ $from != "$beside/merged" ]] || umount "$beside/merged"
}

# what is given out anew each time
plain_config() {
	sed -E 's/^(uuid|hwaddr|map) = .*/\1 = …/; s/(before-restore|auto)-[0-9-]+/\1/' "$1"
}

# look: what there is, as every command sees it, one line for each object; a container that is not whole is an error
look() {
	local name snap dir
	while read -r name; do
		"$SYSC" config check "$name" >/dev/null || return
		dir=$SYSC_PATH/$name
		echo "config of $name $(plain_config "$dir/config" | sha256sum)"
		echo "tree of $name $(digest "$(tree_of "$dir/config")")"
		[[ ! -e $dir/config.before-restore ]] || echo "kept of $name $(sha256sum <"$dir/config.before-restore")"
		[[ -d $dir/snapshots ]] || continue
		while read -r snap; do
			echo "snapshot $name ${snap%%-*} $(plain_config "$dir/snapshots/$snap/config" | sha256sum | cut -c 1-9)" \
				"$(digest "$(tree_of "$dir/snapshots/$snap/config")")"
		done < <("$SYSC" snapshot list --json "$name" | sed -n 's/^ *"name": "\(.*\)",$/\1/p' | sort)
	done < <("$SYSC" ls -1)
	for name in "$disk"/out/*; do
		[[ ! -e $name ]] || echo "file ${name##*/} $(zstd -dcq "$name" | tar -t | sha256sum)"
	done
}

# every name in the folders of sysc, with what is random in it made plain
list_all() {
	local name
	(cd "$disk" && find store log cache out \( -not -path 'store/*/rootfs/*' -not -path '*/upper/*' -not -path '*/work/work*' \) -o -name '.sysc-*') | grep -v '/snapshots/[^/]*/told$' |
		sed -E 's/before-restore-[0-9-]+/before-restore/g' | sort
	# what a stopped container keeps there is no matter; nothing of one that is not there, nor half a file
	for name in "$SYSC_RUN"/*/; do
		[[ ! -e $name || -e $SYSC_PATH/$(basename "$name")/config ]] || echo "$name"
	done
	find "$SYSC_RUN" -name '.*'
}

count_mounts() { grep -c " $disk" /proc/self/mountinfo; }

# assert_clean: nothing is mounted, no device is bound to a file of the disk
assert_clean() {
	[[ $(count_mounts) == "$mounts" ]] || { echo "mounted: $(tail -n 2 /proc/self/mountinfo)" && return 1; }
	! losetup -n -O BACK-FILE | grep -q "^$disk/" || { echo "loop: $(losetup -n -O BACK-FILE)" && return 1; }
}

# --- walking ---

# choose_steps LIST [MOST]: numbers of steps; at each, the calls before are done and it is not
choose_steps() {
	awk -v all="${SYSC_TEST_KILL_ALL-0}" -v most="${2-40}" '
		{ program[NR] = $2; kind[NR] = $2 " " $3; number[NR] = $1 }
		END {
			for (i = 1; i <= NR; i++)
				if (all || i == 1 || i == NR || kind[i] != kind[i - 1] || kind[i] != kind[i + 1])
					chosen[++count] = i
			# evenly, and always the last one of each program, and of all: that is where things get their names
			for (i = 1; i <= count; i++)
				if (all || count <= most || i > count - most / 2 || program[chosen[i]] != program[chosen[i] + 1] ||
				    int(i * (most / 2) / (count - most / 2)) != int((i - 1) * (most / 2) / (count - most / 2)))
					print number[chosen[i]]
		}' "$1"
}

# run_steps [STEP-OPTION...]: the operation; sets code. What it says is no step of it: that goes into a pipe.
run_steps() {
	"$STEP" "$@" "$SYSC" "${words[@]}" |& cat >"$beside/run.log"
	code=${PIPESTATUS[0]}
	((code != 124 && code != 125))
}

# clean_run [STEP-OPTION...]: the operation from beginning to end, its steps in $beside/steps; sets before, after,
# list_before and list_after
clean_run() {
	from_beginning
	before=$(look)
	list_before=$(list_all)
	run_steps -l "$beside/steps" "$@"
	((code == 0)) || { cat "$beside/run.log" && return 1; }
	after=$(look)
	list_after=$(list_all)
	[[ -n $before && $before != "$after" ]]
}

# at_each_step LIST MOST SEE [STEP-OPTION...]: for each of the chosen steps the operation once more, with the options at
# that step; then SEE N judges what is there, and code
at_each_step() {
	local n code chosen list=$1 most=$2 see=$3
	shift 3
	mapfile -t chosen < <(choose_steps "$list" "$most")
	((${#chosen[@]} > 0)) || { echo "no step in $list" && return 1; }
	for n in "${chosen[@]}"; do
		from_beginning
		run_steps -n "$n" "$@" || tell "$n" "exit code $code"
		"$see" "$n"
	done
}

# tell WHERE WHAT [MORE]: of a failure
tell() {
	echo "at step $1, $(sed -n "${1}p" "$beside/steps"): $2"
	[[ -z ${3-} ]] || echo "$3"
	cat "$beside/run.log"
	return 1
}

# is_before_or_after: sets state, and now to what it is; with parts=yes of each object for itself
is_before_or_after() {
	local line
	state=$(look) || return
	[[ $state != "$before" ]] || { now=before && return; }
	[[ $state != "$after" ]] || { now=after && return; }
	[[ $parts != no ]] || return
	now=between
	while read -r line; do
		grep -qxF "$line" <<<"$before"$'\n'"$after" || return
	done <<<"$state"
	while read -r line; do
		grep -qxF "$line" <<<"$state" || ! grep -qxF "$line" <<<"$after" || return
	done <<<"$before"
}

# assert_list: what is there in the folders, as in a clean run; between the two nothing that is hidden
assert_list() {
	local list=$list_after
	if [[ $now == between ]]; then
		! list_all | grep -qE '/\.sysc-|/\.[^/]*\.' || tell "$1" "left behind" "$(list_all)"
		return
	fi
	[[ $now == after ]] || list=$list_before
	[[ $(list_all) == "$list" ]] || tell "$1" "left behind" "$(differences "$list" "$(list_all)")"
	assert_clean || tell "$1" "left behind"
}

# assert_before_or_after N: as is_before_or_after
assert_before_or_after() {
	is_before_or_after || tell "$1" "neither as before nor as after" "$(differences "$before" "$state")"
}

# assert_end N: what was not brought to its end is ended, by the next command or by the same once more
assert_end() {
	if [[ -n $next ]]; then end_by_next "$1"; else end_by_same "$1"; fi
}

end_by_same() {
	local code=0
	"$SYSC" "${words[@]}" >>"$beside/run.log" 2>&1 || code=$?
	((code == 0)) || [[ $now == after && $again == "$code" ]] || tell "$1" "again: exit code $code, was $now"
	now=after state=$(look)
	[[ $state == "$after" ]] || tell "$1" "again: not as after" "$(differences "$after" "$state")"
}

end_by_next() {
	# shellcheck disable=SC2086 # words
	"$SYSC" $next >>"$beside/run.log" 2>&1 || tell "$1" "the next command failed"
	is_ended || tell "$1" "not ended" "$(differences "$after" "$state")"
}

# is_ended: after the next command
is_ended() {
	local parts=$parts
	[[ $parts == always ]] || parts=no
	is_before_or_after
}

differences() { diff <(echo "$1") <(echo "$2"); }
