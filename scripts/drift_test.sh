#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# scripts/drift on a kernel tree of one file: nothing changed, a comment changed, a statement changed, a function gone.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export DRIFT_TABLE="$dir/table"
mkdir -p "$dir/tree/mm"
file=$dir/tree/mm/memory.c
fail() { echo "drift_test: $1" >&2; exit 1; }
expect() { # exit code, words of the output
	status=0
	scripts/drift "$dir/tree" v0 > "$dir/out" || status=$?
	[ $status = "$1" ] || fail "expected exit $1, got $status: $(cat "$dir/out")"
	grep -q "$2" "$dir/out" || fail "expected '$2' in: $(cat "$dir/out")"
}
printf 'static void zap_pmd_range(int a)\n{\n\treturn;\n}\n' > "$file"
scripts/drift --store v0 "$dir/tree" > /dev/null
grep -q '^v0 zap_pmd_range mm/memory.c [0-9a-f]*$' "$DRIFT_TABLE" || fail "not stored: $(cat "$DRIFT_TABLE")"
expect 0 'of 1 mirrored functions 0 changed, 0 gone'
printf '/* why */\nstatic void zap_pmd_range(int a)\n{\n\treturn; /* how */\n}\n' > "$file"
expect 0 '0 changed'
printf 'static void zap_pmd_range(int a)\n{\n\tif (a)\n\t\treturn;\n}\n' > "$file"
expect 2 'changed  mm/memory.c: zap_pmd_range'
printf 'static void zap_range(int a)\n{\n\treturn;\n}\n' > "$file"
expect 2 'gone     mm/memory.c: zap_pmd_range'
if scripts/drift "$dir" 2> "$dir/out"; then fail "took a folder that is no kernel tree"; fi
grep -q 'expected a kernel source tree' "$dir/out" || fail "no clear error"
