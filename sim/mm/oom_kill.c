// SPDX-License-Identifier: GPL-2.0-only
/*
 * oom_kill.c - reaping: the anonymous memory of a dying process is unmapped by somebody else, while its threads still run and while it
 * exits.
 *
 * The reaper is no user of the address space, it has only the struct. MMF_UNSTABLE before the first page goes: a fault that comes
 * later must not put a fresh zero page where data was. MMF_OOM_SKIP, tested with mmap_lock held for reading, is set before
 * exit_mmap() takes it for writing to free the tables.
 */
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/oom.h>
#include <linux/tlb.h>

/*
 * zap_vma_for_reaping() - v7.1, mm/memory.c. Fidelity: adapted: notifiers never ask to be spared because they would have to sleep; up to v6.12 the
 * CPU's batches are drained as for any zap. mmap_lock is held for reading.
 */
static void zap_vma_for_reaping(struct vm_area_struct *vma)
{
	struct zap_details details = { .zap_flags = 0 };
	struct mmu_gather tlb;

	tlb_gather_mmu(&tlb, vma->vm_mm);
	zap_vma_range_details(&tlb, vma, vma->vm_start, vma->vm_end - vma->vm_start, &details);
	tlb_finish_mmu(&tlb);
}

/* __oom_reap_task_mm() - v7.1. Fidelity: same. From the end of the address space, away from the exit. mmap_lock is held for reading. */
static void __oom_reap_task_mm(struct mm_struct *mm)
{
	set_bit(MMF_UNSTABLE, &mm->flags);
	for (unsigned int i = mm->map_count; i-- > 0;) {
		struct vm_area_struct *vma = mm->vmas[i];

		/* what is in files is not gained this way */
		if (vma_is_anonymous(vma) || !(vma->vm_flags & VM_SHARED))
			zap_vma_for_reaping(vma);
	}
}

/* oom_reap_task_mm() - v7.1. Fidelity: same. */
bool oom_reap_task_mm(struct mm_struct *mm)
{
	if (!mmap_read_trylock(mm))
		return false;
	if (!test_bit(MMF_OOM_SKIP, &mm->flags))
		__oom_reap_task_mm(mm);
	mmap_read_unlock(mm);
	return true;
}
