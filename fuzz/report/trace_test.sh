#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# trace_test.sh FOLIOFUZZ SOURCE_DIR - the page of `replay --trace html` in a real browser, headless, and the file for Perfetto:
# columns, filter, steps, and that nothing is fetched. Prints TAP; without chromium the browser's part is left out.
set -u

foliofuzz=$(realpath "$1")
program=$(realpath "$2")/corpus/bugs/partially-mapped-nonatomic/min.prog
. "$(realpath "$2")/scripts/tap.sh"
cd "$work" || exit 1

# browse PAGE HASH: the page as it is when its script has run, in `dom`; what went over the network in `net`.
browse()
{
	timeout 120 chromium --headless --no-sandbox --disable-gpu --no-first-run --disable-background-networking --disable-sync \
		--user-data-dir="$work/profile" --virtual-time-budget=3000 --log-net-log="$work/net" --dump-dom "file://$work/$1#$2" >dom 2>/dev/null
}
shown() { sed -n 's/.*<body[^>]*data-shown="\([0-9]*\)".*/\1/p' dom; }
# Requests of the page; those of the browser itself have no origin.
requests() { grep -o '"initiator":"[^"]*"' net | grep -cv 'not an origin'; }

"$foliofuzz" replay "$program" --trace html >page.html
[ $? = 2 ] && grep -q "Content-Security-Policy\" content=\"default-src 'none'" page.html
report "a page, and the find's exit code" $?
! grep -qiE '(src|href)=|@import|url\(' page.html
report "it names nothing to load" $?
"$foliofuzz" replay "$program" --trace perfetto >perfetto.json
[ $? = 2 ] && grep -q '"traceEvents"' perfetto.json && grep -q '"thread_name"' perfetto.json && grep -q '"conflict"' perfetto.json
report "a file for Perfetto" $?
# What the Trace Event Format asks for, and what viewers drop without a word: ends without beginnings, flows that start in no slice.
if command -v jq >/dev/null; then
	jq -e 'def all_of(f): . as $a | all($a[]; f);
		def pairs(first; second): (map(select(.ph == first)) | map({key: "\(.cat) \(.id)", value: .}) | from_entries) as $begin |
			([.[] | select(.ph == second)] | length) == ($begin | length) and ([.[] | select(.ph == first)] | length) == ($begin | length) and
			all(.[] | select(.ph == second); . as $e | $begin["\(.cat) \(.id)"] | . != null and .name == $e.name and .ts <= $e.ts);
		.displayTimeUnit == "ns" and (.traceEvents | length > 100 and
		all_of((.ph | IN("M", "X", "B", "E", "I", "s", "f", "b", "e")) and (.name | type == "string" and length > 0) and
			(.pid | type == "number") and (.tid | type == "number") and (.ph == "M" or (.ts | type == "number" and . >= 0)) and
			(.ph != "X" or .dur >= 0)) and
		([.[] | select(.ph == "M") | .tid] as $named | all_of(.tid | IN($named[]))) and
		(reduce .[] as $e ({ok: true}; ($e.tid | tostring) as $t | if $e.ph == "B" then .[$t] += [$e.name]
			elif $e.ph == "E" then (.ok = (.ok and .[$t][-1] == $e.name) | .[$t] |= .[:-1]) else . end) | .ok) and
		pairs("s"; "f") and pairs("b"; "e") and
		([.[] | select(.ph == "X") | "\(.tid) \(.ts)"] as $slices | all_of((.ph | IN("s", "f") | not) or ("\(.tid) \(.ts)" | IN($slices[])))))' \
		perfetto.json >out 2>err
	report "and what that asks of it" $?
fi
"$foliofuzz" replay "$program" "$program" --trace html >out 2>err
[ $? = 1 ] && grep -q "expected one file, found 2" err
report "a page is of one execution" $?

if ! command -v chromium >/dev/null; then
	echo "1..$count"
	echo "# chromium is not installed: the page was not opened"
	exit $failed
fi

browse page.html "" && grep -q '<th>cpu0</th><th>cpu1</th>' dom && grep -q 'class="event find"' dom && grep -q 'class="lock"' dom &&
	grep -q 'class="meets"' dom
report "columns, the find, locks and conflicts" $?
[ "$(requests)" = 0 ]
report "no request leaves the page" $?
few=$(shown)
browse page.html "show=all&filter="
all=$(shown)
browse page.html "show=all&filter=PG_has_hwpoisoned"
some=$(shown)
[ "${few:-0}" -gt 0 ] && [ "${all:-0}" -gt "$few" ] && [ "${some:-0}" -gt 0 ] && [ "$some" -lt "$all" ]
report "the filter: $some of $all events, $few that matter" $?
browse page.html "show=kept&filter=&steps=2" && grep -q 'data-here="[0-9]' dom && grep -q 'id="detail">point [0-9]' dom
report "stepping through" $?
sed "s#<meta http-equiv.*##; s#</body>#<img src=\"http://127.0.0.1:9/x\"></body>#" page.html >leaky.html
browse leaky.html "" && [ "$(requests)" != 0 ]
report "a page that asks for something is seen to" $?

finish
