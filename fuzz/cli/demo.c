/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The demonstration program, for `bench`: a partial unmap and a memory error meet on page 1's flags word. On the default
 * generation it is clean.
 */
#include "cli.h"
#include <string.h>

static const char text[] = "world cpus=2 memcgs=1\n"
			   "setup m0 = mm(); fault_huge(m0, 0)\n"
			   "cpu0 dontneed(m0, 1, 1)\n"
			   "cpu1 memory_failure(m0, 2)\n";

const char *bench_demo_program(struct prog *prog)
{
	struct prog_error error;

	return prog_parse(prog, text, strlen(text), &error) ? NULL : "the demonstration program does not parse";
}
