#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# program_test.sh FOLIOFUZZ PROGRAM - what a program of the corpus must show: its `expect`, or else a clean end, the
# same FOLIOFUZZ_REPEAT (1,000) times on either vehicle, a livelock a twentieth of that. One without a schedule must hold under random ones, and one of
# corpus/regressions also where it has one; one of corpus/bugs must be clean when its bug is switched off.
set -eu
foliofuzz=$1
program=$2
repeat=${FOLIOFUZZ_REPEAT:-1000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() { echo "$program: $*"; exit 1; }
has() { grep -q "^$1" "$program"; }

# A livelock is 200,000 points in which nothing ends.
! has 'expect  *livelock' || repeat=$((repeat / 20 + 1))

want=0
if has 'expect ' && ! has 'expect  *clean'; then
	want=2
	# A find may be a data race. TSan's report of it is welcome, once, and no failure.
	if [ -n "${TSAN_OPTIONS:-}" ]; then
		export TSAN_OPTIONS="$TSAN_OPTIONS:halt_on_error=0:exitcode=0"
		"$foliofuzz" replay "$program" || true
		TSAN_OPTIONS="$TSAN_OPTIONS:report_bugs=0"
	fi
fi

for vehicle in fiber pthread; do
	code=0
	"$foliofuzz" replay "$program" --repeat "$repeat" --vehicle $vehicle >"$work/$vehicle" || code=$?
	cat "$work/$vehicle"
	[ $code = $want ] || fail "$vehicle: expected exit code $want, found $code"
	! grep -q '^expect: DIFFERS' "$work/$vehicle" || fail "$vehicle: expected something else"
	! grep -q '^diverged' "$work/$vehicle" || fail "$vehicle: the schedule no longer fits; foliofuzz convert --anchor"
done
cmp "$work/fiber" "$work/pthread" || fail "the vehicles differ"

if [ $want = 0 ] && ! has 'sched '; then
	"$foliofuzz" run "$program" --runs $((2 * repeat)) --out "$work" || fail "a random schedule breaks it"
fi
case $program in corpus/regressions/*)
	[ $want != 0 ] || "$foliofuzz" run "$program" --runs $((200 < 2 * repeat ? 2 * repeat : 200)) --out "$work" ||
		fail "another schedule breaks it" ;;
corpus/bugs/*)
	"$foliofuzz" replay "$program" --bug "-$(basename "$(dirname "$program")")" || fail "not clean with the bug repaired" ;;
esac
