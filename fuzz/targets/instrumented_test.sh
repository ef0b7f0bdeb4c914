#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# instrumented_test.sh FOLDER - in a build for a fuzzing engine: the replica has coverage counters, and the simulator's own layers have none,
# nor has what hands features on. Otherwise a switch of CPUs would be a feature, and a strategy's loop an edge.
set -eu
cd "$1"
status=0
has() { nm "$1" 2>/dev/null | grep -qE '__sancov|__sanitizer_cov_trace_(cmp|const_cmp|switch)'; }
guide=$(find . -path '*program_fuzzer.dir*' -name 'guide.c.o')
[ -f "$guide" ] || { echo "no object of fuzz/targets/guide.c"; status=1; }
for file in libbase.a libengine.a libexplore.a libkernel.a liboracle.a librun.a $guide; do
	[ -f "$file" ] || { echo "$file: not there"; status=1; }
	if has "$file"; then
		echo "$file: has coverage counters"
		status=1
	fi
done
for file in libmm.a libops.a libprog.a; do
	has "$file" || { echo "$file: has no coverage counters"; status=1; }
done
exit $status
