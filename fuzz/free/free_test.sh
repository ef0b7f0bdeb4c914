#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# free_test.sh FOLIOFUZZ SOURCE_DIR - the free vehicle: what must be silent is, what cannot but happen is found, what it cannot do is refused; and
# bench detect --wall. Nothing here depends on threads meeting, or on how busy the machine is. Prints TAP.
set -u

foliofuzz=$(realpath "$1")
source_dir=$(realpath "$2")
said="out err"
. "$source_dir/scripts/tap.sh"
cd "$work" || exit 1
litmus=$source_dir/corpus/litmus bugs=$source_dir/corpus/bugs

free() { local code=$1; shift; run "$code" run --vehicle free "$@"; }
says() { grep -qF -- "$1" out; }

# ---- silent ----
free 0 "$litmus/lock-counter.prog" --time 2 && says "executions on free threads"
report "a locked counter loses nothing" $?
free 0 "$litmus/lock-counter.prog" --time 2 --delay
report "a locked counter loses nothing with delays" $?
free 0 "$litmus/trylock-counter.prog" "$litmus/fetch-add-tickets.prog" "$litmus/rcu-call.prog" --time 3 --delay
report "trylock, atomics and RCU" $?
free 0 "$source_dir/corpus/seeds" --time 5 --delay
report "the default kernel is clean" $?
"$foliofuzz" run "$litmus/lost-update.prog" --vehicle free --delay --time 2 --keep-going >out 2>err
[ $? = 0 ] || says "assertion: what the program asserts"
report "a racy counter loses updates, or not" $?

# ---- programs of one CPU, where chance has no part ----
printf 'world cpus=1\ncpu0 lock(l0); unlock(l0)\n' >one.prog
free 0 one.prog --runs 450 && says "450 executions on free threads"
report "as many executions as were asked for" $?
rm one.prog
cat >deadlock.prog <<'PROG'
world cpus=1
cpu0  lock(l0); lock(l0)
PROG
free 2 deadlock.prog && says "BUG: hang: no operation ends in lock" && says "hang, 1 time, first in execution 0" && says "Nothing to replay"
report "a watchdog ends a deadlock" $?
free 2 "$bugs/split-eof-refs-large-piece/free.prog" --keep-going --runs 5 && says "unexplained reference in quiescence" && says "state, 5 times"
report "a find of the quiescent oracles, counted" $?
free 2 "$bugs/unqueue-list-del-without-init/free.prog" && says "BUG: bad-page: on deferred list" && says "crash, 1 time"
report "a find of a thread" $?
free 2 "$bugs/split-eof-refs-large-piece/free.prog" --json && says '"kind": "state"' && says '"vehicle": "free"'
report "the same as JSON" $?
free 0 "$bugs/split-eof-refs-large-piece/free.prog" --runs 5 --bug -split-eof-refs-large-piece
report "a switch is off when the command line says so" $?
[ "$(find . -name '*.prog')" = ./deadlock.prog ]
report "nothing is archived" $?

# ---- refused ----
refused "no program" "expected PROG with --vehicle free" run --vehicle free
refused "a strategy" "--strategy: not with --vehicle free, where nobody chooses the schedule" run deadlock.prog --vehicle free --strategy pct
refused "a digest" "--digest: not with --vehicle free" run deadlock.prog --vehicle free --digest
refused "a folder for finds" "--out: not with --vehicle free" run deadlock.prog --vehicle free --out .
refused "delays on a controlled vehicle" "--delay: expected --vehicle free" run deadlock.prog --delay
refused "replay" "free threads have no schedule to go by" replay deadlock.prog --vehicle free
refused "explore" "expected an option, found '--vehicle'" explore deadlock.prog --vehicle free
refused "a vehicle that is none" "expected fiber, pthread or free, found 'bus'" run deadlock.prog --vehicle bus

# ---- bench detect --wall ----
cd "$source_dir" || exit 1
said="$work/out $work/err"
run() { "$foliofuzz" "${@:2}" >"$work/out" 2>"$work/err" </dev/null; [ $? = "$1" ]; }
wall() { run 0 bench detect --wall --seconds 2 --seeds 1 -o "$work/wall.tsv" split-eof-refs-large-piece; }
wall && grep -qE '^split-eof-refs-large-piece +.*[0-9.]+/[0-9.]+ +[0-9.]+/[0-9.]+' "$work/out" &&
	[ "$(cut -f 1-4 "$work/wall.tsv" | grep -c "^split-eof-refs-large-piece	free[a-z-]*	1	2$")" = 2 ]
report "bench detect --wall" $?
wall && grep -q '^0 searches' "$work/err" && grep -q '^split-eof-refs-large-piece .*/' "$work/out"
report "what has a row is not measured again" $?
run 1 bench detect --seeds 2 && grep -q -- "--seeds: expected --wall" "$work/err"
report "--seeds without --wall" $?
run 1 bench detect --wall --quick && grep -q "expected neither" "$work/err"
report "--wall with --quick" $?
finish
