// SPDX-License-Identifier: GPL-2.0-only
/*
 * mmap.c - address spaces: map, unmap, exit. Stands for mm/mmap.c, the system calls' part of vma.c, and fork.c. VMAs themselves are in
 * vma.c, their lock in mmap_lock.c.
 */
#include <linux/err.h>
#include <linux/huge_mm.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/mm_inline.h>
#include <linux/pgtable.h>
#include <linux/rmap.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <linux/tlb.h>
#include <linux/userfaultfd_k.h>
#include <linux/vma.h>
#include <foliofuzz/bug.h>

/* mm_alloc() - v7.1, kernel/fork.c. Fidelity: adapted: an mm's cgroup follows from its number. */
struct mm_struct *mm_alloc(unsigned int slot)
{
	struct mm_struct *mm = kmem_cache_alloc(&machine->mm_cache, GFP_KERNEL);
	unsigned int memcgs = machine->config.memcgs;

	if (!mm)
		return NULL;
	spin_lock_init(&mm->pmd_ptl);
	spin_lock_init(&mm->page_table_lock);
	init_rwsem(&mm->mmap_lock);
	atomic_set(&mm->mm_users, 1);
	atomic_set(&mm->mm_count, 1);
	mm->slot = slot;
	mm->mm_id = (mm_id_t)atomic_inc_return(&machine->mm_ids);
	mm->memcg = mem_cgroup_get_online(1 + slot % (memcgs + !memcgs));
	mm->mmlist.next = mm->mmlist.prev = &mm->mmlist; /* nobody else can find it yet */
	return mm;
}

/*
 * mmap_region() - v7.1. Fidelity: adapted: anonymous, readable and writable; what is in the way is not unmapped but an error. Takes
 * mmap_lock.
 */
int mmap_region(struct mm_struct *mm, unsigned long start, unsigned long len)
{
	unsigned long vm_flags = VM_READ | VM_WRITE | VM_MAYWRITE;
	struct vm_area_struct *vma;
	int ret = -ENOMEM;

	mmap_write_lock(mm);
	if (find_vma_intersection(mm, start, start + len)) {
		ret = -EEXIST;
		goto out;
	}
	if (mm->map_count >= sysctl_max_map_count)
		goto out;
	ret = 0;
	if (vma_merge_new(mm, start, start + len, vm_flags, NULL, start >> PAGE_SHIFT))
		goto out;
	vma = vm_area_alloc(mm);
	if (!vma) {
		ret = -ENOMEM;
		goto out;
	}
	vma->vm_start = start;
	vma->vm_end = start + len;
	vma->vm_pgoff = start >> PAGE_SHIFT;
	vma->vm_flags = vm_flags;
	vma->vm_page_prot = vm_get_page_prot(vm_flags);
	ret = vma_link(mm, vma);
	if (ret)
		vm_area_free(vma);
out:
	mmap_write_unlock(mm);
	return ret;
}

/* unmap_region() - v7.1; v6.12: vms_clear_ptes(), which drains the CPU's batches first. Fidelity: same. mmap_lock is held for reading. */
static void unmap_region(struct mm_struct *mm, struct vm_area_struct **vmas, unsigned int nr)
{
	struct mmu_gather tlb;

	if (!generation_at_least(GENERATION_V6_18))
		lru_add_drain();
	tlb_gather_mmu(&tlb, mm);
	for (unsigned int i = 0; i < nr; i++)
		unmap_vmas(&tlb, vmas[i], vmas[i]->vm_start, vmas[i]->vm_end);
	free_pgtables(mm, vmas, nr);
	tlb_finish_mmu(&tlb);
}

/* remove_vma() - v7.1. Fidelity: same. Nothing leads to the VMA any more. */
static void remove_vma(struct vm_area_struct *vma)
{
	might_sleep();
	vm_area_free(vma);
}

/* What is taken out of an address space. */
struct vma_munmap_struct {
	struct mm_struct *mm;
	unsigned long start, end;
	struct vm_area_struct *vmas[VMAS_PER_MM]; /* stands for the tree of detached VMAs */
	unsigned int nr;
};

/* reattach_vmas() - v7.1. Fidelity: same. They are in the tree still. */
static void reattach_vmas(struct vma_munmap_struct *vms)
{
	for (unsigned int i = 0; i < vms->nr; i++)
		vma_mark_attached(vms->vmas[i]);
}

/*
 * vms_gather_munmap_vmas() - v7.1. Fidelity: same. Splits what the edges cut, and detaches what is inside: it stays in the tree, but no
 * reader can lock it any more. A split is not undone when what comes after it fails.
 */
static int vms_gather_munmap_vmas(struct vma_munmap_struct *vms)
{
	struct vm_area_struct *vma = find_vma_intersection(vms->mm, vms->start, vms->end);
	int err;

	if (vma->vm_start < vms->start) {
		if (vma->vm_end > vms->end && vms->mm->map_count >= sysctl_max_map_count)
			return -ENOMEM;
		err = __split_vma(vma, vms->start, true);
		if (err)
			return err;
	}
	for (; vma; vma = find_vma_intersection(vms->mm, vma->vm_end, vms->end)) {
		if (vma->vm_end > vms->end) {
			err = __split_vma(vma, vms->end, false);
			if (err)
				goto reattach;
		}
		vma_start_write(vma);
		vms->vmas[vms->nr++] = vma;
		vma_mark_detached(vma);
		if (vma->vm_end >= vms->end)
			break;
	}
	return 0;
reattach:
	reattach_vmas(vms);
	return err;
}

/*
 * do_vmi_munmap(), do_vmi_align_munmap(), vms_complete_munmap_vmas() - v7.1. Fidelity: same. mmap_lock is held for writing. With `unlock`,
 * and if it succeeds, it is downgraded as soon as nobody can find the VMAs, and let go of in the end: faults next to them go on
 * while they are unmapped.
 */
int do_vmi_munmap(struct mm_struct *mm, unsigned long start, unsigned long len, bool unlock)
{
	struct vma_munmap_struct vms = { .mm = mm, .start = start, .end = start + len };
	int err;

	mmap_assert_write_locked(mm);
	if (!find_vma_intersection(mm, start, vms.end)) {
		if (unlock)
			mmap_write_unlock(mm);
		return 0;
	}
	err = vms_gather_munmap_vmas(&vms);
	if (err)
		return err;
	vma_iter_clear(mm, start, vms.end);
	for (unsigned int i = 0; i < vms.nr; i++)
		vma_array_remove(mm, vms.vmas[i]);

	if (unlock)
		mmap_write_downgrade(mm);
	unmap_region(mm, vms.vmas, vms.nr);
	for (unsigned int i = 0; i < vms.nr; i++)
		remove_vma(vms.vmas[i]);
	if (unlock)
		mmap_read_unlock(mm);
	return 0;
}

/* __vm_munmap() - v7.1. Fidelity: same, but that nothing mapped there is told. Takes mmap_lock. */
int do_munmap(struct mm_struct *mm, unsigned long start, unsigned long len)
{
	int err = -ENOENT;

	mmap_write_lock(mm);
	if (find_vma_intersection(mm, start, start + len))
		err = do_vmi_munmap(mm, start, len, true);
	if (err)
		mmap_write_unlock(mm);
	return err;
}

/*
 * exit_mmap() - v7.1. Fidelity: same: nobody uses the mm any more, rmap walks may still come by. mmap_lock is held for reading while
 * the pages go, as whoever else is interested in a dying mm may look at it, and for writing while the tables do. Readers of a VMA
 * lock may come by as well, who found the VMA when it was another mm's.
 */
void exit_mmap(struct mm_struct *mm)
{
	struct vm_area_struct *vmas[VMAS_PER_MM];
	struct mmu_gather tlb;
	unsigned int nr;

	mmap_read_lock(mm);
	if (!generation_at_least(GENERATION_V6_18))
		lru_add_drain();
	tlb_gather_mmu(&tlb, mm);
	for (unsigned int i = 0; i < mm->map_count; i++)
		unmap_vmas(&tlb, mm->vmas[i], mm->vmas[i]->vm_start, mm->vmas[i]->vm_end);
	mmap_read_unlock(mm);
	/* the reaper's work is done; it looks with mmap_lock held, so after the next lines it is not in the middle of it */
	set_bit(MMF_OOM_SKIP, &mm->flags);

	mmap_write_lock(mm);
	nr = mm->map_count;
	for (unsigned int i = 0; i < nr; i++) {
		vmas[i] = mm->vmas[i];
		vma_start_write(vmas[i]);
	}
	mm->map_count = 0;
	vma_iter_clear(mm, 0, TASK_SIZE);
	free_pgtables(mm, vmas, nr);
	tlb_finish_mmu(&tlb);
	for (unsigned int i = 0; i < nr; i++) {
		vma_mark_detached(vmas[i]);
		remove_vma(vmas[i]);
	}
	mmap_write_unlock(mm);
	for (int i = 0; i < NR_MM_COUNTERS; i++)
		VM_WARN_ON(mm->rss_stat[i]);
	VM_WARN_ON(mm->pgtables.counter);
	VM_WARN_ON(mm->pmd_huge_pte);
}

/*
 * Does swapoff know of the mm? Nobody lists it any more; but swapoff may be taking it off the list, with the lock held: the careful
 * test sees both stores of the link's re-initialisation, or goes for the lock. Releases up to v7.1 look at ->next alone.
 */
static bool mm_is_listed(struct mm_struct *mm)
{
	if (bug_enabled(mmput_empty_test_vs_drain))
		return !list_empty(&mm->mmlist);
	return !list_empty_careful(&mm->mmlist);
}

/* mmdrop(), __mmdrop() - v7.1, include/linux/sched/mm.h, kernel/fork.c. Fidelity: same. What is left is the struct. */
void mmdrop(struct mm_struct *mm)
{
	if (!atomic_dec_and_test(&mm->mm_count))
		return;
	mmu_notifier_subscriptions_destroy(mm);
	if (mm->memcg)
		css_put(mm->memcg);
	kmem_cache_free(&machine->mm_cache, mm);
}

/* mmput(), __mmput() - v7.1, kernel/fork.c. Fidelity: same. May sleep. All users together hold one count. */
void mmput(struct mm_struct *mm)
{
	might_sleep();
	if (!atomic_dec_and_test(&mm->mm_users))
		return;
	exit_mmap(mm);
	mm_put_huge_zero_folio(mm);
	if (mm_is_listed(mm)) {
		spin_lock(&machine->mmlist_lock);
		list_del(&mm->mmlist);
		spin_unlock(&machine->mmlist_lock);
	}
	mmdrop(mm);
}

/*
 * do_mmap() with MAP_FIXED of a file, mmap_region() - v7.1. Fidelity: adapted: never merged, and what is there is unmapped under a lock of its own, so that a fault
 * may come in between; then the mapping fails. Takes mmap_lock. The VMA joins the file's before faults can come.
 */
int mmap_file_region(struct mm_struct *mm, unsigned long start, unsigned long len, struct file *file, pgoff_t pgoff,
		     unsigned long vm_flags)
{
	struct vm_area_struct *vma;
	int ret = do_munmap(mm, start, len);

	if (ret && ret != -ENOENT)
		return ret;
	mmap_write_lock(mm);
	ret = -EEXIST;
	if (find_vma_intersection(mm, start, start + len))
		goto out;
	ret = -ENOMEM;
	if (mm->map_count >= sysctl_max_map_count)
		goto out;
	vma = vm_area_alloc(mm);
	if (!vma)
		goto out;
	vma->vm_start = start;
	vma->vm_end = start + len;
	vma->vm_pgoff = pgoff;
	vma->vm_flags = vm_flags;
	vma->vm_page_prot = vm_get_page_prot(vm_flags);
	vma->vm_file = file;
	if (vm_flags & VM_SHARED)
		get_write_access(file->f_inode);
	ret = vma_link(mm, vma);
	if (ret)
		vm_area_free(vma);
out:
	mmap_write_unlock(mm);
	return ret;
}

/* ------------------------------------------------------------------ fork ---- */

/*
 * One VMA of dup_mmap(): the copy, its place in the rmap, and its tables. A VMA that is in the mm stays there when its tables could
 * not be copied: the caller takes the whole mm down.
 */
static int dup_vma(struct mm_struct *mm, struct vm_area_struct *mpnt)
{
	struct vm_area_struct *tmp;
	int err;

	vma_start_write(mpnt);
	tmp = vm_area_dup(mpnt);
	if (!tmp)
		return -ENOMEM;
	tmp->vm_mm = mm;
	/* dup_userfaultfd(), for a monitor that does not want to hear of forks. */
	if (tmp->uffd_ctx)
		userfaultfd_reset_ctx(tmp);
	if (tmp->vm_flags & VM_WIPEONFORK) {
		plain_write(tmp->anon_vma, NULL);
	} else if (anon_vma_fork(tmp, mpnt)) {
		vm_area_free(tmp);
		return -ENOMEM;
	}
	tmp->vm_flags &= ~VM_LOCKED;
	err = vma_link(mm, tmp);
	if (err) {
		unlink_anon_vmas(tmp);
		vm_area_free(tmp);
		return err;
	}
	return tmp->vm_flags & VM_WIPEONFORK ? 0 : copy_page_range(tmp, mpnt);
}

/*
 * dup_mmap() - v7.1, mm/mmap.c. Fidelity: adapted: the maple tree, which here never holds VMAs of the parent; accounting, policies, KSM,
 * khugepaged's registration. Takes the parent's mmap_lock for writing, then the child's, which nobody else can want but rmap walks'
 * owners, who take none. On failure what the child has got is unmapped here, with the locks held, and the mm is marked as what
 * nobody may fault in; it is left without VMAs for mmput(). Up to v6.19 it keeps them, and where it ends there is a marker in the tree,
 * behind which stands what was the parent's. The parent's TLB entries go last: until then a thread of it may
 * still write to what is shared already, which comes before the fork for all who look.
 */
int dup_mmap(struct mm_struct *mm, struct mm_struct *oldmm)
{
	int retval = 0;

	mmap_write_lock(oldmm);
	/* Not visible yet: no order between the two is broken. */
	mmap_write_lock_nested(mm, SINGLE_DEPTH_NESTING);
	mm->forked_from = oldmm;
	for (unsigned int i = 0; i < oldmm->map_count && !retval; i++)
		retval = dup_vma(mm, oldmm->vmas[i]);
	if (retval) {
		set_bit(MMF_OOM_SKIP, &mm->flags);
		if (generation_at_least(GENERATION_V7_1))
			(void)do_vmi_munmap(mm, 0, TASK_SIZE, false);
		else if (mm->map_count < oldmm->map_count)
			mm->vmas[mm->map_count] = XA_ZERO_ENTRY;
		set_bit(MMF_UNSTABLE, &mm->flags);
	}
	mmap_write_unlock(mm);
	flush_tlb_mm(oldmm);
	mmap_write_unlock(oldmm);
	return retval;
}
