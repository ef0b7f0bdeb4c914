// SPDX-License-Identifier: GPL-2.0-only
/*
 * migrate.c - folios move to other page frames: unmapped into migration entries, frozen, copied, mapped again. A folio split uses the
 * same entries to keep everybody out.
 *
 * Lock order: source folio's lock, then (tried only) the destination's; anon_vma's root or i_mmap_rwsem inside the rmap walks; with
 * interrupts off the swap cluster's or the page cache's lock, inside it the deferred split queue's. A batch has many folios locked
 * at once, so it only tries; one folio alone may wait. kernel-facts.md: P15, P19, P20.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/huge_mm.h>
#include <linux/memcontrol.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/page_ref.h>
#include <linux/pagemap.h>
#include <linux/pgtable.h>
#include <linux/rmap.h>
#include <linux/swap.h>
#include <linux/swapops.h>
#include <linux/tlbflush.h>
#include <linux/vmstat.h>
#include <linux/xarray.h>
#include <foliofuzz/bug.h>

struct rmap_walk_arg {
	struct folio *folio; /* what the entries point to */
	bool map_unused_to_zeropage;
};

/* No architecture of ours does: s390 alone, for guests. */
#define mm_forbids_zeropage(mm) ((void)(mm), false)

/*
 * try_to_map_unused_to_zeropage() - v7.1, mm/migrate.c (v6.12 also reads poisoned pages). Fidelity: same. A zero-filled page that is
 * nobody's but this mapping's need not be kept: the entry becomes the shared zero page, which has no reference and no map count. The
 * table's lock is held, and the folio lock.
 * In a private mapping of a file, where v7.1 has large folios only by swap-in and only if the file has huge_fault, the zero page stands for a copy
 * that a hole punch has to leave, and zap_present_ptes() takes it, for no folio says whose it is: the reader gets the file's page. Hidden here: no
 * operation stores zeroes, so nobody knows that there was a copy.
 */
static bool try_to_map_unused_to_zeropage(struct page_vma_mapped_walk *pvmw,
					  struct folio *folio, pte_t old_pte, unsigned long idx)
{
	struct page *page = folio_page(folio, idx);
	struct vm_area_struct *vma = pvmw->vma;
	pte_t newpte;

	if (PageCompound(page))
		return false;
	/* Reading poisoned memory in the kernel is a second, fatal, machine check. */
	if (!bug_enabled(split_reads_poison_for_zeropage) && PageHWPoison(page))
		return false;

	VM_BUG_ON_PAGE(!PageAnon(page), page);
	VM_BUG_ON_PAGE(!folio_test_locked((struct folio *)page), page);
	VM_BUG_ON_PAGE(pte_present(old_pte), page);
	VM_WARN_ON_ONCE_FOLIO(folio_is_device_private(folio), folio);

	if (folio_test_mlocked(folio) || (READ_ONCE(vma->vm_flags) & VM_LOCKED) ||
	    mm_forbids_zeropage(vma->vm_mm))
		return false;
	if (!page_is_zero_filled(page))
		return false;

	newpte = pte_mkspecial(pfn_pte(zero_pfn(pvmw->address), vma_page_prot(vma)));
	if (pte_swp_soft_dirty(old_pte))
		newpte = pte_mksoft_dirty(newpte);
	if (pte_swp_uffd_wp(old_pte))
		newpte = pte_mkuffd_wp(newpte);
	set_pte_at(vma->vm_mm, pvmw->address, pvmw->pte, newpte);
	dec_mm_counter(vma->vm_mm, MM_ANONPAGES);
	return true;
}

/* What an entry of device memory becomes: not present, whatever it says about writing. */
static pte_t device_private_pte(struct page *new, pte_t pte, pte_t old_pte)
{
	pte = swp_entry_to_pte(make_device_private_entry(page_to_pfn(new), pte_write(pte)));
	if (pte_swp_soft_dirty(old_pte))
		pte = pte_swp_mksoft_dirty(pte);
	if (pte_swp_uffd_wp(old_pte))
		pte = pte_swp_mkuffd_wp(pte);
	return pte;
}

/*
 * remove_migration_pte() - v7.1, mm/migrate.c. Fidelity: same, no hugetlb, no KSM. `folio` is where the entries shall lead,
 * rmap_walk_arg->folio where they lead now. Reference, then map count, then entry: at no step has a mapping no reference.
 */
static bool remove_migration_pte(struct folio *folio, struct vm_area_struct *vma,
				 unsigned long addr, void *arg)
{
	struct rmap_walk_arg *rmap_walk_arg = arg;
	DEFINE_FOLIO_VMA_WALK(pvmw, rmap_walk_arg->folio, vma, addr, PVMW_SYNC | PVMW_MIGRATION);

	while (page_vma_mapped_walk(&pvmw)) {
		rmap_t rmap_flags = RMAP_NONE;
		unsigned long idx = 0;
		struct page *new;
		softleaf_t entry;
		pte_t old_pte, pte;

		if (folio_test_large(folio))
			idx = linear_page_index(vma, pvmw.address) - pvmw.pgoff;
		new = folio_page(folio, idx);

		if (!pvmw.pte) {
			VM_BUG_ON_FOLIO(!folio_test_pmd_mappable(folio), folio);
			remove_migration_pmd(&pvmw, new);
			continue;
		}

		old_pte = ptep_get(pvmw.pte);
		if (rmap_walk_arg->map_unused_to_zeropage &&
		    try_to_map_unused_to_zeropage(&pvmw, folio, old_pte, idx))
			continue;

		folio_get(folio);
		pte = mk_pte(new, vma_page_prot(vma));
		entry = softleaf_from_pte(old_pte);
		pte = softleaf_is_migration_young(entry) ? pte_mkyoung(pte) : pte_mkold(pte);
		if (folio_test_dirty(folio) && softleaf_is_migration_dirty(entry))
			pte = pte_mkdirty(pte);
		if (pte_swp_soft_dirty(old_pte))
			pte = pte_mksoft_dirty(pte);

		if (softleaf_is_migration_write(entry))
			pte = pte_mkwrite(pte, vma);
		else if (pte_swp_uffd_wp(old_pte))
			pte = pte_mkuffd_wp(pte);

		if (folio_test_anon(folio) && !softleaf_is_migration_read(entry))
			rmap_flags |= RMAP_EXCLUSIVE;
		if (is_device_private_page(new))
			pte = device_private_pte(new, pte, old_pte);

		if (folio_test_anon(folio))
			folio_add_anon_rmap_pte(folio, new, vma, pvmw.address, rmap_flags);
		else
			folio_add_file_rmap_pte(folio, new, vma);
		set_pte_at(vma->vm_mm, pvmw.address, pvmw.pte, pte);
		if (READ_ONCE(vma->vm_flags) & VM_LOCKED)
			mlock_drain_local();
	}
	return true;
}

/*
 * remove_migration_ptes() - v7.1, mm/migrate.c. Fidelity: same. Caller holds the lock of both
 * folios (often one), and with TTU_RMAP_LOCKED the rmap lock. Without it the anon_vma must be
 * kept by other means: the folio is not mapped.
 */
void remove_migration_ptes(struct folio *src, struct folio *dst, enum ttu_flags flags)
{
	struct rmap_walk_arg arg = {
		.folio = src,
		.map_unused_to_zeropage = flags & TTU_USE_SHARED_ZEROPAGE,
	};
	struct rmap_walk_control rwc = {
		.arg = &arg,
		.rmap_one = remove_migration_pte,
	};

	VM_BUG_ON_FOLIO((flags & TTU_USE_SHARED_ZEROPAGE) && src != dst, src);

	if (flags & TTU_RMAP_LOCKED)
		rmap_walk_locked(dst, &rwc);
	else
		rmap_walk(dst, &rwc);
}

/*
 * migration_entry_wait() - v7.1, mm/migrate.c. Fidelity: same. Caller holds mmap_lock or what
 * else keeps the table.
 */
void migration_entry_wait(struct mm_struct *mm, pmd_t *pmd, unsigned long address)
{
	spinlock_t *ptl;
	pte_t *ptep = pte_offset_map_lock(mm, pmd, address, &ptl);
	softleaf_t entry;

	if (!ptep)
		return;
	entry = softleaf_from_pte(ptep_get(ptep));
	pte_unmap(ptep);
	if (softleaf_is_migration(entry))
		softleaf_entry_wait_on_locked(entry, ptl);
	else
		spin_unlock(ptl);
}

/* pmd_migration_entry_wait() - v7.1, mm/migrate.c. Fidelity: same. */
void pmd_migration_entry_wait(struct mm_struct *mm, pmd_t *pmd)
{
	spinlock_t *ptl = pmd_lock(mm, pmd);
	pmd_t pmde = pmdp_get(pmd);

	if (pmd_is_migration_entry(pmde))
		softleaf_entry_wait_on_locked(softleaf_from_pmd(pmde), ptl);
	else
		spin_unlock(ptl);
}

/* ---- isolated folios ---- */

/*
 * putback_movable_pages() - v7.1, mm/migrate.c. Fidelity: same, no hugetlb, no movable_ops. Each folio gives its reference of isolation
 * back, which may be the last.
 */
void putback_movable_pages(struct list_head *l)
{
	struct folio *folio, *folio2;

	list_for_each_entry_safe(folio, folio2, l, lru) {
		list_del(&folio->lru);
		node_stat_isolated(folio, -1);
		folio_putback_lru(folio);
	}
}

/* isolate_folio_to_list() - v7.1, mm/migrate.c. Fidelity: same, no hugetlb, no movable_ops. The caller has a reference. */
bool isolate_folio_to_list(struct folio *folio, struct list_head *list)
{
	if (!folio_isolate_lru(folio))
		return false;
	node_stat_isolated(folio, 1);
	list_add(&folio->lru, list);
	return true;
}

/* ---- one folio's place in the cache, its flags, its content ---- */

/*
 * The statistics of what is in a cache follow it to another node. (v7.1: in __folio_migrate_mapping(), with interrupts off. NR_FILE_THPS
 * is not among them there either.)
 */
static void migrate_mapping_stats(struct folio *newfolio, struct folio *folio)
{
	long nr = folio_nr_pages(folio);

	if (folio_nid(newfolio) == folio_nid(folio))
		return;
	lruvec_stat_mod_folio(folio, NR_FILE_PAGES, -nr);
	lruvec_stat_mod_folio(newfolio, NR_FILE_PAGES, nr);
	if (folio_test_swapcache(folio)) {
		lruvec_stat_mod_folio(folio, NR_SWAPCACHE, -nr);
		lruvec_stat_mod_folio(newfolio, NR_SWAPCACHE, nr);
	} else if (folio_test_swapbacked(folio)) {
		lruvec_stat_mod_folio(folio, NR_SHMEM, -nr);
		lruvec_stat_mod_folio(newfolio, NR_SHMEM, nr);
		if (folio_test_pmd_mappable(folio)) {
			lruvec_stat_mod_folio(folio, NR_SHMEM_THPS, -nr);
			lruvec_stat_mod_folio(newfolio, NR_SHMEM_THPS, nr);
		}
	}
}

/* What the source was on the split queue for. */
struct src_queued {
	bool deferred_split, partially_mapped;
};

/*
 * The frozen folio leaves its queue, while its cgroup is known. That it was there counts, whatever was seen before: until the freeze a scanner
 * may have had it in hand, and have queued it again. (v7.1 goes by what it saw before.)
 */
static void migrate_unqueue(struct folio *folio, struct src_queued *queued)
{
	bool partially_mapped;

	if (bug_enabled(migrate_unqueue_with_references) || bug_enabled(defer_migrate_wrong_memcg_queue))
		return;
	if (!queued || bug_enabled(migrate_misses_scanners_requeue) || folio_order(folio) <= 1) {
		folio_unqueue_deferred_split(folio);
		return;
	}
	partially_mapped = folio_test_partially_mapped(folio);
	if (folio_unqueue_deferred_split(folio)) {
		queued->deferred_split = true;
		queued->partially_mapped |= partially_mapped;
	}
}

/* From here on there is no way back: the new folio is the memory's, and the old one only its shell. */
static void migrate_identity(struct folio *newfolio, struct folio *folio)
{
	/* walkers by PFN may look at the new folio */
	plain_write_racy(newfolio->index, assert_read(folio->index));
	plain_write_racy(newfolio->mapping, assert_read(folio->mapping));
	if (folio_test_anon(folio) && folio_test_large(folio))
		mod_mthp_stat(folio_order(folio), MTHP_STAT_NR_ANON, 1);
	folio_replaced_note(folio, newfolio);
}

/* Of migrate-shmem-swapcache-entries: over the siblings of the entry that has just been stored. The lock is held. */
static void store_each_slot(struct xa_state *xas, struct folio *folio, long nr)
{
	for (long i = 1; i < nr; i++)
		smp_store_release(&xas->xa->slots[xas->index + (pgoff_t)i], (void *)folio);
}

/*
 * __folio_migrate_mapping() - v7.1, mm/migrate.c (v6.12: the same; v6.8 as shipped does not unqueue). Fidelity: same, no dirty accounting. P20. Both
 * folios are locked, the old one is unmapped. 0: the new folio has the old one's place, and references of the cache; the old one keeps
 * `expected_count` less those. -EAGAIN: somebody else has a reference, nothing has changed.
 *
 * In no cache and small: the equality of counts that the caller saw is all there is, nothing is frozen. In no cache and large: frozen
 * only to leave the split queue. The queue's lock is taken inside the freeze and not around it, so a scanner may find the count
 * zero and drop the folio first.
 */
static int __folio_migrate_mapping(struct address_space *mapping, struct folio *newfolio,
				   struct folio *folio, int expected_count, struct src_queued *queued)
{
	XA_STATE_ORDER(xas, mapping ? &mapping->i_pages : NULL, assert_read(folio->index), folio_order(folio));
	struct swap_cluster_info *ci = NULL;
	bool swapcache = folio_test_swapcache(folio);
	long nr = folio_nr_pages(folio);

	if (!mapping && !swapcache) {
		if (!bug_enabled(migrate_unqueue_with_references) && folio_test_large(folio) &&
		    folio_test_large_rmappable(folio)) {
			if (!folio_ref_freeze(folio, expected_count)) {
				accepted_race(3, folio);
				return -EAGAIN;
			}
			migrate_unqueue(folio, queued);
			folio_ref_unfreeze(folio, expected_count);
		}
		migrate_identity(newfolio, folio);
		if (folio_test_swapbacked(folio))
			__folio_set_swapbacked(newfolio);
		return 0;
	}

	if (swapcache)
		ci = swap_cluster_get_and_lock_irq(folio);
	else
		xas_lock_irq(&xas);
	if (!folio_ref_freeze(folio, expected_count)) {
		accepted_race(3, folio);
		if (ci)
			swap_cluster_unlock_irq(ci);
		else
			xas_unlock_irq(&xas);
		return -EAGAIN;
	}
	migrate_unqueue(folio, queued);
	migrate_identity(newfolio, folio);
	folio_ref_add(newfolio, (int)nr);
	if (folio_test_swapbacked(folio))
		__folio_set_swapbacked(newfolio);
	if (swapcache) {
		set_bit(PG_swapcache, &newfolio->flags);
		plain_write_racy(newfolio->private, assert_read(folio->private));
	}
	/* Nobody can look at the new folio by the cache yet: no write of it is missed. */
	if (folio_test_dirty(folio)) {
		folio_clear_dirty(folio);
		folio_set_dirty(newfolio);
	}

	if (swapcache)
		__swap_cache_replace_folio(ci, folio, newfolio);
	else
		xas_store(&xas, newfolio);
	if (bug_enabled(migrate_shmem_swapcache_entries) && !swapcache && folio_test_swapbacked(folio))
		store_each_slot(&xas, newfolio, nr);
	folio_ref_unfreeze(folio, expected_count - (int)nr);

	if (ci)
		swap_cluster_unlock(ci);
	else
		xas_unlock(&xas);
	migrate_mapping_stats(newfolio, folio);
	local_irq_enable();
	return 0;
}

/* folio_migrate_mapping() - v7.1, mm/migrate.c. Fidelity: same. As above; extra_count: references that the caller knows of. */
int folio_migrate_mapping(struct address_space *mapping, struct folio *newfolio, struct folio *folio,
			  int extra_count)
{
	int expected_count = folio_expected_ref_count(folio) + extra_count + 1;

	if (folio_ref_count(folio) != expected_count) {
		accepted_race(3, folio);
		return -EAGAIN;
	}
	return __folio_migrate_mapping(mapping, newfolio, folio, expected_count, NULL);
}

/*
 * Of migrate-device-stale-mapping: folio_migrate_mapping() of a folio that has left the swap cache, for a caller who still gives the cache
 * as its mapping. The array that the new folio is stored in nobody reads.
 */
int folio_migrate_stale_mapping(struct folio *newfolio, struct folio *folio, int extra_count)
{
	int expected_count = folio_expected_ref_count(folio) + extra_count + 1;
	int nr = (int)folio_nr_pages(folio);

	if (folio_test_swapcache(folio))
		return folio_migrate_mapping(NULL, newfolio, folio, extra_count);
	if (folio_ref_count(folio) != expected_count || !folio_ref_freeze(folio, expected_count))
		return -EAGAIN;
	folio_unqueue_deferred_split(folio);
	migrate_identity(newfolio, folio);
	folio_ref_add(newfolio, nr);
	__folio_set_swapbacked(newfolio);
	folio_ref_unfreeze(folio, expected_count - nr);
	return 0;
}

/*
 * folio_migrate_flags() - v7.1, mm/migrate.c. Fidelity: same, no young and idle bits, last CPU, KSM, page owner, and no waiters for a
 * writeback of the new folio. Both folios are locked and the old one has lost its place. Each flag is a look at one word and an atomic
 * set in another. The charge moves last.
 */
void folio_migrate_flags(struct folio *newfolio, struct folio *folio)
{
	if (folio_test_referenced(folio))
		folio_set_referenced(newfolio);
	if (folio_test_uptodate(folio)) {
		smp_wmb();
		set_bit(PG_uptodate, &newfolio->flags);
	}
	if (test_and_clear_bit(PG_active, &folio->flags)) {
		VM_BUG_ON_FOLIO(folio_test_unevictable(folio), folio);
		folio_set_active(newfolio);
	} else if (test_and_clear_bit(PG_unevictable, &folio->flags)) {
		folio_set_unevictable(newfolio);
	}
	if (folio_test_workingset(folio))
		set_bit(PG_workingset, &newfolio->flags);
	/* PG_checked, which a folio in the swap cache has by another name, and then the new one has it already */
	if (test_bit(PG_owner_priv_1, &folio->flags))
		set_bit(PG_owner_priv_1, &newfolio->flags);
	/* PG_mappedtodisk, which is PG_anon_exclusive: a stale one of a page that is not mapped may go along */
	if (test_bit(PG_owner_2, &folio->flags))
		set_bit(PG_owner_2, &newfolio->flags);
	/* what __folio_migrate_mapping() has not moved */
	if (folio_test_dirty(folio))
		folio_set_dirty(newfolio);

	if (folio_test_swapcache(folio))
		clear_bit(PG_swapcache, &folio->flags);
	clear_bit(PG_private, &folio->flags);
	plain_write_racy(folio->private, NULL);

	if (test_bit(PG_reclaim, &folio->flags)) /* PG_readahead */
		set_bit(PG_reclaim, &newfolio->flags);
	mem_cgroup_migrate(folio, newfolio);
}

/* folio_mc_copy() - v7.1, mm/util.c. Fidelity: same. -EHWPOISON: a page of the source is poisoned. May sleep. */
int folio_mc_copy(struct folio *dst, struct folio *src)
{
	long nr = folio_nr_pages(src);

	for (long i = 0; i < nr; i++) {
		if (copy_mc_highpage(folio_page(dst, i), folio_page(src, i)))
			return -EHWPOISON;
		cond_resched();
	}
	return 0;
}

/*
 * __migrate_folio(), migrate_folio() - v7.1, mm/migrate.c. Fidelity: same, no private data. Both folios are locked, the old one is unmapped
 * and has been flushed from all TLBs: what is copied is the last that was written.
 */
static int __migrate_folio(struct address_space *mapping, struct folio *dst, struct folio *src,
			   enum migrate_mode mode, struct src_queued *queued)
{
	int rc, expected_count;

	(void)mode;
	BUG_ON(folio_test_writeback(src));
	expected_count = folio_expected_ref_count(src) + 1;
	/* Before the work of copying; and, for what is small and in no cache, the only look. */
	if (folio_ref_count(src) != expected_count) {
		accepted_race(3, src);
		return -EAGAIN;
	}
	rc = folio_mc_copy(dst, src);
	if (rc)
		return rc;
	rc = __folio_migrate_mapping(mapping, dst, src, expected_count, queued);
	if (rc)
		return rc;
	folio_migrate_flags(dst, src);
	return 0;
}

static int migrate_folio(struct address_space *mapping, struct folio *dst, struct folio *src, enum migrate_mode mode,
			 struct src_queued *queued)
{
	BUG_ON(folio_test_writeback(src));
	return __migrate_folio(mapping, dst, src, mode, queued);
}

/*
 * move_to_new_folio() - v7.1, mm/migrate.c. Fidelity: adapted: every mapping migrates by migrate_folio(). Both are locked. A file's old folio
 * loses its mapping; an anonymous one stays anonymous until it is free.
 */
static int move_to_new_folio(struct folio *dst, struct folio *src, enum migrate_mode mode,
			     struct src_queued *queued)
{
	struct address_space *mapping = folio_mapping(src);
	int rc;

	VM_BUG_ON_FOLIO(!folio_test_locked(src), src);
	VM_BUG_ON_FOLIO(!folio_test_locked(dst), dst);

	folio_migrating_note(src, dst);
	rc = migrate_folio(mapping, dst, src, mode, queued);
	if (!rc) {
		if (!folio_test_anon(src))
			plain_write_racy(src->mapping, NULL);
		folio_migrated_note(src, dst);
	}
	return rc;
}

/* ---- a batch of folios ---- */

/* What is remembered of the source between unmapping and moving it, in the destination's ->private, which is nobody's yet. */
enum { PAGE_WAS_MAPPED = 1 << 0, PAGE_WAS_MLOCKED = 1 << 1, PAGE_OLD_STATES = PAGE_WAS_MAPPED | PAGE_WAS_MLOCKED };

/* __migrate_folio_record() - v7.1, mm/migrate.c. Fidelity: same. */
static void __migrate_folio_record(struct folio *dst, int old_page_state, struct anon_vma *anon_vma)
{
	plain_init(dst->private, (void *)((unsigned long)anon_vma + (unsigned long)old_page_state));
}

/* __migrate_folio_extract() - v7.1, mm/migrate.c. Fidelity: same. */
static void __migrate_folio_extract(struct folio *dst, int *old_page_state, struct anon_vma **anon_vmap)
{
	unsigned long private = (unsigned long)assert_read(dst->private);

	*anon_vmap = (struct anon_vma *)(private & ~(unsigned long)PAGE_OLD_STATES);
	*old_page_state = (int)(private & PAGE_OLD_STATES);
	plain_init(dst->private, NULL);
}

/*
 * migrate_folio_undo_src() - v7.1, mm/migrate.c. Fidelity: same. The source is mapped again as it was; on `ret`, if it
 * shall not be tried again.
 */
static void migrate_folio_undo_src(struct folio *src, int page_was_mapped, struct anon_vma *anon_vma,
				   bool locked, struct list_head *ret)
{
	if (page_was_mapped)
		remove_migration_ptes(src, src, 0);
	if (anon_vma)
		put_anon_vma(anon_vma);
	if (locked)
		folio_unlock(src);
	if (ret)
		list_move_tail(&src->lru, ret);
}

/* migrate_folio_undo_dst() - v7.1, mm/migrate.c. Fidelity: same. */
static void migrate_folio_undo_dst(struct folio *dst, bool locked, free_folio_t put_new_folio,
				   unsigned long private)
{
	if (locked)
		folio_unlock(dst);
	if (put_new_folio)
		put_new_folio(dst, private);
	else
		folio_put(dst);
}

/* migrate_folio_done() - v7.1, mm/migrate.c. Fidelity: same. A page that goes out of use keeps the reference of its isolation. */
static void migrate_folio_done(struct folio *src, int reason)
{
	node_stat_isolated(src, -1);
	if (reason != MR_MEMORY_FAILURE)
		folio_put(src);
}

/*
 * migrate_folio_unmap() - v7.1, mm/migrate.c. Fidelity: same, no movable_ops, no PF_MEMALLOC, no buffers. P19. 0: both folios are
 * locked, nothing maps the source any more, *dstp has it on record. -EAGAIN, -ENOMEM: as it was, still where it was; other errors: on `ret`.
 * Only somebody who came from a mapping could get the anon_vma otherwise, so once the folio is unmapped a reference keeps it.
 */
static int migrate_folio_unmap(new_folio_t get_new_folio, free_folio_t put_new_folio, unsigned long private,
			       struct folio *src, struct folio **dstp, enum migrate_mode mode,
			       struct list_head *ret)
{
	struct anon_vma *anon_vma = NULL;
	bool locked = false, dst_locked = false;
	int rc = -EAGAIN, old_page_state = 0;
	struct folio *dst;

	dst = get_new_folio(src, private);
	if (!dst)
		return -ENOMEM;
	*dstp = dst;
	plain_init(dst->private, NULL);

	if (!folio_trylock(src)) {
		if (mode == MIGRATE_ASYNC)
			goto out;
		if (mode == MIGRATE_SYNC_LIGHT && !folio_test_uptodate(src))
			goto out;
		folio_lock(src);
	}
	locked = true;
	if (folio_test_mlocked(src))
		old_page_state |= PAGE_WAS_MLOCKED;

	if (folio_test_writeback(src)) {
		if (mode != MIGRATE_SYNC) {
			rc = -EBUSY;
			goto out;
		}
		folio_wait_writeback(src);
	}

	if (folio_test_anon(src))
		anon_vma = folio_get_anon_vma(src);

	/* New, but a walker by PFN may have it for a moment. */
	if (!folio_trylock(dst))
		goto out;
	dst_locked = true;

	/* Without a mapping it is a file's that has been truncated: nothing maps it, and no walk is possible. */
	if (plain_read_racy(src->mapping) && folio_mapped(src)) {
		VM_BUG_ON_FOLIO(folio_test_anon(src) && !anon_vma, src);
		try_to_migrate(src, mode == MIGRATE_ASYNC ? TTU_BATCH_FLUSH : 0);
		old_page_state |= PAGE_WAS_MAPPED;
	}
	if (!folio_mapped(src)) {
		__migrate_folio_record(dst, old_page_state, anon_vma);
		return 0;
	}
	accepted_race(9, src);
out:
	if (rc == -EAGAIN)
		ret = NULL;
	migrate_folio_undo_src(src, old_page_state & PAGE_WAS_MAPPED, anon_vma, locked, ret);
	migrate_folio_undo_dst(dst, dst_locked, put_new_folio, private);
	return rc;
}

/*
 * migrate_folio_move() - v7.1, mm/migrate.c (v6.12, v6.19: the new folio is on no split queue). Fidelity: same. P19. Both folios are locked.
 * 0: moved, both are unlocked and the source's reference of isolation is gone. -EAGAIN: both stay locked and listed.
 *
 * What the source was on the queue for is looked at without the queue's lock and before the copy, when a scanner may have it in hand; and again
 * when it leaves the queue, frozen. In between a scanner may fail to get it, and unlink it: then the first look counts.
 */
static int migrate_folio_move(free_folio_t put_new_folio, unsigned long private, struct folio *src,
			      struct folio *dst, enum migrate_mode mode, int reason,
			      struct list_head *ret)
{
	struct src_queued queued = { false, false };
	struct anon_vma *anon_vma = NULL;
	int rc, old_page_state = 0;
	struct list_head *prev;

	__migrate_folio_extract(dst, &old_page_state, &anon_vma);
	prev = dst->lru.prev;
	list_del(&dst->lru);

	if (generation_at_least(GENERATION_V7_1) && folio_order(src) > 1 &&
	    !data_race(1, src, list_empty(&src->_deferred_list))) {
		queued.deferred_split = true;
		queued.partially_mapped = data_race(2, src, folio_test_partially_mapped(src));
	}

	rc = move_to_new_folio(dst, src, mode, &queued);
	if (rc)
		goto out;

	/* Before anybody can find it: on the LRU, or by a mapping. */
	if (queued.deferred_split && generation_at_least(GENERATION_V7_1) &&
	    !bug_enabled(seed1_deferred_place_lost_on_migration) && !bug_enabled(seed1_requeue_after_visible))
		deferred_split_folio(dst, queued.partially_mapped);

	/* On the LRU before it is mapped, so that an mlocked one builds up its count where it counts. */
	folio_add_lru(dst);
	if (old_page_state & PAGE_WAS_MLOCKED)
		lru_add_drain();
	if (old_page_state & PAGE_WAS_MAPPED)
		remove_migration_ptes(src, dst, 0);
	if (queued.deferred_split && bug_enabled(seed1_requeue_after_visible))
		deferred_split_folio(dst, queued.partially_mapped);

	folio_unlock(dst);
	/* The mappings have their own references, and so has the LRU's batch. */
	folio_put(dst);

	list_del(&src->lru);
	if (anon_vma)
		put_anon_vma(anon_vma);
	folio_unlock(src);
	migrate_folio_done(src, reason);
	return 0;
out:
	if (rc == -EAGAIN) {
		list_add(&dst->lru, prev);
		__migrate_folio_record(dst, old_page_state, anon_vma);
		return rc;
	}
	migrate_folio_undo_src(src, old_page_state & PAGE_WAS_MAPPED, anon_vma, true, ret);
	migrate_folio_undo_dst(dst, true, put_new_folio, private);
	return rc;
}

/*
 * try_split_folio() - v7.1, mm/migrate.c. Fidelity: same. The folio is isolated and on the list that the caller walks. 0: its parts, and it
 * itself, are on split_folios; that must be another list than the one that is walked, or its cursor would be in the middle of them.
 */
static int try_split_folio(struct folio *folio, struct list_head *split_folios, enum migrate_mode mode)
{
	int rc;

	if (mode == MIGRATE_ASYNC) {
		if (!folio_trylock(folio))
			return -EAGAIN;
	} else {
		folio_lock(folio);
	}
	rc = split_folio_to_list(folio, split_folios);
	folio_unlock(folio);
	if (!rc)
		list_move_tail(&folio->lru, split_folios);
	return rc;
}

#define NR_MAX_BATCHED_MIGRATION HPAGE_PMD_NR
#define NR_MAX_MIGRATE_PAGES_RETRY 3 /* kernel: 10, of which 3 asynchronous */
#define NR_MAX_MIGRATE_ASYNC_RETRY 1
#define NR_MAX_MIGRATE_SYNC_RETRY (NR_MAX_MIGRATE_PAGES_RETRY - NR_MAX_MIGRATE_ASYNC_RETRY)

struct migrate_pages_stats {
	int nr_succeeded;    /* pages of small and large folios */
	int nr_failed_pages; /* those that were not tried are not counted */
	int nr_thp_succeeded, nr_thp_failed;
	int nr_thp_split;
	int nr_split; /* large folios, those of nr_thp_split too */
};

/* What has to be tried again, of one pass over a list. */
struct migrate_retry {
	int folios, thps, pages;
};

/* migrate_folios_move() - v7.1, mm/migrate.c. Fidelity: same. One pass over what is unmapped; the n-th of one list goes to the n-th of the other. */
static void migrate_folios_move(struct list_head *src_folios, struct list_head *dst_folios,
				free_folio_t put_new_folio, unsigned long private, enum migrate_mode mode,
				int reason, struct list_head *ret_folios, struct migrate_pages_stats *stats,
				struct migrate_retry *retry, int *nr_failed)
{
	struct folio *folio, *folio2, *dst, *dst2;

	dst = list_first_entry(dst_folios, struct folio, lru);
	dst2 = list_next_entry(dst, lru);
	list_for_each_entry_safe(folio, folio2, src_folios, lru) {
		bool is_thp = folio_test_pmd_mappable(folio);
		int nr_pages = (int)folio_nr_pages(folio);

		cond_resched();
		switch (migrate_folio_move(put_new_folio, private, folio, dst, mode, reason, ret_folios)) {
		case -EAGAIN:
			retry->folios++;
			retry->thps += is_thp;
			retry->pages += nr_pages;
			break;
		case 0:
			stats->nr_succeeded += nr_pages;
			stats->nr_thp_succeeded += is_thp;
			break;
		default:
			(*nr_failed)++;
			stats->nr_thp_failed += is_thp;
			stats->nr_failed_pages += nr_pages;
			break;
		}
		dst = dst2;
		dst2 = list_next_entry(dst, lru);
	}
}

/* migrate_folios_undo() - v7.1, mm/migrate.c. Fidelity: same. What was unmapped and could not be moved is mapped again. */
static void migrate_folios_undo(struct list_head *src_folios, struct list_head *dst_folios,
				free_folio_t put_new_folio, unsigned long private,
				struct list_head *ret_folios)
{
	struct folio *folio, *folio2, *dst, *dst2;

	dst = list_first_entry(dst_folios, struct folio, lru);
	dst2 = list_next_entry(dst, lru);
	list_for_each_entry_safe(folio, folio2, src_folios, lru) {
		struct anon_vma *anon_vma = NULL;
		int old_page_state = 0;

		__migrate_folio_extract(dst, &old_page_state, &anon_vma);
		migrate_folio_undo_src(folio, old_page_state & PAGE_WAS_MAPPED, anon_vma, true, ret_folios);
		list_del(&dst->lru);
		migrate_folio_undo_dst(dst, true, put_new_folio, private);
		dst = dst2;
		dst2 = list_next_entry(dst, lru);
	}
}

/* Queued for a split, and partially mapped: both looks are racy. From v6.10 on such a folio is split and not migrated. */
static bool migrate_should_split(struct folio *folio)
{
	return generation_at_least(GENERATION_V6_12) && folio_nr_pages(folio) > 2 &&
	       !data_race(1, folio, list_empty(&folio->_deferred_list)) &&
	       data_race(2, folio, folio_test_partially_mapped(folio));
}

/*
 * migrate_pages_batch() - v7.1, mm/migrate.c. Fidelity: same, no hugetlb. P19. Unmaps as many folios of `from` as it can, flushes once, moves
 * them, and maps again what could not be moved. Asynchronous, because it has several folios locked; else the list has one at most.
 * Returns how many folios failed, each split one among them, or -ENOMEM. What is left on `from` may be tried again, what is on ret_folios
 * not. split_folios: NULL where nothing may be split, for it is what was split already.
 */
static int migrate_pages_batch(struct list_head *from, new_folio_t get_new_folio, free_folio_t put_new_folio,
			       unsigned long private, enum migrate_mode mode, int reason,
			       struct list_head *ret_folios, struct list_head *split_folios,
			       struct migrate_pages_stats *stats, int nr_pass)
{
	struct migrate_retry retry = { .folios = 1, .thps = 1 };
	bool nosplit = reason == MR_NUMA_MISPLACED;
	int rc, rc_saved = 0, nr_failed = 0;
	struct folio *folio, *folio2, *dst = NULL;
	LIST_HEAD(unmap_folios);
	LIST_HEAD(dst_folios);

	/* the list is the caller's own: one folio at most if both its links are to the same */
	VM_WARN_ON_ONCE(mode != MIGRATE_ASYNC && assert_read(from->next) != assert_read(from->prev));
	for (int pass = 0; pass < nr_pass && retry.folios; pass++) {
		retry = (struct migrate_retry){ 0 };
		list_for_each_entry_safe(folio, folio2, from, lru) {
			bool is_large = folio_test_large(folio), is_thp = folio_test_pmd_mappable(folio);
			int nr_pages = (int)folio_nr_pages(folio);

			cond_resched();
			/* Counted as failed, or success could be told of with its parts not moved. It stays on its queue: the split takes it off. */
			if (migrate_should_split(folio) &&
			    !try_split_folio(folio, bug_enabled(seed1_split_onto_iterated_list) ? from : split_folios, mode)) {
				nr_failed += !bug_enabled(seed1_split_onto_iterated_list) && !bug_enabled(seed1_eager_split_not_counted);
				stats->nr_thp_failed += is_thp;
				stats->nr_thp_split += is_thp;
				stats->nr_split++;
				continue;
			}

			/* Only the isolation's reference is left: it was freed meanwhile. */
			if (folio_ref_count(folio) == 1) {
				folio_clear_active(folio);
				folio_clear_unevictable(folio);
				list_del(&folio->lru);
				migrate_folio_done(folio, reason);
				stats->nr_succeeded += nr_pages;
				stats->nr_thp_succeeded += is_thp;
				continue;
			}

			rc = migrate_folio_unmap(get_new_folio, put_new_folio, private, folio, &dst, mode, ret_folios);
			switch (rc) {
			case -ENOMEM:
				nr_failed++;
				stats->nr_thp_failed += is_thp;
				if (is_large && !nosplit) {
					int ret = try_split_folio(folio, split_folios, mode);

					if (!ret) {
						stats->nr_thp_split += is_thp;
						stats->nr_split++;
						break;
					}
					if (reason == MR_LONGTERM_PIN && ret == -EAGAIN) {
						retry.folios++;
						retry.thps += is_thp;
						retry.pages += nr_pages;
						nr_failed--;
						stats->nr_thp_failed -= is_thp;
						break;
					}
				}
				/* There will be none for the others either: move what is unmapped, and that is it. */
				stats->nr_failed_pages += nr_pages + retry.pages;
				stats->nr_thp_failed += retry.thps;
				rc_saved = rc;
				if (list_empty(&unmap_folios))
					goto out;
				goto move;
			case -EAGAIN:
				retry.folios++;
				retry.thps += is_thp;
				retry.pages += nr_pages;
				break;
			case 0:
				list_move_tail(&folio->lru, &unmap_folios);
				list_add_tail(&dst->lru, &dst_folios);
				break;
			default:
				nr_failed++;
				stats->nr_thp_failed += is_thp;
				stats->nr_failed_pages += nr_pages;
				break;
			}
		}
	}
	nr_failed += retry.folios;
	stats->nr_thp_failed += retry.thps;
	stats->nr_failed_pages += retry.pages;
move:
	/* No store through a stale translation may come after the copy. */
	try_to_unmap_flush();

	retry.folios = 1;
	for (int pass = 0; pass < nr_pass && retry.folios; pass++) {
		retry = (struct migrate_retry){ 0 };
		migrate_folios_move(&unmap_folios, &dst_folios, put_new_folio, private, mode, reason, ret_folios,
				    stats, &retry, &nr_failed);
	}
	nr_failed += retry.folios;
	stats->nr_thp_failed += retry.thps;
	stats->nr_failed_pages += retry.pages;
	rc = rc_saved ?: nr_failed;
out:
	migrate_folios_undo(&unmap_folios, &dst_folios, put_new_folio, private, ret_folios);
	return rc;
}

/*
 * migrate_pages_sync() - v7.1, mm/migrate.c. Fidelity: same. All together without waiting first, then what failed one by one, with waiting.
 */
static int migrate_pages_sync(struct list_head *from, new_folio_t get_new_folio, free_folio_t put_new_folio,
			      unsigned long private, enum migrate_mode mode, int reason,
			      struct list_head *ret_folios, struct list_head *split_folios,
			      struct migrate_pages_stats *stats)
{
	struct migrate_pages_stats astats = { 0 };
	int rc, nr_failed = 0;
	LIST_HEAD(folios);

	rc = migrate_pages_batch(from, get_new_folio, put_new_folio, private, MIGRATE_ASYNC, reason, &folios,
				 split_folios, &astats, NR_MAX_MIGRATE_ASYNC_RETRY);
	stats->nr_succeeded += astats.nr_succeeded;
	stats->nr_thp_succeeded += astats.nr_thp_succeeded;
	stats->nr_thp_split += astats.nr_thp_split;
	stats->nr_split += astats.nr_split;
	if (rc < 0) {
		stats->nr_failed_pages += astats.nr_failed_pages;
		stats->nr_thp_failed += astats.nr_thp_failed;
		list_splice_tail(&folios, ret_folios);
		return rc;
	}
	stats->nr_thp_failed += astats.nr_thp_split;
	/* What failed is tried again now, so it does not count; what was split is. */
	nr_failed += astats.nr_split;

	list_splice_tail_init(&folios, from);
	while (!list_empty(from)) {
		struct list_head *first = from->next;

		list_move(first, &folios);
		rc = migrate_pages_batch(&folios, get_new_folio, put_new_folio, private, mode, reason, ret_folios,
					 split_folios, stats, NR_MAX_MIGRATE_SYNC_RETRY);
		list_splice_tail_init(&folios, ret_folios);
		if (rc < 0)
			return rc;
		nr_failed += rc;
	}
	return nr_failed;
}

/* list_cut_before() - v7.1, include/linux/list.h. Fidelity: adapted: one by one; both lists are this CPU's. Moves what stands before `entry`. */
static void list_cut_before(struct list_head *list, struct list_head *head, struct list_head *entry)
{
	struct list_head *first;

	while ((first = head->next) != entry)
		list_move_tail(first, list);
}

/*
 * migrate_pages() - v7.1, mm/migrate.c. Fidelity: same, no hugetlb. Its contract stands in linux/migrate.h. Caller holds no folio lock, and
 * may sleep.
 */
int migrate_pages(struct list_head *from, new_folio_t get_new_folio, free_folio_t put_new_folio,
		  unsigned long private, enum migrate_mode mode, int reason, unsigned int *ret_succeeded)
{
	struct migrate_pages_stats stats = { 0 };
	int rc, nr_pages, rc_gather = 0;
	struct folio *folio, *folio2;
	LIST_HEAD(folios);
	LIST_HEAD(ret_folios);
	LIST_HEAD(split_folios);

again:
	nr_pages = 0;
	list_for_each_entry_safe(folio, folio2, from, lru) {
		nr_pages += (int)folio_nr_pages(folio);
		if (nr_pages >= NR_MAX_BATCHED_MIGRATION)
			break;
	}
	if (nr_pages >= NR_MAX_BATCHED_MIGRATION)
		list_cut_before(&folios, from, &folio2->lru);
	else
		list_splice_init(from, &folios);
	if (mode == MIGRATE_ASYNC)
		rc = migrate_pages_batch(&folios, get_new_folio, put_new_folio, private, mode, reason, &ret_folios,
					 &split_folios, &stats, NR_MAX_MIGRATE_PAGES_RETRY);
	else
		rc = migrate_pages_sync(&folios, get_new_folio, put_new_folio, private, mode, reason, &ret_folios,
					&split_folios, &stats);
	list_splice_tail_init(&folios, &ret_folios);
	if (rc < 0) {
		rc_gather = rc;
		list_splice_tail(&split_folios, &ret_folios);
		goto out;
	}
	if (!list_empty(&split_folios)) {
		/* The folio that they were is counted as one failure: its parts are tried once, and not counted. */
		migrate_pages_batch(&split_folios, get_new_folio, put_new_folio, private, MIGRATE_ASYNC, reason,
				    &ret_folios, NULL, &stats, 1);
		list_splice_tail_init(&split_folios, &ret_folios);
	}
	rc_gather += rc;
	if (!list_empty(from))
		goto again;
out:
	list_splice(&ret_folios, from);
	/* All parts of all split folios may have been moved. */
	if (list_empty(from))
		rc_gather = 0;
	migrate_return_note(from, rc_gather);
	if (ret_succeeded)
		*ret_succeeded = (unsigned int)stats.nr_succeeded;
	return rc_gather;
}

/* alloc_migration_target() - v7.1, mm/migrate.c. Fidelity: adapted: the target control is the node alone, and if it is full, any will do. */
struct folio *alloc_migration_target(struct folio *src, unsigned long private)
{
	int nid = (int)(long)private;

	if (nid == NUMA_NO_NODE)
		nid = folio_nid(src);
	return folio_alloc_node(folio_test_large(src) ? GFP_TRANSHUGE : GFP_KERNEL, folio_order(src), nid);
}

/* ---- NUMA hint faults ---- */

/* alloc_misplaced_dst_folio() - v7.1, mm/migrate.c. Fidelity: adapted: another node is taken too if this one is full. */
static struct folio *alloc_misplaced_dst_folio(struct folio *src, unsigned long data)
{
	return folio_alloc_node(folio_test_large(src) ? GFP_TRANSHUGE : GFP_NOWAIT, folio_order(src), (int)(long)data);
}

/*
 * migrate_misplaced_folio_prepare() - v7.1, mm/migrate.c. Fidelity: adapted: no executable mappings, and a node always looks as if it had room. The
 * page table lock is held: mapped, the folio stays. Dirty folios of files stay where they are, and those that are lazily freed and
 * have been written to since. 0: isolated, to be given to migrate_misplaced_folio().
 */
int migrate_misplaced_folio_prepare(struct folio *folio, struct vm_area_struct *vma, int node)
{
	(void)vma;
	(void)node;
	if (folio_is_file_lru(folio) && folio_test_dirty(folio))
		return -EAGAIN;
	if (!folio_isolate_lru(folio))
		return -EAGAIN;
	node_stat_isolated(folio, 1);
	return 0;
}

/*
 * migrate_misplaced_folio() - v7.1, mm/migrate.c. Fidelity: same, no statistics. The folio is isolated, and is no more afterwards, moved or not.
 * A large one is not split to be moved, but for what is queued for it.
 */
int migrate_misplaced_folio(struct folio *folio, int node)
{
	long nr_pages = bug_enabled(seed1_numa_putback_head_only) ? folio_nr_pages(folio) : 0;
	unsigned int nr_succeeded;
	int nr_remaining;
	LIST_HEAD(migratepages);

	list_add(&folio->lru, &migratepages);
	nr_remaining = migrate_pages(&migratepages, alloc_misplaced_dst_folio, NULL, (unsigned long)node, MIGRATE_ASYNC,
				     MR_NUMA_MISPLACED, &nr_succeeded);
	if (nr_remaining && !list_empty(&migratepages)) {
		if (bug_enabled(seed1_numa_putback_head_only)) {
			list_del(&folio->lru);
			lruvec_stat_mod_folio(folio, folio_is_file_lru(folio) ? NR_ISOLATED_FILE : NR_ISOLATED_ANON, -nr_pages);
			folio_putback_lru(folio);
		} else {
			putback_movable_pages(&migratepages);
		}
	}
	BUG_ON(!list_empty(&migratepages));
	return nr_remaining ? -EAGAIN : 0;
}

/* ---- move_pages(2) ---- */

/* do_move_pages_to_node() - v7.1, mm/migrate.c. Fidelity: same. > 0: so many folios stayed where they were. */
static int do_move_pages_to_node(struct list_head *pagelist, int node)
{
	int err = migrate_pages(pagelist, alloc_migration_target, NULL, (unsigned long)node, MIGRATE_SYNC, MR_SYSCALL,
				NULL);

	if (err)
		putback_movable_pages(pagelist);
	return err;
}

/* __add_folio_for_migration() - v7.1, mm/migrate.c. Fidelity: same, for MPOL_MF_MOVE_ALL. The page table's lock is held. */
static int __add_folio_for_migration(struct folio *folio, int node, struct list_head *pagelist)
{
	if (is_zero_pfn(folio_pfn(folio)) || is_huge_zero_folio(folio))
		return -EFAULT;
	if (folio_is_zone_device(folio))
		return -ENOENT;
	if (folio_nid(folio) == node)
		return 0;
	if (!folio_isolate_lru(folio))
		return -EBUSY;
	list_add_tail(&folio->lru, pagelist);
	node_stat_isolated(folio, 1);
	return 1;
}

/*
 * add_folio_for_migration() - v7.1, mm/migrate.c. Fidelity: adapted: no vma_migratable(), since all VMAs are; the walk does not stop at zero pages
 * (FW_ZEROPAGE), which are so -ENOENT and not -EFAULT. 1: isolated; 0: it is there already.
 */
static int add_folio_for_migration(struct mm_struct *mm, unsigned long addr, int node, struct list_head *pagelist)
{
	struct vm_area_struct *vma;
	struct folio_walk fw;
	struct folio *folio;
	int err = -EFAULT;

	mmap_read_lock(mm);
	vma = vma_lookup(mm, addr);
	if (vma) {
		err = -ENOENT;
		folio = folio_walk_start(&fw, vma, addr);
		if (folio) {
			err = __add_folio_for_migration(folio, node, pagelist);
			folio_walk_end(&fw);
		}
	}
	mmap_read_unlock(mm);
	return err;
}

/*
 * do_pages_move() - v7.1, mm/migrate.c. Fidelity: adapted: a range of addresses and one node; LRU batches are drained once and not kept
 * disabled (lru_cache_disable()), so that a folio may sit in one again. What cannot be isolated starts a new list, as there.
 */
int do_pages_move(struct mm_struct *mm, unsigned long start, unsigned long len, int node)
{
	LIST_HEAD(pagelist);
	int err = 0, err1;

	lru_add_drain_all();
	for (unsigned long addr = start; addr < start + len; addr += PAGE_SIZE) {
		if (add_folio_for_migration(mm, addr, node, &pagelist) > 0)
			continue;
		if (list_empty(&pagelist))
			continue;
		err = do_move_pages_to_node(&pagelist, node);
		if (err)
			return err;
	}
	err1 = list_empty(&pagelist) ? 0 : do_move_pages_to_node(&pagelist, node);
	return err ?: err1;
}
