#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
exec "$SRC/foliofuzz/scripts/oss-fuzz/build.sh"
