#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The AppArmor profiles are taken by the real parser, and have the names that the program asks for.
set -eu
. "${top_srcdir:?}/tests/style/lib.sh"
command -v apparmor_parser >/dev/null || skip_all apparmor "apparmor_parser is not installed"

file=config/apparmor/sysc-container
# parse [OPTION]: without the kernel and its cache
parse() { apparmor_parser "$@" -Q -T -K -I config/apparmor "$file"; }

if why=$(parse 2>&1); then
	result 0 "$file is a policy"
else
	result 1 "$file is a policy" "$why"
fi
if wanted=$(sed -n 's/^#define PROFILE_[A-Z]* *"\(sysc-.*\)"$/\1/p' src/security/lsm.c | sort -u) && [ -n "$wanted" ] &&
	there=$(parse -N 2>/dev/null | sort) && [ "$wanted" = "$there" ]; then
	result 0 "its profiles are those of src/security/lsm.c"
else
	result 1 "its profiles are those of src/security/lsm.c" "$wanted
but there are: $there"
fi
finish
