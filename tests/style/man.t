#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
# The manual pages, --help and the list of links against the tables of the program, which "sysc help --tables" prints:
# lines of fields separated by tabs.
set -eu
. "${top_srcdir:?}/tests/style/lib.sh"

sysc=${top_builddir:?}/src/sysc
[ -x "$sysc" ] || skip_all sysc "src/sysc is not built"
tables=$(mktemp) wanted=$(mktemp) found=$(mktemp)
trap 'rm -f "$tables" "$wanted" "$found"' EXIT
"$sysc" help --tables >"$tables"
tab=$(printf '\t')

# rows KIND NAME FIELDS: the fields (cut's list) of the rows of a kind, of one command
rows() { grep "^$1$tab$2$tab" "$tables" | cut -f "$3" || :; }

# compare TEXT: whether $wanted and $found say the same
compare() {
	sort -u -o "$wanted" "$wanted"
	sort -u -o "$found" "$found"
	differing=$(diff "$wanted" "$found" | sed -n 's/^</missing:/p; s/^>/not in the tables:/p') || :
	result "$([ -z "$differing" ] && echo 0 || echo 1)" "$1" "$differing"
}

# page_options PAGE: "LETTER NAME" of each option that an .It line explains
page_options() {
	awk '$1 == ".It" && $2 == "Fl" {
		letter = "-"
		for (i = 3; i <= NF; i++) {
			if ($i == "Fl") continue
			if (length($i) == 1 && $i != ",") letter = $i
			if ($i ~ /^-./) { print letter, substr($i, 2); break }
		}
	}' "$1"
}

# without_common VERB: drops lines "LETTER NAME" of common options, which sysc(1) explains
without_common() {
	rows option "$1" 3,4,5 | sed -n "s/^common$tab//p" | tr '\t' ' ' >"$wanted"
	grep -vxF -f "$wanted" || :
}

verbs=$(grep "^command$tab" "$tables" | grep -v hidden | cut -f 2)
for verb in $verbs; do
	page=man/sysc-$verb.1
	if [ ! -f "$page" ]; then
		result 1 "sysc-$verb has a page" "$page is not there"
		continue
	fi
	page_options "$page" | without_common "$verb" >"$found"
	rows option "$verb" 3,4,5 | sed -n "s/^own$tab//p" | tr '\t' ' ' >"$wanted"
	compare "$page has the options of its table"

	rows option "$verb" 5 >"$wanted"
	"$sysc" "$verb" --help | sed -nE 's/^  (-., |    )--([a-z-]+).*/\2/p' >"$found"
	compare "sysc-$verb --help has the options of its table"
	wide=$("$sysc" "$verb" --help | LC_ALL=C sed 's/…/./g' | awk 'length > 80')
	result "$([ -z "$wide" ] && echo 0 || echo 1)" "sysc-$verb --help is at most 80 columns wide" "$wide"

	if grep -q "^verb$tab$verb$tab" "$tables"; then
		rows verb "$verb" 3 >"$wanted"
		sed -n 's/^\.It Cm \([a-z-]*\)$/\1/p' "$page" >"$found"
		compare "$page has the words of its table"
	fi
done

grep "^option$tab" "$tables" | cut -f 3,5 | sed -n "s/^common$tab//p" >"$wanted"
page_options man/sysc.1 | cut -d ' ' -f 2 >"$found"
compare "man/sysc.1 has the common options"

echo "$verbs" >"$wanted"
awk '/^The verbs are:/ { on = 1 } /^\.El/ { on = 0 } on && $1 == ".It" { print $3 }' man/sysc.1 | grep -xF -f "$wanted" >"$found"
compare "man/sysc.1 lists the commands"

sed -n 's/^SYSC_VERBS += *//p' src/tools/local.mk | tr ' ' '\n' >"$found"
compare "SYSC_VERBS of src/tools/local.mk lists the commands"

grep "^column$tab" "$tables" | cut -f 2 >"$wanted"
awk '/^\.Ss Columns/ { on = 1; next } /^\.S[sh]/ { on = 0 } on && $1 == ".It" { for (i = 2; i <= NF; i++) if ($i != ",") print $i }' \
	man/sysc-ls.1 >"$found"
compare "man/sysc-ls.1 has the columns"

grep "^key$tab" "$tables" | cut -f 2,3 | tr '\t' ' ' | sed 's/\*$/NAME/' >"$wanted"
awk '/^\.Ss Section/ { section = $3; sub(/\.IFNAME$/, "", section); next } /^\.S[sh]/ { section = "" }
	section && $1 == ".It" { print section, $3 }' man/sysc.container.5 >"$found"
compare "man/sysc.container.5 has the configuration keys"

grep "^key$tab" "$tables" | awk -F '\t' '$5 == "later" { print $2, $3 }' >"$wanted"
awk '/^\.Ss Section/ { section = $3; sub(/\.IFNAME$/, "", section); next } /^\.S[sh]/ { section = "" }
	section && $1 == ".It" { key = $3 } section && /^\.Em Not supported yet/ { print section, key }' man/sysc.container.5 >"$found"
compare "man/sysc.container.5 tells which keys are not supported yet"

grep "^key$tab" "$tables" | awk -F '\t' '$5 == "now" && $6 == "live" { print $2, $3 }' >"$wanted"
awk '/^\.Ss Section/ { section = $3; sub(/\.IFNAME$/, "", section); next } /^\.S[sh]/ { section = "" }
	section && $1 == ".It" { key = $3 } section && /^\.Em Live/ { print section, key }' man/sysc.container.5 >"$found"
compare "man/sysc.container.5 tells which keys are live"

grep "^key$tab" "$tables" | awk -F '\t' '$5 == "now" && $7 != "-" { print $2, $3, $7 }' >"$wanted"
awk '/^\.Ss Section/ { section = $3; sub(/\.IFNAME$/, "", section); next } /^\.S[sh]/ { section = "" }
	section && $1 == ".It" { key = $3 } section && /^\.Li / { print section, key, $2 }' man/sysc.container.5 >"$found"
compare "man/sysc.container.5 has the defaults"

grep "^lxc$tab" "$tables" | cut -f 2,3,4 >"$wanted"
awk -v OFS='\t' 'key { sub(/,$/, "", $1); print key, (NF > 1 ? $NF : "-"), $1; key = "" } $1 == ".It" && $2 ~ /^lxc[.]/ { key = $2 }' \
	man/sysc-config.1 >"$found"
compare "man/sysc-config.1 has the keys of LXC"

broken=$(grep -hE '^\.Xr sysc' man/*.[1-9] | awk '{ print "man/" $2 "." $3 }' | sort -u | while read -r page; do
	[ -f "$page" ] || echo "$page"
done)
result "$([ -z "$broken" ] && echo 0 || echo 1)" "pages that are referred to are there" "$broken"

listed=$(for page in man/*.[1-9]; do
	grep -qw "${page##*/}" man/local.mk || echo "$page"
done)
result "$([ -z "$listed" ] && echo 0 || echo 1)" "man/local.mk lists the pages" "$listed"

if command -v mandoc >/dev/null; then
	# pages of sysc that are not installed on this host are not found by mandoc; the check above looks for them
	complaints=$(for page in man/*.[1-9]; do
		mandoc -T lint "$page" 2>&1 | grep -vE 'referenced manual not found|outdated mandoc.db' || :
	done)
	result "$([ -z "$complaints" ] && echo 0 || echo 1)" "mandoc finds nothing to complain about" "$complaints"
else
	case " ${SYSC_TEST_MUST_RUN-} " in
	*" mandoc "*) result 1 "mandoc must run, and is not installed" ;;
	*) result 0 "mandoc finds nothing to complain about # SKIP mandoc is not installed" ;;
	esac
fi
finish
