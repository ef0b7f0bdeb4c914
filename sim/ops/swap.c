/* SPDX-License-Identifier: GPL-2.0-only */
/* The swap device goes and comes. */
#include "ops_internal.h"
#include <linux/swap.h>

int op_swapoff(const u8 *args)
{
	(void)args;
	return swapoff();
}

int op_swapon(const u8 *args)
{
	return swapon(args[0]);
}
