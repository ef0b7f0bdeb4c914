/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * defect.c - a harness defect inside a fuzz target: engines take exit() for something else, so
 * trap.
 */
#include <foliofuzz/base.h>

void harness_defect_trap(void)
{
	__builtin_trap();
}
