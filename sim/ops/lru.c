/* SPDX-License-Identifier: GPL-2.0-only */
/* The CPU's own batches, and doing nothing. */
#include "ops_internal.h"
#include <linux/swap.h>

int op_lru_drain(const u8 *args)
{
	(void)args;
	lru_add_drain();
	return 0;
}

int op_relax(const u8 *args)
{
	(void)args;
	cpu_relax();
	return 0;
}
