#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""tree.py FOLDER [PATH-LEFT-OUT...]: a line for each entry below FOLDER and for itself, with all that a file system keeps
of it but for what no copy can have (inode, ctime, size of folders, blocks). Two trees are the same when the lines are.
Sockets are left out. Files with holes are digested by what they have, so terabytes of nothing take no time."""
import errno
import hashlib
import os
import stat
import sys


def shown(name):
    return "".join(chr(c) if 32 < c < 127 and c != 92 else "\\x%02x" % c for c in name)


def content(path, size):
    digest, end = hashlib.sha256(), 0
    with open(path, "rb", buffering=0) as file:
        while end < size:
            try:
                at = os.lseek(file.fileno(), end, os.SEEK_DATA)
            except OSError as error:
                if error.errno != errno.ENXIO:
                    raise
                break
            end = os.lseek(file.fileno(), at, os.SEEK_HOLE)
            os.lseek(file.fileno(), at, os.SEEK_SET)
            while at < end:
                block = file.read(min(end - at, 4096 - at % 4096))
                # zeros that are written are as good as a hole
                if block.strip(b"\0"):
                    digest.update(b"%d " % at + block.rstrip(b"\0"))
                at += len(block)
    return digest.hexdigest()


def describe(path, name, first):
    st = os.lstat(path)
    words = [shown(name), oct(st.st_mode), "%d:%d" % (st.st_uid, st.st_gid), str(st.st_mtime_ns)]
    kind = stat.S_IFMT(st.st_mode)
    if kind == stat.S_IFSOCK:
        return None
    if kind != stat.S_IFDIR:
        words.append("size=%d" % st.st_size)
        words.append("same-as=" + shown(first.setdefault((st.st_dev, st.st_ino), name)))
    if kind == stat.S_IFLNK:
        words.append("to=" + shown(os.readlink(path)))
    if kind in (stat.S_IFCHR, stat.S_IFBLK):
        words.append("device=%d:%d" % (os.major(st.st_rdev), os.minor(st.st_rdev)))
    if kind == stat.S_IFREG:
        words.append(content(path, st.st_size))
        if st.st_size > 1 << 20 and st.st_blocks * 512 < st.st_size // 2:
            words.append("sparse")
    for attribute in sorted(os.listxattr(path, follow_symlinks=False)):
        value = os.getxattr(path, attribute, follow_symlinks=False)
        words.append("%s=%s" % (attribute, value.hex()))
    return " ".join(words)


def main():
    root, left_out, first = os.fsencode(sys.argv[1]), {os.fsencode(a) for a in sys.argv[2:]}, {}
    os.chdir(root)
    lines = []
    waiting = [b"."]
    while waiting:
        folder = waiting.pop()
        if folder == b".":
            lines.append(describe(b".", b".", first))
        for entry in sorted(os.listdir(folder)):
            name = entry if folder == b"." else folder + b"/" + entry
            if name in left_out:
                continue
            lines.append(describe(name, name, first))
            if stat.S_ISDIR(os.lstat(name).st_mode):
                waiting.append(name)
    print("\n".join(line for line in lines if line))


main()
