#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# coverage_test.sh FOLIOFUZZ - the programs of corpus/coverage end clean, and the same on either vehicle.
set -eu
foliofuzz=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for vehicle in fiber pthread; do
	find corpus/coverage -name '*.prog' | LC_ALL=C sort | xargs "$foliofuzz" replay --repeat 3 --vehicle $vehicle >"$work/$vehicle" || {
		grep -A 1 '^replay:' "$work/$vehicle" | grep -B 1 '^[A-Z][a-z]*:' || cat "$work/$vehicle"
		exit 1
	}
done
cmp "$work/fiber" "$work/pthread"
