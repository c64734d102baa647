# SPDX-License-Identifier: LGPL-2.1-or-later
"""A person at a terminal: runs a command on a pty of its own and does, one after the other, what its words say.

    terminal.py [expect=REGEX | send=TEXT | paste=FILE | run=COMMAND | size=ROWSxCOLUMNS | hangup]... -- COMMAND...

expect waits (at most 20 seconds) until REGEX is in what was printed since the last match; send types TEXT, in which \\r,
\\x01 and their like stand for bytes; paste types what FILE has; run runs another COMMAND elsewhere, by sh, to its end;
hangup closes the terminal. All that was printed goes to standard output. The exit code is the command's, 128+N for signal N, and 99 when an expectation was not met.
"""
import codecs, fcntl, os, pty, re, select, signal, struct, subprocess, sys, termios, time

LIMIT = 20


def size(fd, text):
    rows, columns = map(int, text.split("x"))
    fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def read(fd, until):
    """The next bytes; b"" at the end or when time is over."""
    if not select.select([fd], [], [], max(0, until - time.monotonic()))[0]:
        return None
    try:
        return os.read(fd, 65536)
    except OSError:  # EIO: nobody has the terminal open any more
        return b""


def expect(fd, pattern, seen, printed):
    until = time.monotonic() + LIMIT
    while True:
        match = re.search(pattern.encode(), seen)
        if match:
            return seen[match.end():]
        data = read(fd, until)
        if not data:
            sys.stderr.write("terminal: %r did not come\n" % pattern)
            return None
        printed.write(data)
        printed.flush()
        seen += data


def paste(fd, data, printed):
    """Types all of it, reading meanwhile: whoever types and does not look blocks what he types at."""
    seen = b""
    while data:
        readable, writable, _ = select.select([fd], [fd], [], LIMIT)
        if readable:
            piece = os.read(fd, 65536)
            printed.write(piece)
            seen += piece
        if writable:
            data = data[os.write(fd, data[:2048]):]
        if not readable and not writable:
            return None
    return seen


def run(command):
    try:
        done = subprocess.run(["sh", "-c", command], stdin=subprocess.DEVNULL, timeout=LIMIT).returncode == 0
    except subprocess.TimeoutExpired:
        done = False
    if not done:
        sys.stderr.write("terminal: %r failed\n" % command)
    return done


def main():
    words = sys.argv[1:]
    split = words.index("--")
    steps, command = words[:split], words[split + 1:]
    if steps and steps[0].startswith("size="):
        first = steps.pop(0)[5:]
    else:
        first = "24x80"
    pid, fd = pty.fork()
    if pid == 0:
        size(0, first)
        os.execvp(command[0], command)
    printed, seen, failed = sys.stdout.buffer, b"", False
    for step in steps:
        word, _, value = step.partition("=")
        if word == "send":
            os.write(fd, codecs.decode(value, "unicode_escape").encode("latin-1"))
        elif word == "paste":
            with open(value, "rb") as file:
                seen = paste(fd, file.read(), printed)
        elif word == "run":
            if not run(value):
                seen = None
        elif word == "size":
            size(fd, value)
        elif word == "hangup":
            os.close(fd)
            fd = -1
        elif word == "expect":
            seen = expect(fd, value, seen, printed)
        if seen is None:
            failed = True
            os.kill(pid, signal.SIGKILL)
            break
    until = time.monotonic() + LIMIT
    while fd >= 0 and not failed:
        data = read(fd, until)
        if data is None:
            failed = True
            sys.stderr.write("terminal: the command does not end\n")
            os.kill(pid, signal.SIGKILL)
        if not data:
            break
        printed.write(data)
    printed.flush()
    status = os.waitpid(pid, 0)[1]
    if failed:
        return 99
    return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


sys.exit(main())
