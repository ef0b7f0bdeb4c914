// SPDX-License-Identifier: GPL-2.0-only
/*
 * khugepaged_file.c - small folios of a file become a huge one: those parts of mm/khugepaged.c.
 *
 * The new folio is locked from before it is in the cache until no table that leads to the old ones is left. The old folios are locked one after the
 * other, isolated and unmapped; when the cache's references are all that is left, whoever wants one has to come by the cache and
 * waits for its lock. Then they are copied, the slots change hands in one step under i_pages' lock, and the empty tables are taken away from all
 * who map the range, without their mmap_lock: i_mmap_rwsem keeps the VMAs and the tables' places, the new folio's lock keeps faults out.
 * Lock order: folio locks by index, i_mmap_rwsem, PMD's lock, table's lock; i_mmap_rwsem, i_pages.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/huge_mm.h>
#include <linux/khugepaged.h>
#include <linux/memcontrol.h>
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/mmu_notifier.h>
#include <linux/page_ref.h>
#include <linux/pagemap.h>
#include <linux/pgtable.h>
#include <linux/rcupdate.h>
#include <linux/rmap.h>
#include <linux/sched.h>
#include <linux/swap.h>
#include <linux/tlb.h>
#include <linux/tlbflush.h>
#include <linux/userfaultfd_k.h>
#include <linux/vmstat.h>
#include <linux/xarray.h>
#include <foliofuzz/bug.h>

/* file_thp_enabled(), shmem_allowable_huge_orders() - v7.1. Fidelity: same, with read-only huge pages and huge shared memory allowed. */
bool file_thp_enabled(struct vm_area_struct *vma)
{
	struct inode *inode = vma->vm_file->f_inode;

	if (inode->shmem)
		return true;
	/* CONFIG_READ_ONLY_THP_FOR_FS is gone there */
	if (generation_at_least(GENERATION_MAINLINE) && !mapping_large_folio_support(inode->i_mapping))
		return false;
	return !inode_is_open_for_write(inode);
}

/* collapse_test_exit() - v7.1. Fidelity: same. */
static bool collapse_test_exit(struct mm_struct *mm)
{
	return atomic_read(&mm->mm_users) == 0;
}

/* ------------------------------------------------------------------ the tables of one mm ---- */

/* set_huge_pmd() - v7.1. Fidelity: same. mmap_lock and the folio's lock are held. */
static enum scan_result set_huge_pmd(struct vm_area_struct *vma, unsigned long addr, pmd_t *pmdp, struct folio *folio)
{
	struct vm_fault vmf = { .vma = vma, .address = addr, .pgoff = linear_page_index(vma, addr), .pmd = pmdp };

	if (do_set_pmd(&vmf, folio))
		return SCAN_FAIL;
	folio_get(folio);
	return SCAN_SUCCEED;
}

/* The page that an entry maps, if it may be one of a file; what belongs to a device is none. */
static struct page *collapse_normal_page(pte_t pte)
{
	struct page *page = pte_special(pte) ? NULL : pte_page(pte);

	return page && WARN_ON_ONCE(is_device_private_page(page)) ? NULL : page;
}

/* Step 1 of try_collapse_pte_mapped_thp(): does the table map the folio's pages, each at its place, and nothing else? Its lock is held. */
static enum scan_result check_ptes(struct folio *folio, pte_t *pte)
{
	for (int i = 0; i < HPAGE_PMD_NR; i++) {
		pte_t ptent = ptep_get(pte + i);

		if (pte_none(ptent))
			continue;
		if (!pte_present(ptent))
			return SCAN_PTE_NON_PRESENT;
		if (collapse_normal_page(ptent) != folio_page(folio, i))
			return SCAN_FAIL;
	}
	return SCAN_SUCCEED;
}

/* Step 2: the entries go, and their map counts; as before, what is there now is looked at. *nr: how many have gone. The table's lock is held. */
static enum scan_result clear_pte_range(struct vm_area_struct *vma, unsigned long haddr, struct folio *folio, pte_t *pte, int *nr)
{
	int batch;

	for (int i = 0; i < HPAGE_PMD_NR; i += batch) {
		pte_t ptent = ptep_get(pte + i);

		batch = 1;
		if (pte_none(ptent))
			continue;
		/* Private copies came in from what was mapped, or went out to swap, while the notifiers were called. */
		if (!pte_present(ptent))
			return SCAN_PTE_NON_PRESENT;
		if (collapse_normal_page(ptent) != folio_page(folio, i))
			return SCAN_FAIL;
		batch = folio_pte_batch(folio, pte + i, ptent, HPAGE_PMD_NR - i);
		for (int n = 0; n < batch; n++)
			set_pte_at(vma->vm_mm, haddr + (i + n) * PAGE_SIZE, pte + i + n, __pte(0));
		folio_remove_rmap_ptes(folio, folio_page(folio, i), batch, vma);
		*nr += batch;
	}
	return SCAN_SUCCEED;
}

/* Step 3: what they were worth. */
static void settle_cleared(struct mm_struct *mm, struct folio *folio, int nr)
{
	if (!nr)
		return;
	folio_ref_sub(folio, nr);
	add_mm_counter(mm, mm_counter_file(folio), -nr);
}

/*
 * Steps 2 to 4 of try_collapse_pte_mapped_thp(): the table is emptied and taken away. With a userfaultfd private pages come without a look at the
 * cache, so the folio's lock does not keep them out: there the PMD's lock is held all the time. NULL: it stays; *result says why.
 */
static pgtable_t remove_pte_table(struct vm_area_struct *vma, unsigned long haddr, pmd_t *pmd, struct folio *folio,
				  enum scan_result *result)
{
	struct mm_struct *mm = vma->vm_mm;
	spinlock_t *pml = NULL, *ptl;
	pmd_t pgt_pmd;
	pte_t *start_pte;
	int nr = 0;

	*result = SCAN_FAIL;
	if (userfaultfd_armed(vma) && !(vma->vm_flags & VM_SHARED))
		pml = pmd_lock(mm, pmd);
	start_pte = pte_offset_map_rw_nolock(mm, pmd, haddr, &pgt_pmd, &ptl);
	if (!start_pte) {
		if (pml)
			spin_unlock(pml);
		return NULL;
	}
	spin_lock(ptl);
	if (unlikely(!pmd_same(pgt_pmd, pmdp_get_lockless(pmd))))
		goto unlock;
	*result = clear_pte_range(vma, haddr, folio, start_pte, &nr);
	if (*result != SCAN_SUCCEED) {
		if (nr)
			flush_tlb_mm(mm);
		settle_cleared(mm, folio, nr);
		goto unlock;
	}
	if (!pml)
		spin_unlock(ptl);
	settle_cleared(mm, folio, nr);
	if (!pml) {
		pml = pmd_lock(mm, pmd);
		spin_lock(ptl);
		if (unlikely(!pmd_same(pgt_pmd, pmdp_get_lockless(pmd)))) {
			flush_tlb_mm(mm);
			*result = SCAN_FAIL;
			goto unlock;
		}
	}
	pgt_pmd = pmdp_collapse_flush(vma, haddr, pmd);
	pte_unmap_unlock(start_pte, ptl);
	spin_unlock(pml);
	return pmd_ptdesc(pgt_pmd);
unlock:
	pte_unmap_unlock(start_pte, ptl);
	if (pml)
		spin_unlock(pml);
	return NULL;
}

/* The table of a PMD that the folio could be mapped by. mmap_lock and the folio's lock are held. */
static enum scan_result collapse_table(struct vm_area_struct *vma, unsigned long haddr, pmd_t *pmd, struct folio *folio,
				       bool install_pmd)
{
	struct mm_struct *mm = vma->vm_mm;
	struct mmu_notifier_range range;
	enum scan_result result;
	pgtable_t removed;
	spinlock_t *ptl;
	pte_t *pte;

	pte = pte_offset_map_lock(mm, pmd, haddr, &ptl);
	if (!pte)
		return SCAN_FAIL;
	result = check_ptes(folio, pte);
	pte_unmap_unlock(pte, ptl);
	if (result != SCAN_SUCCEED)
		return result;
	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, mm, haddr, haddr + HPAGE_PMD_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	removed = remove_pte_table(vma, haddr, pmd, folio, &result);
	mmu_notifier_invalidate_range_end(&range);
	if (!removed)
		return result;
	mm_dec_nr_ptes(mm);
	pte_free_defer(mm, removed);
	return install_pmd ? set_huge_pmd(vma, haddr, pmd, folio) : SCAN_SUCCEED;
}

/*
 * try_collapse_pte_mapped_thp(), collapse_pte_mapped_thp() - v7.1. Fidelity: same. A huge folio of the file that is mapped by a table is mapped by the PMD, or
 * (without install_pmd) will be by the next fault. mmap_lock is held.
 */
static enum scan_result try_collapse_pte_mapped_thp(struct mm_struct *mm, unsigned long addr, bool install_pmd)
{
	unsigned long haddr = addr & HPAGE_PMD_MASK;
	struct vm_area_struct *vma = vma_lookup(mm, haddr);
	enum scan_result result;
	struct folio *folio;
	pmd_t *pmd;

	if (!vma || !vma->vm_file || vma->vm_start > haddr || vma->vm_end < haddr + HPAGE_PMD_SIZE)
		return SCAN_VMA_CHECK;
	result = find_pmd_or_thp_or_none(mm, haddr, &pmd);
	if (result == SCAN_PMD_MAPPED)
		return result;
	if (!thp_vma_suitable_order(vma, haddr, HPAGE_PMD_ORDER) || !file_thp_enabled(vma))
		return SCAN_VMA_CHECK;
	/* markers are kept in the table */
	if (userfaultfd_wp(vma))
		return SCAN_PTE_UFFD_WP;
	folio = filemap_lock_folio(vma->vm_file->f_mapping, linear_page_index(vma, haddr));
	if (!folio)
		return SCAN_PAGE_NULL;
	if (folio_order(folio) != HPAGE_PMD_ORDER) {
		result = SCAN_PAGE_COMPOUND;
	} else {
		result = find_pmd_or_thp_or_none(mm, haddr, &pmd);
		if (result == SCAN_SUCCEED)
			result = collapse_table(vma, haddr, pmd, folio, install_pmd);
		else if (result == SCAN_NO_PTE_TABLE)
			result = install_pmd ? set_huge_pmd(vma, haddr, pmd, folio) : SCAN_SUCCEED;
	}
	folio_unlock(folio);
	folio_put(folio);
	return result;
}

/* ------------------------------------------------------------------ the tables of all ---- */

/* file_backed_vma_is_retractable() - v7.1. Fidelity: same, no guard regions. Believe it under the table's lock. */
static bool file_backed_vma_is_retractable(struct vm_area_struct *vma)
{
	/* private copies, which nobody has removed from the table */
	if (READ_ONCE(vma->anon_vma))
		return false;
	/* markers */
	return !userfaultfd_wp_racy(vma);
}

/* One VMA of retract_page_tables(). i_mmap_rwsem is held for reading, and the new folio is locked. */
static void retract_page_table(struct vm_area_struct *vma, unsigned long addr)
{
	struct mm_struct *mm = vma->vm_mm;
	struct mmu_notifier_range range;
	pmd_t *pmd, pgt_pmd = __pmd(0);
	spinlock_t *pml, *ptl;
	bool success = false;

	if (find_pmd_or_thp_or_none(mm, addr, &pmd) != SCAN_SUCCEED)
		return;
	/* exit_mmap() may be freeing the tables; it has to pass by i_mmap_rwsem before */
	if (collapse_test_exit(mm))
		return;
	if (!file_backed_vma_is_retractable(vma))
		return;
	mmu_notifier_range_init(&range, MMU_NOTIFY_CLEAR, 0, mm, addr, addr + HPAGE_PMD_SIZE);
	mmu_notifier_invalidate_range_start(&range);
	pml = pmd_lock(mm, pmd);
	/* If it is another table by now, that is empty, too: faults wait for the folio's lock. */
	if (check_pmd_state(pmd) == SCAN_SUCCEED) {
		ptl = &pmd_ptdesc(pmdp_get(pmd))->ptl;
		spin_lock(ptl);
		/* What a userfaultfd installs waits for the table's lock alone. */
		if (bug_enabled(collapse_anon_vma_check_before_lock) || likely(file_backed_vma_is_retractable(vma))) {
			pgt_pmd = pmdp_collapse_flush(vma, addr, pmd);
			success = true;
		}
		spin_unlock(ptl);
	}
	spin_unlock(pml);
	mmu_notifier_invalidate_range_end(&range);
	if (success) {
		mm_dec_nr_ptes(mm);
		pte_free_defer(mm, pmd_ptdesc(pgt_pmd));
	}
}

/*
 * retract_page_tables() - v7.1. Fidelity: same; lockless walkers of the PMD need no sync where it is one word. Whoever maps all of the range by a
 * table loses it, and comes by the fault that maps the huge folio.
 */
static void retract_page_tables(struct address_space *mapping, pgoff_t pgoff)
{
	struct vm_area_struct *vma;

	i_mmap_lock_read(mapping);
	vma_interval_tree_foreach(vma, mapping, pgoff, pgoff) {
		unsigned long addr = vma->vm_start + ((pgoff - vma->vm_pgoff) << PAGE_SHIFT);

		if (addr & ~HPAGE_PMD_MASK || vma->vm_end < addr + HPAGE_PMD_SIZE)
			continue;
		retract_page_table(vma, addr);
	}
	i_mmap_unlock_read(mapping);
}

/* ------------------------------------------------------------------ the cache ---- */

/* One collapse of [start, start + HPAGE_PMD_NR) of a file. */
struct file_collapse {
	struct address_space *mapping;
	struct inode *inode;
	bool is_shmem;
	pgoff_t start, end;
	struct folio *new_folio;
	struct list_head pagelist; /* old folios by index: locked, isolated, unmapped, with a reference */
	int nr_none;               /* holes */
};

/*
 * The folio at index, locked and with a reference, or NULL: a hole of shared memory, or *result says what is wrong. Takes i_pages' lock. What may
 * not be waited for is only tried.
 */
static struct folio *collapse_lock_shmem(struct file_collapse *c, pgoff_t index, enum scan_result *result)
{
	XA_STATE(xas, &c->mapping->i_pages, index);
	struct folio *folio;

	xas_lock_irq(&xas);
	folio = xas_load(&xas);
	if (!folio) {
		/* all of it truncated or punched? */
		if (index == c->start && !xas_next_entry(&xas, c->end - 1))
			*result = SCAN_TRUNCATED;
		xas_unlock_irq(&xas);
		return NULL;
	}
	if (xa_is_value(folio) || !folio_test_uptodate(folio)) {
		xas_unlock_irq(&xas);
		/* swapped out, or promised by fallocate() */
		if (shmem_get_folio(c->inode, index, &folio, SGP_NOALLOC, 0)) {
			*result = SCAN_FAIL;
			return NULL;
		}
		lru_add_drain();
		return folio;
	}
	if (folio_trylock(folio)) {
		folio_get(folio);
	} else {
		*result = SCAN_PAGE_LOCK;
		folio = NULL;
	}
	xas_unlock_irq(&xas);
	return folio;
}

/*
 * Reads what is missing of a regular file. v7.1 does so in the middle of locking the old folios, but reading takes invalidate_lock, which a truncation
 * holds while it waits for folios.
 */
static void collapse_read_range(struct file_collapse *c)
{
	for (pgoff_t index = c->start; index < c->end; index++)
		if (!xa_load(&c->mapping->i_pages, index))
			(void)page_cache_ra_order(c->mapping, index, 0);
	/* The batches' references would be in the way. */
	lru_add_drain();
}

/* The same of a regular file: all of it must be there. Nobody has it open for writing, so what is dirty only has to be written once. */
static struct folio *collapse_lock_file(struct file_collapse *c, pgoff_t index, enum scan_result *result)
{
	XA_STATE(xas, &c->mapping->i_pages, index);
	struct folio *folio;

	xas_lock_irq(&xas);
	folio = xas_load(&xas);
	if (!folio || xa_is_value(folio)) {
		xas_unlock_irq(&xas);
		if (bug_enabled(collapse_reads_under_folio_locks)) {
			(void)page_cache_ra_order(c->mapping, index, 0);
			lru_add_drain();
		}
		folio = __filemap_get_folio(c->mapping, index, FGP_LOCK_NESTED, 0);
		if (!IS_ERR(folio))
			return folio;
		*result = SCAN_FAIL;
		return NULL;
	}
	if (folio_test_dirty(folio)) {
		xas_unlock_irq(&xas);
		filemap_flush(c->mapping);
		*result = SCAN_PAGE_DIRTY_OR_WRITEBACK;
		return NULL;
	}
	if (folio_test_writeback(folio)) {
		*result = SCAN_PAGE_DIRTY_OR_WRITEBACK;
		folio = NULL;
	} else if (folio_trylock(folio)) {
		folio_get(folio);
	} else {
		*result = SCAN_PAGE_LOCK;
		folio = NULL;
	}
	xas_unlock_irq(&xas);
	return folio;
}

/* What has been found at index becomes one of the old folios. It is locked; on failure it is unlocked and put. */
static enum scan_result collapse_take_folio(struct file_collapse *c, struct folio *folio, pgoff_t index)
{
	XA_STATE(xas, &c->mapping->i_pages, index);
	enum scan_result result;

	VM_BUG_ON_FOLIO(!folio_test_locked(folio), folio);
	result = SCAN_FAIL;
	if (unlikely(!folio_test_uptodate(folio)))
		goto out_unlock;
	/* There was a truncation or a hole before the first was locked, and then a huge folio. */
	result = SCAN_PTE_MAPPED_HUGEPAGE;
	if (folio_order(folio) == HPAGE_PMD_ORDER)
		goto out_unlock;
	result = SCAN_TRUNCATED;
	if (folio_mapping(folio) != c->mapping)
		goto out_unlock;
	result = SCAN_PAGE_DIRTY_OR_WRITEBACK;
	if (!c->is_shmem && (folio_test_dirty(folio) || folio_test_writeback(folio)))
		goto out_unlock;
	result = SCAN_DEL_PAGE_LRU;
	if (!folio_isolate_lru(folio))
		goto out_unlock;
	if (folio_mapped(folio))
		try_to_unmap(folio, TTU_IGNORE_MLOCK | TTU_BATCH_FLUSH);

	xas_lock_irq(&xas);
	VM_BUG_ON_FOLIO(xas_load(&xas) != folio, folio);
	/* Ours, the isolation's, the cache's: no new one can come but by the cache, and wait there for the lock. */
	if (folio_ref_count(folio) != 2 + folio_nr_pages(folio)) {
		xas_unlock_irq(&xas);
		/* Once it is anybody's again it may be freed. v7.1 flushes when all is over. */
		if (!bug_enabled(collapse_unlocks_before_flush))
			try_to_unmap_flush();
		folio_putback_lru(folio);
		result = SCAN_PAGE_COUNT;
		goto out_unlock;
	}
	xas_unlock_irq(&xas);
	list_add_tail(&folio->lru, &c->pagelist);
	return SCAN_SUCCEED;
out_unlock:
	folio_unlock(folio);
	folio_put(folio);
	return result;
}

/* All that is there, from start to end. Holes are counted. */
static enum scan_result collapse_take_range(struct file_collapse *c)
{
	enum scan_result result = SCAN_SUCCEED;

	for (pgoff_t index = c->start; index < c->end && result == SCAN_SUCCEED;) {
		struct folio *folio = c->is_shmem ? collapse_lock_shmem(c, index, &result) : collapse_lock_file(c, index, &result);
		pgoff_t nr;

		if (!folio) {
			c->nr_none++;
			index++;
			continue;
		}
		nr = (pgoff_t)folio_nr_pages(folio);
		result = collapse_take_folio(c, folio, index);
		index += nr;
	}
	return result;
}

/*
 * A file system without large folios: who opens the file for writing from here on finds the count and drops all of the cache, also what is dirty elsewhere
 * in the file from an earlier writer. So that is written now; there will not be more, without a writer. invalidate_lock keeps those out who are
 * dropping it. v7.1 waits for it with folios locked, for which they wait. SCAN_SUCCEED: counted.
 */
static enum scan_result collapse_count_thp(struct file_collapse *c)
{
	struct address_space *mapping = c->mapping;
	bool writes = !bug_enabled(collapse_drops_dirty_on_writable_open);
	enum scan_result result = SCAN_SUCCEED;

	if (writes && bug_enabled(collapse_flushes_under_folio_locks))
		filemap_invalidate_lock_shared(mapping);
	else if (writes && !down_read_trylock(&mapping->invalidate_lock))
		return SCAN_FAIL;
	filemap_nr_thps_inc(mapping);
	smp_mb();
	if (inode_is_open_for_write(c->inode) || (writes && filemap_write_and_wait_nested(mapping))) {
		filemap_nr_thps_dec(mapping);
		result = SCAN_FAIL;
	}
	if (writes)
		filemap_invalidate_unlock_shared(mapping);
	return result;
}

/* The old folios are locked, and nobody maps them: they do not change. */
static enum scan_result collapse_copy(struct file_collapse *c)
{
	struct page *dst = folio_page(c->new_folio, 0);
	pgoff_t index = c->start;
	struct folio *folio;

	list_for_each_entry(folio, &c->pagelist, lru) {
		long nr = folio_nr_pages(folio);

		for (; index < folio_pgoff(folio); index++)
			clear_highpage(dst++);
		for (long i = 0; i < nr; i++, index++, dst++)
			if (copy_mc_highpage(dst, folio_page(folio, (unsigned long)i)) > 0)
				return SCAN_COPY_MC;
	}
	for (; index < c->end; index++)
		clear_highpage(dst++);
	return SCAN_SUCCEED;
}

/*
 * The holes must still be holes, and nobody may be waiting to be told of one. Whoever looks from here on sees neither a hole nor the folio, but
 * looks again. Leaves i_pages locked on success.
 */
static enum scan_result collapse_close_holes(struct file_collapse *c)
{
	XA_STATE(xas, &c->mapping->i_pages, c->start);
	enum scan_result result = SCAN_SUCCEED;
	struct vm_area_struct *vma;
	int nr_none_check = 0;

	i_mmap_lock_read(c->mapping);
	xas_lock_irq(&xas);
	for (pgoff_t index = c->start; index < c->end; index++) {
		xas_set(&xas, index);
		if (xas_load(&xas))
			continue;
		xas_store(&xas, XA_RETRY_ENTRY);
		nr_none_check++;
	}
	if (c->nr_none != nr_none_check)
		result = SCAN_PAGE_FILLED;
	else
		vma_interval_tree_foreach(vma, c->mapping, c->start, c->end)
			if (userfaultfd_missing_racy(vma)) {
				result = SCAN_EXCEED_NONE_PTE;
				break;
			}
	i_mmap_unlock_read(c->mapping);
	if (result == SCAN_SUCCEED)
		return result;
	for (pgoff_t index = c->start; index < c->end; index++) {
		xas_set(&xas, index);
		if (xas_load(&xas) == XA_RETRY_ENTRY)
			xas_store(&xas, NULL);
	}
	xas_unlock_irq(&xas);
	return result;
}

/* The new folio takes the places of the old ones. i_pages is locked, and not any more afterwards. */
static void collapse_publish(struct file_collapse *c)
{
	XA_STATE_ORDER(xas, &c->mapping->i_pages, c->start, HPAGE_PMD_ORDER);
	struct folio *new_folio = c->new_folio;

	if (c->is_shmem) {
		lruvec_stat_mod_folio(new_folio, NR_SHMEM, HPAGE_PMD_NR);
		lruvec_stat_mod_folio(new_folio, NR_SHMEM_THPS, HPAGE_PMD_NR);
	} else {
		lruvec_stat_mod_folio(new_folio, NR_FILE_THPS, HPAGE_PMD_NR);
	}
	lruvec_stat_mod_folio(new_folio, NR_FILE_PAGES, HPAGE_PMD_NR);
	/* Before it can be found: else it is what fallocate() has promised and nobody has written to. */
	folio_mark_uptodate(new_folio);
	folio_ref_add(new_folio, HPAGE_PMD_NR - 1);
	if (c->is_shmem)
		folio_mark_dirty(new_folio);
	folio_add_lru(new_folio);
	xas_store(&xas, new_folio);
	xas_unlock_irq(&xas);
}

/* The old folios are out of the cache: its references go with ours and the isolation's. */
static void collapse_free_old(struct file_collapse *c)
{
	struct folio *folio, *tmp;

	list_for_each_entry_safe(folio, tmp, &c->pagelist, lru) {
		list_del(&folio->lru);
		lruvec_stat_mod_folio(folio, NR_FILE_PAGES, -folio_nr_pages(folio));
		if (c->is_shmem)
			lruvec_stat_mod_folio(folio, NR_SHMEM, -folio_nr_pages(folio));
		plain_write_racy(folio->mapping, NULL);
		folio_clear_active(folio);
		folio_clear_unevictable(folio);
		folio_unlock(folio);
		folio_put_refs(folio, 2 + (int)folio_nr_pages(folio));
	}
}

/* Nothing has changed in the cache. charged: the holes have been. */
static void collapse_rollback(struct file_collapse *c, enum scan_result result, bool charged)
{
	struct folio *folio, *tmp;

	if (charged) {
		xa_lock_irq(&c->mapping->i_pages);
		c->mapping->nrpages -= (unsigned long)c->nr_none;
		xa_unlock_irq(&c->mapping->i_pages);
		shmem_uncharge(c->inode, c->nr_none);
	}
	list_for_each_entry_safe(folio, tmp, &c->pagelist, lru) {
		list_del(&folio->lru);
		folio_unlock(folio);
		folio_putback_lru(folio);
		folio_put(folio);
	}
	if (!c->is_shmem && result == SCAN_COPY_MC) {
		filemap_nr_thps_dec(c->mapping);
		smp_mb();
	}
	plain_write_racy(c->new_folio->mapping, NULL);
	folio_unlock(c->new_folio);
	folio_put(c->new_folio);
}

/*
 * collapse_file() - v7.1. Fidelity: adapted: the index always has its slots, so neither xas_create_range() nor a store can fail; no private data; a file
 * that is missing a page reads that page alone. No lock is held. SCAN_PTE_MAPPED_HUGEPAGE: there is a huge folio now, or was already,
 * and who asked may map it.
 */
static enum scan_result collapse_file(struct mm_struct *mm, struct file *file, pgoff_t start, struct collapse_control *cc)
{
	struct file_collapse c = { .mapping = file->f_mapping, .inode = file->f_inode, .is_shmem = file->f_inode->shmem,
				   .start = start, .end = start + HPAGE_PMD_NR };
	enum scan_result result;

	INIT_LIST_HEAD(&c.pagelist);
	VM_BUG_ON(start & (HPAGE_PMD_NR - 1));
	result = alloc_charge_folio(&c.new_folio, mm, cc);
	if (result != SCAN_SUCCEED)
		return result;
	__folio_set_locked(c.new_folio);
	if (c.is_shmem)
		__folio_set_swapbacked(c.new_folio);
	plain_write_racy(c.new_folio->index, start);
	plain_write_racy(c.new_folio->mapping, (void *)c.mapping);

	if (!c.is_shmem && !bug_enabled(collapse_reads_under_folio_locks))
		collapse_read_range(&c);
	result = collapse_take_range(&c);
	/* Before the copy: until then a store may still arrive by TLB. On failure it is only owed. */
	try_to_unmap_flush();
	if (result == SCAN_SUCCEED && !c.is_shmem && !mapping_large_folio_support(c.mapping))
		result = collapse_count_thp(&c);
	if (result == SCAN_SUCCEED && c.nr_none && !shmem_charge(c.inode, c.nr_none))
		result = SCAN_FAIL;
	if (result != SCAN_SUCCEED) {
		collapse_rollback(&c, result, false);
		return result;
	}
	result = collapse_copy(&c);
	if (result == SCAN_SUCCEED) {
		if (c.nr_none)
			result = collapse_close_holes(&c);
		else
			xa_lock_irq(&c.mapping->i_pages);
	}
	if (result != SCAN_SUCCEED) {
		collapse_rollback(&c, result, c.nr_none != 0);
		return result;
	}
	collapse_publish(&c);
	retract_page_tables(c.mapping, start);
	if (!cc->is_khugepaged)
		result = SCAN_PTE_MAPPED_HUGEPAGE;
	folio_unlock(c.new_folio);
	collapse_free_old(&c);
	return result;
}

/* ------------------------------------------------------------------ looking ---- */

/* What collapse_scan_file() thinks of one folio, which it has a reference to. */
static enum scan_result scan_file_folio(struct folio *folio, struct collapse_control *cc)
{
	int expected;

	/* Only its tables can be worth something. */
	if (folio_order(folio) == HPAGE_PMD_ORDER)
		return SCAN_PTE_MAPPED_HUGEPAGE;
	cc->node_load[folio_nid(folio)]++;
	if (!folio_test_lru(folio))
		return SCAN_PAGE_LRU;
	expected = folio_expected_ref_count(folio) + 1;
	if (expected != folio_ref_count(folio))
		return SCAN_PAGE_COUNT;
	return SCAN_SUCCEED;
}

/* collapse_scan_file() - v7.1 (before: hpage_collapse_scan_file()). Fidelity: same, no distance of nodes. No lock is held. */
static enum scan_result collapse_scan_file(struct mm_struct *mm, struct file *file, pgoff_t start, struct collapse_control *cc)
{
	XA_STATE(xas, &file->f_mapping->i_pages, start);
	pgoff_t last = start + HPAGE_PMD_NR - 1;
	enum scan_result result = SCAN_SUCCEED;
	int present = 0, swap = 0, nr;
	struct folio *folio;

	cc->node_load[0] = cc->node_load[1] = 0;
	rcu_read_lock();
	while (result == SCAN_SUCCEED && (folio = find_get_entry(&xas, last)) != NULL) {
		if (xa_is_value(folio)) {
			nr = 1 << xas_get_order(&xas);
			swap += nr;
			if (cc->is_khugepaged && swap > khugepaged_max_ptes_swap)
				result = SCAN_EXCEED_SWAP_PTE;
		} else {
			nr = (int)folio_nr_pages(folio);
			result = scan_file_folio(folio, cc);
			present += nr;
			folio_put(folio);
		}
		xas_set(&xas, (xas.index | (pgoff_t)(nr - 1)) + 1);
	}
	rcu_read_unlock();
	if (result != SCAN_SUCCEED)
		return result;
	if (cc->is_khugepaged && present < HPAGE_PMD_NR - khugepaged_max_ptes_none())
		return SCAN_EXCEED_NONE_PTE;
	return collapse_file(mm, file, start, cc);
}

/* collapse_single_pmd() - v7.1. Fidelity: same: its part for files. See linux/khugepaged.h. */
enum scan_result collapse_single_file_pmd(unsigned long addr, struct vm_area_struct *vma, struct collapse_control *cc)
{
	struct mm_struct *mm = vma->vm_mm;
	struct file *file = vma->vm_file;
	pgoff_t pgoff = linear_page_index(vma, addr);
	enum scan_result result;

	mmap_read_unlock(mm);
	result = collapse_scan_file(mm, file, pgoff, cc);
	if (!cc->is_khugepaged && result == SCAN_PAGE_DIRTY_OR_WRITEBACK && !file->f_inode->shmem) {
		(void)filemap_write_and_wait_range(file->f_mapping, pgoff, pgoff + HPAGE_PMD_NR - 1);
		result = collapse_scan_file(mm, file, pgoff, cc);
	}
	if (result != SCAN_PTE_MAPPED_HUGEPAGE)
		return result;
	mmap_read_lock(mm);
	result = collapse_test_exit(mm) ? SCAN_VMA_NULL : try_collapse_pte_mapped_thp(mm, addr, !cc->is_khugepaged);
	mmap_read_unlock(mm);
	return result == SCAN_PMD_MAPPED ? SCAN_SUCCEED : result;
}
