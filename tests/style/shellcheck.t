#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Runs shellcheck over every script; of bats files only warnings and worse.
set -eu
. "${top_srcdir:?}/tests/style/lib.sh"
command -v shellcheck >/dev/null || skip_all shellcheck "shellcheck is not installed"

for script in $(shell_scripts); do
	severity=style
	skip=SC1090,SC1091 # what is sourced is checked as a file of its own
	case $script in *.bats) severity=warning skip=$skip,SC2034,SC2154 ;; esac # load sets and reads variables
	if why=$(shellcheck -S "$severity" -e "$skip" -f gcc "$script" 2>&1); then
		result 0 "$script"
	else
		result 1 "$script" "$why"
	fi
done
finish
