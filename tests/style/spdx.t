#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every source file names its licence: C in the first line, scripts and build files in the first three.
set -eu
. "${top_srcdir:?}/tests/style/lib.sh"

licence='SPDX-License-Identifier: LGPL-2.1-or-later'
bad=$(
	source_files | grep '\.[ch]$' | while read -r file; do
		[ "$(head -n 1 "$file")" = "/* $licence */" ] || echo "$file"
	done
)
result "$([ -z "$bad" ] && echo 0 || echo 1)" "C files" "$bad"
bad=$(
	{ shell_scripts; echo configure.ac; echo Makefile.am; } | while read -r file; do
		head -n 3 "$file" | grep -qF "$licence" || echo "$file"
	done
)
result "$([ -z "$bad" ] && echo 0 || echo 1)" "scripts and build files" "$bad"
finish
