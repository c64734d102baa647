#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every C file is as clang-format 14 writes it (other versions differ in details).
set -eu
. "${top_srcdir:?}/tests/style/lib.sh"

program=
for candidate in clang-format-14 clang-format; do
	if [ -z "$program" ] && "$candidate" --version 2>/dev/null | grep -q 'version 14\.'; then
		program=$candidate
	fi
done
[ -n "$program" ] || skip_all clang-format "clang-format 14 is not installed"
[ -f .clang-format ] || skip_all clang-format "no .clang-format here"

for file in $(source_files | grep '\.[ch]$'); do
	if why=$("$program" --dry-run -Werror "$file" 2>&1); then
		result 0 "$file"
	else
		result 1 "$file" "$(printf '%s\n' "$why" | head -n 12)"
	fi
done
finish
