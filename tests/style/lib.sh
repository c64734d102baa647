# SPDX-License-Identifier: LGPL-2.1-or-later
# shellcheck shell=sh
# What the checks of this folder share: TAP output and the list of the source's files.

cd "${top_srcdir:?run by make check}" || exit 1
number=0

# result STATUS TEXT [EXPLANATION]: one TAP line; the explanation, of any length, as comment lines
result() {
	number=$((number + 1))
	if [ "$1" = 0 ]; then
		echo "ok $number - $2"
	else
		echo "not ok $number - $2"
		printf '%s\n' "${3-}" | sed 's/^/# /'
	fi
}

# finish: the plan
finish() { echo "1..$number"; }

# skip_all WHAT WHY: a skip, or a failure when WHAT is in SYSC_TEST_MUST_RUN
skip_all() {
	case " ${SYSC_TEST_MUST_RUN-} " in
	*" $1 "*) printf '1..1\nnot ok 1 - %s must run: %s\n' "$1" "$2" ;;
	*) echo "1..0 # SKIP $2" ;;
	esac
	exit 0
}

# source_files: what the project wrote, one path a line, without what a build leaves
source_files() {
	if [ -e .git ] && git ls-files --error-unmatch configure.ac >/dev/null 2>&1; then
		git ls-files | while read -r file; do
			[ ! -f "$file" ] || echo "$file"
		done
	else
		find src templates config hooks tests man autogen.sh configure.ac Makefile.am README -type f \
			! -path 'config/build-aux/*' ! -path 'config/m4/*' ! -path '*/.deps/*' ! -path 'tests/cache/*' \
			! -name '*.log' ! -name '*.trs' ! -name '*.o' ! -name '*.a' ! -name .dirstamp ! -name build-tree |
			while read -r file; do
				# programs and archives are not text
				! grep -qI . "$file" || echo "$file"
			done
	fi
}

# shell_scripts: those of source_files that a shell runs
shell_scripts() {
	source_files | while read -r file; do
		case $file in
		*.bats | *.bash | *.sh | *.t) echo "$file" ;;
		*.[ch] | *.mk) ;;
		*) head -n 1 "$file" | grep -aqE '^#! ?/bin/(sh|bash)|^#!/usr/bin/env (sh|bash)' && echo "$file" ;;
		esac
	done
}
