#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# Assertions of the tests that could not fail. "set -e" does not see what fails behind "!", or in front of the last "&&"
# of a list, unless the function ends there and its caller sees it; and what "run" ran is nobody's failure when nothing
# looks at its status, its output or what it did.
set -eu
. "${top_srcdir:?}/tests/style/lib.sh"

# unseen FILE...: FILE:LINE: TEXT of each
unseen() {
	awk -v quote="'" '
		# of a line what is a word of the shell, without what is quoted or a test
		function bare(text) {
			gsub(/\\./, "", text)
			gsub(quote "[^" quote "]*" quote, "Q", text)
			while (gsub(/\$\([^()]*\)/, "C", text)) continue
			gsub(/"[^"]*"/, "Q", text)
			gsub(/\[\[ ([^]]|\][^]])*\]\]/, "T", text)
			gsub(/\(\(([^)]|\)[^)])*\)\)/, "T", text)
			return text
		}
		function tell(number, text) { print FILENAME ":" number ": " text }
		# pending: seen by nobody unless this is the end of the function
		function see(number, text,   words) {
			if (text == "" || text ~ /^#/) return
			if (pending && text !~ /^}/) tell(pending, pending_text)
			pending = 0
			words = bare(text)
			if (ran && text ~ /status|output|lines|stderr/) ran = 0
			if (ran && (text ~ /^run / || $0 ~ /^}/)) { tell(ran, ran_text); ran = 0 }
			if (text ~ /^run / && text !~ /^run (! |-[0-9])/) { ran = number; ran_text = text }
			if (text ~ /\|\| \{ (\[|\(\().*&&/ && text !~ /\|\| \{[^&]*&& return 1/) tell(number, text)
			if (words ~ /\|\|/ || words ~ /;;$/) return
			if (text ~ /^! / || (text ~ /^(\[\[?|\(\(|test) ?/ && words ~ /&&/ &&
			    words !~ /&& (continue|return|break|exit|skip|[a-z_]+=)/)) {
				pending = number
				pending_text = text
			}
		}
		FNR == 1 { end = ""; joined = ""; pending = ran = 0 }
		{
			line = $0
			if (end != "") {
				sub(/^\t+/, "", line)
				if (line == end) end = ""
				next
			}
			sub(/^[ \t]+/, "", line)
			if (joined == "") first = FNR
			if (line ~ /\\$/) { joined = joined substr(line, 1, length(line) - 1); next }
			line = joined line
			joined = ""
			see(first, line)
			if (line !~ /<<</ && match(line, /<<-?["\047]?[A-Z]+/)) {
				end = substr(line, RSTART, RLENGTH)
				gsub(/[^A-Z]/, "", end)
			}
		}' "$@"
}

# it sees them
sample=$(mktemp)
trap 'rm -f "$sample"' EXIT
cat >"$sample" <<-'END'
	@test "a" {
		! grep -q x file
		[[ a == b ]] && [[ -e c ]]
		[ a = b ] && [ "$(sed 's/a && b//' x)" = b ]
		(( a == b )) && [[ c == \
			d ]]
		run sysc a
		run sysc b
		[ "$status" = 0 ]
		run sysc c
	}
	braces() {
		[[ -e c ]] || { [[ a == b ]] && sysc d; }
		[[ -e c ]] || { echo c && return 1; }
		true
	}
	good() {
		! grep -q x file || return 1
		[[ a == b && c == d ]]
		[[ a == b ]] && continue
		[[ $a == b ]] && a=c
		((status == 1)) && [[ a == b ]]
	}
	last() {
		run ! sysc a
		cat <<-TEXT
			! grep
		TEXT
		! grep -q x file
	}
END
found=$(unseen "$sample" | sed 's/.*:\([0-9]*\): .*/\1/' | tr '\n' ' ')
result "$([ "$found" = '2 3 4 5 7 10 13 ' ] && echo 0 || echo 1)" "what cannot fail is found" "lines: $found"

for file in $(source_files | grep -E '^tests/(root|cli|lib)/.*\.(bats|bash)$'); do
	bad=$(unseen "$file")
	result "$([ -z "$bad" ] && echo 0 || echo 1)" "$file: every assertion can fail" "$bad"
done
finish
