#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Inside the virtual machine: containers on volumes of lvm and datasets of zfs, the same cases for both: life, sizes,
# copies, snapshots, another name, archives, what is refused, what killed commands leave, and a reboot of the host.
# The cases of zfs need a machine with its module: "make check-vm" with ZFS=1 in the environment (vm-build).
# shellcheck disable=SC2016,SC2154 # what runs inside is quoted; lib.sh sets store
# shellcheck source=lib.sh
. /job/lib.sh

scratch=/dev/disk/by-id/virtio-scratch

inside() { sysc attach "$1" -- sh -c "$2"; }
info() { sysc info --json "$1" | jq -r ".containers[0].$2"; }
listed() { sysc snapshot list "$1" | awk 'NR > 1 { print $2 }'; }
fails() {
	code=0
	out=$("$@" 2>&1) || code=$?
	[ "$code" != 0 ] || { echo "no failure: $*"; return 1; }
}
destroy_all() {
	for config in "${store:?}"/*/config; do
		[ ! -e "$config" ] || sysc destroy -q -f -s "$(basename "$(dirname "$config")")" || :
	done
}

# --- what differs: where volumes are, how a container asks for one, which there are ---

lvm_begin() {
	options='rootfs.options=vg=vg0,thinpool=pool' word=lvm:vg0
	! vgs vg0 >/dev/null 2>&1 || return 0
	wipefs -qa "$scratch"
	pvcreate -q -f -y "$scratch" >/dev/null
	vgcreate -q vg0 "$scratch" >/dev/null
	lvcreate -q -y --type thin-pool -L 800M -n pool vg0 >/dev/null
	lvchange -q --errorwhenfull y vg0/pool
}
lvm_end() {
	vgremove -q -f -y vg0
	pvremove -q -f -y "$scratch"
}
lvm_volumes() { lvs --noheadings -o lv_name vg0 | tr -d ' ' | grep -v '^pool$' | sort | tr '\n' ' ' || :; }
lvm_foreign() { lvcreate -q -y -V 40M --thinpool vg0/pool -n "$1" vg0 >/dev/null; }
lvm_drop() { lvremove -q -f -y "vg0/$1"; }

zfs_begin() {
	options='rootfs.options=zfsroot=tank/sysc' word=zfs:tank/sysc
	command -v zpool >/dev/null || skip "the machine has no zfs (ZFS=1)"
	modprobe zfs 2>/dev/null || skip "the machine's kernel has no module zfs"
	! zpool list tank >/dev/null 2>&1 || return 0
	wipefs -qa "$scratch"
	zpool create -f -O mountpoint=none tank "$(readlink -f "$scratch")"
	zfs create tank/sysc
}
zfs_end() { zpool destroy -f tank; }
zfs_volumes() {
	# snapshots of ours on which nobody stands are volumes too many
	zfs list -H -t snapshot -o name,clones -r tank/sysc | awk '$2 == "-" || $2 == "" { print $1 }'
	zfs list -H -o name -r tank/sysc | sed -n 's,tank/sysc/,,p' | sort | tr '\n' ' '
}
# before 2.2 it has no id-mapped mounts: the trees there have other owners
zfs_without_maps() { [ "$backend" = zfs ] && case $(zfs version) in zfs-0.* | zfs-2.[01].*) ;; *) false ;; esac; }
zfs_foreign() { zfs create "tank/sysc/$1"; }
zfs_drop() { zfs destroy -r "tank/sysc/$1"; }

begin() { "${backend}_begin"; }
volumes() { "${backend}_volumes"; }
make() {
	made=$1
	shift
	sysc create -q -t busybox -B "$backend" --size 120M -s "$options" "$@" "$made"
}
clean_up() {
	destroy_all >/dev/null 2>&1
	case ${backend-} in
	lvm) [ -z "$(lvm_volumes 2>/dev/null)" ] || lvm_end >/dev/null 2>&1 ;;
	zfs) [ -z "$(zfs_volumes 2>/dev/null)" ] || zfs_end >/dev/null 2>&1 ;;
	esac
}

# --- the cases ---

# holds NAME MEGABYTES: no more than that can be written, and nothing outside of it is full
holds() {
	sysc start "$1"
	fails inside "$1" "dd if=/dev/urandom of=/root/big bs=1M count=$(($2 + 40)) conv=fsync"
	case $out in *"No space left"* | *"quota exceeded"*) ;; *) echo "$out"; return 1 ;; esac
	size=$(inside "$1" 'du -m /root/big | cut -f 1')
	[ "$size" -le "$2" ] && [ "$size" -ge $(($2 / 2)) ]
	inside "$1" 'rm /root/big; echo small >/root/small'
	sysc stop -k "$1"
}

life() {
	begin
	make web1
	same "web1 " "$(volumes)"
	contains "$(sysc config get web1 rootfs.path)" "$word/web1"
	sysc start web1
	same init "$(inside web1 'cat /proc/1/comm')"
	same 1 "$(inside web1 'grep -c " / / " /proc/self/mountinfo' || :)"
	inside web1 'echo written >/root/file; mkdir -p /srv/a; chown 5:6 /srv/a; rm /etc/shells; mv /etc/profile /etc/moved'
	sysc stop -k web1
	sysc start web1
	same "written 5:6" "$(inside web1 'echo $(cat /root/file; stat -c %u:%g /srv/a)')"
	sysc stop -k web1
	holds web1 120
	same $((120 << 20)) "$(info web1 storage.size)"
	[ "$(info web1 storage.used)" -gt 0 ]
	contains "$(sysc info web1)" "limit 120M"
	sysc destroy web1
	same "" "$(volumes)"
}

sizes() {
	begin
	make web1
	sysc start web1
	sysc config set web1 rootfs.size=180M
	same $((180 << 20)) "$(info web1 storage.size)"
	same "" "$(sysc plan web1 | grep rootfs || :)"
	inside web1 'dd if=/dev/urandom of=/root/big bs=1M count=130 2>/dev/null; rm /root/big'
	if [ "$backend" = lvm ]; then
		# a file system that does not shrink, or not so far: refused, and nothing changes
		fails sysc config set web1 rootfs.size=100M
		contains "$out" "only a btrfs on a volume can be made smaller"
		same 180M "$(sysc config get web1 rootfs.size)"
	else
		sysc config set web1 rootfs.size=100M
		same $((100 << 20)) "$(info web1 storage.size)"
	fi
	sysc stop -k web1
	# by hand, with an end that nobody applied: the next start goes on
	sed -i 's/^size = .*/size = 200M/' "$store/web1/config"
	sysc start web1
	same $((200 << 20)) "$(info web1 storage.size)"
	sysc stop -k web1
	sysc config set web1 rootfs.size=220M
	holds web1 220
}

copies() {
	begin
	make web1
	sysc start web1
	inside web1 'echo one >/root/file'
	sysc copy web1 web2
	sysc copy -s web1 web3
	same "web1 web2 web3 " "$(volumes)"
	inside web1 'echo two >/root/file'
	sysc stop -k web1
	for name in web2 web3; do
		sysc start $name
		same one "$(inside $name 'cat /root/file')"
		inside $name "echo $name >/root/file"
	done
	# the source goes, who shares its blocks stays
	sysc destroy web1
	same "web2 web3 " "$(volumes)"
	same web3 "$(inside web3 'cat /root/file')"
	sysc stop -k web3
	sysc start web3
	same web3 "$(inside web3 'cat /root/file')"
	sysc destroy -f web3
	same web2 "$(inside web2 'cat /root/file')"
	sysc destroy -f web2
	same "" "$(volumes)"
}

snapshots() {
	begin
	make web1
	sysc start web1
	inside web1 'echo one >/root/file'
	inside web1 'dd if=/dev/urandom of=/root/big bs=1M count=3 2>/dev/null; sync'
	sysc snapshot create web1 running -c 'while it runs'
	inside web1 'echo two >/root/file; echo more >/root/more; rm /root/big; sync'
	sysc stop -k web1
	sysc snapshot create web1 stopped
	same "running stopped " "$(listed web1 | tr '\n' ' ')"
	own=$(sysc snapshot show --json web1 running | jq .snapshot.own)
	# the container has no longer what only the snapshot has; of a volume of lvm nobody knows
	if [ "$backend" = zfs ]; then [ "$own" -ge $((3 << 20)) ]; else same null "$own"; fi
	contains "$(sysc snapshot diff web1 running)" /root/more
	sysc snapshot restore web1 running
	sysc start web1
	same one "$(inside web1 'cat /root/file')"
	[ -z "$(inside web1 'ls /root/more 2>/dev/null' || :)" ]
	inside web1 'echo three >/root/file'
	fails sysc snapshot restore web1 stopped
	sysc stop -k web1
	sysc snapshot restore web1 --undo
	sysc start web1
	same "two more" "$(inside web1 'echo $(cat /root/file /root/more)')"
	sysc stop -k web1
	# what others were made of goes, they stay
	sysc snapshot delete web1 running
	sysc snapshot restore --to web2 web1 stopped
	sysc start web2
	same "two more" "$(inside web2 'echo $(cat /root/file /root/more)')"
	sysc snapshot delete web1 stopped
	sysc stop -k web2
	for number in 1 2 3; do sysc snapshot create web1 n$number; done
	sysc snapshot prune web1 --keep 'last 1' --all-kinds
	# and what the undo would bring back
	same n3 "$(listed web1 | grep -v ^before-)"
	sysc start web1
	same "two more" "$(inside web1 'echo $(cat /root/file /root/more)')"
	sysc stop -k web1
	sysc destroy -s web1
	sysc start web2
	same "two more" "$(inside web2 'echo $(cat /root/file /root/more)')"
	sysc destroy -f web2
	same "" "$(volumes)"
}

another_name() {
	begin
	make web1
	sysc snapshot create web1 s1
	sysc rename web1 web2
	sysc start web2
	# its old name is free, though the volume still has it
	make web1
	same 3 "$(volumes | wc -w)"
	sysc start web1
	same "web1 web2" "$(inside web1 hostname) $(inside web2 hostname)"
	sysc stop -k web1 web2
	sysc snapshot restore web2 s1
	sysc export -q -o /tmp/web2.tar.zst web2
	sysc import -q -B "$backend" --size 120M -s "$options" web4 /tmp/web2.tar.zst
	rm /tmp/web2.tar.zst
	sysc start web4
	same web4 "$(inside web4 hostname)"
	sysc destroy -f -s web1 web2 web4
	same "" "$(volumes)"
}

# what an archive holds of snapshots on volumes, whole and after an earlier archive
archives() {
	begin
	make web1
	sysc start web1
	inside web1 'echo one >/root/file; echo gone >/root/gone'
	sysc snapshot create web1 s1
	inside web1 'echo two >/root/file; rm /root/gone'
	sysc stop -k web1
	sysc snapshot create web1 s2
	sysc export -q --snapshots -o /tmp/all.tar.zst web1
	sysc import -q --verify /tmp/all.tar.zst
	if zfs_without_maps; then
		before=$(volumes)
		fails sysc import -q -B zfs --size 120M -s "$options" web2 /tmp/all.tar.zst
		contains "$out" "--no-snapshots leaves them out"
		[ ! -e "$store/web2" ]
		same "$before" "$(volumes)"
		sysc import -q -B zfs --size 120M -s "$options" --no-snapshots web2 /tmp/all.tar.zst
		sysc start web2
		same two "$(inside web2 'cat /root/file; ls /root/gone 2>/dev/null' || :)"
	else
		sysc import -q -B "$backend" --size 120M -s "$options" web2 /tmp/all.tar.zst
		same "s1 s2 " "$(listed web2 | tr '\n' ' ')"
		same "" "$(sysc snapshot diff web2 s2 | grep /root || :)"
		sysc snapshot restore web2 s1
		sysc start web2
		same "one gone" "$(inside web2 'echo $(cat /root/file /root/gone)')"
	fi
	# an increment, put together again on volumes
	sysc export -q -o /tmp/full.tar.zst web1
	sysc start web1
	inside web1 'echo three >/root/file; echo new >/root/new'
	sysc stop -k web1
	sysc export -q --since /tmp/full.tar.zst -o /tmp/later.tar.zst web1
	sysc import -q -B "$backend" --size 120M -s "$options" --then /tmp/later.tar.zst web3 /tmp/full.tar.zst
	sysc start web3
	same "three new" "$(inside web3 'echo $(cat /root/file /root/new)')"
	# of one that runs a moment is kept, and goes with the export or with what comes after a killed one
	before=$(volumes)
	sysc export -q -o /tmp/live.tar.zst web3
	same "$before" "$(volumes)"
	sysc import -q --verify /tmp/live.tar.zst
	timeout -s KILL 0.7 sysc export -q -o /tmp/killed.tar.zst web3 || :
	wait_for 30 sh -c '! pgrep -x lvm && ! pgrep -x zfs'
	sysc stop -k web3
	# of zfs what the clone was to stand on goes with the next one
	sysc snapshot create -q web3 next
	sysc snapshot delete -q web3 next
	same "$before" "$(volumes)"
	rm -f /tmp/*.tar.zst
	sysc destroy -f -s web1 web2 web3
	same "" "$(volumes)"
}

refusals() {
	begin
	"${backend}_foreign" web1
	before=$(volumes)
	fails make web1
	contains "$out" "is there already"
	[ ! -e "$store/web1" ]
	make web2
	fails sysc copy web2 web1
	contains "$out" "is there already"
	same "$before$(volumes | sed "s/.*\(web2 \)/\1/")" "$(volumes)"
	# a container that names what has not its mark
	sysc config set web2 rootfs.path "$word/web1"
	contains "$(sysc destroy web2 2>&1)" "is not this container's"
	contains " $(volumes)" " web1 web2 "
	"${backend}_drop" web1
	"${backend}_drop" web2
	same "" "$(volumes)"
	# nothing there of what it asks for
	fails sysc create -q -t busybox -B "$backend" -s "rootfs.options=vg=vg9,zfsroot=tank9/sysc" web1
	contains "$out" "9"
	fails sysc create -q -t busybox -B "$backend" -s "rootfs.options=vg=vg0,thinpool=nopool,zfsroot=tank/no" web1
	contains "$out" "no"
	[ -z "$(ls "$store")" ]
}

killed() {
	begin
	make web1
	sysc snapshot create web1 s1
	for moment in 0.2 0.5 0.9 1.6 2.5; do
		for words in "create -q -t busybox -B $backend --size 100M -s $options web2" "copy -q web1 web2" \
			"snapshot create web1 s2" "snapshot restore web1 s1" "snapshot delete web1 s2" "destroy -s web2"; do
			# shellcheck disable=SC2086 # words on purpose
			timeout -s KILL "$moment" sysc $words >/dev/null 2>&1 || :
		done
		wait_for 30 sh -c '! pgrep -x lvm && ! pgrep -x zfs && ! pgrep mkfs'
		# whole or absent, and the source has lost nothing
		sysc start web1
		same init "$(inside web1 'cat /proc/1/comm')"
		sysc stop -k web1
		[ ! -e "$store/web2" ] || sysc config check web2
	done
	sysc create -q -t busybox web9
	[ ! -e "$store/web2" ] || sysc destroy -s web2
	sysc destroy -s web1
	sysc destroy web9
	same "" "$(volumes)"
	[ -z "$(find "$store" -mindepth 1 -maxdepth 1 ! -name '.lock*')" ]
}

# lvm alone: no pool, one that is full
thick() {
	begin
	sysc create -q -t busybox -B lvm --size 160M -s rootfs.options=vg=vg0 web1
	sysc snapshot create web1 s1
	# not 8G, which is what a volume has when nothing is said
	same "$((160 << 20))" "$(lvs --noheadings --units b --nosuffix -o lv_size vg0/web1+s1 | tr -d ' ')"
	sysc snapshot restore web1 s1
	sysc start web1
	same init "$(inside web1 'cat /proc/1/comm')"
	sysc destroy -f -s web1
	same "" "$(volumes)"
}
full_pool() {
	begin
	make web1
	sysc start web1
	lvcreate -q -y -V 2G --thinpool vg0/pool -n filler vg0
	fails dd if=/dev/zero of=/dev/vg0/filler bs=1M count=900 conv=fsync
	fails make web2
	same "filler web1 " "$(volumes)"
	[ ! -e "$store/web2" ]
	fails inside web1 'dd if=/dev/urandom of=/root/big bs=1M count=100 conv=fsync'
	lvremove -q -f -y vg0/filler
	sysc stop -k web1
	sysc destroy web1
	same "" "$(volumes)"
}
group_away() {
	begin
	make web1
	vgexport -q vg0 2>/dev/null || { vgchange -q -an vg0 && vgexport -q vg0; }
	fails sysc start web1
	contains "$out" vg0
	contains "$(sysc info web1)" STOPPED
	vgimport -q vg0
	# activated by the start
	sysc start web1
	sysc destroy -f web1
	same "" "$(volumes)"
}

before_the_reboot() {
	begin
	make web1 -s boot.autostart=yes
	sysc snapshot create web1 s1
	sysc start web1
	inside web1 'echo kept >/root/file; sync'
}
after_the_reboot() {
	begin
	if [ "$backend" = zfs ]; then zpool list tank || zpool import tank; fi
	same STOPPED "$(info web1 state)"
	sysc start web1
	same kept "$(inside web1 'cat /root/file')"
	sysc stop -k web1
	sysc snapshot restore web1 s1
	sysc start web1
	same "" "$(inside web1 'cat /root/file 2>/dev/null' || :)"
	sysc destroy -f -s web1
	same "" "$(volumes)"
}

cases_of() {
	backend=$1
	run_case life "$backend: a container lives, its size holds, nothing is left"
	run_case sizes "$backend: a size grows while it runs; what cannot shrink is refused"
	run_case copies "$backend: copies stand on their own, whoever goes first"
	run_case snapshots "$backend: snapshots, restored, undone, deleted, pruned"
	run_case another_name "$backend: a renamed one leaves its name; export and import"
	run_case archives "$backend: archives with snapshots, and increments"
	run_case refusals "$backend: what is somebody else's stays, what is missing is named"
	run_case killed "$backend: killed commands leave nothing, the source least"
}

# what a case before a reboot makes is looked at after it
reboot_with() {
	backend=$1
	clean_up() { :; }
	run_case before_the_reboot "$backend: a container runs when the host goes down"
	reboot_machine
}

case $stage in
1)
	cases_of zfs
	[ -z "$(zpool list -H 2>/dev/null || :)" ] || zfs_end
	cases_of lvm
	run_case thick "lvm: volumes without a pool"
	run_case full_pool "lvm: a pool that is full"
	run_case group_away "lvm: a group that is away, a volume that is not active"
	reboot_with lvm
	;;
2)
	backend=lvm
	run_case after_the_reboot "lvm: volumes after a reboot"
	lvm_end
	! modprobe zfs 2>/dev/null || reboot_with zfs
	;;
3)
	backend=zfs
	run_case after_the_reboot "zfs: datasets after a reboot"
	;;
esac
finish
