libsysc_a_SOURCES += \
	src/storage/attributes.c src/storage/attributes.h \
	src/storage/backend.h \
	src/storage/block.c src/storage/block.h src/storage/block_size.c src/storage/block_size.h \
	src/storage/btrfs.c \
	src/storage/children.c \
	src/storage/copy.c src/storage/copy.h \
	src/storage/copy_count.c src/storage/copy_count.h \
	src/storage/copy_entry.c src/storage/copy_parts.h \
	src/storage/copy_file.c src/storage/copy_file.h \
	src/storage/copy_links.c src/storage/copy_links.h \
	src/storage/copy_seen.c src/storage/copy_seen.h \
	src/storage/diff.c src/storage/diff.h \
	src/storage/dir.c \
	src/storage/duplicate.c \
	src/storage/fold.c src/storage/fold.h \
	src/storage/identity.c src/storage/identity.h src/storage/identity_tree.c \
	src/storage/inodes.c src/storage/inodes.h \
	src/storage/live.c \
	src/storage/loop.c src/storage/loop.h src/storage/loop_size.c \
	src/storage/lvm.c \
	src/storage/manifest.c src/storage/manifest.h \
	src/storage/manifest_list.c src/storage/manifest_list.h \
	src/storage/overlay.c \
	src/storage/own.c src/storage/own.h \
	src/storage/quota.c src/storage/quota.h \
	src/storage/relocate.c src/storage/relocate.h \
	src/storage/remove.c src/storage/remove.h \
	src/storage/shift.c \
	src/storage/snapshot.c src/storage/snapshot.h \
	src/storage/snapshot_config.c src/storage/snapshot_end.c \
	src/storage/snapshot_fold.c src/storage/snapshot_layers.c src/storage/snapshot_make.c \
	src/storage/snapshot_parts.h src/storage/snapshot_paths.c \
	src/storage/snapshot_restore.c \
	src/storage/snapshot_spots.c src/storage/snapshot_spots.h \
	src/storage/storage.c src/storage/storage.h \
	src/storage/subvolume.c src/storage/subvolume.h \
	src/storage/sweep.c src/storage/sweep.h \
	src/storage/unstarted.c src/storage/unstarted.h \
	src/storage/volume.c src/storage/volume.h \
	src/storage/walk.c src/storage/walk.h \
	src/storage/work.c src/storage/work.h \
	src/storage/zfs.c
