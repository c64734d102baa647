#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Inside the virtual machine: what a kernel of a distribution has and a bare one may lack: project quotas, thin volumes,
# overlays by the older forms of mounting.
# shellcheck disable=SC2016,SC2154 # what runs inside is quoted; lib.sh sets store
# shellcheck source=lib.sh
. /job/lib.sh

scratch=/dev/disk/by-id/virtio-scratch

inside() { sysc attach "$1" -- sh -c "$2"; }
clean_up() {
	for config in "${store:?}"/*/config; do
		[ ! -e "$config" ] || sysc destroy -q -f "$(basename "$(dirname "$config")")" >/dev/null 2>&1
	done
	umount "$store" 2>/dev/null || :
	if [ -e /dev/vg0 ] || vgs vg0 >/dev/null 2>&1; then
		vgremove -q -f -y vg0 >/dev/null 2>&1
		pvremove -q -f -y "$scratch" >/dev/null 2>&1
	fi
	wipefs -qa "$scratch" 2>/dev/null || :
}
# on_disk OPTIONS MKFS...: the store on a file system of its own
on_disk() {
	options=$1
	shift
	"$@" "$scratch" >/dev/null 2>&1
	mount -o "$options" "$scratch" "$store"
}
lives() {
	sysc start "$1"
	same init "$(inside "$1" 'cat /proc/1/comm')"
	same 1 "$(inside "$1" 'grep -c " / / " /proc/self/mountinfo' || :)"
	inside "$1" 'echo written >/root/file; mkdir -p /srv/a; chown 5:6 /srv/a; rm /etc/shells; mv /etc/profile /etc/moved'
	sysc stop -k "$1"
	sysc start "$1"
	same "written 5:6" "$(inside "$1" 'echo $(cat /root/file; stat -c %u:%g /srv/a)')"
	sysc stop -k "$1"
}
# holds NAME MEGABYTES: no more than that can be written
holds() {
	sysc start "$1"
	code=0
	inside "$1" "dd if=/dev/zero of=/root/big bs=1M count=$(($2 + 20)) 2>&1" || code=$?
	[ "$code" != 0 ]
	size=$(inside "$1" 'du -m /root/big | cut -f 1')
	[ "$size" -le "$2" ] && [ "$size" -ge $(($2 / 2)) ]
	inside "$1" 'rm /root/big; echo small >/root/small'
	sysc stop -k "$1"
}

overlay_lives() {
	sysc create -q -t busybox -B overlay web1
	lives web1
	same 5:6 "$(stat -c %u:%g "$store/web1/delta/upper/srv/a")"
	[ -e "$store/web1/rootfs/etc/shells" ] && [ ! -e "$store/web1/rootfs/root/file" ]
	sysc destroy web1
}

quota_of() {
	for backend in dir overlay; do
		sysc create -q -t busybox -B $backend --size 40M web1
		holds web1 40
		# a smaller limit counts at the next start, none at the one after it
		sysc config set web1 rootfs.size 20M
		holds web1 20
		sysc config unset web1 rootfs.size
		sysc start web1
		inside web1 'dd if=/dev/zero of=/root/big bs=1M count=60 2>/dev/null'
		sysc stop -k web1
		sysc destroy web1
	done
	# two containers have a limit each
	sysc create -q -t busybox --size 30M web1
	sysc create -q -t busybox --size 30M web2
	holds web1 30
	holds web2 30
	same 2 "$(lsattr -pd "$store"/web?/rootfs | awk '{ print $1 }' | sort -u | wc -l)"
	# one that was made without is not limited afterwards
	sysc create -q -t busybox web3
	sysc config set web3 rootfs.size 30M
	code=0
	out=$(sysc start web3 2>&1) || code=$?
	same 1 "$code"
	contains "$out" "was filled without a limit"
}
ext4_quota_holds() {
	on_disk prjquota mkfs.ext4 -q -F -O project,quota
	quota_of
}
xfs_quota_holds() {
	on_disk prjquota mkfs.xfs -q -f
	quota_of
}
without_quota_it_is_refused() {
	on_disk defaults mkfs.xfs -q -f
	code=0
	out=$(sysc create -q -t busybox --size 30M web1 2>&1) || code=$?
	same 1 "$code"
	contains "$out" "would not hold"
	[ ! -e "$store/web1" ]
}

thin='rootfs.options=vg=vg0,thinpool=pool'
make_group() {
	pvcreate -q -f -y "$scratch" >/dev/null
	vgcreate -q vg0 "$scratch" >/dev/null
	lvcreate -q -y --type thin-pool -L 600M -n pool vg0 >/dev/null
}
volumes() { lvs --noheadings -o lv_name vg0 | tr -d ' ' | grep -v '^pool$' | tr '\n' ' ' || :; }
lvm_lives() {
	make_group
	for options in "$thin" rootfs.options=vg=vg0; do
		sysc create -q -t busybox -B lvm --size 200M -s "$options" web1
		same "web1 " "$(volumes)"
		lives web1
		holds web1 200
		sysc destroy web1
		same "" "$(volumes)"
	done
}
lvm_touches_nothing_else() {
	make_group
	lvcreate -q -y -L 40M -n web1 vg0 >/dev/null
	code=0
	out=$(sysc create -q -t busybox -B lvm --size 200M -s "$thin" web1 2>&1) || code=$?
	same 1 "$code"
	contains "$out" "is there already"
	same "web1 " "$(volumes)"
	[ ! -e "$store/web1" ]
	# a container that names it, whose mark it has not
	sysc create -q -t busybox -B lvm --size 200M -s "$thin" web2
	sysc config set web2 rootfs.path lvm:vg0/web1
	out=$(sysc destroy web2 2>&1)
	contains "$out" "is not this container's"
	same "web1 web2 " "$(volumes)"
	lvremove -q -f -y vg0/web1 vg0/web2 >/dev/null
}
lvm_killed_create() {
	make_group
	for moment in 0.2 0.6 1.0 1.5 2.2 3; do
		timeout -s KILL "$moment" sysc create -q -t busybox -B lvm --size 200M -s "$thin" web1 >/dev/null 2>&1 || :
		wait_for 20 sh -c '! pgrep -x lvm && ! pgrep mkfs'
		[ ! -e "$store/web1" ] || sysc destroy web1
		sysc create -q -t busybox web9
		sysc destroy web9
		same "" "$(volumes)"
	done
}

run_case overlay_lives "an overlay in a user namespace"
run_case ext4_quota_holds "a project quota of ext4 holds, for dir and overlay"
run_case xfs_quota_holds "a project quota of xfs holds, for dir and overlay"
run_case without_quota_it_is_refused "without project quotas a limit is refused"
run_case lvm_lives "lvm: thin and thick volumes, their size holds"
run_case lvm_touches_nothing_else "lvm: a volume of somebody else stays"
run_case lvm_killed_create "lvm: what a killed create leaves is removed"
finish
