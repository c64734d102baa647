# SPDX-License-Identifier: LGPL-2.1-or-later
"""An archive of sysc-export with another content: forge.py FROM PYTHON writes forged.tar.

PYTHON changes members, a list of pairs (header, content or None), by what stands below.
"""
import hashlib, io, sys, tarfile

source = tarfile.open(sys.argv[1], ignore_zeros=True)  # one part behind the other
members = [(m, source.extractfile(m).read() if m.isreg() else None) for m in source]


def item(name, kind=tarfile.REGTYPE, link="", data=b""):
    """A member."""
    m = tarfile.TarInfo(name)
    m.type, m.linkname, m.size = kind, link, len(data)
    return (m, data if kind == tarfile.REGTYPE else None)


def head():
    """The lines of the manifest, without its digest."""
    return members[0][1].decode().split("manifest-sha256")[0].splitlines()


def set_head(lines):
    members[0] = item(members[0][0].name, data=("\n".join(lines) + "\n").encode())


def replace_heads(old, new):
    """In the manifest of each part, whose digests are right then."""
    for i, (m, data) in enumerate(members):
        if m.name == "sysc-manifest":
            data = data.replace(old.encode(), new.encode()).split(b"manifest-sha256")[0]
            data += b"manifest-sha256 %s\n" % hashlib.sha256(data).hexdigest().encode()
            m.size = len(data)
            members[i] = (m, data)


def lines():
    """Those of the list, without its end."""
    return members[-1][1].decode().splitlines()[:-1]


def seal(lines):
    """Makes them a whole list."""
    counted = "".join(l.split(" ", 1)[1] + "\n" for l in lines)
    text = "".join(l + "\n" for l in lines) + f"end {len(lines)} {hashlib.sha256(counted.encode()).hexdigest()}\n"
    members[-1] = item("sysc-list", data=text.encode())


exec(sys.argv[2])
out = tarfile.open("forged.tar", "w", format=tarfile.PAX_FORMAT)
for m, data in members:
    out.addfile(m, io.BytesIO(data) if data is not None else None)
out.close()
