#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# A folder of src/ includes only itself and folders of lower rank, always by "folder/file.h".
set -eu
. "${top_srcdir:?}/tests/style/lib.sh"
cd src

ranks="base:0 container:1 cgroup:2 network:2 security:2 storage:2 runtime:3 monitor:4 tools:5 helpers:5"

for folder in *; do
	[ -d "$folder" ] || continue
	[ -n "$(find "$folder" -name '*.[ch]')" ] || continue
	bad=$(grep -rHn --include='*.[ch]' -o '^[[:space:]]*#[[:space:]]*include[[:space:]]*"[^"]*"' "$folder" | awk -F'[:"]' -v ranks="$ranks" '
		BEGIN { n = split(ranks, a, " "); for (i = 1; i <= n; i++) { split(a[i], p, ":"); rank[p[1]] = p[2] } }
		{
			split($1, from, "/"); split($4, to, "/")
			if (!(from[1] in rank)) print $1 ": folder without a rank"
			else if (!(to[1] in rank)) print $1 ":" $2 " includes " $4 ": name the folder"
			else if (to[1] != from[1] && rank[to[1]] >= rank[from[1]])
				print $1 ":" $2 " includes " $4 " (upwards or sideways)"
		}')
	result "$([ -z "$bad" ] && echo 0 || echo 1)" "include directions of $folder" "$bad"
done
finish
