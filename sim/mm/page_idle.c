// SPDX-License-Identifier: GPL-2.0-only
/*
 * page_idle.c - which pages have not been used for a while: a walker by frame number, who asks every mapping. DAMON's looks at physical
 * memory do the same.
 *
 * A frame may be anything, and become anything else, until there is a reference to it and it is seen to be the same folio still. On
 * the LRU means user memory: it may be walked.
 */
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/pgtable.h>
#include <linux/proc_fs.h>
#include <linux/rmap.h>

/* page_idle_get_folio() - v7.1. Fidelity: same. Only heads: a large folio has one bit. */
static struct folio *page_idle_get_folio(unsigned long pfn)
{
	struct page *page = pfn_to_page(pfn);
	struct folio *folio;

	if (pfn >= NR_PAGES || PageTail(page))
		return NULL;
	folio = page_folio(page);
	if (!folio_test_lru(folio))
		return NULL;
	if (!folio_try_get(folio))
		return NULL;
	if (page_folio(page) != folio || !folio_test_lru(folio)) {
		folio_put(folio);
		folio = NULL;
	}
	return folio;
}

/* page_idle_clear_pte_refs_one() - v7.1. Fidelity: same, no notifiers that know of the device's use. The folio lock and rmap lock are held. */
static bool page_idle_clear_pte_refs_one(struct folio *folio, struct vm_area_struct *vma, unsigned long addr, void *arg)
{
	DEFINE_FOLIO_VMA_WALK(pvmw, folio, vma, addr, 0);
	bool referenced = false;

	(void)arg;
	while (page_vma_mapped_walk(&pvmw)) {
		if (pvmw.pte) {
			pte_t ptent = ptep_get(pvmw.pte);

			/* device entries map the page, and are old */
			if (pte_present(ptent))
				referenced |= ptep_test_and_clear_young(vma, pvmw.address, pvmw.pte);
		} else {
			pmd_t pmdval = pmdp_get(pvmw.pmd);

			if (pmd_present(pmdval))
				referenced |= pmdp_test_and_clear_young(vma, pvmw.address, pvmw.pmd);
		}
	}
	if (referenced) {
		folio_clear_idle(folio);
		/* reclaim shall not take it for unused because the bits are clear now */
		folio_set_young(folio);
	}
	return true;
}

/* page_idle_clear_pte_refs() - v7.1. Fidelity: same. The caller has a reference. */
static void page_idle_clear_pte_refs(struct folio *folio)
{
	struct rmap_walk_control rwc = {
		.rmap_one = page_idle_clear_pte_refs_one,
		.anon_lock = folio_lock_anon_vma_read,
	};

	if (!folio_mapped(folio) || !plain_read_racy(folio->mapping))
		return;
	if (!folio_trylock(folio))
		return;
	rmap_walk(folio, &rwc);
	folio_unlock(folio);
}

/* page_idle_bitmap_read() - v7.1. Fidelity: same, one frame. */
bool page_idle_read(unsigned long pfn, bool *idle)
{
	struct folio *folio = page_idle_get_folio(pfn);

	*idle = false;
	if (!folio)
		return false;
	if (folio_test_idle(folio)) {
		page_idle_clear_pte_refs(folio);
		*idle = folio_test_idle(folio);
	}
	folio_put(folio);
	return true;
}

/* page_idle_bitmap_write() - v7.1. Fidelity: same, one frame. */
bool page_idle_write(unsigned long pfn)
{
	struct folio *folio = page_idle_get_folio(pfn);

	if (!folio)
		return false;
	page_idle_clear_pte_refs(folio);
	folio_set_idle(folio);
	folio_put(folio);
	return true;
}
