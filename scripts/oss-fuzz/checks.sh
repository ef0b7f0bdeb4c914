# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2154
# What is checked of a folder OUT, in verdicts: "ok NAME", "FAILED NAME: why", and behind a failure lines "| ..." of what was said. To be sourced;
# $combination, $runs, $built, $here and $work are the caller's. Limits are those of the services (oss-fuzz, base-runner/bad_build_check).

# verdict NAME CODE WHY [FILE]
verdict()
{
	if [ "$2" = 0 ]; then
		echo "ok $1"
	else
		echo "FAILED $1: $3"
		[ -z "${4:-}" ] || tail -25 "$4" | sed 's/^/| /'
	fi
}

# ---- the folder ----

# What a service takes for a fuzz target: programs that have the entry point, but for AFL++'s own; and whatever is called like one.
found_targets()
{
	local path
	for path in "$1"/*; do
		case ${path##*/} in afl-* | *.*) continue ;; esac
		[ -f "$path" ] && [ -x "$path" ] || continue
		case $path in *_fuzzer) echo "${path##*/}"; continue ;; esac
		grep -aq LLVMFuzzerTestOneInput "$path" && file -b "$path" | grep -q '^ELF' && echo "${path##*/}"
	done
}

check_names()
{
	local expected found
	expected=$(printf '%s\n' "${@:2}" | sort)
	found=$(found_targets "$1" | sort)
	[ "$expected" = "$found" ]
	verdict "the targets" $? "expected ${expected//$'\n'/ }, found ${found//$'\n'/ }"
	! printf '%s\n' "$found" | grep -q '[^A-Za-z0-9_-]'
	verdict "their names" $? "expected letters, digits, - and _"
}

listing() { find "$1" -type f -exec sha256sum {} + | sort -k 2; }

# ---- a target, from outside ----

check_architecture()
{
	local want
	case $(uname -m) in x86_64) want=x86-64 ;; *) want=$(uname -m) ;; esac
	file -b "$1" >"$tmp/said"
	grep -qE "^ELF [^,]*, (ARM )?$want," "$tmp/said"
	verdict "$name: architecture" $? "expected $want" "$tmp/said"
}

# The images in which targets run have the C library, and what clang brings.
check_libraries()
{
	ldd "$1" 2>&1 | awk '{ print $1 }' | grep -vE '^(linux-vdso|ld-linux-|/lib.*/ld-linux|lib(c|m|dl|rt|pthread|resolv|gcc_s|stdc\+\+)\.so)' >"$tmp/said"
	[ ! -s "$tmp/said" ]
	verdict "$name: linked statically" $? "expected the C library alone" "$tmp/said"
}

# calls WHICH: how many calls of that sanitizer's functions; out of a table made once.
calls() { awk -v which="$1" '$1 == which { n = $2 } END { print n + 0 }' "$tmp/calls"; }

count_calls()
{
	objdump -d --no-show-raw-insn "$1" 2>/dev/null |
		sed -nE 's/.*\t(callq?|bl) +[0-9a-f]+ <__(asan|msan|tsan|ubsan|dfsan).*/\2/p' | sort | uniq -c | awk '{ print $2, $1 }' >"$tmp/calls"
}

check_sanitizer()
{
	local asan msan tsan ubsan
	count_calls "$1"
	asan=$(calls asan) msan=$(calls msan) tsan=$(calls tsan) ubsan=$(calls ubsan)
	case ${combination#*/} in
	address) [ "$asan" -ge 1000 ] && [ "$msan" -le 3 ] && [ "$ubsan" -le 200 ] ;;
	memory) [ "$msan" -ge 1000 ] && [ "$asan" = 0 ] && [ "$ubsan" -le 200 ] ;;
	undefined) [ "$ubsan" -ge 168 ] && [ "$asan" = 0 ] && [ "$msan" -le 3 ] ;;
	thread) [ "$tsan" -ge 500 ] && [ "$asan" = 0 ] && [ "$msan" -le 3 ] ;;
	coverage) [ "$asan" = 0 ] && [ "$msan" -le 3 ] && objdump -h "$1" | grep -q ' __llvm_prf_cnts ' ;;
	esac
	verdict "$name: this sanitizer and no other" $? "found calls: asan $asan, msan $msan, tsan $tsan, ubsan $ubsan"
}

# Sections and keys that a service knows; libFuzzer's own keys are its flags.
check_options()
{
	local options=$1.options dict
	[ -e "$options" ] || return
	[ "${combination%/*}" = libfuzzer ] || return
	"$1" -help=1 >"$tmp/flags" 2>&1
	awk '
		FNR == NR { if ($1 ~ /^[a-z_]+$/) flag[$1] = 1; next }
		/^[ \t]*(#|$)/ { next }
		/^\[(libfuzzer|asan|msan|ubsan|env)\]$/ { section = $0; next }
		/^[a-z_A-Z]+ *= *[^ ].*$/ && section != "" {
			key = $0; sub(/ *=.*/, "", key)
			if (section != "[libfuzzer]" || key in flag) next
		}
		{ print FNR ": " $0 }' "$tmp/flags" "$options" >"$tmp/said"
	[ ! -s "$tmp/said" ]
	verdict "$name: options" $? "expected sections and options of libFuzzer" "$tmp/said"
	dict=$(sed -n 's/^dict *= *//p' "$options")
	[ -z "$dict" ] || [ -e "$(dirname "$1")/$dict" ]
	verdict "$name: the dictionary of its options" $? "expected $dict, found none"
}

# libFuzzer drops words of more than 64 bytes, and does not say so.
check_dictionary()
{
	[ -e "$1.dict" ] || return
	[ "${combination%/*}" = libfuzzer ] || return
	run "$1" -runs=0 -dict="$1.dict" && grep -q '^Dictionary: [1-9][0-9]* entries' "$tmp/said" &&
		sed -nE 's/^([^#]*=)? *"(.*)"$/\2/p' "$1.dict" | sed -E 's/\\x[0-9a-fA-F]{2}/x/g' |
		awk 'length > 64 { print; bad = 1 } END { exit bad }' >>"$tmp/said"
	verdict "$name: dictionary" $? "expected words of at most 64 bytes" "$tmp/said"
}

# Flat, not executable, of files that a service takes. Unpacked into $tmp/seeds.
check_archive()
{
	local zip=$1_seed_corpus.zip
	mkdir "$tmp/seeds"
	[ ! -x "$zip" ] && unzip -tqq "$zip" >"$tmp/said" 2>&1 && unzip -qq -d "$tmp/seeds" "$zip" >>"$tmp/said" 2>&1 &&
		! zipinfo -1 "$zip" | grep / >>"$tmp/said" && [ -z "$(find "$tmp/seeds" -size +5M)" ] && [ -n "$(ls "$tmp/seeds")" ]
	verdict "$name: seeds are packed" $? "expected a flat archive of small files" "$tmp/said"
}

# ---- a target, running ----

# run TARGET ARGUMENT...: as the services start one, in the folder it is in.
run()
{
	(cd "$(dirname "$1")" && exec timeout -k 5 600 "$1" -rss_limit_mb=2560 -timeout=25 -artifact_prefix="$tmp/" "${@:2}") >"$tmp/said" 2>&1 </dev/null
}

# Starts without any seed, and has what it takes to see where an input went: a hundred edges.
check_starts()
{
	local edges
	run "$1" -- -seed=1337 -runs=4 && grep -q '^Done 4 runs' "$tmp/said"
	verdict "$name: starts" $? "expected 4 runs" "$tmp/said"
	[ "${combination#*/}" != coverage ] || return
	edges=$(sed -nE 's/^INFO: Loaded [0-9]+ modules? .*\([0-9]+ .*(counters|guards)\): +([0-9]+).*/\2/p' "$tmp/said")
	[ "${edges:-0}" -ge 100 ] && ! grep -q 'Is the code instrumented' "$tmp/said"
	verdict "$name: sees edges" $? "expected 100, found ${edges:-none}"
}

# A service calls a find one when it comes again a hundred times in one process; so must what is none.
check_seeds()
{
	run "$1" -runs=0 "$tmp/seeds"
	verdict "$name: runs on its seeds" $? "a seed ends it" "$tmp/said"
	run "$1" -runs=100 "$(find "$tmp/seeds" -type f -printf '%s %p\n' | sort -rn | sed -n '1s/^[0-9]* //p')" && grep -q '^Executed ' "$tmp/said"
	verdict "$name: a seed a hundred times" $? "expected 100 executions" "$tmp/said"
}

check_fuzzes()
{
	local dictionary=()
	[ "$runs" != 0 ] || return
	[ ! -e "$1.dict" ] || dictionary=(-dict="$1.dict")
	mkdir "$tmp/corpus"
	run "$1" -seed=1 -runs="$runs" ${dictionary[@]+"${dictionary[@]}"} -print_final_stats=1 "$tmp/corpus" "$tmp/seeds"
	verdict "$name: fuzzes" $? "a find, or a defect" "$tmp/said"
}

# What it opens, but for what programs, engines and ThreadSanitizer open everywhere: nothing may be read, or even looked for. Leaks are found by a tracer, of
# which there can be one.
check_opens()
{
	local arguments=(-runs=0 -detect_leaks=0 -artifact_prefix="$tmp/" "$tmp/seeds")
	[ "${combination%/*}" = libfuzzer ] || arguments=("$tmp"/seeds/*)
	(
		cd "$(dirname "$1")" && ASAN_OPTIONS=$ASAN_OPTIONS:detect_leaks=0 exec timeout -k 5 600 \
			strace -f -qq -o "$tmp/strace" -e trace=open,openat,openat2,creat "$1" "${arguments[@]}"
	) >"$tmp/output" 2>&1 </dev/null || rm -f "$tmp/strace"
	if [ ! -s "$tmp/strace" ]; then
		verdict "$name: opens no file" 1 "could not be traced" "$tmp/output"
		return
	fi
	sed -nE 's/^[0-9]+ +[a-z0-9]+\((AT_FDCWD, )?"([^"]*)".*/\2/p' "$tmp/strace" | sort -u |
		grep -vE "^(/proc/|/sys/|/dev/(null|afl_snapshot)$|/etc/ld\.so\.|/lib|/usr/lib|/tmp/tsan\.rodata\.[0-9]+$|$tmp/)" >"$tmp/said"
	[ ! -s "$tmp/said" ]
	verdict "$name: opens no file" $? "it opened, or tried to" "$tmp/said"
}

# The report of a service: merge, profile, what of the sources was reached.
check_report()
{
	local covered arguments
	[ "${combination#*/}" = coverage ] || return
	arguments=$(sed -n 's/^coverage_extra_args: *//p' "$here/project.yaml")
	mkdir "$tmp/merged"
	# shellcheck disable=SC2086 # a list of words
	LLVM_PROFILE_FILE="$tmp/%1m.profraw" run "$1" -merge=1 -timeout=100 "$tmp/merged" "$tmp/seeds" &&
		llvm-profdata-19 merge -sparse "$tmp"/*.profraw -o "$tmp/profile" >>"$tmp/said" 2>&1 &&
		llvm-cov-19 export -summary-only $arguments -instr-profile="$tmp/profile" "$1" >"$tmp/summary" 2>>"$tmp/said" &&
		covered=$(jq '.data[0].totals.lines.covered' "$tmp/summary") && [ "${covered:-0}" -gt 0 ]
	verdict "$name: a report of its coverage" $? "expected lines that are covered, found ${covered:-none}" "$tmp/said"
}

# ---- AFL++ ----

check_afl()
{
	(cd "$(dirname "$1")" && exec timeout -k 5 600 "$1" "$tmp"/seeds/*) >"$tmp/said" 2>&1 </dev/null
	verdict "$name: runs on its seeds" $? "a seed ends it" "$tmp/said"
	mkdir "$tmp/in"
	echo input >"$tmp/in/input"
	(cd "$(dirname "$1")" && exec timeout -k 5 120 ./afl-fuzz -V 3 -m none -t 5000+ -i "$tmp/in" -o "$tmp/queue" -- "$1") >"$tmp/said" 2>&1 </dev/null
	grep -q 'All set and ready to roll' "$tmp/said" && ! grep -qE 'target binary (crashed|terminated)' "$tmp/said"
	verdict "$name: fuzzes" $? "afl-fuzz did not start" "$tmp/said"
	grep -qs '^stability *: 100.00%' "$tmp/queue/default/fuzzer_stats"
	verdict "$name: stability" $? "expected 100.00%" "$tmp/queue/default/fuzzer_stats"
}

# ---- all of them ----

check_target()
{
	local name=${1##*/} tmp
	tmp=$(mktemp -d "$work/run.XXXXXX")
	check_architecture "$1"
	check_libraries "$1"
	check_sanitizer "$1"
	check_options "$1"
	check_dictionary "$1"
	check_archive "$1"
	if [ "${combination%/*}" = afl ]; then
		check_afl "$1"
	else
		check_starts "$1"
		check_seeds "$1"
		check_fuzzes "$1"
		check_report "$1"
	fi
	check_opens "$1"
	rm -rf "$tmp"
}

# The same programs make the same archives, whoever builds: those of the first build in $work.
check_same_seeds()
{
	[ -e "$work/first-seeds" ] || (cd "$1" && sha256sum ./*_seed_corpus.zip) >"$work/first-seeds"
	(cd "$1" && sha256sum --status -c "$work/first-seeds")
	verdict "seeds are those of the first build" $? "their archives differ"
}

# check_folder OUT TARGET...: as many targets at a time as there are CPUs; one that is not there is said once.
check_folder()
{
	local out=$1 target
	shift
	runtime_options "$combination"
	check_names "$out" "$@"
	[ -n "$built" ] || check_same_seeds "$out"
	listing "$out" >"$work/before"
	for target in "$@"; do
		[ -x "$out/$target" ] || continue
		while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do wait -n; done
		check_target "$out/$target" >"$work/verdict.$target" &
	done
	wait
	for target in "$@"; do
		[ ! -e "$work/verdict.$target" ] || cat "$work/verdict.$target"
		rm -f "$work/verdict.$target"
	done
	listing "$out" | cmp -s - "$work/before"
	verdict "the folder is as it was" $? "a target wrote into it"
}
