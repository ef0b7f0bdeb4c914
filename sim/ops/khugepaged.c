/* SPDX-License-Identifier: GPL-2.0-only */
/* Small pages become a huge one: collapse (at once, because user space asks) and khugepaged (because it is worth it). */
#include "ops_internal.h"
#include <linux/khugepaged.h>

int op_collapse(const u8 *args)
{
	struct mm_struct *mm = mm_pin(args[0]);
	unsigned long start = vpn_to_addr(args[1]) & HPAGE_PMD_MASK;
	struct vm_area_struct *vma;
	bool lock_dropped = false;
	int err = -EINVAL;

	if (!mm)
		return -ESRCH;
	mmap_read_lock(mm);
	vma = vma_lookup(mm, start);
	if (vma && vma->vm_end >= start + HPAGE_PMD_SIZE)
		err = madvise_collapse(vma, start, start + HPAGE_PMD_SIZE, &lock_dropped);
	mmap_read_unlock(mm);
	mm_unpin(mm);
	return err;
}

int op_khugepaged(const u8 *args)
{
	struct mm_struct *mm = mm_pin(args[0]);
	unsigned int collapsed;

	if (!mm)
		return -ESRCH;
	collapsed = khugepaged_scan_mm(mm);
	mm_unpin(mm);
	return collapsed ? 0 : -EAGAIN;
}
