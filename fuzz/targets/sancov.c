/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sancov.c - tells the simulator where libFuzzer keeps the lowest stack address, so that each fiber
 * has its own: the distance between two mappings would be a random feature. Only with an engine
 * whose runtime has the symbol.
 */
#include <stdint.h>

extern __thread uintptr_t __sancov_lowest_stack;

uintptr_t *engine_sancov_lowest_stack(void);

uintptr_t *engine_sancov_lowest_stack(void)
{
	return &__sancov_lowest_stack;
}
