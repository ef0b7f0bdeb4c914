#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# digest_test.sh FOLIOFUZZ - 10,000 random programs execute the same a second time, and on POSIX threads.
set -eu
foliofuzz=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Finds are another test's matter.
digest() { "$foliofuzz" run --runs 10000 --seed 1 --keep-going --out "$work" --digest "$@" | sed -n 's/^digest //p'; }

first=$(digest)
again=$(digest)
pthread=$(digest --vehicle pthread)
echo "fiber $first, again $again, pthread $pthread"
[ -n "$first" ] && [ "$first" = "$again" ] && [ "$first" = "$pthread" ]
