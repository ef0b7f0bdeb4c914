#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# target_test.sh FUZZ_SEEDS TARGET RUNS - a fuzz target on the corpus: RUNS executions of libFuzzer that start from it,
# or, if RUNS is 0, the standalone target on every file and on some that are no programs.
set -eu
target=$2
runs=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# shellcheck disable=SC2046 # names without blanks
"$1" "$work" $(find corpus -name '*.prog' | sort)
case $target in
*/parse_fuzzer) seeds=texts ;;
*/sequential_fuzzer) seeds=operations ;;
*) seeds=programs ;;
esac
mv "$work/$seeds" "$work/corpus"

if [ "$runs" != 0 ]; then
	# -handle_segv=0 and the like are left alone: a trap must show as libFuzzer shows it.
	exec_args="-runs=$runs -seed=1 -timeout=60 -rss_limit_mb=4096 -print_final_stats=1 -artifact_prefix=$work/"
	case $target in
	*/parse_fuzzer) exec_args="$exec_args -dict=fuzz/dict/parse_fuzzer.dict" ;;
	esac
	# shellcheck disable=SC2086 # a list of words
	"$target" $exec_args "$work/corpus"
	exit
fi
: >"$work/corpus/empty"
printf '\377' >"$work/corpus/one-byte"
head -c 20000 "$target" >"$work/corpus/no-program"
"$target" --repeat=2 "$work/corpus"
