// SPDX-License-Identifier: GPL-2.0-only
/* Locking memory: mlock, munlock. */
#include "ops_internal.h"
#include <linux/swap.h>

/* __mm_populate() - v7.1, mm/gup.c: page by page, as its faults would; the first that fails ends it. */
static int populate(struct mm_struct *mm, unsigned int vpn, unsigned long len)
{
	unsigned int end = vpn + (unsigned int)(len >> PAGE_SHIFT);
	int err = 0;

	for (; vpn < end && !err; vpn++)
		err = fault_in(mm, vpn, 0, true);
	return err;
}

int op_mlock(const u8 *args)
{
	struct mm_struct *mm = mm_pin(args[0]);
	unsigned long len = nr_to_len(args[1], args[2]);
	int err;

	if (!mm)
		return -ESRCH;
	err = do_mlock(mm, vpn_to_addr(args[1]), len, true);
	if (!err && args[3])
		err = populate(mm, args[1], len);
	mm_unpin(mm);
	return err;
}

int op_munlock(const u8 *args)
{
	struct mm_struct *mm = mm_pin(args[0]);
	int err;

	if (!mm)
		return -ESRCH;
	err = do_mlock(mm, vpn_to_addr(args[1]), nr_to_len(args[1], args[2]), false);
	mm_unpin(mm);
	return err;
}
