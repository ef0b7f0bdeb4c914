# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# What the services set for a build and for a run (oss-fuzz, infra/base-images), with this machine's compilers. To be sourced.

known_combination()
{
	case $1 in
	libfuzzer/address | libfuzzer/undefined | libfuzzer/memory | libfuzzer/coverage | libfuzzer/thread | afl/address) ;;
	*) return 1 ;;
	esac
}

sanitizer_flags()
{
	local ub=array-bounds,bool,builtin,enum,integer-divide-by-zero,null,object-size,return,returns-nonnull-attribute,shift
	ub=$ub,signed-integer-overflow,unreachable,vla-bound
	case $1 in
	address) echo "-fsanitize=address -fsanitize-address-use-after-scope" ;;
	undefined) echo "-fsanitize=$ub,unsigned-integer-overflow -fno-sanitize-recover=$ub" ;; # unsigned: for coverage alone
	memory) echo "-fsanitize=memory -fsanitize-memory-track-origins" ;;
	thread) echo "-fsanitize=thread" ;;
	coverage) echo "-fprofile-instr-generate -fcoverage-mapping -pthread -Wl,--no-as-needed -Wl,-ldl -Wl,-lm -Wno-unused-command-line-argument" ;;
	esac
}

# service_environment ENGINE/SANITIZER DIR: exports what build.sh is given; DIR has src, between and out. The services' clang is the newest.
service_environment()
{
	export FUZZING_ENGINE=${1%/*} SANITIZER=${1#*/} ARCHITECTURE FUZZING_LANGUAGE=c SRC=$2/src WORK=$2/between OUT=$2/out
	ARCHITECTURE=$(uname -m)
	CFLAGS="-O1 -fno-omit-frame-pointer -gline-tables-only -DFUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION $(sanitizer_flags "$SANITIZER")"
	unset CMAKE_C_COMPILER_LAUNCHER CMAKE_BUILD_TYPE CMAKE_GENERATOR LDFLAGS
	case $FUZZING_ENGINE in
	libfuzzer)
		export CC=clang-19 CXX=clang++-19 LIB_FUZZING_ENGINE=-fsanitize=fuzzer
		[ "$SANITIZER" = coverage ] || CFLAGS="$CFLAGS -fsanitize=fuzzer-no-link"
		;;
	afl) # what compile_afl does
		export CC=afl-clang-fast CXX=afl-clang-fast++ LIB_FUZZING_ENGINE=$WORK/libFuzzingEngine.a
		export AFL_QUIET=1 ASAN_OPTIONS=detect_leaks=0:symbolize=0:detect_odr_violation=0:abort_on_error=1
		cp /usr/lib/afl/libAFLDriver.a "$LIB_FUZZING_ENGINE" && cp "$(command -v afl-fuzz)" "$OUT/" || return 1
		env | grep '^AFL_' >"$OUT/afl_options.txt"
		;;
	esac
	export CFLAGS CXXFLAGS="$CFLAGS"
}

# What a run is given besides; no variable of the build is left.
runtime_options()
{
	unset OUT SRC WORK CFLAGS CXXFLAGS CC CXX LIB_FUZZING_ENGINE
	local common=handle_abort=1:handle_segv=1:handle_sigill=1:allocator_may_return_null=1:symbolize=1
	export ASAN_OPTIONS=$common:detect_leaks=1:detect_stack_use_after_return=1:strict_memcmp=1:quarantine_size_mb=10
	ASAN_OPTIONS=$ASAN_OPTIONS:use_sigaltstack=1:dedup_token_length=3:print_scariness=1
	export UBSAN_OPTIONS=print_stacktrace=1:print_summary=1:silence_unsigned_overflow=1
	export MSAN_OPTIONS=print_stats=1:$common
	export TSAN_OPTIONS=halt_on_error=1:report_signal_unsafe=0:history_size=7:second_deadlock_stack=1
	export LLVM_PROFILE_FILE=/dev/null
	if [ "${1%/*}" = afl ]; then
		ASAN_OPTIONS=abort_on_error=1:symbolize=0:detect_odr_violation=0
		unset MSAN_OPTIONS UBSAN_OPTIONS TSAN_OPTIONS
		export AFL_NO_UI=1 AFL_SKIP_CPUFREQ=1 AFL_TRY_AFFINITY=1 AFL_FAST_CAL=1 AFL_IGNORE_PROBLEMS=1 AFL_FORKSRV_INIT_TMOUT=30000
		export AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_COLOR=1
	fi
}
