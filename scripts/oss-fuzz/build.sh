#!/bin/bash -eu
# SPDX-License-Identifier: GPL-2.0-only
# The build of OSS-Fuzz and ClusterFuzzLite: every target with its seeds, options and dictionary in $OUT. Compiler, flags and engine are the
# service's: CC CXX CFLAGS CXXFLAGS LIB_FUZZING_ENGINE; SANITIZER, FUZZING_ENGINE and ARCHITECTURE say what they are.
# The source is $SRC/foliofuzz; $WORK is for what is needed in between. scripts/oss-fuzz/check runs this without a service.

case $ARCHITECTURE in
x86_64 | aarch64) ;;
*) echo "build.sh: expected x86_64 or aarch64, found '$ARCHITECTURE'" >&2; exit 1 ;;
esac
cd "$SRC/foliofuzz"
echo "foliofuzz for $FUZZING_ENGINE with $SANITIZER, $ARCHITECTURE"

# ---- programs: no type of build, so that optimisation is the service's, and its compiler may warn of what ours does not ----
build=$WORK/foliofuzz
rm -rf "$build"
targets=()
for source in fuzz/targets/*_fuzzer.c; do
	targets+=("$(basename "$source" .c)")
done
cmake -S . -B "$build" -G Ninja -DCMAKE_BUILD_TYPE= -DFOLIOFUZZ_WERROR=OFF -DFOLIOFUZZ_TESTS=OFF -DLIB_FUZZING_ENGINE="$LIB_FUZZING_ENGINE" >/dev/null
cmake --build "$build" --parallel "$(nproc)" --target fuzz_seeds "${targets[@]}"

# ---- seeds: every committed program is clean with the bugs that a target has, which are none ----
seeds=$WORK/seeds
rm -rf "$seeds"
find corpus -name '*.prog' | LC_ALL=C sort |
	LLVM_PROFILE_FILE=/dev/null ASAN_OPTIONS=detect_leaks=0 xargs "$build/fuzz_seeds" "$seeds"
mkdir "$seeds/schedules"
for points in 4 8 16 32 64 127; do # cpu0 goes on for so many points, then it is cpu1's turn
	printf %b "\\x$(printf %x "$points")\\x00\\x81" >"$seeds/schedules/$points"
done

# The same seeds give the same archive: sorted, with one date and mode, no owner.
pack()
{
	find "$1" -type f -exec touch -d 2000-01-01T00:00:00Z {} + -exec chmod 644 {} +
	rm -f "$2"
	(cd "$1" && find . -type f -printf '%P\n' | LC_ALL=C sort | TZ=UTC zip -q -X -9 -@ "$2")
	chmod 644 "$2"
}
pack "$seeds/programs" "$WORK/programs.zip"
pack "$seeds/operations" "$WORK/operations.zip"
pack "$seeds/texts" "$WORK/texts.zip"
pack "$seeds/schedules" "$WORK/schedules.zip"

# ---- what a service takes ----
for target in "${targets[@]}"; do
	case $target in
	schedule_fuzzer) from=schedules ;;
	sequential_fuzzer) from=operations ;;
	parse_fuzzer) from=texts ;;
	*) from=programs ;;
	esac
	install "$build/$target" "$OUT/"
	install -m 644 "$WORK/$from.zip" "$OUT/${target}_seed_corpus.zip"
	install -m 644 "scripts/oss-fuzz/$target.options" "$OUT/"
	[ ! -e "fuzz/dict/$target.dict" ] || install -m 644 "fuzz/dict/$target.dict" "$OUT/"
done
