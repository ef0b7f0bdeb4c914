/* SPDX-License-Identifier: GPL-2.0-only */
/* Faults of each size. */
#include "ops_internal.h"
#include <linux/huge_mm.h>
#include <linux/pgtable.h>

/* How often a fault is retried before the operation gives up; each retry lets others go first. */
#define FAULT_RETRIES 8

int fault_in(struct mm_struct *mm, unsigned int vpn, unsigned int order, bool write)
{
	unsigned long addr = vpn_to_addr(vpn);

	for (int i = 0; i < FAULT_RETRIES; i++) {
		struct vm_area_struct *vma;
		vm_fault_t ret;

		mmap_read_lock(mm);
		vma = vma_lookup(mm, addr);
		ret = vma ? handle_mm_fault(vma, addr, order, write ? FAULT_FLAG_WRITE : 0) : VM_FAULT_SIGSEGV;
		mmap_read_unlock(mm);
		if (ret & VM_FAULT_SIGSEGV)
			return -EFAULT;
		if (ret & (VM_FAULT_HWPOISON | VM_FAULT_SIGBUS))
			return -EHWPOISON;
		if (ret & VM_FAULT_OOM)
			return -ENOMEM;
		if (!(ret & VM_FAULT_RETRY))
			return 0;
		cpu_relax();
	}
	return -EAGAIN;
}

static int fault_op(const u8 *args, unsigned int order, bool write)
{
	struct mm_struct *mm = mm_pin(args[0]);
	int err;

	if (!mm)
		return -ESRCH;
	err = fault_in(mm, args[1], order, write);
	mm_unpin(mm);
	return err;
}

int op_fault(const u8 *args)
{
	return fault_op(args, 0, true);
}

int op_fault_mthp(const u8 *args)
{
	return fault_op(args, 2, true);
}

int op_fault_huge(const u8 *args)
{
	return fault_op(args, HPAGE_PMD_ORDER, true);
}

int op_fault_read(const u8 *args)
{
	return fault_op(args, 0, false);
}

int op_fault_read_huge(const u8 *args)
{
	return fault_op(args, HPAGE_PMD_ORDER, false);
}

int op_shrink_huge_zero(const u8 *args)
{
	struct shrink_control sc = { .nr_to_scan = 1 };

	(void)args;
	if (!shrink_huge_zero_folio_count(&sc))
		return -EBUSY;
	return shrink_huge_zero_folio_scan(&sc) ? 0 : -EBUSY;
}
