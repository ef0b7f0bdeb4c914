// SPDX-License-Identifier: GPL-2.0-only
/*
 * huge_memory_wp.c - write faults on huge PMDs, and the huge zero folio.
 *
 * The huge zero folio is allocated for the first mm that reads where nothing is, and kept by a count of the mms that have used it and
 * one reference of the shrinker's; the folio itself has one reference and no map count. P16.
 */
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/huge_mm.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/mmu_notifier.h>
#include <linux/pagemap.h>
#include <linux/pgtable.h>
#include <linux/rmap.h>
#include <linux/swap.h>
#include <foliofuzz/bug.h>

/* ------------------------------------------------------------------ the huge zero folio ---- */

/* xchg() and cmpxchg() of the one pointer: both return what was there. */
#define huge_zero_xchg(prim, new)                                              \
	({                                                                     \
		engine_point(SITE(prim, "", "huge_zero_folio"), &machine->huge_zero_folio, EVENT_RMW); \
		access_xchg(&machine->huge_zero_folio, new, __ATOMIC_ACQ_REL); \
	})
#define huge_zero_cmpxchg(prim, old, new)                                      \
	({                                                                     \
		struct folio *was__ = (old);                                   \
		engine_point(SITE(prim, "", "huge_zero_folio"), &machine->huge_zero_folio, EVENT_RMW); \
		(void)access_cmpxchg(&machine->huge_zero_folio, &was__, new, __ATOMIC_ACQ_REL); \
		was__;                                                         \
	})

/* is_huge_zero_folio() - v7.1, include/linux/huge_mm.h. Fidelity: same; no step: it cannot change for who has a mapping of it. */
bool is_huge_zero_folio(const struct folio *folio)
{
	return folio && assert_read(machine->huge_zero_folio) == folio;
}

/* is_huge_zero_pmd() - v7.1, include/linux/huge_mm.h. Fidelity: same. */
bool is_huge_zero_pmd(pmd_t pmd)
{
	return pmd_present(pmd) && pmd_trans_huge(pmd) && READ_ONCE(machine->huge_zero_pfn) == pmd_pfn(pmd);
}

/*
 * Pointer and number are two words, published and withdrawn by a lock of their own: without it a shrinker that has given the folio up
 * may write its "none" over the number of the next one.
 */
static void huge_zero_lock(void)
{
	if (!bug_enabled(hugezero_pfn_stale_sentinel))
		spin_lock(&machine->huge_zero_lock);
}

static void huge_zero_unlock(void)
{
	if (!bug_enabled(hugezero_pfn_stale_sentinel))
		spin_unlock(&machine->huge_zero_lock);
}

/*
 * get_huge_zero_folio() - v7.1. Fidelity: same. Of two that allocate, the exchange decides; who loses waits for the winner to set
 * the count, and so goes round.
 */
static bool get_huge_zero_folio(void)
{
	struct folio *zero_folio;

	while (!atomic_inc_not_zero(&machine->huge_zero_refcount)) {
		zero_folio = folio_alloc_node(GFP_TRANSHUGE, HPAGE_PMD_ORDER, 0);
		if (!zero_folio)
			return false;
		folio_zero_user(zero_folio, 0);
		folio_clear_large_rmappable(zero_folio);
		preempt_disable();
		huge_zero_lock();
		if (huge_zero_cmpxchg("cmpxchg", NULL, zero_folio)) {
			huge_zero_unlock();
			preempt_enable();
			folio_put(zero_folio);
			cpu_relax();
			continue;
		}
		WRITE_ONCE(machine->huge_zero_pfn, folio_pfn(zero_folio));
		/* One is the shrinker's. */
		atomic_set(&machine->huge_zero_refcount, 2);
		huge_zero_unlock();
		preempt_enable();
		return true;
	}
	return true;
}

/* put_huge_zero_folio() - v7.1. Fidelity: same: only the shrinker drops the last one. */
static void put_huge_zero_folio(void)
{
	BUG_ON(atomic_dec_and_test(&machine->huge_zero_refcount));
}

/* mm_get_huge_zero_folio() - v7.1. Fidelity: same. One count for the mm, however many PMDs. */
struct folio *mm_get_huge_zero_folio(struct mm_struct *mm)
{
	if (test_bit(MMF_HUGE_ZERO_FOLIO, &mm->flags))
		return READ_ONCE(machine->huge_zero_folio);
	if (!get_huge_zero_folio())
		return NULL;
	if (test_and_set_bit(MMF_HUGE_ZERO_FOLIO, &mm->flags))
		put_huge_zero_folio();
	return READ_ONCE(machine->huge_zero_folio);
}

/* mm_put_huge_zero_folio() - v7.1. Fidelity: same. The mm has no tables any more. */
void mm_put_huge_zero_folio(struct mm_struct *mm)
{
	if (test_bit(MMF_HUGE_ZERO_FOLIO, &mm->flags))
		put_huge_zero_folio();
}

/* shrink_huge_zero_folio_count() - v7.1. Fidelity: same. */
unsigned long shrink_huge_zero_folio_count(struct shrink_control *sc)
{
	(void)sc;
	return atomic_read(&machine->huge_zero_refcount) == 1 ? HPAGE_PMD_NR : 0;
}

/* shrink_huge_zero_folio_scan() - v7.1. Fidelity: same. With the count at zero nobody gets it any more: who wants one makes another. */
unsigned long shrink_huge_zero_folio_scan(struct shrink_control *sc)
{
	struct folio *zero_folio;

	(void)sc;
	huge_zero_lock();
	if (atomic_cmpxchg(&machine->huge_zero_refcount, 1, 0) != 1) {
		huge_zero_unlock();
		return 0;
	}
	zero_folio = huge_zero_xchg("xchg", NULL);
	BUG_ON(!zero_folio);
	WRITE_ONCE(machine->huge_zero_pfn, ~0ul);
	huge_zero_unlock();
	folio_put(zero_folio);
	return HPAGE_PMD_NR;
}

/* ------------------------------------------------------------------ faults ---- */

/* touch_pmd() - v7.1. Fidelity: same; pmdp_set_access_flags() of x86: without a write the accessed bit is the hardware's. Lock held. */
bool touch_pmd(struct vm_area_struct *vma, unsigned long addr, pmd_t *pmd, bool write)
{
	pmd_t old = pmdp_get(pmd), entry = pmd_mkyoung(old);

	if (write)
		entry = pmd_mkdirty(entry);
	if (pmd_same(old, entry))
		return false;
	if (write)
		set_pmd_at(vma->vm_mm, addr & HPAGE_PMD_MASK, pmd, entry);
	return true;
}

/* huge_pmd_set_accessed() - v7.1. Fidelity: same. The PMD's lock is held. */
bool huge_pmd_set_accessed(struct vm_fault *vmf)
{
	if (!pmd_same(pmdp_get(vmf->pmd), vmf->orig_pmd))
		return false;
	return touch_pmd(vmf->vma, vmf->address, vmf->pmd, vmf->write);
}

/*
 * do_huge_zero_wp_pmd() - v7.1 (before v6.14: split, and one page at a time). Fidelity: same. The deposited table stays for the new
 * mapping. Caller holds mmap_lock for reading, or the VMA's lock.
 */
static vm_fault_t do_huge_zero_wp_pmd(struct vm_fault *vmf)
{
	unsigned long haddr = vmf->address & HPAGE_PMD_MASK;
	struct vm_area_struct *vma = vmf->vma;
	struct mmu_notifier_range range;
	struct folio *folio;
	vm_fault_t ret = 0;
	bool same;

	if (!generation_at_least(GENERATION_V6_18))
		return VM_FAULT_FALLBACK;
	folio = vma_alloc_anon_folio_pmd(vma, vmf->address);
	if (!folio)
		return VM_FAULT_FALLBACK;
	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, vma->vm_mm, haddr, haddr + HPAGE_PMD_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	vmf->ptl = pmd_lock(vma->vm_mm, vmf->pmd);
	same = pmd_same(pmdp_get(vmf->pmd), vmf->orig_pmd);
	if (same)
		ret = check_stable_address_space(vma->vm_mm);
	if (same && !ret) {
		(void)pmdp_huge_clear_flush(vma, haddr, vmf->pmd);
		map_anon_folio_pmd_pf(folio, vmf->pmd, vma, haddr);
	} else {
		folio_put(folio);
	}
	spin_unlock(vmf->ptl);
	mmu_notifier_invalidate_range_end(&range);
	return ret;
}

/* The folio lock, for which the PMD's lock may have to be dropped. False: the PMD is another now, and nothing is held. */
static bool lock_pmd_folio(struct vm_fault *vmf, struct folio *folio)
{
	if (folio_trylock(folio))
		return true;
	folio_get(folio);
	spin_unlock(vmf->ptl);
	folio_lock(folio);
	spin_lock(vmf->ptl);
	if (!pmd_same(pmdp_get(vmf->pmd), vmf->orig_pmd)) {
		spin_unlock(vmf->ptl);
		folio_unlock(folio);
		folio_put(folio);
		return false;
	}
	folio_put(folio);
	return true;
}

/*
 * page_trans_huge_mapcount() - v4.6 to v5.7. Fidelity: adapted: the largest map count of any page, and that of the whole. Read one after
 * the other, while a split of another mm's PMD carries its mapping from here to there.
 */
static int page_trans_huge_mapcount(struct folio *folio)
{
	int most = 0;

	for (int i = 0; i < HPAGE_PMD_NR; i++) {
		int count = atomic_read(&folio_page(folio, i)->_mapcount) + 1;

		most = count > most ? count : most;
	}
	return most + folio_entire_mapcount(folio);
}

/* The mapping's reference is the only one, after the swap cache has let go. The folio lock and the PMD's are held. */
static bool huge_folio_is_ours(struct folio *folio)
{
	int extra = folio_test_swapcache(folio) ? HPAGE_PMD_NR : 0;

	if (bug_enabled(split_mapcount_read_during_pmd_split) && !extra)
		return page_trans_huge_mapcount(folio) == 1;
	if (folio_ref_count(folio) > 1 + extra)
		return false;
	if (folio_test_swapcache(folio))
		folio_free_swap(folio);
	return folio_ref_count(folio) == 1;
}

/* The end of do_huge_pmd_wp_page(): the page is exclusive. The PMD's lock is held, and dropped. */
static vm_fault_t huge_pmd_reuse(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;

	if (!(vmf->flags & FAULT_FLAG_UNSHARE)) {
		pmd_t entry = maybe_pmd_mkwrite(pmd_mkdirty(pmd_mkyoung(vmf->orig_pmd)), vma);

		if (!pmd_same(pmdp_get(vmf->pmd), entry))
			set_pmd_at(vma->vm_mm, vmf->address & HPAGE_PMD_MASK, vmf->pmd, entry);
	}
	spin_unlock(vmf->ptl);
	return 0;
}

/*
 * do_huge_pmd_wp_page() - v7.1. Fidelity: same. A shared huge folio is not copied: the PMD is split and the one page copied.
 * Caller holds mmap_lock for reading, or the VMA's lock. VM_FAULT_FALLBACK: there is a table now.
 */
vm_fault_t do_huge_pmd_wp_page(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	struct folio *folio;
	struct page *page;

	VM_BUG_ON_VMA(!plain_read_racy(vma->anon_vma), vma);
	vmf->ptl = pmd_lockptr(vma->vm_mm, vmf->pmd);
	if (is_huge_zero_pmd(vmf->orig_pmd)) {
		vm_fault_t ret = do_huge_zero_wp_pmd(vmf);

		if (!(ret & VM_FAULT_FALLBACK))
			return ret;
		goto fallback;
	}

	spin_lock(vmf->ptl);
	if (!pmd_same(pmdp_get(vmf->pmd), vmf->orig_pmd)) {
		spin_unlock(vmf->ptl);
		return 0;
	}
	page = pmd_page(vmf->orig_pmd);
	folio = page_folio(page);
	VM_BUG_ON_FOLIO(&folio->page != page, folio);
	if (PageAnonExclusive(page))
		return huge_pmd_reuse(vmf);
	if (!lock_pmd_folio(vmf, folio))
		return 0;
	/* It may have become so while the PMD was unlocked. */
	if (PageAnonExclusive(page)) {
		folio_unlock(folio);
		return huge_pmd_reuse(vmf);
	}
	if (huge_folio_is_ours(folio)) {
		folio_move_anon_rmap(folio, vma);
		SetPageAnonExclusive(page);
		folio_unlock(folio);
		return huge_pmd_reuse(vmf);
	}
	folio_unlock(folio);
	spin_unlock(vmf->ptl);
fallback:
	__split_huge_pmd(vma, vmf->pmd, vmf->address, false);
	return VM_FAULT_FALLBACK;
}
