/* SPDX-License-Identifier: GPL-2.0-only */
/* Taking mappings apart: split_pmd. */
#include "ops_internal.h"
#include <linux/huge_mm.h>
#include <linux/pgtable.h>

int op_split_pmd(const u8 *args)
{
	struct mm_struct *mm = mm_pin(args[0]);
	unsigned long addr = vpn_to_addr(args[1]);
	struct vm_area_struct *vma;
	int err = -ENOENT;

	if (!mm)
		return -ESRCH;
	mmap_read_lock(mm);
	vma = vma_lookup(mm, addr);
	if (vma && pmd_is_huge(pmdp_get_lockless(pmd_offset(mm, addr)))) {
		split_huge_pmd_address(vma, addr, false);
		err = 0;
	}
	mmap_read_unlock(mm);
	mm_unpin(mm);
	return err;
}
