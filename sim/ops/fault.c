/* SPDX-License-Identifier: GPL-2.0-only */
/* Faults of each size. */
#include "ops_internal.h"
#include <linux/huge_mm.h>
#include <linux/pgtable.h>

/* How often a fault is retried before the operation gives up; each retry lets others go first. */
#define FAULT_RETRIES 8

/* access_error() - v7.1, arch/x86/mm/fault.c: what the VMA does not allow. Writable memory can be read. */
static bool access_error(struct vm_area_struct *vma, bool write)
{
	return write ? !(vma->vm_flags & VM_WRITE) : !vma_is_accessible(vma);
}

/* With the lock of the VMA alone. VM_FAULT_RETRY: that does not do, take mmap_lock. v6.12's lock of a VMA is another, and left out. */
static vm_fault_t fault_under_vma_lock(struct mm_struct *mm, unsigned long addr, unsigned int order, bool write)
{
	struct vm_area_struct *vma;
	vm_fault_t ret;

	if (!generation_at_least(GENERATION_V6_18))
		return VM_FAULT_RETRY;
	vma = lock_vma_under_rcu(mm, addr);
	if (!vma)
		return VM_FAULT_RETRY;
	if (access_error(vma, write))
		ret = VM_FAULT_SIGSEGV;
	else
		ret = handle_mm_fault(vma, addr, order, (write ? FAULT_FLAG_WRITE : 0) | FAULT_FLAG_VMA_LOCK);
	vma_end_read(vma);
	return ret;
}

static vm_fault_t fault_under_mmap_lock(struct mm_struct *mm, unsigned long addr, unsigned int order, bool write)
{
	struct vm_area_struct *vma;
	vm_fault_t ret = VM_FAULT_SIGSEGV;

	mmap_read_lock(mm);
	vma = vma_lookup(mm, addr);
	if (vma && !access_error(vma, write))
		ret = handle_mm_fault(vma, addr, order, write ? FAULT_FLAG_WRITE : 0);
	mmap_read_unlock(mm);
	return ret;
}

/*
 * do_user_addr_fault() - v7.1, arch/x86/mm/fault.c. Fidelity: same, but that a handler that asks for a retry drops no lock. -EINTR: a monitor was
 * waited for all the time, and a signal has come instead (fault_signal_pending()).
 */
int fault_in(struct mm_struct *mm, unsigned int vpn, unsigned int order, bool write)
{
	unsigned int waits = machine->userfault_waits[smp_processor_id()];
	unsigned long addr = vpn_to_addr(vpn);

	for (int i = 0; i < FAULT_RETRIES; i++) {
		vm_fault_t ret = fault_under_vma_lock(mm, addr, order, write);

		if (ret & VM_FAULT_RETRY)
			ret = fault_under_mmap_lock(mm, addr, order, write);
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
	return machine->userfault_waits[smp_processor_id()] - waits >= FAULT_RETRIES ? -EINTR : -EAGAIN;
}

static int fault_op(const u8 *args, unsigned int order, bool write)
{
	struct mm_struct *mm = mm_pin(args[0]);
	int err;

	if (!mm)
		return -ESRCH;
	user_note(USER_COPY, args[0], args[1], 1, 0, 0);
	err = fault_in(mm, args[1], order, write);
	user_note(USER_COPY, args[0], args[1], 1, 0, 0);
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
