#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# target_test.sh FOLIOFUZZ TARGET RUNS - a fuzz target on the corpus: RUNS executions of libFuzzer that start from it,
# or, if RUNS is 0, the standalone target on every file and on some that are no programs.
set -eu
foliofuzz=$1
target=$2
runs=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# parse_fuzzer takes text, the others bytes.
mkdir "$work/corpus"
find corpus -name '*.prog' | sort >"$work/programs"
while read -r program; do
	name=$(echo "$program" | tr / -)
	case $target in
	*/parse_fuzzer) cp "$program" "$work/corpus/$name" ;;
	*) "$foliofuzz" convert "$program" --to binary -o "$work/corpus/${name%.prog}" ;;
	esac
done <"$work/programs"

if [ "$runs" != 0 ]; then
	# -handle_segv=0 and the like are left alone: a trap must show as libFuzzer shows it.
	exec_args="-runs=$runs -seed=1 -timeout=60 -rss_limit_mb=4096 -print_final_stats=1 -artifact_prefix=$work/"
	case $target in
	*/parse_fuzzer) exec_args="$exec_args -dict=fuzz/dict/parse_fuzzer.dict" ;;
	esac
	# shellcheck disable=SC2086 # a list of words
	exec "$target" $exec_args "$work/corpus"
fi
: >"$work/corpus/empty"
printf '\377' >"$work/corpus/one-byte"
head -c 20000 "$target" >"$work/corpus/no-program"
"$target" --repeat=2 "$work/corpus"
