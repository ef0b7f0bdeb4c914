#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# explore_test.sh FOLIOFUZZ - an exploration that is stopped again and again, or killed, ends as one that is not; a state file of
# something else is refused; a find that needs a failure is written down with it.
set -eu
foliofuzz=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
program=corpus/litmus/w3-counters-4x1.prog

fail() { echo "explore_test: $*"; exit 1; }
verdict() { grep '^complete' "$1" || fail "no verdict: $(cat "$1")"; }

for way in --dpor "--preemptions 2"; do
	# shellcheck disable=SC2086 # an option and its value
	"$foliofuzz" explore $program $way >"$work/whole" 2>/dev/null
	parts=0
	code=3
	while [ $code = 3 ]; do
		parts=$((parts + 1))
		code=0
		# shellcheck disable=SC2086
		"$foliofuzz" explore $program $way --state "$work/state" --budget 97 >"$work/part" 2>/dev/null || code=$?
	done
	[ $code = 0 ] || fail "$way: exit code $code"
	[ $parts -gt 5 ] || fail "$way: $parts parts"
	[ ! -e "$work/state" ] || fail "$way: the state is left behind"
	[ "$(verdict "$work/whole")" = "$(verdict "$work/part")" ] || fail "$way: in $parts parts: $(verdict "$work/part")"
done

# Killed at any moment: whatever is there is a whole state. The program takes long enough for some to be written.
long=corpus/seeds/fault-race.prog
"$foliofuzz" explore $long --dpor --state "$work/killed" >/dev/null 2>&1 &
child=$!
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
	[ ! -e "$work/killed" ] || break
	sleep 1
done
kill -9 $child 2>/dev/null || true
wait $child 2>/dev/null || true
[ -e "$work/killed" ] || fail "no state was written"
code=0
"$foliofuzz" explore $long --dpor --state "$work/killed" --budget 1 >"$work/out" 2>"$work/err" || code=$?
[ $code = 3 ] || fail "after the kill: exit code $code: $(cat "$work/err")"
executions=$(sed -n 's/^incomplete: \([0-9]*\) .*/\1/p' "$work/out")
[ "$executions" -gt 1 ] || fail "after the kill it began anew"

refused()
{
	what=$1
	shift
	code=0
	"$foliofuzz" explore "$@" --state "$work/killed" >/dev/null 2>"$work/err" || code=$?
	[ $code = 1 ] && grep -q "$what" "$work/err" || fail "$*: exit code $code, $(cat "$work/err")"
}
refused "another program" $program --dpor
refused "other options" $long --preemptions 1
refused "other options" $long --dpor --faults 1
head -c 300 "$work/killed" >"$work/cut" && mv "$work/cut" "$work/killed"
refused "damaged\|the end" $long --dpor
echo something >"$work/killed"
refused "found something else" $long --dpor

# Only a trylock that fails lets the assertion fail.
cat >"$work/fault.prog" <<'END'
world cpus=2
cpu0 r0 = trylock(l0); assert_reg(r0, 1)
cpu1 store(x0, 1)
END
"$foliofuzz" explore "$work/fault.prog" --dpor >/dev/null 2>&1 || fail "a find without a failure"
code=0
"$foliofuzz" explore "$work/fault.prog" --dpor --faults 1 -o "$work" >"$work/out" 2>/dev/null || code=$?
[ $code = 2 ] || fail "--faults 1: exit code $code"
file=$(sed -n 's/^replay: foliofuzz replay \([^ ]*\) .*/\1/p' "$work/out")
grep -q "trylock(l0) (fail=1)" "$file" || fail "$(cat "$file")"
code=0
"$foliofuzz" replay "$file" >/dev/null || code=$?
[ $code = 2 ] || fail "replay of the find: exit code $code"
