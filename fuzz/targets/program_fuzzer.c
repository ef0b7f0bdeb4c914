/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * program_fuzzer.c - this target makes a program of its input, operations and schedule alike, and
 * executes it.
 */
#include "target.h"

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	target_init(argc, *argv);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct prog prog;

	prog_decode(&prog, data, size);
	target_set_world(&prog, false);
	target_assert_clean(&prog, true);
	return 0;
}
