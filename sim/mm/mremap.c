// SPDX-License-Identifier: GPL-2.0-only
/*
 * mremap.c - moving page tables: mremap of a range to another address. kernel-facts.md: P18.
 *
 * mmap_lock is held for writing throughout, and both VMAs are locked for writing: no fault comes by, but rmap walks do, and hardware
 * does. A walk must find each page in the old place or the new one: it visits the new VMA after the old one, or, where that is
 * not so, is kept out by the rmap locks for as long as an entry is in neither. The hardware must not reach a page by the old
 * address once a lock that keeps the page has been dropped: flush first.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/huge_mm.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/mremap.h>
#include <linux/pgtable.h>
#include <linux/rmap.h>
#include <linux/sched.h>
#include <linux/swapops.h>
#include <linux/tlbflush.h>
#include <linux/userfaultfd_k.h>
#include <linux/vma.h>
#include <foliofuzz/bug.h>

/* A move of [old_addr, old_end) of `old` to new_addr on, in `new`. */
struct pagetable_move_control {
	struct vm_area_struct *old, *new;
	unsigned long old_addr, old_end, new_addr, len_in;
	bool need_rmap_locks;
};

/* take_rmap_locks() - v7.1. Fidelity: same. */
static void take_rmap_locks(struct vm_area_struct *vma)
{
	struct anon_vma *anon_vma = assert_read(vma->anon_vma);

	if (vma->vm_file)
		i_mmap_lock_write(vma->vm_file->f_mapping);
	if (anon_vma)
		anon_vma_lock_write(anon_vma);
}

/* drop_rmap_locks() - v7.1. Fidelity: same. */
static void drop_rmap_locks(struct vm_area_struct *vma)
{
	struct anon_vma *anon_vma = assert_read(vma->anon_vma);

	if (anon_vma)
		anon_vma_unlock_write(anon_vma);
	if (vma->vm_file)
		i_mmap_unlock_write(vma->vm_file->f_mapping);
}

/* vma_has_uffd_without_event_remap() - v7.1. Fidelity: adapted: nobody listens to remaps, so no registration moves along. */
static bool vma_has_uffd_without_event_remap(struct vm_area_struct *vma)
{
	return userfaultfd_armed(vma);
}

/* move_soft_dirty_pte() - v7.1. Fidelity: same. */
static pte_t move_soft_dirty_pte(pte_t pte)
{
	if (pte_none(pte))
		return pte;
	return pte_present(pte) ? pte_mksoft_dirty(pte) : pte_swp_mksoft_dirty(pte);
}

/* move_soft_dirty_pmd() - v7.1, mm/huge_memory.c. Fidelity: same: not for device memory. */
static pmd_t move_soft_dirty_pmd(pmd_t pmd)
{
	if (pmd_is_migration_entry(pmd))
		return pmd_swp_mksoft_dirty(pmd);
	return pmd_present(pmd) ? pmd_mksoft_dirty(pmd) : pmd;
}

/* clear_uffd_wp_pmd() - v7.1, mm/huge_memory.c. Fidelity: same. */
static pmd_t clear_uffd_wp_pmd(pmd_t pmd)
{
	if (pmd_none(pmd))
		return pmd;
	return pmd_present(pmd) ? pmd_clear_uffd_wp(pmd) : pmd_swp_clear_uffd_wp(pmd);
}

/*
 * The entry's new form, in its new place. A marker that means nothing there is dropped. The locks of both tables are held, and
 * the old entry is gone.
 */
static void set_moved_pte(struct mm_struct *mm, unsigned long new_addr, pte_t *new_ptep, pte_t pte, bool clear_uffd_wp)
{
	if (clear_uffd_wp && !pte_present(pte) && softleaf_is_marker(softleaf_from_pte(pte)) &&
	    (softleaf_to_marker(softleaf_from_pte(pte)) & PTE_MARKER_UFFD_WP))
		return;
	if (clear_uffd_wp)
		pte = pte_present(pte) ? pte_clear_uffd_wp(pte) : pte_swp_clear_uffd_wp(pte);
	set_pte_at(mm, new_addr, new_ptep, pte);
}

/*
 * move_ptes() - v7.1. Fidelity: same; each entry by itself, as without contiguous-PTE hardware. -EAGAIN: a table is not there any more.
 * mmap_lock orders the two table locks. What is present is flushed before either is dropped: the old one keeps others from
 * changing the page unseen, the new one keeps it from being unmapped and freed.
 */
static int move_ptes(struct pagetable_move_control *pmc, unsigned long extent, pmd_t *old_pmd, pmd_t *new_pmd)
{
	struct vm_area_struct *vma = pmc->old;
	struct mm_struct *mm = vma->vm_mm;
	bool clear_uffd_wp = vma_has_uffd_without_event_remap(vma), force_flush = false;
	unsigned long old_addr = pmc->old_addr, new_addr = pmc->new_addr, old_end = old_addr + extent;
	pte_t *old_start, *new_start, *old_ptep, *new_ptep;
	spinlock_t *old_ptl, *new_ptl;
	pmd_t dummy_pmdval;
	int err = -EAGAIN;

	if (pmc->need_rmap_locks)
		take_rmap_locks(vma);
	old_ptep = old_start = pte_offset_map_lock(mm, old_pmd, old_addr, &old_ptl);
	if (!old_ptep)
		goto out;
	new_ptep = new_start = pte_offset_map_rw_nolock(mm, new_pmd, new_addr, &dummy_pmdval, &new_ptl);
	if (!new_ptep) {
		pte_unmap_unlock(old_start, old_ptl);
		goto out;
	}
	if (new_ptl != old_ptl)
		spin_lock_nested(new_ptl, SINGLE_DEPTH_NESTING);
	flush_tlb_batched_pending(mm);
	for (; old_addr < old_end; old_ptep++, new_ptep++, old_addr += PAGE_SIZE, new_addr += PAGE_SIZE) {
		pte_t pte = ptep_get(old_ptep);

		VM_WARN_ON_ONCE(assert_read(new_ptep->pte));
		if (pte_none(pte))
			continue;
		if (pte_present(pte))
			force_flush = true;
		pte = move_soft_dirty_pte(ptep_get_and_clear(mm, old_addr, old_ptep));
		set_moved_pte(mm, new_addr, new_ptep, pte, clear_uffd_wp);
	}
	if (force_flush && !bug_enabled(tlb_mremap_release_before_flush))
		flush_tlb_range(vma, old_end - extent, old_end);
	if (new_ptl != old_ptl)
		spin_unlock(new_ptl);
	pte_unmap(new_start);
	pte_unmap_unlock(old_start, old_ptl);
	if (force_flush && bug_enabled(tlb_mremap_release_before_flush))
		flush_tlb_range(vma, old_end - extent, old_end);
	err = 0;
out:
	if (pmc->need_rmap_locks)
		drop_rmap_locks(vma);
	return err;
}

/*
 * move_normal_pmd() - v7.1. Fidelity: same; one lock for both PMDs. A whole table changes its place. The rmap locks are held for writing:
 * who walks the table by rmap holds no lock of ours. The PMD is looked at again under its lock: a collapse may have been
 * faster. The new place may have a table: the way back of a move that failed finds the one that move_ptes() has emptied, where a huge PMD was
 * split under the move. v7.1 warns of any table there; here its entries are moved one by one.
 */
static bool move_normal_pmd(struct pagetable_move_control *pmc, pmd_t *old_pmd, pmd_t *new_pmd)
{
	struct mm_struct *mm = pmc->old->vm_mm;
	spinlock_t *ptl;
	bool res = false;
	pmd_t pmd;

	/* write protection would have to be taken off each entry, on the way back too */
	if (vma_has_uffd_without_event_remap(pmc->old) || vma_has_uffd_without_event_remap(pmc->new))
		return false;
	pmd = pmdp_get(new_pmd);
	if (!pmd_none(pmd)) {
		if (bug_enabled(mremap_undo_finds_old_table))
			WARN_ON_ONCE(!pmd_none(pmd));
		return false;
	}
	ptl = pmd_lock(mm, old_pmd);
	pmd = pmdp_get(old_pmd);
	if (!pmd_is_table(pmd) && !bug_enabled(pmd_mremap_vs_retract))
		goto out_unlock;
	pmd_clear(old_pmd);
	res = true;
	VM_BUG_ON(assert_read(new_pmd->pmd));
	pmd_populate(mm, new_pmd, pmd_pgtable(pmd));
	flush_tlb_range(pmc->old, pmc->old_addr, pmc->old_addr + PMD_SIZE);
out_unlock:
	spin_unlock(ptl);
	return res;
}

/*
 * move_huge_pmd() - v7.1, mm/huge_memory.c. Fidelity: adapted: one lock for both PMDs, and so one list of deposited tables: nothing has to move
 * along. Whatever kind of huge PMD it is. False: not huge any more, or the new place is taken by a table.
 */
bool move_huge_pmd(struct vm_area_struct *vma, unsigned long old_addr, unsigned long new_addr, pmd_t *old_pmd,
		   pmd_t *new_pmd)
{
	struct mm_struct *mm = vma->vm_mm;
	pmd_t pmd = pmdp_get(new_pmd);
	spinlock_t *old_ptl, *new_ptl;
	bool force_flush;

	if (!pmd_none(pmd)) {
		VM_BUG_ON(pmd_trans_huge(pmd));
		return false;
	}
	old_ptl = __pmd_trans_huge_lock(old_pmd, vma);
	if (!old_ptl)
		return false;
	new_ptl = pmd_lockptr(mm, new_pmd);
	if (new_ptl != old_ptl)
		spin_lock_nested(new_ptl, SINGLE_DEPTH_NESTING);
	pmd = pmdp_huge_get_and_clear(mm, old_addr, old_pmd);
	force_flush = pmd_present(pmd);
	VM_BUG_ON(assert_read(new_pmd->pmd));
	if (new_ptl != old_ptl && vma_is_anonymous(vma))
		pgtable_trans_huge_deposit(mm, new_pmd, pgtable_trans_huge_withdraw(mm, old_pmd));
	pmd = move_soft_dirty_pmd(pmd);
	if (vma_has_uffd_without_event_remap(vma))
		pmd = clear_uffd_wp_pmd(pmd);
	set_pmd_at(mm, new_addr, new_pmd, pmd);
	if (force_flush)
		flush_tlb_range(vma, old_addr, old_addr + PMD_SIZE);
	if (new_ptl != old_ptl)
		spin_unlock(new_ptl);
	spin_unlock(old_ptl);
	return true;
}

enum pgt_entry { NORMAL_PMD, HPAGE_PMD };

/* move_pgt_entry(), should_take_rmap_locks() - v7.1. Fidelity: same. A table always needs them: its own lock says nothing of its place. */
static bool move_pgt_entry(struct pagetable_move_control *pmc, enum pgt_entry entry, pmd_t *old_pmd, pmd_t *new_pmd)
{
	bool need_rmap_locks = entry == NORMAL_PMD || pmc->need_rmap_locks, moved;

	if (need_rmap_locks)
		take_rmap_locks(pmc->old);
	if (entry == NORMAL_PMD)
		moved = move_normal_pmd(pmc, old_pmd, new_pmd);
	else
		moved = move_huge_pmd(pmc->old, pmc->old_addr, pmc->new_addr, old_pmd, new_pmd);
	if (need_rmap_locks)
		drop_rmap_locks(pmc->old);
	return moved;
}

/* get_extent() - v7.1. Fidelity: same: as far as the old and the new table both reach. */
static unsigned long get_extent(struct pagetable_move_control *pmc)
{
	unsigned long extent = PMD_SIZE - (pmc->old_addr & ~PMD_MASK), next;

	if (extent > pmc->old_end - pmc->old_addr)
		extent = pmc->old_end - pmc->old_addr;
	next = PMD_SIZE - (pmc->new_addr & ~PMD_MASK);
	return extent > next ? next : extent;
}

/* can_align_down() - v7.1. Fidelity: same, no stacks: nothing is mapped between the boundary and the VMA's start. */
static bool can_align_down(struct vm_area_struct *vma, unsigned long addr)
{
	return vma->vm_start == addr && !find_vma_intersection(vma->vm_mm, addr & PMD_MASK, vma->vm_start);
}

/* try_realign_addr(), can_realign_addr() - v7.1. Fidelity: same: a whole table is moved rather than its upper part. */
static void try_realign_addr(struct pagetable_move_control *pmc)
{
	unsigned long old_align = pmc->old_addr & ~PMD_MASK, new_align = pmc->new_addr & ~PMD_MASK;

	if (pmc->len_in < PMD_SIZE - old_align || old_align == 0 || old_align != new_align)
		return;
	if (!can_align_down(pmc->old, pmc->old_addr) || !can_align_down(pmc->new, pmc->new_addr))
		return;
	pmc->old_addr &= PMD_MASK;
	pmc->new_addr &= PMD_MASK;
}

/* pmc_progress() - v7.1. Fidelity: same: bytes moved, none if it ended in what was realigned. */
static unsigned long pmc_progress(struct pagetable_move_control *pmc)
{
	unsigned long orig_old_addr = pmc->old_end - pmc->len_in;

	return pmc->old_addr < orig_old_addr ? 0 : pmc->old_addr - orig_old_addr;
}

/*
 * move_page_tables() - v7.1. Fidelity: same; PMDs' own tables always exist. Returns how far it came: short of everything, memory for a
 * table was missing.
 */
static unsigned long move_page_tables(struct pagetable_move_control *pmc)
{
	struct mm_struct *mm = pmc->old->vm_mm;
	struct mmu_notifier_range range;
	unsigned long extent;

	if (!pmc->len_in)
		return 0;
	try_realign_addr(pmc);
	mmu_notifier_range_init(&range, MMU_NOTIFY_UNMAP, 0, mm, pmc->old_addr, pmc->old_end);
	mmu_notifier_invalidate_range_start(&range);
	for (; pmc->old_addr < pmc->old_end; pmc->old_addr += extent, pmc->new_addr += extent) {
		pmd_t *old_pmd = pmd_offset(mm, pmc->old_addr), *new_pmd = pmd_offset(mm, pmc->new_addr);

		cond_resched();
		extent = get_extent(pmc);
		if (pmd_none(pmdp_get(old_pmd)))
			continue;
again:
		if (pmd_is_huge(pmdp_get(old_pmd))) {
			if (extent == HPAGE_PMD_SIZE && move_pgt_entry(pmc, HPAGE_PMD, old_pmd, new_pmd))
				continue;
			split_huge_pmd(pmc->old, old_pmd, pmc->old_addr);
		} else if (extent == PMD_SIZE) {
			if (move_pgt_entry(pmc, NORMAL_PMD, old_pmd, new_pmd))
				continue;
		}
		if (pmd_none(pmdp_get(old_pmd)))
			continue;
		if (pmd_none(pmdp_get(new_pmd)) && __pte_alloc(mm, new_pmd))
			break;
		if (move_ptes(pmc, extent, old_pmd, new_pmd) < 0)
			goto again;
	}
	mmu_notifier_invalidate_range_end(&range);
	return pmc_progress(pmc);
}

/* ------------------------------------------------------------------ the system call ---- */

/*
 * copy_vma_and_data() - v7.1. Fidelity: same. *vmap: the old VMA, or what it has been merged into. On failure *addrp is what is to be unmapped
 * instead of the old range: the new one, whose pages have been moved back; *newp NULL: there is no new one either.
 *
 * Known, as in v7.1: move_ptes() and move_huge_pmd() take write protection of userfaultfd off each entry on its way out, and drop its
 * markers; the way back does not put them on again. After an mremap that failed, what was protected in the old range, which is still
 * registered, is so no more, and its writes are not reported. No oracle here knows what the user has protected.
 */
static int copy_vma_and_data(struct vma_remap_struct *vrm, struct vm_area_struct **newp)
{
	struct vm_area_struct *vma = vrm->vma, *new_vma;
	pgoff_t pgoff = linear_page_index(vma, vrm->addr);
	struct pagetable_move_control pmc = {
		.old_addr = vrm->addr, .old_end = vrm->addr + vrm->len, .new_addr = vrm->new_addr, .len_in = vrm->len,
	};
	unsigned long moved_len;

	*newp = new_vma = copy_vma(&vma, vrm->new_addr, vrm->len, pgoff, &pmc.need_rmap_locks);
	if (!new_vma)
		return -ENOMEM;
	vrm->vma = vma;
	pmc.old = vma;
	pmc.new = new_vma;
	moved_len = move_page_tables(&pmc);
	if (unlikely(moved_len < vrm->len)) {
		/* back to where the tables still are: this cannot fail */
		struct pagetable_move_control pmc_revert = {
			.old = new_vma, .new = vma, .old_addr = vrm->new_addr, .old_end = vrm->new_addr + moved_len,
			.new_addr = vrm->addr, .len_in = moved_len, .need_rmap_locks = true,
		};

		move_page_tables(&pmc_revert);
		vrm->vma = new_vma;
		vrm->addr = vrm->new_addr;
		return -ENOMEM;
	}
	return 0;
}

/* mremap_userfaultfd_prep() - v7.1, fs/userfaultfd.c. Fidelity: adapted: the new VMA is never registered. */
static void mremap_userfaultfd_prep(struct vm_area_struct *vma)
{
	if (vma->uffd_ctx)
		userfaultfd_reset_ctx(vma);
}

/* dontunmap_complete() - v7.1. Fidelity: same: the old VMA stays, without pages; if all of it was copied it needs no anon_vma. */
static void dontunmap_complete(struct vma_remap_struct *vrm, struct vm_area_struct *new_vma)
{
	struct vm_area_struct *vma = vrm->vma;

	vm_flags_clear(vma, VM_LOCKED);
	if (new_vma != vma && vrm->addr == vma->vm_start && vrm->addr + vrm->len == vma->vm_end)
		unlink_anon_vmas(vma);
}

/*
 * move_vma() - v7.1. Fidelity: same, no accounting, no KSM. The VMA is locked for writing before anything is copied: faults keep out. That
 * the old range could not be unmapped, for want of memory, is no failure: it is left behind empty.
 */
static int move_vma(struct vma_remap_struct *vrm)
{
	struct mm_struct *mm = vrm->vma->vm_mm;
	struct vm_area_struct *new_vma;
	int err;

	if (mm->map_count + 2 > sysctl_max_map_count)
		return -ENOMEM;
	vma_start_write(vrm->vma);
	err = copy_vma_and_data(vrm, &new_vma);
	if (err && !new_vma)
		return err;
	if (!err)
		mremap_userfaultfd_prep(new_vma);
	if (!err && vrm->dontunmap)
		dontunmap_complete(vrm, new_vma);
	else
		(void)do_vmi_munmap(mm, vrm->addr, vrm->len, false);
	return err;
}

/*
 * do_mremap(), mremap_to() - v7.1. Fidelity: adapted: MREMAP_FIXED, inside one VMA, no change of size. Takes mmap_lock. What is mapped in the
 * new range is unmapped first; *target_gone says that it got so far.
 */
int do_mremap(struct mm_struct *mm, unsigned long addr, unsigned long len, unsigned long new_addr, bool dontunmap,
	      bool *target_gone)
{
	struct vma_remap_struct vrm = { .addr = addr, .new_addr = new_addr, .len = len, .dontunmap = dontunmap };
	int err = -EFAULT;

	*target_gone = false;
	if (new_addr + len > addr && addr + len > new_addr)
		return -EINVAL;
	mmap_write_lock(mm);
	vrm.vma = vma_lookup(mm, addr);
	if (!vrm.vma || addr + len > vrm.vma->vm_end)
		goto out;
	err = -ENOMEM;
	if (mm->map_count + 4 > sysctl_max_map_count)
		goto out;
	err = do_vmi_munmap(mm, new_addr, len, false);
	if (err)
		goto out;
	*target_gone = true;
	/* it may have been cut */
	vrm.vma = vma_lookup(mm, addr);
	err = move_vma(&vrm);
out:
	mmap_write_unlock(mm);
	return err;
}
