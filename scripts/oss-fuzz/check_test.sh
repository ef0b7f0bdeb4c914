#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# check_test.sh - every check of scripts/oss-fuzz/check can fail: it is shown a small folder as it should be, then copies of it,
# each broken in one way, and must say that, and exit with 1. Prints TAP.
set -u

here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
said=out
. "$here/../tap.sh"
cd "$work" || exit 1

# ---- a folder as a service likes it: a target with everything that it may have ----
cat >toy.c <<'TOY'
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
volatile unsigned sink;

#define EDGE(n) if (size > 5 && data[((n) + sink) % size] == (n)) sink += (n);
#define EDGES_8(n) EDGE(n) EDGE(n + 1) EDGE(n + 2) EDGE(n + 3) EDGE(n + 4) EDGE(n + 5) EDGE(n + 6) EDGE(n + 7)
#define EDGES(n) EDGES_8(n) EDGES_8(n + 8)

#ifdef AT_START
__attribute__((constructor)) static void at_start(void)
{
	AT_START;
}
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static unsigned executions;

	executions++;
#ifndef FEW_EDGES
	EDGES(0) EDGES(16) EDGES(32) EDGES(48) EDGES(64) EDGES(80) EDGES(96) EDGES(112)
	EDGES(128) EDGES(144) EDGES(160) EDGES(176)
#endif
#ifdef IN_A_RUN
	IN_A_RUN;
#endif
	return 0;
}
TOY
# compile OUT FLAG...: by the compiler that check builds with.
address="-fsanitize=address,fuzzer -fsanitize-address-outline-instrumentation" # so that a small program has its thousand calls
compile() { clang-19 -O1 -gline-tables-only -w -o "$1" toy.c "${@:2}" 2>compiled || { cat compiled; exit 1; }; }
mkdir good seeds
compile good/toy_fuzzer $address
printf abc >seeds/abc
printf 'a longer seed' >seeds/longer
(cd seeds && zip -q -X ../good/toy_fuzzer_seed_corpus.zip abc longer)
printf '# words\n"abc"\nname="\\x00\\x01"\n' >good/toy_fuzzer.dict
printf '[libfuzzer]\nmax_len = 100\ndict = toy_fuzzer.dict\n[asan]\ndetect_leaks = 1\n' >good/toy_fuzzer.options

# check OUT [COMBINATION]: its exit code; what it says in `out`.
check() { "$here/check" --runs 300 --built "$1" "${2:-libfuzzer/address}" toy_fuzzer >out 2>&1 </dev/null; }

check good && grep -q '^[1-9][0-9]* passed, 0 failed$' out
report "a good folder passes" $?

# broken NAME MESSAGE COMMAND...: after COMMAND, in a copy of the folder, that very check fails, and nothing else unless ALSO matches it.
broken()
{
	local name=$1 message=$2
	shift 2
	rm -rf bad && cp -r good bad && (cd bad && eval "$*") || exit 1
	! check bad && grep -qE "^FAILED libfuzzer/address: $message" out && ! grep '^FAILED' out | grep -qvE "address: ($message${also:+|$also})"
	report "$name" $?
	also=
}
also=
# replaced NAME MESSAGE FLAG...: toy_fuzzer is compiled in another way.
replaced()
{
	compile other "${@:3}"
	broken "$1" "$2" cp ../other toy_fuzzer
}

# ---- the folder ----
broken "a target is missing" "the targets: expected toy_fuzzer, found *\$" rm toy_fuzzer
broken "one is not executable" "the targets: .* found *\$" chmod a-x toy_fuzzer
broken "another target" "the targets: .* found toy_fuzzer two_fuzzer" cp toy_fuzzer two_fuzzer
broken "another program is taken for one" "the targets: .* found replayer toy_fuzzer" cp toy_fuzzer replayer
also="the targets"
broken "an unusual name" "their names" cp toy_fuzzer toy+_fuzzer

# ---- the program ----
everything="toy_fuzzer: .*" # nothing that does not run does what it should
also=$everything
broken "for another architecture" "toy_fuzzer: architecture" "printf '\\x03\\x00' | dd of=toy_fuzzer bs=1 seek=18 conv=notrunc status=none"
replaced "without sanitizer" "toy_fuzzer: this sanitizer and no other: .* asan 0," -fsanitize=fuzzer
replaced "with another sanitizer" "toy_fuzzer: this sanitizer" -fsanitize=memory,fuzzer
mkdir lib && echo 'int other(void) { return 1; }' | clang-19 -x c -shared -fPIC -o lib/libother.so -
also=$everything
replaced "with a library of its own" "toy_fuzzer: linked statically" $address -Llib -Wl,--no-as-needed -lother
replaced "without coverage" "toy_fuzzer: sees edges: expected 100, found none" $address \
	-fno-sanitize-coverage=inline-8bit-counters,pc-table,trace-cmp,indirect-calls,stack-depth
also="toy_fuzzer: this sanitizer"
replaced "with little coverage" "toy_fuzzer: sees edges: expected 100, found [1-9]" $address -DFEW_EDGES
also=$everything
replaced "ends when it starts" "toy_fuzzer: starts" $address '-DAT_START=_exit(0)'
also=$everything
replaced "crashes when it starts" "toy_fuzzer: starts" $address '-DAT_START=abort()'
also=$everything
replaced "needs a file of the build" "toy_fuzzer: starts" $address '-DAT_START=if(!fopen("/src/program","r"))exit(1)'
replaced "reads a file, if it is there" "toy_fuzzer: opens no file" $address '-DAT_START=fopen("/src/program","r")'
replaced "reads a file at an execution" "toy_fuzzer: opens no file" $address '-DIN_A_RUN={FILE*f=fopen("toy.conf","r");if(f)fclose(f);}'
replaced "writes beside itself" "the folder is as it was" $address '-DIN_A_RUN={FILE*f=fopen("/proc/self/cwd/log","w");if(f)fclose(f);}'
also="toy_fuzzer: (a seed a hundred times|fuzzes|opens)"
replaced "ends at a seed" "toy_fuzzer: runs on its seeds" $address '-DIN_A_RUN=if(size==13)abort()'
also="toy_fuzzer: fuzzes"
replaced "keeps something from run to run" "toy_fuzzer: a seed a hundred times" $address '-DIN_A_RUN=if(executions>60)abort()'
replaced "finds" "toy_fuzzer: fuzzes" $address '-DIN_A_RUN=if(executions>200)abort()'

# ---- what lies beside it ----
also="toy_fuzzer: a seed a hundred times"
broken "seeds that cannot be unpacked" "toy_fuzzer: seeds are packed" "head -c 100 ../good/toy_fuzzer_seed_corpus.zip >toy_fuzzer_seed_corpus.zip"
also="toy_fuzzer: a seed a hundred times"
broken "no seeds" "toy_fuzzer: seeds are packed" rm toy_fuzzer_seed_corpus.zip
broken "seeds in folders" "toy_fuzzer: seeds are packed" "cd .. && zip -q bad/toy_fuzzer_seed_corpus.zip seeds/abc"
also="toy_fuzzer: a seed a hundred times"
broken "executable seeds" "toy_fuzzer: seeds are packed" chmod +x toy_fuzzer_seed_corpus.zip
broken "a seed that is too large" "toy_fuzzer: seeds are packed" "head -c 6M /dev/zero >large && zip -q toy_fuzzer_seed_corpus.zip large && rm large"
broken "no dictionary where the options have one" "toy_fuzzer: the dictionary of its options" rm toy_fuzzer.dict
also="toy_fuzzer: fuzzes"
broken "a dictionary that is none" "toy_fuzzer: dictionary" "echo abc >>toy_fuzzer.dict"
broken "a word that is too long" "toy_fuzzer: dictionary" "printf '\"%065d\"\\n' 0 >>toy_fuzzer.dict"
broken "an option that libFuzzer has not" "toy_fuzzer: options" "sed -i s/max_len/max_length/ toy_fuzzer.options"
broken "a section that no service has" "toy_fuzzer: options" "sed -i s/asan/address/ toy_fuzzer.options"

# ---- seeds of another build ----
same() { (. "$here/checks.sh" && check_same_seeds "$1"); }
cp -r good other-seeds && (cd seeds && zip -q ../other-seeds/toy_fuzzer_seed_corpus.zip abc) # with times, that is
same good >out && same good >>out && same other-seeds >>out
[ "$(grep -c '^ok seeds' out)" = 2 ] && grep -q '^FAILED seeds are those of the first build' out
report "seeds that are packed differently" $?

# ---- other sanitizers, by the same folder; coverage, by one of its own ----
for sanitizer in undefined memory thread coverage; do
	! check good libfuzzer/$sanitizer && grep -q "^FAILED libfuzzer/$sanitizer: toy_fuzzer: this sanitizer and no other" out
	report "AddressSanitizer is not $sanitizer" $?
done
cp -r good covered
compile covered/toy_fuzzer -fsanitize=fuzzer -fprofile-instr-generate -fcoverage-mapping
check covered libfuzzer/coverage
report "a report of coverage" $?
compile covered/toy_fuzzer -fsanitize=fuzzer -fprofile-instr-generate
! check covered libfuzzer/coverage && grep '^FAILED' out >failures && [ "$(cut -d: -f 3 failures | sort -u)" = " a report of its coverage" ]
report "no report without a mapping to lines" $?

# ---- the command line ----
foliofuzz=$here/check
refused "an unknown option" "expected an option, found '--what'" --what
refused "a number that is none" "--runs: expected a number, found 'x'" --runs x
refused "an unknown combination" "expected a combination of engine and sanitizer, found 'honggfuzz/address'" honggfuzz/address
refused "no targets" "expected a combination and targets" --built good
refused "no folder" "No such file" --built nowhere libfuzzer/address toy_fuzzer
finish
