/* SPDX-License-Identifier: GPL-2.0-only */
/* Address spaces come, are mapped, and go: mm, exit, mmap, munmap, and the teardown of a program. */
#include "ops_internal.h"
#include <linux/fs.h>
#include <linux/swap.h>

int op_mm(const u8 *args)
{
	unsigned int slot = args[0];
	struct mm_struct *mm;

	/* one slot, one mm: whoever is second gives up */
	spin_lock(&machine->mmlist_lock);
	mm = machine->mms[slot];
	spin_unlock(&machine->mmlist_lock);
	if (mm)
		return -EEXIST;
	mm = mm_alloc(slot);
	if (!mm)
		return -ENOMEM;
	if (mmap_region(mm, 0, TASK_SIZE)) {
		mmput(mm);
		return -ENOMEM;
	}
	spin_lock(&machine->mmlist_lock);
	if (!machine->mms[slot]) {
		machine->mms[slot] = mm;
		mm = NULL;
	}
	spin_unlock(&machine->mmlist_lock);
	if (mm) {
		mmput(mm);
		return -EEXIST;
	}
	user_note(USER_FRESH, slot, 0, 0, 0, 0);
	return 0;
}

int op_exit(const u8 *args)
{
	struct mm_struct *mm;

	spin_lock(&machine->mmlist_lock);
	mm = machine->mms[args[0]];
	machine->mms[args[0]] = NULL;
	spin_unlock(&machine->mmlist_lock);
	if (!mm)
		return -ESRCH;
	mmput(mm);
	return 0;
}

int op_mmap(const u8 *args)
{
	struct mm_struct *mm = mm_pin(args[0]);
	int err;

	if (!mm)
		return -ESRCH;
	user_note(USER_MAP_BEGIN, args[0], args[1], args[2], 0, MAPPING_ANON);
	err = mmap_region(mm, vpn_to_addr(args[1]), nr_to_len(args[1], args[2]));
	user_note(USER_MAP_END, args[0], args[1], args[2], 0, !err);
	mm_unpin(mm);
	return err;
}

int op_munmap(const u8 *args)
{
	struct mm_struct *mm = mm_pin(args[0]);
	int err;

	if (!mm)
		return -ESRCH;
	user_discard_begin(args[0], args[1], args[2]);
	err = do_munmap(mm, vpn_to_addr(args[1]), nr_to_len(args[1], args[2]));
	user_discard_end(args[0], args[1], args[2], !err);
	mm_unpin(mm);
	return err;
}

void ops_teardown(void)
{
	for (u8 slot = 0; slot < NR_REFS; slot++)
		op_put(&slot);
	for (u8 slot = 0; slot < NR_MMS; slot++)
		op_exit(&slot);
	files_evict();
	op_shrink_huge_zero(NULL);
	lru_add_drain_all();
	/* folios that nobody maps any more may have stayed in the swap cache */
	swapoff();
}
