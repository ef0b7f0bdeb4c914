#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# cli_test.sh FOLIOFUZZ SOURCE_DIR - the command line as users and scripts meet it: exit codes, refusals, round trips,
# and that neither processes nor vehicles change what is found. Prints TAP.
set -u

foliofuzz=$(realpath "$1")
source_dir=$(realpath "$2")
bug=partially-mapped-nonatomic
said="out err"
. "$source_dir/scripts/tap.sh"
cd "$work" || exit 1

# bad_text NAME MESSAGE CONTENT: a program that replay refuses with MESSAGE.
bad_text()
{
	printf '%b' "$3" >bad.prog
	refused "$1" "bad.prog:$2" replay bad.prog
}

same()
{
	cmp "$1" "$2" >err 2>&1
	report "$3" $?
}

cat >lost.prog <<'PROG'
# A partial unmap and a memory error meet on page 1's flag word.
world   cpus=2 memcgs=1 kernel=v7.1 format=1
setup   m0 = mm(); fault_huge(m0, 0)
cpu0    dontneed(m0, 1, 1)
cpu1    read(m0, 5); read(m0, 6); read(m0, 7); memory_failure(m0, 2)
expect  lost-update PG_has_hwpoisoned
PROG
sed 's/^expect.*/expect  clean/' lost.prog >clean.prog

# ---- usage ----
refused "no command" "usage: foliofuzz"
refused "unknown command" "expected a command, found 'frobnicate'" frobnicate
refused "unknown option" "expected an option, found '--sed'" run --sed 1
refused "option without its value" "--seed: expected a value, found the end" run --seed
refused "value without an option for it" "--json: expected no value, found '1'" run --json=1
refused "number out of range" "--runs: expected a number from 1, found '0'" run --runs 0
refused "negative number" "found '-5'" run --runs -5
refused "number with a tail" "found '5k'" run --runs 5k
refused "time without a unit we know" "--time: expected a time such as 30s, 10m or 2h, found '5x'" run --time 5x
refused "unknown bug" "--bug: expected an id out of foliofuzz bugs, found 'nope'" run --bug nope
refused "unknown bug to repair" "--bug: expected an id out of foliofuzz bugs, found '-nope'" run --bug -nope
refused "unknown kernel" "--kernel: expected a name out of foliofuzz generations, found 'v1'" run --kernel v1
refused "unknown strategy" "--strategy: expected" run --strategy lucky
refused "unknown vehicle" "--vehicle: expected fiber or pthread, found 'cart'" replay --vehicle cart lost.prog
refused "unknown trace" "--trace: expected text, json, perfetto or html" replay --trace xml lost.prog
refused "option of another command" "expected an option, found '--anchor'" run --anchor
refused "replay without a file" "expected FILE..., found nothing" replay
refused "convert of two files" "expected no more arguments, found 'b'" convert a b
refused "bugs show of an unknown one" "expected the id of a bug, found 'nope'" bugs show nope
refused "bugs show of a near one" "near it: partially-mapped-nonatomic" bugs show partialy-maped
for command in run replay convert explore minimise campaign triage bugs ops oracles generations; do
	run 0 $command --help && grep -q "^usage: foliofuzz $command" out && grep -q '^examples:' out
	report "$command --help" $?
done

# ---- bad files ----
mkdir -p directory/empty
: >empty
head -c 70000 /dev/zero >huge
printf '\377\376\000garbage' >garbage.prog
refused "file that is not there" "nowhere.prog: No such file or directory" replay nowhere.prog
refused "directory instead of a file" "directory: expected a file, found a directory" replay directory
refused "directory without programs" "directory: expected programs, found none below it" run directory
refused "empty file" "empty: expected a program, found an empty file" replay empty
refused "huge file" "huge: expected at most 65536 bytes, found more" replay huge
refused "binary garbage that is called a text" "garbage.prog:1:3: expected text, found byte 0x00" replay garbage.prog
if [ "$(id -u)" != 0 ]; then
	cp lost.prog secret.prog && chmod 0 secret.prog
	refused "file that may not be read" "secret.prog: Permission denied" replay secret.prog
fi
refused "one bad file of two stops a run" "nowhere: No such file" run lost.prog nowhere
bad_text "no world" "1:1: expected world, found 'cpu0'" 'cpu0 relax()\n'
bad_text "no newline at the end" "1:13: expected a newline" 'world cpus=1'
bad_text "misspelt operation" "2:8: expected an operation, found 'dontned'" 'world cpus=1\ncpu0   dontned(m0, 1, 1)\n'
bad_text "argument out of range" "2:11: expected" 'world cpus=1\ncpu0 read(m7, 0)\n'
bad_text "unknown bug in the file" "1:19: expected the id of a bug, found 'nope'" 'world cpus=1 bugs=nope\n'
bad_text "lane that is not there" "2:1: expected a CPU below cpus=1, found 'cpu1'" 'world cpus=1\ncpu1 relax()\n'
bad_text "carriage returns" "1:13: expected Unix line ends" 'world cpus=1\r\n'
printf 'world cpus=1\ncpu0 dontned()\n' >no-suffix
refused "text is known without its suffix" "no-suffix:2:6: expected an operation" replay no-suffix
printf 'AAAA' >four-letters
run 0 replay four-letters && grep -q '^program: binary' out
report "other ASCII is a fuzzer's input" $?

# ---- tables ----
run 0 bugs && grep -q "^$bug " out
report "bugs" $?
run 0 bugs show $bug && grep -q "shipped in .*v6.12" out
report "bugs show" $?
mkdir corpus && cp -r "$source_dir/corpus/bugs" corpus/ || exit 1
run 0 bugs show $bug && grep -q "oracle .* 1, lost-update: " out && grep -q "verdict .* lost-update PG_has_hwpoisoned" out &&
	grep -q "foliofuzz run --strategy random --runs [0-9]* corpus/bugs/$bug/free.prog" out && grep -q "<- deferred_split_folio" out &&
	run 0 bugs show $bug --json && grep -q '"number": 1' out && grep -q '"story": "# ' out
report "bugs show: oracle, search, story and diagram" $?
rm -r corpus/bugs/$bug
run 0 bugs show $bug && grep -q "no corpus/bugs/$bug/min.prog" out && run 0 bugs readme && grep -q "^| $bug | .* | - | - | - |" out
report "bugs show and readme: no folder" $?
mkdir -p corpus/bugs && printf 'id\tresult\n%s\tlucky\n' $bug >corpus/bugs/fuzz.tsv
refused "bugs readme: a table with another row" "fuzz.tsv: expected id, result" bugs readme
printf '%s seed0 for a reason\n' $bug >corpus/bugs/pairs.txt
refused "bugs pairs: an exception of an unknown bug" "pairs.txt:1: expected the ids of two bugs and a reason" bugs pairs
: >corpus/bugs/pairs.txt
run 4 bugs pairs --jobs 2 split-eof-refs-large-piece && grep -q "^split-eof.* split-tail-flags.* MISS .*not in corpus/bugs/pairs.txt" out
report "bugs pairs: an exception that is not listed" $?
printf 'zap-put-before-counter split-eof-refs-large-piece no reason\n' >corpus/bugs/pairs.txt
run 4 bugs pairs zap-put-before-counter && grep -q "^zap-put.* split-eof.* MISS .*is found; no reason" out
report "bugs pairs: one that is listed without need" $?
rm -r corpus
run 0 generations && grep -q "(default)" out
report "generations" $?
run 0 generations && grep -q "bugs .*partially-mapped-nonatomic" out && grep -q "queue .*v6_8.c" out &&
	run 0 generations --json && grep -q '"lacks"' out
report "generations: queue, bugs and what is lacking" $?
run 0 oracles && grep -q "lost-update" out && grep -q "accepted races" out
report "oracles" $?
run 0 ops && grep -q "^dontneed(mm, vpn, nr)" out
report "ops" $?
missing=$("$foliofuzz" ops | sed 's/.* = //; s/(.*//' |
	while read -r op; do grep -qF "\"$op(\"" "$source_dir/fuzz/dict/parse_fuzzer.dict" || echo "$op"; done)
echo "operations that fuzz/dict/parse_fuzzer.dict lacks: $missing" >err
[ -z "$missing" ]
report "the dictionary has every operation" $?

# ---- programs that a kernel cannot run ----
mkdir old && printf "world cpus=1\nsetup m0 = mm(); fault(m0, 0)\n" >old/a.prog && printf "world cpus=1\nsetup m0 = mm(); fault_huge(m0, 0); split_nonuniform(m0, 0, 0)\n" >old/b.prog
refused "a named one is refused" "b.prog: operation: this kernel does not know it" run old/b.prog --kernel v6.12 --runs 1
run 0 run old --kernel v6.12 --runs 1 && grep -q "old/b.prog: left out" err && grep -q "^1 executions" out
report "one below a directory is left out" $?
rm old/a.prog
refused "none left is bad input" "old: expected programs for kernel v6.12" run old --kernel v6.12 --runs 1

# ---- minimise ----
sed 's/^cpu1 .*/&; read(m0, 3); lru_drain()/' "$source_dir/corpus/bugs/partially-mapped-nonatomic/min.prog" >fat.prog
run 0 minimise fat.prog -o min.prog && ! grep -q "lru_drain" min.prog
report "minimise takes away what is not needed" $?
run 2 replay min.prog && run 0 minimise min.prog -o min2.prog && cmp -s min.prog min2.prog
report "what is minimal stays as it is, and shows the find" $?
refused "minimise of a clean program" "expected a program that ends with a find, found: clean" minimise "$source_dir/corpus/seeds/fault-race.prog"
run 0 ops "$source_dir/corpus/seeds" && grep -q "^ *[1-9][0-9]*  m = mm()" out
report "ops counts the programs that use each" $?

(cd "$source_dir" && "$foliofuzz" bugs check --json $bug) >out 2>err && grep -q '"good": 1' out && grep -q '"worst": ' out
report "bugs check --json" $?
(cd "$source_dir" && "$foliofuzz" bugs pairs --json $bug) >out 2>err && grep -q '"bad": 0' out && grep -q '"exceptions": ' out
report "bugs pairs --json" $?
(cd "$source_dir" && "$foliofuzz" bugs minimise $bug) >out 2>err && grep -q "^$bug  *4, 1  unchanged  *4, 1 " out &&
	grep -q "^1 of 1 min.prog unchanged; 1 of 1 fresh finds no longer than min.prog$" out
report "bugs minimise" $?
(cd "$source_dir" && "$foliofuzz" bugs minimise --json $bug) >out 2>err && grep -q '"short": 1' out
report "bugs minimise --json" $?
refused "bugs readme as JSON" "expected no --json with readme" bugs readme --json

# ---- explore ----
run 0 explore clean.prog --kernel v7.1-repaired --preemptions 1 && grep -q "^complete" out
report "explore ends with what it has proved" $?
run 2 explore clean.prog --bug partially-mapped-nonatomic --preemptions 2 && grep -q "1 preemption, hash" out
report "explore finds the schedule with the fewest preemptions" $?
run 3 explore clean.prog --budget 3 && grep -q "^incomplete: 3 executions" out
report "explore says when its budget is used up" $?
run 3 explore clean.prog --budget 3 --json && grep -q '"verdict": "incomplete"' out && grep -q '"why": "budget used up at 1 preemption"' out
report "explore --json, incomplete" $?
run 2 explore clean.prog --bug partially-mapped-nonatomic --preemptions 2 --json && grep -q '"verdict": "find"' out &&
	grep -q '"title": "lost-update: PG_has_hwpoisoned' out && grep -q '"preemptions": 2' out
report "explore --json, a find" $?
run 0 explore clean.prog --kernel v7.1-repaired --json && grep -q '"verdict": "complete' out && grep -q '"held_fixed": ' out &&
	grep -q '"executions_by_preemptions": ' out
report "explore --json, complete" $?
run 0 explore "$source_dir/corpus/litmus/w2-deferred-list-fixed.prog" --dpor --json && grep -q '"complete": 26' out && grep -q '"cut": 4' out
report "explore --dpor --json" $?
refused "too many preemptions" "--preemptions: expected a number from 0 to 8, found '9'" explore --preemptions 9 clean.prog

# ---- convert ----
for file in lost.prog "$source_dir"/corpus/seeds/*.prog; do
	[ -e "$file" ] || continue
	name=$(basename "$file")
	run 0 convert "$file" -o one.bin && run 0 convert one.bin -o one.prog &&
		run 0 convert one.prog -o two.bin && run 0 convert two.bin --to text -o two.prog
	report "convert $name" $?
	same one.bin two.bin "binary of $name comes back"
	same one.prog two.prog "text of $name comes back"
done
run 0 convert lost.prog --to text -o - && cp out copy.prog
same copy.prog lost.prog "text to text keeps comment and expect"
refused "convert into a directory that is not there" "nowhere/x: No such file" convert lost.prog -o nowhere/x

# ---- run ----
for jobs in 1 2 3; do
	run 0 run --runs 600 --seed 100 --digest --jobs $jobs
	report "600 clean programs on $jobs processes" $?
	cp out clean.$jobs
done
same clean.1 clean.2 "one process counts what two count"
same clean.1 clean.3 "one process counts what three count"
grep -q '^digest [0-9a-f]\{16\}$' clean.1
report "--digest" $?
run 0 run --runs 600 --seed 100 --digest --vehicle pthread && cp out clean.pthread
same clean.1 clean.pthread "both vehicles count the same"
run 0 run clean.prog --runs 300
report "a clean program" $?
run 0 run --runs 50 --json && grep -q '"executions": 50' out
report "run --json" $?
run 0 run --time 1s clean.prog
report "run --time" $?

for jobs in 1 3; do
	run 2 run lost.prog --bug $bug --runs 20000 --jobs $jobs --out finds.$jobs
	report "the bug is found with $jobs processes" $?
	sed "s/finds\.$jobs/DIR/" out >found.$jobs
	run 2 run lost.prog --bug $bug --runs 400 --keep-going --jobs $jobs --out all.$jobs
	report "--keep-going with $jobs processes" $?
	sed "s/all\.$jobs/DIR/" out >all-found.$jobs
done
same found.1 found.3 "the first find does not depend on processes"
same all-found.1 all-found.3 "finds and counts do not depend on processes"
head -1 found.1 | grep -q '^replay: foliofuzz replay DIR/lost-update-[0-9a-f]\{8\}\.prog  '
report "a find first says how to see it again" $?
sed -n 2p found.1 | grep -q '^BUG: lost-update: PG_has_hwpoisoned in '
report "and then its title" $?
grep -q ' <- ' found.1
report "and marks the place in the story" $?

# ---- strategies that know the program, and what a run says of itself ----
for strategy in surw rf race portfolio; do
	run 2 run lost.prog --bug $bug --runs 20000 --strategy $strategy --out by-$strategy &&
		run 2 replay by-$strategy/*.prog && grep -q '^expect: met' out
	report "$strategy finds the bug, and its file shows it again" $?
done
for jobs in 1 3; do
	run 2 run lost.prog clean.prog --bug $bug --strategy portfolio --runs 1500 --keep-going --json --jobs $jobs --out both
	report "portfolio with $jobs processes" $?
	cp out portfolio.$jobs
done
same portfolio.1 portfolio.3 "what a portfolio does does not depend on processes"
grep -q '"interleavings": [1-9]' portfolio.1 && grep -q '"next_is_new": 0\.' portfolio.1 && grep -q '"contended_pairs": [1-9]' portfolio.1
report "progress in JSON" $?
run 0 run clean.prog --strategy pct --runs 400 && grep -q '^[1-9][0-9]* distinct interleavings in 400 executions; ' out &&
	grep -q '^a bug of depth 2 was missed with probability 0\.' out && ! grep -q WARNING out
report "progress as text, and the bound of PCT" $?
printf 'world cpus=2\nsetup m0 = mm()\ncpu0 fault(m0, 0)\n' >alone.prog
run 0 run alone.prog --runs 20 && grep -q '^WARNING: .*nothing was interleaved' out
report "a run in which nobody meets anybody says so" $?
refused "an unknown bug to be detected" "expected the id of a bug, found 'no-such-bug'" bench detect no-such-bug
refused "a strategy that draws nothing" "expected one that draws its schedules" bench detect --strategy replay
(cd "$source_dir" && "$foliofuzz" bench detect --strategy portfolio --budget 3000 --json $bug) >out 2>err &&
	grep -q '"missed": 0' out && grep -q "\"$bug\"" out
report "bench detect finds the bug with every seed" $?

mkdir -p corpus && ln -s "$source_dir/corpus/bugs" corpus/bugs
run 0 bench detect --quick --strategy pos -o corpus/medians.tsv $bug && run 0 bench detect --quick --strategy pos $bug
report "bench detect --quick against what it wrote itself" $?
sed -i 's/\t[0-9]*\t[0-9]*$/\t1\t1/' corpus/medians.tsv
run 4 bench detect --quick --strategy pos $bug && grep -q "^$bug: pos needs [0-9]* executions; it needed 1, 1 at worst" err
report "and against a third of it" $?
rm -r corpus

# ---- replay ----
find=$(echo finds.1/lost-update-*.prog)
title=$(sed -n 2p found.1)
run 2 replay "$find" && grep -qxF "$title" out && grep -q '^expect: met' out
report "the file shows the find again" $?
grep -q "^# ${title#BUG: }" "$find" && grep -q '^sched  .* -> cpu' "$find"
report "the file holds title and anchored schedule" $?
run 2 replay "$find" --repeat 20 && cp out fiber
run 2 replay "$find" --repeat 20 --vehicle pthread
report "20 times on POSIX threads" $?
same fiber out "both vehicles tell the same"
run 0 replay "$find" --bug none && grep -q '^expect: DIFFERS' out
report "without the bug it is clean, and expect says so" $?
run 0 replay "$find" --bug -$bug
report "clean with the bug repaired" $?
run 2 replay "$find" --kernel v6.12 --bug none && run 0 replay "$find" --kernel v6.12 --bug none --bug -$bug
report "a release has its bugs, and is clean with them repaired" $?
run 2 replay "$find" --json && grep -q '"verdict": "lost-update"' out && grep -q '"met": true' out
report "replay --json" $?
sed 's/#5 -> cpu0/#7 -> cpu0/' "$source_dir/corpus/bugs/mmput-empty-test-vs-drain/min.prog" >moved.prog
run 2 replay moved.prog && grep -q '^CLEAN' out && grep -q '^expect: met at a distance of 2 (use-after-free mm_struct), by$' out &&
	grep -q 'drain_mmlist:list_del_init(entry)#5 -> cpu0' out
report "replay of a schedule that has moved" $?
run 2 replay moved.prog --json && grep -q '"verdict": "clean"' out && grep -q '"near": 2' out
report "replay of a schedule that has moved, --json" $?
run 0 replay moved.prog --bug -mmput-empty-test-vs-drain && grep -q '^expect: DIFFERS' out
report "replay looks near by only for what the program has" $?
run 2 replay "$find" --trace json && grep -q '"primitive": ' out
report "replay --trace json" $?
run 2 replay "$find" --trace text && grep -q -- '-- setup' out
report "replay --trace text" $?
run 2 replay clean.prog "$find" && [ "$(grep -c '^replay: ' out)" = 2 ]
report "the worst of several files decides" $?
run 1 replay "$find" nowhere
report "a bad file is worse than a find" $?
run 2 replay - <"$find" 2>/dev/null || "$foliofuzz" replay - <"$find" >out 2>err
[ $? != 1 ] && grep -q '^BUG: ' out
report "replay of standard input" $?
sed '/ -> cpu/s/#[0-9]* ->/#9999 ->/' "$find" >lost-place.prog
run 0 replay lost-place.prog && grep -q '^diverged: [0-9]* of [0-9]* deviations' out
report "a schedule that does not fit says how far" $?
run 0 convert "$find" -o find.bin && run 2 replay find.bin && grep -qxF "$title" out
report "the find in binary" $?
run 0 convert --anchor "$find" -o anchored.prog
same "$find" anchored.prog "anchoring what is anchored changes nothing"
run 2 run "$find" --strategy replay --runs 1 --out again
report "run with the program's own schedule" $?

finish
