#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# A plain race put into the replica is reported by TSan, on both vehicles, as often each time; with the bug off the same
# executions are silent.
# usage: tsan_test.sh FOLIOFUZZ (built with -fsanitize=thread)
set -eu
program=corpus/bugs/partially-mapped-nonatomic/min.prog
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export TSAN_OPTIONS=halt_on_error=0:exitcode=0:report_signal_unsafe=0

reports()
{
	"$@" >"$log" 2>&1 || true
	grep -c '^WARNING: ThreadSanitizer: data race' "$log" || true
}

for vehicle in fiber pthread; do
	first=$(reports "$1" replay $program --vehicle $vehicle)
	[ "$first" -gt 0 ] || { cat "$log"; echo "$vehicle: TSan does not report the planted race"; exit 1; }
	for i in 1 2 3; do
		again=$(reports "$1" replay $program --vehicle $vehicle)
		[ "$again" = "$first" ] || { echo "$vehicle: $first reports, then $again"; exit 1; }
	done
	off=$(reports "$1" replay $program --vehicle $vehicle --bug -partially-mapped-nonatomic)
	[ "$off" = 0 ] || { cat "$log"; echo "$vehicle: $off reports with the bug off"; exit 1; }
done
