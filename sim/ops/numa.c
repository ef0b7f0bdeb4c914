/* SPDX-License-Identifier: GPL-2.0-only */
/* NUMA hints: the scan that sets them. The faults that they make are in the loads and stores of access.c. */
#include "ops_internal.h"
#include <linux/huge_mm.h>

/*
 * task_numa_work() - v7.1, kernel/sched/fair.c: the scan of one range, with mmap_lock tried for as there. VMAs that cannot be accessed are
 * left alone: their entries fault anyway, and mean something else.
 */
int op_numa_scan(const u8 *args)
{
	struct mm_struct *mm = mm_pin(args[0]);
	unsigned long start = vpn_to_addr(args[1]), end = start + nr_to_len(args[1], args[2]);
	int err = -EBUSY;
	long nr = 0;

	if (!mm)
		return -ESRCH;
	if (!mmap_read_trylock(mm))
		goto out;
	for (unsigned int i = 0; i < mm->map_count; i++) {
		struct vm_area_struct *vma = mm->vmas[i];
		unsigned long from = vma->vm_start > start ? vma->vm_start : start;
		unsigned long to = vma->vm_end < end ? vma->vm_end : end;

		if (from < to && vma_is_accessible(vma))
			nr += change_prot_numa(vma, from, to);
	}
	mmap_read_unlock(mm);
	err = nr ? 0 : -ENOENT;
out:
	mm_unpin(mm);
	return err;
}
