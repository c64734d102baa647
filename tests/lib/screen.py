# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a terminal shows of the bytes on standard input.

    screen.py shown|drawn COLUMNS

shown prints what stands on the screen at the end; drawn each line that was written over or erased again. The exit code is
1 when one of those fills the width, where some terminals begin a new line, or when there is a control character other
than carriage return, newline and "erase the rest of the line" (ECMA-48, EL).
"""
import re, sys


def main():
    what, columns = sys.argv[1], int(sys.argv[2])
    done, line, at, drawn, wrong = [], "", 0, [], []
    text = sys.stdin.buffer.read().decode("utf-8", "replace")
    for token in re.findall(r"\r\n|\x1b\[K|[^\x00-\x1f\x7f-\x9f]+|.", text, re.DOTALL):
        if token in ("\r\n", "\n"):
            done.append(line)
            line, at = "", 0
        elif token == "\r":
            if line and (not drawn or drawn[-1] != line):
                drawn.append(line)
            at = 0
        elif token == "\x1b[K":
            if line and not line[:at] and (not drawn or drawn[-1] != line):
                drawn.append(line)
            line = line[:at]
        elif token.isprintable():
            line = line[:at] + token + line[at + len(token):]
            at += len(token)
        else:
            wrong.append("a control character: %r" % token)
    wrong += ["as wide as the screen: %r" % one for one in drawn if len(one) >= columns]
    done.append(line)
    print("\n".join(drawn if what == "drawn" else done).rstrip("\n"))
    for one in wrong:
        print("screen: " + one, file=sys.stderr)
    return 1 if wrong else 0


sys.exit(main())
