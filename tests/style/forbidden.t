#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Functions that are never called here, files that C code never closes over exec, and words that belong to one machine.
set -eu
. "${top_srcdir:?}/tests/style/lib.sh"

never="strcpy strcat sprintf vsprintf gets strtok atoi atol atoll atof sscanf strncpy strncat alloca system popen tmpnam
	tempnam mktemp access signal vfork getenv usleep sleep rand srand setjmp longjmp"

# code FILE...: FILE:LINE:text without comments, strings and character constants
code() {
	awk 'FNR == 1 { inside = 0 }
	{
		out = ""; s = $0
		while (s != "") {
			if (inside) {
				if (!(i = index(s, "*/"))) break
				s = substr(s, i + 2); inside = 0
			} else if (match(s, /\/\*|\/\/|"(\\.|[^"\\])*"|\x27(\\.|[^\x27\\])*\x27/)) {
				token = substr(s, RSTART, 2)
				out = out substr(s, 1, RSTART - 1) " "
				s = substr(s, RSTART + RLENGTH)
				if (token == "/*") inside = 1
				else if (token == "//") break
			} else { out = out s; break }
		}
		print FILENAME ":" FNR ":" out
	}' "$@"
}

c_files=$(source_files | grep '\.[ch]$')
# shellcheck disable=SC2086 # one word per file
text=$(code $c_files)
for word in $never; do
	bad=$(printf '%s\n' "$text" | grep -E "^[^:]*:[0-9]*:(.*[^A-Za-z0-9_.>])?$word *\(" || :)
	result "$([ -z "$bad" ] && echo 0 || echo 1)" "$word is not called" "$bad"
done

# open and friends on one line without O_CLOEXEC (flags that a variable holds are not seen here)
bad=$(printf '%s\n' "$text" | grep -E '[^a-z_](open|openat) *\(.*O_(RDONLY|WRONLY|RDWR|PATH)[^;]*;' | grep -v O_CLOEXEC |
	grep '^src/' || :)
result "$([ -z "$bad" ] && echo 0 || echo 1)" "files are opened with O_CLOEXEC" "$bad"

# "clean" has the files in which nothing of one machine may stand
clean=$(source_files | grep -v '^COPYING$')
# absent SOMETHING TEXT...: none of the fixed strings is in any file
absent() {
	what=$1
	shift
	bad=
	for string; do
		# shellcheck disable=SC2086
		bad=$bad$(grep -nF -- "$string" $clean /dev/null || :)
	done
	result "$([ -z "$bad" ] && echo 0 || echo 1)" "$what" "$bad"
}
here=$(pwd)
case $here in
/*/*) absent "no path of this machine" "$here/" "$(dirname "$here")/shared/" ;;
esac

# the hosts that this machine fetches packages from
hosts=$(
	cat /etc/apt/sources.list /etc/apt/sources.list.d/* /etc/apt/apt.conf.d/* 2>/dev/null |
		sed -nE 's/^[^#]*https?:\/\/([^/ :"]+).*/\1/p'
	! command -v npm >/dev/null || npm config get registry 2>/dev/null | sed -nE 's/^https?:\/\/([^/:]+).*/\1/p'
	:
)
hosts=$(printf '%s\n' "$hosts" | sort -u)
# shellcheck disable=SC2086 # one word per host
absent "no server that this machine fetches packages from" $hosts
finish
