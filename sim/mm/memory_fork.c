// SPDX-License-Identifier: GPL-2.0-only
/*
 * memory_fork.c - fork: the tables of the child.
 *
 * Both mmap_locks are held for writing, so nothing new is faulted in on either side; rmap walks, zaps of truncate and GUP-fast go on.
 * Lock order: the child's table, then the parent's. The reference is taken before the mapping is duplicated; what was exclusive
 * is shared and write-protected in both from then on, but for what the parent may have pinned: that is copied. P18.
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
#include <linux/swapops.h>
#include <linux/userfaultfd_k.h>
#include <foliofuzz/bug.h>

/* What copy_pte_range() has in hand between two looks at the tables. */
struct copy_state {
	struct vm_area_struct *dst_vma, *src_vma;
	long rss[NR_MM_COUNTERS];
	struct folio *prealloc; /* for a page that has to be copied; charged */
	softleaf_t entry;       /* whose count needs a table */
};

/* ------------------------------------------------------------------ entries that are not present ---- */

/*
 * A child with swap entries joins mmlist behind its parent - v7.1, copy_nonpresent_pte(). Fidelity: same. swapoff() goes through the
 * mms on this list: one that is not there keeps its entries. The parent's entry says that the parent is on it.
 */
static void join_mmlist(struct mm_struct *dst_mm, struct mm_struct *src_mm)
{
	if (!list_empty(&dst_mm->mmlist))
		return;
	spin_lock(&machine->mmlist_lock);
	if (list_empty(&dst_mm->mmlist))
		list_add(&dst_mm->mmlist, &src_mm->mmlist);
	spin_unlock(&machine->mmlist_lock);
}

/* swap_dup_entry_direct() and mm onto mmlist - v7.1, copy_nonpresent_pte(). Fidelity: same. Both tables are locked. */
static int copy_swap_pte(struct copy_state *c, pte_t *src_pte, unsigned long addr, pte_t *pte)
{
	struct mm_struct *dst_mm = c->dst_vma->vm_mm, *src_mm = c->src_vma->vm_mm;

	if (swap_dup_entry_direct(softleaf_from_pte(*pte)) < 0)
		return -EIO;
	join_mmlist(dst_mm, src_mm);
	if (pte_swp_exclusive(*pte)) {
		*pte = pte_swp_clear_exclusive(*pte);
		set_pte_at(src_mm, addr, src_pte, *pte);
	}
	c->rss[MM_SWAPENTS]++;
	return 0;
}

/* The parent's entry for less: soft-dirty and uffd-wp bits stay. */
static pte_t downgrade_pte(struct copy_state *c, pte_t *src_pte, unsigned long addr, pte_t orig, softleaf_t entry,
			   bool soft_dirty)
{
	pte_t pte = swp_entry_to_pte(entry);

	if (soft_dirty && pte_swp_soft_dirty(orig))
		pte = pte_swp_mksoft_dirty(pte);
	if (pte_swp_uffd_wp(orig))
		pte = pte_swp_mkuffd_wp(pte);
	set_pte_at(c->src_vma->vm_mm, addr, src_pte, pte);
	return pte;
}

/* try_restore_exclusive_pte(), restore_exclusive_pte() - v7.1, mm/memory.c. Fidelity: same. The table is locked. */
static int try_restore_exclusive_pte(struct vm_area_struct *vma, unsigned long addr, pte_t *ptep, pte_t orig)
{
	struct page *page = softleaf_to_page(softleaf_from_pte(orig));
	struct folio *folio = page_folio(page);
	pte_t pte = pte_mkold(mk_pte(page, vma->vm_page_prot));

	if (!folio_trylock(folio))
		return -EBUSY;
	if (pte_swp_soft_dirty(orig))
		pte = pte_mksoft_dirty(pte);
	if (pte_swp_uffd_wp(orig))
		pte = pte_mkuffd_wp(pte);
	if ((vma->vm_flags & VM_WRITE) && !userfaultfd_pte_wp(vma, pte) && PageAnonExclusive(page)) {
		if (folio_test_dirty(folio))
			pte = pte_mkdirty(pte);
		pte = pte_mkwrite(pte, vma);
	}
	set_pte_at(vma->vm_mm, addr, ptep, pte);
	folio_unlock(folio);
	return 0;
}

/* copy_pte_marker() - v7.1, mm/internal.h. Fidelity: same. */
static unsigned long copy_pte_marker(softleaf_t entry, struct vm_area_struct *dst_vma)
{
	unsigned long srcm = softleaf_to_marker(entry), dstm = srcm & PTE_MARKER_POISONED;

	if ((srcm & PTE_MARKER_UFFD_WP) && userfaultfd_wp(dst_vma))
		dstm |= PTE_MARKER_UFFD_WP;
	return dstm;
}

/*
 * copy_nonpresent_pte() - v7.1. Fidelity: same. Both tables are locked. -EIO: swap_retry_table_alloc(), and again. -EBUSY: memory
 * that a device has to itself and whose folio is locked. -ENOENT: it was given back, the entry is present now. A migration entry
 * holds no reference and no map count, so none is taken: it will be restored in the child as in the parent.
 */
static int copy_nonpresent_pte(struct copy_state *c, pte_t *dst_pte, pte_t *src_pte, unsigned long addr)
{
	struct vm_area_struct *dst_vma = c->dst_vma, *src_vma = c->src_vma;
	pte_t orig_pte = ptep_get(src_pte), pte = orig_pte;
	softleaf_t entry = softleaf_from_pte(orig_pte);

	if (softleaf_is_swap(entry)) {
		int err = copy_swap_pte(c, src_pte, addr, &pte);

		if (err)
			return err;
	} else if (softleaf_is_migration(entry)) {
		struct folio *folio = softleaf_to_folio(entry);

		if (bug_enabled(fork_mmlist_by_migration_entry))
			join_mmlist(dst_vma->vm_mm, src_vma->vm_mm);
		c->rss[mm_counter(folio)]++;
		if (!softleaf_is_migration_read(entry) && is_cow_mapping(dst_vma->vm_flags))
			pte = downgrade_pte(c, src_pte, addr, orig_pte, make_readable_migration_entry(entry), true);
	} else if (softleaf_is_device_private(entry)) {
		struct page *page = softleaf_to_page(entry);
		struct folio *folio = page_folio(page);

		folio_get(folio);
		c->rss[mm_counter(folio)]++;
		/* It cannot be pinned: does not fail. */
		(void)folio_try_dup_anon_rmap_pte(folio, page, dst_vma, src_vma);
		if (softleaf_is_device_private_write(entry) && is_cow_mapping(dst_vma->vm_flags))
			pte = downgrade_pte(c, src_pte, addr, orig_pte, make_readable_device_private_entry(entry), false);
	} else if (softleaf_is_device_exclusive(entry)) {
		VM_BUG_ON(!is_cow_mapping(src_vma->vm_flags));
		return try_restore_exclusive_pte(src_vma, addr, src_pte, orig_pte) ? -EBUSY : -ENOENT;
	} else if (softleaf_is_marker(entry)) {
		unsigned long marker = copy_pte_marker(entry, dst_vma);

		if (marker)
			set_pte_at(dst_vma->vm_mm, addr, dst_pte, swp_entry_to_pte(make_pte_marker(marker)));
		return 0;
	}
	if (!userfaultfd_wp(dst_vma))
		pte = pte_swp_clear_uffd_wp(pte);
	set_pte_at(dst_vma->vm_mm, addr, dst_pte, pte);
	return 0;
}

/* ------------------------------------------------------------------ present entries ---- */

/*
 * copy_present_page() - v7.1. Fidelity: same. Both tables are locked: the parent's page can be pinned or written to by a device
 * meanwhile, but not replaced. -EAGAIN: allocate a page, outside the locks.
 */
static int copy_present_page(struct copy_state *c, pte_t *dst_pte, pte_t *src_pte, unsigned long addr, struct page *page)
{
	struct vm_area_struct *dst_vma = c->dst_vma;
	struct folio *new_folio = c->prealloc;
	pte_t pte;

	if (!new_folio)
		return -EAGAIN;
	if (copy_mc_user_highpage(&new_folio->page, page))
		return -EHWPOISON;
	c->prealloc = NULL;
	__folio_mark_uptodate(new_folio);
	folio_add_new_anon_rmap(new_folio, dst_vma, addr, RMAP_EXCLUSIVE);
	folio_add_lru_vma(new_folio, dst_vma);
	c->rss[MM_ANONPAGES]++;

	pte = mk_pte(&new_folio->page, dst_vma->vm_page_prot);
	pte = maybe_mkwrite(pte_mkdirty(pte), dst_vma);
	if (userfaultfd_pte_wp(dst_vma, ptep_get(src_pte)))
		pte = pte_mkuffd_wp(pte);
	set_pte_at(dst_vma->vm_mm, addr, dst_pte, pte);
	return 1;
}

/* __copy_present_ptes() - v7.1. Fidelity: same. Both tables are locked. `pte` is the first entry, writable if any of the run is. */
static void __copy_present_ptes(struct copy_state *c, pte_t *dst_pte, pte_t *src_pte, pte_t pte, unsigned long addr, int nr)
{
	if (is_cow_mapping(c->src_vma->vm_flags) && pte_write(pte)) {
		for (int i = 0; i < nr; i++)
			ptep_set_wrprotect(c->src_vma->vm_mm, addr + i * PAGE_SIZE, src_pte + i);
		pte = pte_wrprotect(pte);
	}
	if (c->src_vma->vm_flags & VM_SHARED)
		pte = pte_mkclean(pte);
	pte = pte_mkold(pte);
	if (!userfaultfd_wp(c->dst_vma))
		pte = pte_clear_uffd_wp(pte);
	for (int i = 0; i < nr; i++)
		set_pte_at(c->dst_vma->vm_mm, addr + i * PAGE_SIZE, dst_pte + i,
			   __pte(pte_val(pte) + ((unsigned long)i << PFN_SHIFT)));
}

/*
 * copy_present_ptes() - v7.1. Fidelity: same. Both tables are locked. The references come first. Returns how many entries it has
 * copied; -EAGAIN: the page may be pinned and has to be copied, with memory that must be allocated first.
 */
static int copy_present_ptes(struct copy_state *c, pte_t *dst_pte, pte_t *src_pte, pte_t pte, unsigned long addr, int max_nr)
{
	struct page *page;
	struct folio *folio;
	int nr = 1;

	if (pte_special(pte))
		goto copy_pte;
	page = pte_page(pte);
	folio = page_folio(page);

	if (!c->prealloc && folio_test_large(folio) && max_nr != 1) {
		fpb_t flags = FPB_MERGE_WRITE | FPB_RESPECT_SOFT_DIRTY;

		if (!(c->src_vma->vm_flags & VM_SHARED))
			flags |= FPB_RESPECT_DIRTY;
		nr = folio_pte_batch_flags(folio, c->src_vma, src_pte, &pte, max_nr, flags);
		folio_ref_add(folio, nr);
		if (!folio_test_anon(folio)) {
			folio_dup_file_rmap_ptes(folio, page, nr, c->dst_vma);
			c->rss[mm_counter_file(folio)] += nr;
			goto copy_pte;
		}
		if (folio_try_dup_anon_rmap_ptes(folio, page, nr, c->dst_vma, c->src_vma)) {
			folio_ref_sub(folio, nr);
			return -EAGAIN;
		}
		c->rss[MM_ANONPAGES] += nr;
		VM_WARN_ON_FOLIO(PageAnonExclusive(page), folio);
		goto copy_pte;
	}

	folio_get(folio);
	if (!folio_test_anon(folio)) {
		folio_dup_file_rmap_ptes(folio, page, 1, c->dst_vma);
		c->rss[mm_counter_file(folio)]++;
		goto copy_pte;
	}
	if (folio_try_dup_anon_rmap_pte(folio, page, c->dst_vma, c->src_vma)) {
		folio_put(folio);
		return copy_present_page(c, dst_pte, src_pte, addr, page);
	}
	c->rss[MM_ANONPAGES]++;
	VM_WARN_ON_FOLIO(PageAnonExclusive(page), folio);
copy_pte:
	__copy_present_ptes(c, dst_pte, src_pte, pte, addr, nr);
	return nr;
}

/*
 * The loop of copy_pte_range() under both locks, from *addr on. 0: all copied. -EAGAIN, -EHWPOISON, -EIO, -EBUSY: stopped at *addr.
 */
static int copy_ptes_locked(struct copy_state *c, pte_t *dst_pte, pte_t *src_pte, unsigned long *addr, unsigned long end)
{
	int nr, ret;

	for (; *addr != end; dst_pte += nr, src_pte += nr, *addr += (unsigned long)nr * PAGE_SIZE) {
		pte_t ptent = ptep_get(src_pte);

		nr = 1;
		if (pte_none(ptent))
			continue;
		if (!pte_present(ptent)) {
			ret = copy_nonpresent_pte(c, dst_pte, src_pte, *addr);
			if (!ret)
				continue;
			if (ret == -EIO)
				c->entry = softleaf_from_pte(ptep_get(src_pte));
			if (ret != -ENOENT)
				return ret;
			ptent = ptep_get(src_pte);
			VM_WARN_ON_ONCE(!pte_present(ptent));
		}
		ret = copy_present_ptes(c, dst_pte, src_pte, ptent, *addr, (int)((end - *addr) >> PAGE_SHIFT));
		if (ret < 0)
			return ret;
		if (c->prealloc) {
			/* Not needed after all, and allocated for this address only. */
			folio_put(c->prealloc);
			c->prealloc = NULL;
		}
		nr = ret;
	}
	return 0;
}

/*
 * copy_pte_range() - v7.1. Fidelity: same; no lock is dropped because it was held long. Whatever needs memory is got without locks, and then
 * the entry is looked at again.
 */
static int copy_pte_range(struct vm_area_struct *dst_vma, struct vm_area_struct *src_vma, pmd_t *dst_pmd, pmd_t *src_pmd,
			  unsigned long addr, unsigned long end)
{
	struct mm_struct *dst_mm = dst_vma->vm_mm, *src_mm = src_vma->vm_mm;
	struct copy_state c = { .dst_vma = dst_vma, .src_vma = src_vma };
	int ret = 0;

	while (addr != end) {
		spinlock_t *src_ptl, *dst_ptl;
		pte_t *src_pte, *dst_pte;
		pmd_t dummy_pmdval;

		if (pmd_none(pmdp_get_lockless(dst_pmd)) && __pte_alloc(dst_mm, dst_pmd)) {
			ret = -ENOMEM;
			break;
		}
		dst_pte = pte_offset_map_lock(dst_mm, dst_pmd, addr, &dst_ptl);
		if (!dst_pte) {
			ret = -ENOMEM;
			break;
		}
		src_pte = pte_offset_map_rw_nolock(src_mm, src_pmd, addr, &dummy_pmdval, &src_ptl);
		if (!src_pte) {
			pte_unmap_unlock(dst_pte, dst_ptl);
			break;
		}
		spin_lock_nested(src_ptl, SINGLE_DEPTH_NESTING);
		ret = copy_ptes_locked(&c, dst_pte, src_pte, &addr, end);
		pte_unmap_unlock(src_pte, src_ptl);
		for (int i = 0; i < NR_MM_COUNTERS; i++) {
			if (c.rss[i])
				add_mm_counter(dst_mm, i, c.rss[i]);
			c.rss[i] = 0;
		}
		pte_unmap_unlock(dst_pte, dst_ptl);
		cond_resched();

		if (ret == -EIO) {
			VM_WARN_ON_ONCE(!c.entry.val);
			if (swap_retry_table_alloc(c.entry, GFP_KERNEL) < 0) {
				ret = -ENOMEM;
				break;
			}
			c.entry.val = 0;
		} else if (ret == -EAGAIN) {
			c.prealloc = folio_prealloc(src_mm, src_vma, addr);
			if (!c.prealloc)
				return -ENOMEM;
		} else if (ret) {
			break;
		}
		ret = 0;
	}
	if (c.prealloc)
		folio_put(c.prealloc);
	return ret;
}

/* ------------------------------------------------------------------ huge PMDs ---- */

/* copy_huge_non_present_pmd() - v7.1, mm/huge_memory.c. Fidelity: same. Both PMD locks are held. */
static void copy_huge_non_present_pmd(struct vm_area_struct *dst_vma, struct vm_area_struct *src_vma, pmd_t *dst_pmd,
				      pmd_t *src_pmd, unsigned long addr, pmd_t orig, pgtable_t pgtable)
{
	struct mm_struct *dst_mm = dst_vma->vm_mm;
	softleaf_t entry = softleaf_from_pmd(orig);
	pmd_t pmd = orig;
	bool downgrade = false;

	if (softleaf_is_migration(entry) && !softleaf_is_migration_read(entry)) {
		entry = make_readable_migration_entry(entry);
		downgrade = true;
	} else if (softleaf_is_device_private_write(entry)) {
		entry = make_readable_device_private_entry(entry);
		downgrade = true;
	}
	if (downgrade) {
		pmd = swp_entry_to_pmd(entry);
		if (pmd_swp_soft_dirty(orig))
			pmd = pmd_swp_mksoft_dirty(pmd);
		if (pmd_swp_uffd_wp(orig))
			pmd = pmd_swp_mkuffd_wp(pmd);
		set_pmd_at(src_vma->vm_mm, addr, src_pmd, pmd);
	}
	if (softleaf_is_device_private(entry)) {
		struct folio *folio = softleaf_to_folio(entry);

		VM_WARN_ON(!folio_test_large(folio));
		folio_get(folio);
		(void)folio_try_dup_anon_rmap_pmd(folio, &folio->page, dst_vma, src_vma);
	}
	add_mm_counter(dst_mm, MM_ANONPAGES, HPAGE_PMD_NR);
	mm_inc_nr_ptes(dst_mm);
	pgtable_trans_huge_deposit(dst_mm, dst_pmd, pgtable);
	set_pmd_at(dst_mm, addr, dst_pmd, userfaultfd_wp(dst_vma) ? pmd : pmd_swp_clear_uffd_wp(pmd));
}

/*
 * The child's part of copy_huge_pmd() for a present PMD: the mapping and the protection of both. Both PMD locks are held. -EBUSY:
 * maybe pinned. The huge zero folio has no map count; the mm has a reference to it.
 */
static int copy_huge_present_pmd(struct vm_area_struct *dst_vma, struct vm_area_struct *src_vma, pmd_t *dst_pmd,
				 pmd_t *src_pmd, unsigned long addr, pmd_t pmd, pgtable_t pgtable)
{
	struct mm_struct *dst_mm = dst_vma->vm_mm;

	if (is_huge_zero_pmd(pmd)) {
		/* There is one, so this allocates nothing. */
		(void)mm_get_huge_zero_folio(dst_mm);
	} else {
		struct page *src_page = pmd_page(pmd);
		struct folio *src_folio = page_folio(src_page);

		VM_BUG_ON_FOLIO(&src_folio->page != src_page, src_folio);
		folio_get(src_folio);
		if (folio_try_dup_anon_rmap_pmd(src_folio, src_page, dst_vma, src_vma)) {
			folio_put(src_folio);
			return -EBUSY;
		}
		add_mm_counter(dst_mm, MM_ANONPAGES, HPAGE_PMD_NR);
	}
	mm_inc_nr_ptes(dst_mm);
	pgtable_trans_huge_deposit(dst_mm, dst_pmd, pgtable);
	pmdp_set_wrprotect(src_vma->vm_mm, addr, src_pmd);
	if (!userfaultfd_wp(dst_vma))
		pmd = pmd_clear_uffd_wp(pmd);
	set_pmd_at(dst_mm, addr, dst_pmd, pmd_mkold(pmd_wrprotect(pmd)));
	return 0;
}

/*
 * copy_huge_pmd() - v7.1, mm/huge_memory.c. Fidelity: same, no device PFN maps. -EAGAIN: there is a table to look at now; what may be
 * pinned has been split, so that only the pinned pages need be copied. A file's PMD is left to the child's faults.
 */
int copy_huge_pmd(struct mm_struct *dst_mm, struct mm_struct *src_mm, pmd_t *dst_pmd, pmd_t *src_pmd,
		  unsigned long addr, struct vm_area_struct *dst_vma, struct vm_area_struct *src_vma)
{
	spinlock_t *dst_ptl, *src_ptl;
	pgtable_t pgtable;
	int ret = 0;
	pmd_t pmd;

	if (!vma_is_anonymous(dst_vma))
		return 0;
	pgtable = pte_alloc_one(dst_mm);
	if (!pgtable)
		return -ENOMEM;

	dst_ptl = pmd_lock(dst_mm, dst_pmd);
	src_ptl = pmd_lockptr(src_mm, src_pmd);
	spin_lock_nested(src_ptl, SINGLE_DEPTH_NESTING);
	pmd = pmdp_get(src_pmd);
	if (pmd_is_huge(pmd) && !pmd_present(pmd)) {
		copy_huge_non_present_pmd(dst_vma, src_vma, dst_pmd, src_pmd, addr, pmd, pgtable);
	} else if (!pmd_trans_huge(pmd)) {
		pte_free(dst_mm, pgtable);
		ret = -EAGAIN;
	} else if (copy_huge_present_pmd(dst_vma, src_vma, dst_pmd, src_pmd, addr, pmd, pgtable)) {
		pte_free(dst_mm, pgtable);
		spin_unlock(src_ptl);
		spin_unlock(dst_ptl);
		__split_huge_pmd(src_vma, src_pmd, addr, false);
		return -EAGAIN;
	}
	spin_unlock(src_ptl);
	spin_unlock(dst_ptl);
	return ret;
}

/* ------------------------------------------------------------------ ranges ---- */

/* copy_pmd_range() - v7.1. Fidelity: same. */
static int copy_pmd_range(struct vm_area_struct *dst_vma, struct vm_area_struct *src_vma, unsigned long addr, unsigned long end)
{
	struct mm_struct *dst_mm = dst_vma->vm_mm, *src_mm = src_vma->vm_mm;
	unsigned long next;

	for (; addr != end; addr = next) {
		pmd_t *src_pmd = pmd_offset(src_mm, addr), *dst_pmd = pmd_offset(dst_mm, addr);

		next = pmd_addr_end(addr, end);
		if (pmd_is_huge(pmdp_get(src_pmd))) {
			int err;

			VM_BUG_ON_VMA(next - addr != HPAGE_PMD_SIZE, src_vma);
			err = copy_huge_pmd(dst_mm, src_mm, dst_pmd, src_pmd, addr, dst_vma, src_vma);
			if (err == -ENOMEM)
				return err;
			if (!err)
				continue;
		}
		if (pmd_none(pmdp_get(src_pmd)))
			continue;
		if (copy_pte_range(dst_vma, src_vma, dst_pmd, src_pmd, addr, next))
			return -ENOMEM;
	}
	return 0;
}

/* vma_needs_copy() - v7.1. Fidelity: same: what a fault can bring back is left to it. */
static bool vma_needs_copy(struct vm_area_struct *dst_vma, struct vm_area_struct *src_vma)
{
	return (dst_vma->vm_flags & VM_UFFD_WP) || plain_read(src_vma->anon_vma);
}

/*
 * copy_page_range() - v7.1. Fidelity: same. While write_protect_seq is odd, and when it has changed, a GUP-fast pin is undone: such a
 * pin and the write-protection of what it pins must not miss each other.
 */
int copy_page_range(struct vm_area_struct *dst_vma, struct vm_area_struct *src_vma)
{
	struct mm_struct *src_mm = src_vma->vm_mm;
	unsigned long addr = src_vma->vm_start, end = src_vma->vm_end;
	const bool is_cow = is_cow_mapping(src_vma->vm_flags);
	struct mmu_notifier_range range;
	int ret;

	if (!vma_needs_copy(dst_vma, src_vma))
		return 0;
	if (is_cow) {
		mmu_notifier_range_init(&range, MMU_NOTIFY_PROTECTION_PAGE, 0, src_mm, addr, end);
		mmu_notifier_invalidate_range_start(&range);
		vma_assert_write_locked(src_vma);
		raw_write_seqcount_begin(src_mm->write_protect_seq);
	}
	ret = copy_pmd_range(dst_vma, src_vma, addr, end) ? -ENOMEM : 0;
	if (is_cow) {
		raw_write_seqcount_end(src_mm->write_protect_seq);
		mmu_notifier_invalidate_range_end(&range);
	}
	return ret;
}
