#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# campaign_test.sh FOLIOFUZZ SOURCE_DIR - fuzzing in a folder: what is kept, that stops and kills lose nothing, how it fails; with libFuzzer or
# AFL++, too, where the target beside FOLIOFUZZ has it. Prints TAP.
set -u

foliofuzz=$(realpath "$1")
source_dir=$(realpath "$2")
bug=zap-put-before-counter
said="out err"
. "$source_dir/scripts/tap.sh"
pid=
trap '[ -z "$pid" ] || kill -9 $pid 2>/dev/null; rm -rf "$work"' EXIT
cd -P "$work" || exit 1

# begin ARGUMENTS...: a campaign in the background.
begin()
{
	"$foliofuzz" campaign "$@" >out 2>err </dev/null &
	pid=$!
}

# until_it TEST...: waits until it holds, half a minute at most.
until_it()
{
	for _ in $(seq 600); do
		"$@" && return 0
		sleep 0.05
	done
	return 1
}
has_files() { [ "$(find "$1" -type f ! -name ".*" 2>/dev/null | wc -l)" -ge "$2" ]; }
number() { tail -1 "$1/stats.jsonl" | sed -n "s/.*\"$2\":\([0-9]*\).*/\1/p"; }
# No process of a campaign is left in this folder.
has_gone()
{
	local process
	for process in $(pgrep -x 'foliofuzz|program_fuzzer|afl-fuzz'); do
		[ "$(readlink "/proc/$process/cwd")" != "$PWD" ] || return 1
	done
}
# kept SNAPSHOT DIR: every file that was there is there, with the same bytes.
kept()
{
	LC_ALL=C diff -rq --exclude='.*' "$1" "$2" | grep -v "^Only in $2" >err
	[ ! -s err ]
}
# A find says all that it takes to see it again.
finds_replay() { run 2 replay "$1"/crashes/*.prog && [ "$(grep -c '^expect: met' out)" = "$(find "$1/crashes" -name '*.prog' | wc -l)" ]; }

# ---- what is kept ----
mkdir -p a/corpus && cp "$source_dir"/corpus/seeds/f*.prog a/corpus
run 2 campaign a --bug $bug --runs 1500 && tail -1 out | grep -q "kept in a/crashes" && [ "$(number a executions)" = 1500 ] &&
	[ "$(number a finds)" = "$(find a/crashes -type f | wc -l)" ] && [ "$(number a corpus)" = "$(find a/corpus -type f | wc -l)" ]
report "a campaign ends, and its last report is what is there" $?
finds_replay a
report "each find replays by itself" $?
mkdir -p b/corpus && cp "$source_dir"/corpus/seeds/f*.prog b/corpus
run 2 campaign b --bug $bug --runs 1500 && diff -r a/corpus b/corpus >out && diff -r a/crashes b/crashes >out
report "one process: the same again" $?
cp -r a before && run 2 campaign a --bug $bug --runs 500 --jobs 2 && kept before/corpus a/corpus && kept before/crashes a/crashes &&
	[ "$(number a executions)" -ge 2000 ] && [ "$(number a corpus)" -ge "$(number before corpus)" ]
report "it goes on where it was, with more processes" $?
printf '{"seconds":99,"exe' >>a/stats.jsonl
run 2 campaign a --runs 10 && ! grep -v '^{.*}$' a/stats.jsonl >err && [ "$(number a executions)" -ge 2010 ]
report "a report that a kill cut off is none" $?
run 2 triage a/crashes -o report && tail -1 out | grep -q "$(find a/crashes -type f | wc -l) finds with [12] title"
report "triage takes the finds as they are" $?
run 0 campaign clean --runs 300 && [ -z "$(ls clean/crashes)" ]
report "without a find it ends clean" $?

# ---- stopped and killed ----
begin k --bug $bug --jobs 2
until_it has_files k/corpus 50
cp -r k snapshot 2>/dev/null
refused "one campaign in a folder" "k: another campaign is at work in this folder" campaign k
kill -TERM $pid
wait $pid
code=$?
pid=
[ $code = 2 ] || [ $code = 3 ]
report "SIGTERM ends it" $?
kept snapshot/corpus k/corpus && kept snapshot/crashes k/crashes && has_gone
report "and nothing is lost, nobody left" $?
ok=0
for round in 1 2 3; do
	: >k/corpus/.half.999999.tmp
	begin k --bug $bug --jobs 2
	sleep 0.$((round * 3))
	until_it test ! -e k/corpus/.half.999999.tmp || ok=1
	until_it has_files k/corpus $((50 + round * 50)) || ok=1
	rm -rf snapshot && cp -r k snapshot 2>/dev/null
	kill -KILL $pid
	wait $pid 2>/dev/null
	pid=
	# In the last round the next session is there at once.
	[ $round = 3 ] || until_it has_gone || ok=1
	kept snapshot/corpus k/corpus && kept snapshot/crashes k/crashes || ok=1
done
report "killed three times: no file is lost, no process stays, halves are removed" $ok
run 2 campaign k --bug $bug --runs 200 && [ -z "$(find k -name '.*.tmp')" ] && [ "$(number k executions)" -gt 0 ] && finds_replay k
report "and after that it goes on, and each find replays" $?

# ---- how it fails ----
refused "no DIR" "expected DIR, found nothing" campaign
refused "unknown engine" "--engine: expected random, libfuzzer or afl, found 'honggfuzz'" campaign x --engine honggfuzz
: >file
refused "DIR is a file" "file: Not a directory" campaign file
refused "DIR cannot be made" "/proc/nowhere: " campaign /proc/nowhere
(trap '' XFSZ && ulimit -f 0 && "$foliofuzz" campaign full --bug $bug --runs 1500 2>&1) | cat >err
[ "${PIPESTATUS[0]}" = 1 ] && grep -q '^full/.*: File too large' err && [ -z "$(find full -type f -size +0)" ]
report "a disk that is full ends it" $?
mkdir -p bad/corpus && printf 'world cpus=1\ncpu0 dontned()\n' >bad/corpus/bad.prog && : >bad/corpus/empty
run 0 campaign bad --runs 50 && grep -q '^bad/corpus/bad.prog:2:6: expected an operation.*; left out$' err && grep -q '^bad/corpus/empty: .*; left out$' err
report "bad files in the corpus are named and left out" $?

# ---- plots ----
refused_plot() { "$source_dir/scripts/plot-stats" "$@" >out 2>err; [ $? = 1 ] && grep -q "^plot-stats: " err; }
refused_plot nowhere.jsonl
report "plot-stats of nothing" $?
if command -v gnuplot >/dev/null; then
	"$source_dir/scripts/plot-stats" a/stats.jsonl a.svg >out 2>err && grep -q '</svg>' a.svg
	report "plot-stats" $?
fi

# ---- the engines of others ----
target=$(dirname "$foliofuzz")/program_fuzzer
has_libfuzzer() { [ -x "$target" ] && ! has_afl && "$target" -help=1 2>&1 | grep -q max_total_time; }
has_afl() { grep -qF '##SIG_AFL_PERSISTENT##' "$target" 2>/dev/null; }
# begins_from DIR: its corpus holds seeds, and a find of the bug.
begins_from() { mkdir -p "$1/corpus" && cp "$source_dir"/corpus/seeds/f*.prog "$source_dir/corpus/bugs/$bug/min.prog" "$1/corpus"; }
# engine_finds NAME ENGINE DIR TIME
engine_finds()
{
	begins_from "$3"
	run 2 campaign "$3" --engine "$2" --jobs 2 --time "$4" --bug $bug && [ -e "$3/aside/min.prog" ] && [ ! -e "$3/corpus/min.prog" ] &&
		[ "$(number "$3" executions)" -gt 0 ] && [ "$(number "$3" features)" -gt 0 ] && has_files "$3/corpus" 15 && [ -z "$(ls "$3/broken")" ]
	report "$1: what it finds is kept, what ends it stands aside" $?
	finds_replay "$3"
	report "$1: each find replays by itself" $?
}
# engine_killed NAME ENGINE DIR SECONDS
engine_killed()
{
	begin "$3" --engine "$2" --jobs 2 --bug $bug
	sleep "$4"
	rm -rf snapshot && cp -r "$3" snapshot 2>/dev/null
	kill -KILL $pid
	wait $pid 2>/dev/null
	pid=
	until_it has_gone && kept snapshot/corpus "$3/corpus" && kept snapshot/crashes "$3/crashes"
	report "$1: killed, no file is lost and no process stays" $?
}

if has_libfuzzer; then
	engine_finds libFuzzer libfuzzer l 8s
	engine_killed libFuzzer libfuzzer l 3
	run 2 campaign l --engine libfuzzer --time 3s --bug $bug && finds_replay l && [ -z "$(ls l/broken)" ] && [ -z "$(ls l/artifact.* 2>/dev/null)" ]
	report "libFuzzer: and goes on" $?
else
	run 1 campaign l --engine libfuzzer && grep -q "build the preset .fuzz" err
	report "without libFuzzer it says what is missing" $?
fi

if ! command -v afl-fuzz >/dev/null; then
	count=$((count + 1))
	echo "ok $count # SKIP afl-fuzz is not installed: scripts/packages afl"
	refused "without AFL++ it says what is missing" "scripts/packages afl" campaign x --engine afl
elif ! has_afl; then
	run 1 campaign x --engine afl && grep -q "build the preset .afl" err
	report "without a target for AFL++ it says what is missing" $?
else
	engine_finds AFL++ afl f 20s
	[ ! -e f/afl ] && [ -n "$(find f/corpus -newer f/aside/min.prog -type f)" ]
	report "AFL++: its queue is in the corpus, and its folder gone" $?
	"$foliofuzz" convert "$source_dir/corpus/seeds/split-pmd-vs-munmap.prog" --to binary -o f/corpus/from-elsewhere
	begin f --engine afl --jobs 2 --bug $bug
	until_it eval 'ls f/afl/*/queue 2>/dev/null | grep -q orig:from-elsewhere'
	report "AFL++: what is put into the corpus comes to its queues" $?
	kill -TERM $pid
	wait $pid
	pid=
	until_it has_gone
	report "AFL++: SIGTERM ends it" $?
	engine_killed AFL++ afl f 8
	# What a session that was killed had in its hands.
	rm -rf f/crashes/* && mkdir -p f/afl/main/crashes f/afl/main/queue
	"$foliofuzz" convert "$source_dir/corpus/bugs/$bug/min.prog" --to binary -o "f/afl/main/crashes/id:000099,sig:04"
	"$foliofuzz" convert "$source_dir/corpus/seeds/put-vs-put.prog" --to binary -o "f/afl/main/queue/id:999999,src:000000"
	: >"f/afl/main/crashes/id:000100,sig:04"
	before=$(find f/corpus -type f | wc -l)
	run 2 campaign f --engine afl --runs 100 --bug $bug && has_files f/corpus $((before + 1)) && has_files f/crashes 1 && finds_replay f &&
		[ -z "$(ls f/broken)" ] && [ ! -e f/afl ]
	report "AFL++: and goes on, with what that session had in its hands" $?
	run 0 campaign nothing --engine afl --runs 100 && has_files nothing/corpus 1
	report "AFL++: begins from nothing, too" $?
fi

finish
