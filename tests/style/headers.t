#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Every header compiles alone, and twice in one file.
set -eu
. "${top_srcdir:?}/tests/style/lib.sh"

headers=$(source_files | grep '^src/.*\.h$')
for header in $headers; do
	# shellcheck disable=SC2086 # CPPFLAGS has several words
	if why=$(printf '#include "%s"\n#include "%s"\n' "${header#src/}" "${header#src/}" |
		${CC:-cc} -std=gnu17 -D_GNU_SOURCE -Wall -Wextra -Werror -fsyntax-only -Isrc ${CPPFLAGS-} -x c - 2>&1); then
		result 0 "$header compiles alone"
	else
		result 1 "$header compiles alone" "$why"
	fi
done
finish
