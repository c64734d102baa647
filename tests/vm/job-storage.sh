#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Inside the virtual machine: what a kernel of a distribution has and a bare one may lack: project quotas,
# overlays by the older forms of mounting. Volumes are in job-volumes.sh.
# shellcheck disable=SC2016,SC2154 # what runs inside is quoted; lib.sh sets store
# shellcheck source=lib.sh
. /job/lib.sh

scratch=/dev/disk/by-id/virtio-scratch

inside() { sysc attach "$1" -- sh -c "$2"; }
info() { sysc info --json "$1" | jq -r ".containers[0].$2"; }
clean_up() {
	for config in "${store:?}"/*/config; do
		[ ! -e "$config" ] || sysc destroy -q -f "$(basename "$(dirname "$config")")" >/dev/null 2>&1
	done
	umount "$store" 2>/dev/null || :
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
		# a smaller limit counts at once, also while it runs; and so does none
		sysc config set web1 rootfs.size 20M
		holds web1 20
		same "$((20 << 20))" "$(info web1 storage.size)"
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
	# one that was made without is not limited afterwards, and keeps its configuration
	sysc create -q -t busybox web3
	code=0
	out=$(sysc config set web3 rootfs.size 30M 2>&1) || code=$?
	same 1 "$code"
	contains "$out" "was filled without a limit"
	same none "$(sysc config get web3 rootfs.size)"
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

run_case overlay_lives "an overlay in a user namespace"
run_case ext4_quota_holds "a project quota of ext4 holds, for dir and overlay"
run_case xfs_quota_holds "a project quota of xfs holds, for dir and overlay"
run_case without_quota_it_is_refused "without project quotas a limit is refused"
finish
