// SPDX-License-Identifier: GPL-2.0-only
/* Locking memory, and faulting it in ahead: mlock, munlock, MADV_POPULATE. */
#include "ops_internal.h"
#include <linux/swap.h>

/* __mm_populate() - v7.1, mm/gup.c: page by page, as its faults would; the first that fails ends it. */
static int populate(struct mm_struct *mm, unsigned int slot, unsigned int vpn, unsigned long len, bool write)
{
	unsigned int end = vpn + (unsigned int)(len >> PAGE_SHIFT);
	int err = 0;

	for (; vpn < end && !err; vpn++) {
		user_note(USER_COPY, slot, vpn, 1, 0, 0);
		err = fault_in(mm, vpn, 0, write);
		user_note(USER_COPY, slot, vpn, 1, 0, 0);
	}
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
		err = populate(mm, args[0], args[1], len, true);
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

/* madvise_populate() - v7.1, mm/madvise.c. Fidelity: adapted: page by page. No lock is held between two pages. */
int op_madv_populate(const u8 *args)
{
	struct mm_struct *mm = mm_pin(args[0]);
	unsigned long len = nr_to_len(args[1], args[2]);
	int err;

	if (!mm)
		return -ESRCH;
	err = populate(mm, args[0], args[1], len, args[3]);
	mm_unpin(mm);
	return err;
}
