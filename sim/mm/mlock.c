// SPDX-License-Identifier: GPL-2.0-only
/*
 * mlock.c - VMAs whose pages stay in memory: the unevictable LRU and its counts.
 *
 * PG_mlocked is set at once, everything else waits in a batch of the CPU that holds a reference: with lru_lock held and PG_lru taken
 * away the folio becomes unevictable, and mlock_count, which lies where an evictable folio has its LRU link, counts locked VMAs. The
 * count is a guess: what is off the LRU cannot be counted, and adding to the LRU starts at zero. Too low is repaired by reclaim,
 * which meets the locked VMA; too high would keep the folio for ever.
 *
 * Lock order: page table lock, local lock (the batch is its CPU's), lru_lock.
 */
#include <linux/err.h>
#include <linux/huge_mm.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/mmap_lock.h>
#include <linux/pagewalk.h>
#include <linux/pgtable.h>
#include <linux/swap.h>
#include <linux/vma.h>
#include <linux/vmstat.h>

/* What a slot of the batch says besides the folio: on the LRU as far as is known; never there yet; neither: munlock. */
#define LRU_FOLIO 0x1
#define NEW_FOLIO 0x2

/* folio_lruvec_relock_irq() - v7.1, include/linux/memcontrol.h. Fidelity: adapted: one lruvec for a node. */
static struct lruvec *folio_lruvec_relock_irq(struct folio *folio, struct lruvec *locked)
{
	struct lruvec *lruvec = &NODE_DATA(folio_nid(folio))->lruvec;

	if (locked == lruvec)
		return locked;
	if (locked)
		spin_unlock_irq(&locked->lru_lock);
	spin_lock_irq(&lruvec->lru_lock);
	return lruvec;
}

/*
 * __mlock_folio() - v7.1. Fidelity: same. Who finds PG_lru gone can do nothing more: whoever puts the folio back looks at PG_mlocked.
 * The bit may be gone again by now, by another CPU's munlock.
 */
static struct lruvec *__mlock_folio(struct folio *folio, struct lruvec *lruvec)
{
	if (!folio_test_clear_lru(folio))
		return lruvec;
	lruvec = folio_lruvec_relock_irq(folio, lruvec);

	if (unlikely(folio_evictable(folio))) {
		if (folio_test_unevictable(folio)) {
			lruvec_del_folio(lruvec, folio);
			folio_clear_unevictable(folio);
			lruvec_add_folio(lruvec, folio);
		}
		goto out;
	}
	if (folio_test_unevictable(folio)) {
		if (folio_test_mlocked(folio))
			folio->mlock_count++;
		goto out;
	}
	lruvec_del_folio(lruvec, folio);
	folio_clear_active(folio);
	folio_set_unevictable(folio);
	folio->mlock_count = folio_test_mlocked(folio);
	lruvec_add_folio(lruvec, folio);
out:
	folio_set_lru(folio);
	return lruvec;
}

/* __mlock_new_folio() - v7.1. Fidelity: same. Not on the LRU yet, so nobody else can have moved it. */
static struct lruvec *__mlock_new_folio(struct folio *folio, struct lruvec *lruvec)
{
	VM_BUG_ON_FOLIO(folio_test_lru(folio), folio);
	lruvec = folio_lruvec_relock_irq(folio, lruvec);

	if (likely(!folio_evictable(folio))) {
		folio_set_unevictable(folio);
		folio->mlock_count = folio_test_mlocked(folio);
	}
	lruvec_add_folio(lruvec, folio);
	folio_set_lru(folio);
	return lruvec;
}

/*
 * __munlock_folio() - v7.1. Fidelity: same. Off the LRU there is no count: taken for the last one, and reclaim sets it right. Whether it
 * is evictable is asked after PG_mlocked is clear.
 */
static struct lruvec *__munlock_folio(struct folio *folio, struct lruvec *lruvec)
{
	bool isolated = folio_test_clear_lru(folio);

	if (isolated) {
		lruvec = folio_lruvec_relock_irq(folio, lruvec);
		if (folio_test_unevictable(folio)) {
			if (folio->mlock_count)
				folio->mlock_count--;
			if (folio->mlock_count)
				goto out;
		}
	}
	if (folio_test_clear_mlocked(folio))
		lruvec_stat_mod_folio(folio, NR_MLOCK, -folio_nr_pages(folio));
	if (isolated && folio_test_unevictable(folio) && folio_evictable(folio)) {
		lruvec_del_folio(lruvec, folio);
		folio_clear_unevictable(folio);
		lruvec_add_folio(lruvec, folio);
	}
out:
	if (isolated)
		folio_set_lru(folio);
	return lruvec;
}

/* mlock_folio_batch() - v7.1. Fidelity: same. The CPU's local lock is held, or the batch was taken from its CPU. */
void mlock_folio_batch(struct folio_batch *fbatch)
{
	struct lruvec *lruvec = NULL;

	for (unsigned int i = 0; i < folio_batch_count(fbatch); i++) {
		unsigned long mlock = (unsigned long)fbatch->folios[i] & (LRU_FOLIO | NEW_FOLIO);
		struct folio *folio = mlock_batch_folio(fbatch->folios[i]);

		fbatch->folios[i] = folio;
		if (mlock & LRU_FOLIO)
			lruvec = __mlock_folio(folio, lruvec);
		else if (mlock & NEW_FOLIO)
			lruvec = __mlock_new_folio(folio, lruvec);
		else
			lruvec = __munlock_folio(folio, lruvec);
	}
	if (lruvec)
		spin_unlock_irq(&lruvec->lru_lock);
	folios_put(fbatch);
}

/* mlock_drain_local() - v7.1. Fidelity: same. */
void mlock_drain_local(void)
{
	struct folio_batch *fbatch;

	preempt_disable();
	fbatch = this_cpu_ptr(machine->mlock_batch);
	if (folio_batch_count(fbatch))
		mlock_folio_batch(fbatch);
	preempt_enable();
}

/* The local lock is held. Large folios do not wait. */
static void mlock_batch_add(struct folio *folio, unsigned long what)
{
	struct folio_batch *fbatch = this_cpu_ptr(machine->mlock_batch);

	folio_get(folio);
	if (!folio_batch_add(fbatch, (struct folio *)((unsigned long)folio + what)) || folio_test_large(folio))
		mlock_folio_batch(fbatch);
}

/* mlock_folio() - v7.1. Fidelity: same. The page table's lock is held; the folio is mapped, and mostly on the LRU. */
static void mlock_folio(struct folio *folio)
{
	preempt_disable();
	if (!folio_test_set_mlocked(folio))
		lruvec_stat_mod_folio(folio, NR_MLOCK, folio_nr_pages(folio));
	mlock_batch_add(folio, LRU_FOLIO);
	preempt_enable();
}

/* mlock_new_folio() - v7.1. Fidelity: same. Nobody else has put it on the LRU, and nobody will. */
void mlock_new_folio(struct folio *folio)
{
	preempt_disable();
	folio_set_mlocked(folio);
	lruvec_stat_mod_folio(folio, NR_MLOCK, folio_nr_pages(folio));
	mlock_batch_add(folio, NEW_FOLIO);
	preempt_enable();
}

/* munlock_folio() - v7.1. Fidelity: same. PG_mlocked is left to __munlock_folio(), which knows whether it was the last. */
static void munlock_folio(struct folio *folio)
{
	preempt_disable();
	mlock_batch_add(folio, 0);
	preempt_enable();
}

/*
 * mlock_vma_folio() - v7.1, mm/internal.h. Fidelity: same. The page table's lock is held, after the map count has gone up. An rmap walk
 * comes without mmap_lock: while mlock(2) walks the VMA, VM_IO says that it counts the page itself.
 */
void mlock_vma_folio(struct folio *folio, struct vm_area_struct *vma)
{
	if (unlikely((plain_read_racy(vma->vm_flags) & (VM_LOCKED | VM_SPECIAL)) == VM_LOCKED))
		mlock_folio(folio);
}

/* munlock_vma_folio() - v7.1, mm/internal.h. Fidelity: same. As above, after the map count has gone down: of part of a large folio too. */
void munlock_vma_folio(struct folio *folio, struct vm_area_struct *vma)
{
	if (unlikely(plain_read_racy(vma->vm_flags) & VM_LOCKED))
		munlock_folio(folio);
}

/* folio_mlock_step() - v7.1. Fidelity: same. The table's lock is held. */
static unsigned int folio_mlock_step(struct folio *folio, pte_t *pte, unsigned long addr, unsigned long end)
{
	pte_t ptent = ptep_get(pte);

	if (!folio_test_large(folio))
		return 1;
	return (unsigned int)folio_pte_batch(folio, pte, ptent, (int)((end - addr) >> PAGE_SHIFT));
}

/* folio_within_range() - v7.1, mm/internal.h. Fidelity: same. Does all of the folio lie in [start, end) of the VMA? */
static bool folio_within_range(struct folio *folio, struct vm_area_struct *vma, unsigned long start, unsigned long end)
{
	pgoff_t pgoff = folio_pgoff(folio);
	unsigned long addr;

	if (start < vma->vm_start)
		start = vma->vm_start;
	if (end > vma->vm_end)
		end = vma->vm_end;
	if (pgoff < vma->vm_pgoff)
		return false;
	addr = vma->vm_start + ((pgoff - vma->vm_pgoff) << PAGE_SHIFT);
	return addr >= start && addr + ((unsigned long)folio_nr_pages(folio) << PAGE_SHIFT) <= end;
}

/* allow_mlock_munlock() - v7.1. Fidelity: same. A large folio is locked only whole, but unlocked in any part. */
static bool allow_mlock_munlock(struct folio *folio, struct vm_area_struct *vma, unsigned long start,
				unsigned long end, unsigned int step)
{
	if (!(vma->vm_flags & VM_LOCKED))
		return true;
	if (!folio_test_large(folio))
		return true;
	return folio_within_range(folio, vma, start, end) && step == folio_nr_pages(folio);
}

static void mlock_or_munlock(struct folio *folio, struct vm_area_struct *vma)
{
	if (vma->vm_flags & VM_LOCKED)
		mlock_folio(folio);
	else
		munlock_folio(folio);
}

/* mlock_pte_range() - v7.1. Fidelity: same. mmap_lock is held for writing. */
static int mlock_pte_range(pmd_t *pmd, unsigned long addr, unsigned long end, struct mm_walk *walk)
{
	struct vm_area_struct *vma = walk->vma;
	unsigned long start = addr;
	pte_t *start_pte, *pte;
	spinlock_t *ptl = pmd_trans_huge_lock(pmd, vma);

	if (ptl) {
		pmd_t pmdval = pmdp_get(pmd);

		if (pmd_present(pmdval) && !is_huge_zero_pmd(pmdval) && !folio_is_zone_device(page_folio(pmd_page(pmdval))))
			mlock_or_munlock(page_folio(pmd_page(pmdval)), vma);
		spin_unlock(ptl);
		return 0;
	}
	start_pte = pte_offset_map_lock(vma->vm_mm, pmd, addr, &ptl);
	if (!start_pte) {
		walk->action = ACTION_AGAIN;
		return 0;
	}
	for (pte = start_pte; addr != end; pte++, addr += PAGE_SIZE) {
		pte_t ptent = ptep_get(pte);
		struct folio *folio;
		unsigned int step;

		if (!pte_present(ptent) || pte_special(ptent))
			continue;
		folio = page_folio(pte_page(ptent));
		if (folio_is_zone_device(folio))
			continue;
		step = folio_mlock_step(folio, pte, addr, end);
		if (allow_mlock_munlock(folio, vma, start, end, step))
			mlock_or_munlock(folio, vma);
		pte += step - 1;
		addr += (step - 1) * PAGE_SIZE;
	}
	pte_unmap_unlock(start_pte, ptl);
	cond_resched();
	return 0;
}

/*
 * mlock_vma_pages_range() - v7.1. Fidelity: same. mmap_lock is held for writing. With VM_IO nobody else counts a page
 * that is being counted here.
 */
static void mlock_vma_pages_range(struct vm_area_struct *vma, unsigned long start, unsigned long end,
				  unsigned long newflags)
{
	static const struct mm_walk_ops mlock_walk_ops = { .pmd_entry = mlock_pte_range };

	if (newflags & VM_LOCKED)
		newflags |= VM_IO;
	vma_start_write(vma);
	WRITE_ONCE(vma->vm_flags, newflags);

	lru_add_drain();
	walk_page_range_vma(vma, start, end, &mlock_walk_ops, NULL);
	lru_add_drain();

	if (newflags & VM_IO) {
		newflags &= ~VM_IO;
		WRITE_ONCE(vma->vm_flags, newflags);
	}
}

/* mlock_fixup() - v7.1. Fidelity: adapted: no limits, no mm->locked_vm. mmap_lock is held for writing. */
static int mlock_fixup(struct vm_area_struct *vma, unsigned long start, unsigned long end, bool lock)
{
	unsigned long newflags = lock ? vma->vm_flags | VM_LOCKED : vma->vm_flags & ~VM_LOCKED;

	if (newflags == vma->vm_flags || (vma->vm_flags & VM_SPECIAL))
		return 0;
	vma = vma_modify_flags(vma, start, end, newflags);
	if (IS_ERR(vma))
		return (int)PTR_ERR(vma);
	/* the whole of a VMA that it was merged into is not meant: the rest has been counted */
	mlock_vma_pages_range(vma, start, end, newflags);
	return 0;
}

/*
 * do_mlock() (apply_vma_lock_flags()), munlock(2) - v7.1. Fidelity: adapted: limits; populating is the caller's. What lies before a hole
 * has been dealt with.
 */
int do_mlock(struct mm_struct *mm, unsigned long start, unsigned long len, bool lock)
{
	unsigned long end = start + len;
	int err = 0;

	mmap_write_lock(mm);
	while (start < end && !err) {
		struct vm_area_struct *vma = vma_lookup(mm, start);
		unsigned long to;

		if (!vma) {
			err = -ENOMEM;
			break;
		}
		to = vma->vm_end < end ? vma->vm_end : end;
		err = mlock_fixup(vma, start, to, lock);
		start = to;
	}
	mmap_write_unlock(mm);
	return err;
}
