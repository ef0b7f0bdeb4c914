// SPDX-License-Identifier: GPL-2.0-only
/*
 * rmap.c - reverse mapping of anonymous memory: anon_vmas, map counts, and the walks that
 * replace every mapping of a folio by migration or hwpoison entries.
 *
 * Lock order: mmap_lock, folio lock, anon_vma->root->rwsem, page table lock, then (leaves) the
 * large map count's bit lock and the deferred split queue's lock. kernel-facts.md: P1, P2, P3,
 * P12, P13, P14.
 */
#include <linux/err.h>
#include <linux/gfp.h>
#include <linux/huge_mm.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/mmzone.h>
#include <linux/page_ref.h>
#include <linux/pagemap.h>
#include <linux/pgtable.h>
#include <linux/rcupdate.h>
#include <linux/rmap.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/swapops.h>
#include <linux/vmstat.h>
#include <foliofuzz/bug.h>

/* ------------------------------------------------------------------ anon_vma ---- */

/*
 * anon_vma_alloc() - v7.1, mm/rmap.c. Fidelity: same. The slab's constructor is folded in:
 * memory that was never an anon_vma has no lock class yet. A reused object keeps its rwsem:
 * somebody may still be trying it.
 */
static struct anon_vma *anon_vma_alloc(void)
{
	struct anon_vma *anon_vma = kmem_cache_alloc(&machine->anon_vma_cache, GFP_KERNEL);

	if (!anon_vma)
		return NULL;
	if (!anon_vma->rwsem.class) {
		init_rwsem(&anon_vma->rwsem);
		anon_vma_interval_tree_init(anon_vma);
	}
	/*
	 * A stale pointer may find the object while it is being set up; every such reader tests
	 * "mapped" afterwards.
	 */
	atomic_set(&anon_vma->refcount, 1);
	anon_vma->num_children = 0;
	anon_vma->num_active_vmas = 0;
	anon_vma->parent = anon_vma;
	WRITE_ONCE(anon_vma->root, anon_vma);
	return anon_vma;
}

/*
 * anon_vma_free() - v7.1, mm/rmap.c. Fidelity: same. The reference count is zero; the caller
 * does not hold the root's rwsem. A reader that got in by trylock, before it saw that nothing
 * is mapped any more, is waited for.
 */
static void anon_vma_free(struct anon_vma *anon_vma)
{
	struct rw_semaphore *rwsem = &anon_vma->root->rwsem;

	VM_BUG_ON(atomic_read(&anon_vma->refcount));
	might_sleep();
	if (rwsem_is_locked(rwsem)) {
		down_write(rwsem);
		up_write(rwsem);
	}
	kmem_cache_free(&machine->anon_vma_cache, anon_vma);
}

/*
 * __put_anon_vma() - v7.1, mm/rmap.c. Fidelity: same. A child pins its root, because the lock
 * lives there.
 */
void __put_anon_vma(struct anon_vma *anon_vma)
{
	struct anon_vma *root = anon_vma->root;

	anon_vma_free(anon_vma);
	if (root != anon_vma && atomic_dec_and_test(&root->refcount))
		anon_vma_free(root);
}

/*
 * Links are changed under mmap_lock; ->vma and ->anon_vma are constant while the chain is
 * linked.
 */
static void anon_vma_chain_assign(struct vm_area_struct *vma,
				  struct anon_vma_chain *avc,
				  struct anon_vma *anon_vma)
{
	avc->vma = vma;
	avc->anon_vma = anon_vma;
	list_add(&avc->same_vma, &vma->anon_vma_chain);
}

/*
 * __anon_vma_prepare() - v7.1, mm/rmap.c. Fidelity: adapted: no anon_vma is borrowed from a
 * neighbouring VMA (find_mergeable_anon_vma), which hides nothing: VMAs that share one come
 * from a VMA split. Caller holds mmap_lock, at least for reading; two faults of one VMA race
 * here and page_table_lock decides.
 */
int __anon_vma_prepare(struct vm_area_struct *vma)
{
	struct mm_struct *mm = vma->vm_mm;
	struct anon_vma_chain *avc;
	struct anon_vma *anon_vma;
	bool linked = false;

	lockdep_assert_held(&mm->mmap_lock);
	might_sleep();

	avc = kmem_cache_alloc(&machine->anon_vma_chain_cache, GFP_KERNEL);
	if (!avc)
		return -ENOMEM;
	anon_vma = anon_vma_alloc();
	if (!anon_vma) {
		kmem_cache_free(&machine->anon_vma_chain_cache, avc);
		return -ENOMEM;
	}
	anon_vma->num_children++; /* a root is its own parent */

	anon_vma_lock_write(anon_vma);
	spin_lock(&mm->page_table_lock);
	if (!plain_read(vma->anon_vma)) {
		/* a fault that finds it set goes on without a lock, by the address: a release, to TSan */
		smp_store_release(&vma->anon_vma, anon_vma);
		anon_vma_chain_assign(vma, avc, anon_vma);
		anon_vma_interval_tree_insert(avc, anon_vma);
		anon_vma->num_active_vmas++;
		linked = true;
	}
	spin_unlock(&mm->page_table_lock);
	anon_vma_unlock_write(anon_vma);

	if (!linked) {
		put_anon_vma(anon_vma);
		kmem_cache_free(&machine->anon_vma_chain_cache, avc);
	}
	return 0;
}

/*
 * cleanup_partial_anon_vmas() - v7.1, mm/rmap.c. Fidelity: same. The chains are on no tree yet.
 */
static void cleanup_partial_anon_vmas(struct vm_area_struct *vma)
{
	struct anon_vma_chain *avc, *next;

	list_for_each_entry_safe(avc, next, &vma->anon_vma_chain, same_vma) {
		list_del(&avc->same_vma);
		kmem_cache_free(&machine->anon_vma_chain_cache, avc);
	}
	plain_write(vma->anon_vma, NULL);
}

/*
 * anon_vma_clone() - v7.1, mm/rmap.c. Fidelity: adapted: for a VMA split only (dst->anon_vma is
 * a copy of the source's); fork's reuse rule is left out with fork. Caller holds mmap_lock for
 * writing; `dst` is not visible yet.
 */
int anon_vma_clone(struct vm_area_struct *dst, struct vm_area_struct *src)
{
	struct anon_vma *active = plain_read(src->anon_vma);
	struct anon_vma_chain *avc, *pavc;

	if (!active)
		return 0;

	list_for_each_entry(pavc, &src->anon_vma_chain, same_vma) {
		avc = kmem_cache_alloc(&machine->anon_vma_chain_cache, GFP_KERNEL);
		if (!avc) {
			cleanup_partial_anon_vmas(dst);
			return -ENOMEM;
		}
		anon_vma_chain_assign(dst, avc, pavc->anon_vma);
	}

	anon_vma_lock_write(active);
	list_for_each_entry(avc, &dst->anon_vma_chain, same_vma)
		anon_vma_interval_tree_insert(avc, avc->anon_vma);
	active->num_active_vmas++;
	anon_vma_unlock_write(active);
	return 0;
}

/*
 * unlink_anon_vmas() - v7.1, mm/rmap.c. Fidelity: same. Caller holds mmap_lock, or is the last
 * user of the mm. In two passes, because the last put of an anon_vma may take the root's rwsem.
 */
void unlink_anon_vmas(struct vm_area_struct *vma)
{
	struct anon_vma *active = plain_read(vma->anon_vma);
	struct anon_vma_chain *avc, *next;

	if (!active) {
		VM_WARN_ON_ONCE(!list_empty(&vma->anon_vma_chain));
		return;
	}

	anon_vma_lock_write(active);
	list_for_each_entry_safe(avc, next, &vma->anon_vma_chain, same_vma) {
		struct anon_vma *anon_vma = avc->anon_vma;

		anon_vma_interval_tree_remove(avc, anon_vma);
		if (anon_vma_interval_tree_empty(anon_vma)) {
			anon_vma->parent->num_children--;
			continue;
		}
		list_del(&avc->same_vma);
		kmem_cache_free(&machine->anon_vma_chain_cache, avc);
	}
	active->num_active_vmas--;
	plain_write(vma->anon_vma, NULL);
	anon_vma_unlock_write(active);

	/* What is left has an anon_vma without a VMA. */
	list_for_each_entry_safe(avc, next, &vma->anon_vma_chain, same_vma) {
		struct anon_vma *anon_vma = avc->anon_vma;

		VM_WARN_ON(anon_vma->num_children);
		VM_WARN_ON(anon_vma->num_active_vmas);
		put_anon_vma(anon_vma);
		list_del(&avc->same_vma);
		kmem_cache_free(&machine->anon_vma_chain_cache, avc);
	}
}

/*
 * folio_anon_vma() - v7.1, mm/util.c. Fidelity: same. Caller holds the folio lock, or otherwise
 * keeps the anon_vma.
 */
struct anon_vma *folio_anon_vma(struct folio *folio)
{
	unsigned long mapping = (unsigned long)plain_read_racy(folio->mapping);

	if (!(mapping & FOLIO_MAPPING_ANON))
		return NULL;
	return (struct anon_vma *)(mapping & ~FOLIO_MAPPING_ANON);
}

/*
 * Inside an RCU section: the anon_vma in ->mapping if the folio is mapped, so that a mapping
 * has kept it at that moment; nothing keeps it afterwards but the slab, and that only as an
 * anon_vma, maybe another.
 */
static struct anon_vma *folio_mapped_anon_vma(struct folio *folio)
{
	unsigned long mapping = (unsigned long)READ_ONCE(folio->mapping);

	if (!(mapping & FOLIO_MAPPING_ANON) || !folio_mapped(folio))
		return NULL;
	return (struct anon_vma *)(mapping & ~FOLIO_MAPPING_ANON);
}

/*
 * folio_get_anon_vma() - v7.1, mm/rmap.c. Fidelity: same. Caller holds the folio lock. The map
 * count is looked at again with the reference in hand: still mapped means that it was this
 * folio's anon_vma all the time.
 */
struct anon_vma *folio_get_anon_vma(struct folio *folio)
{
	struct anon_vma *anon_vma;
	bool still_mapped;

	VM_WARN_ON_FOLIO(!folio_test_locked(folio), folio);

	rcu_read_lock();
	anon_vma = folio_mapped_anon_vma(folio);
	if (anon_vma && !atomic_inc_not_zero(&anon_vma->refcount))
		anon_vma = NULL;
	still_mapped = anon_vma && folio_mapped(folio);
	rcu_read_unlock();

	if (anon_vma && !still_mapped) {
		put_anon_vma(anon_vma);
		return NULL;
	}
	return anon_vma;
}

/*
 * folio_lock_anon_vma_read() - v7.1, mm/rmap.c. Fidelity: same. Caller holds the folio lock.
 * Returns with the root's rwsem held for reading, and no reference: while the folio is mapped
 * and the lock is held, anon_vma_free() waits.
 */
struct anon_vma *folio_lock_anon_vma_read(struct folio *folio,
					  struct rmap_walk_control *rwc)
{
	struct anon_vma *anon_vma;
	struct anon_vma *root;

	VM_WARN_ON_FOLIO(!folio_test_locked(folio), folio);

	rcu_read_lock();
	anon_vma = folio_mapped_anon_vma(folio);
	if (!anon_vma)
		goto out;

	root = READ_ONCE(anon_vma->root);
	if (down_read_trylock(&root->rwsem)) {
		if (!folio_mapped(folio)) {
			up_read(&root->rwsem);
			anon_vma = NULL;
		}
		goto out;
	}
	if (rwc && rwc->try_lock) {
		rwc->contended = true;
		anon_vma = NULL;
		goto out;
	}

	/* To sleep for the lock, leave the RCU section; for that, take a reference. */
	if (!atomic_inc_not_zero(&anon_vma->refcount)) {
		anon_vma = NULL;
		goto out;
	}
	if (!folio_mapped(folio)) {
		rcu_read_unlock();
		put_anon_vma(anon_vma);
		return NULL;
	}
	rcu_read_unlock();
	anon_vma_lock_read(anon_vma);
	if (atomic_dec_and_test(&anon_vma->refcount)) {
		/* The last one: freeing takes the lock for writing, so let go of it first. */
		anon_vma_unlock_read(anon_vma);
		__put_anon_vma(anon_vma);
		anon_vma = NULL;
	}
	return anon_vma;
out:
	rcu_read_unlock();
	return anon_vma;
}

/* ------------------------------------------------------------------ map counts ---- */

static bool page_mapcount_enabled(void)
{
	return !machine->config.no_page_mapcount;
}

/*
 * Which mms map a large folio is tracked from 6.15 on; before, the count is one atomic and
 * nothing else.
 */
static bool mm_ids_enabled(void)
{
	return generation_at_least(GENERATION_V6_19);
}

/*
 * The two id slots and their lock and "shared" bits are one word. Caller holds the bit lock, or
 * the folio is new.
 */
static unsigned int folio_mm_id(struct folio *folio, int idx)
{
	return (folio->_mm_ids >> (MM_ID_BITS * idx)) & MM_ID_MASK;
}

static void folio_set_mm_id(struct folio *folio, int idx, unsigned int id)
{
	plain_rmw_bits(folio->_mm_ids, (unsigned long)MM_ID_MASK << (MM_ID_BITS * idx),
		       (unsigned long)id << (MM_ID_BITS * idx));
}

/* Which slot follows `id`; -1: none. */
static int folio_mm_id_slot(struct folio *folio, unsigned int id)
{
	for (int idx = 0; idx < 2; idx++)
		if (folio_mm_id(folio, idx) == id)
			return idx;
	return -1;
}

/*
 * __folio_large_mapcount_sanity_checks() - v7.1, include/linux/rmap.h. Fidelity: same, less the
 * 32-bit limits.
 */
static void large_mapcount_sanity_checks(struct folio *folio, int diff,
					 unsigned int mm_id)
{
	VM_WARN_ON_ONCE(diff <= 0);
	VM_WARN_ON_ONCE(mm_id < MM_ID_MIN || mm_id > MM_ID_MAX);
	for (int idx = 0; idx < 2; idx++) {
		if (folio_mm_id(folio, idx) == MM_ID_DUMMY)
			VM_WARN_ON_ONCE(folio->_mm_id_mapcount[idx] != -1);
		else
			VM_WARN_ON_ONCE(folio->_mm_id_mapcount[idx] < 0);
	}
}

/*
 * folio_set_large_mapcount() - v7.1, include/linux/rmap.h (v6.12: plain atomic_set in
 * folio_add_new_anon_rmap). Fidelity: same. The folio is new: no lock.
 */
static void folio_set_large_mapcount(struct folio *folio, int mapcount,
				     struct vm_area_struct *vma)
{
	atomic_set(&folio->_large_mapcount, mapcount - 1);
	if (!mm_ids_enabled())
		return;
	large_mapcount_sanity_checks(folio, mapcount, vma->vm_mm->mm_id);
	folio->_mm_id_mapcount[0] = mapcount - 1;
	folio_set_mm_id(folio, 0, vma->vm_mm->mm_id);
}

/*
 * folio_add_return_large_mapcount() - v7.1, include/linux/rmap.h (v6.12: atomic_add). Fidelity:
 * same. P3: with the bit lock held the total is a load and a store, not an atomic addition.
 * Caller holds the page table lock.
 */
static int folio_add_return_large_mapcount(struct folio *folio, int diff,
					   struct vm_area_struct *vma)
{
	const unsigned int mm_id = vma->vm_mm->mm_id;
	int total, idx; /* biased by -1, as all map counts are stored */

	if (!mm_ids_enabled())
		return atomic_add_return_relaxed(diff, &folio->_large_mapcount) + 1;

	bit_spin_lock(FOLIO_MM_IDS_LOCK_BITNUM, &folio->_mm_ids);
	large_mapcount_sanity_checks(folio, diff, mm_id);
	total = atomic_read(&folio->_large_mapcount) + diff;
	atomic_set(&folio->_large_mapcount, total);

	idx = folio_mm_id_slot(folio, mm_id);
	if (idx >= 0) {
		folio->_mm_id_mapcount[idx] += diff;
	} else {
		idx = folio_mm_id_slot(folio, MM_ID_DUMMY);
		if (idx >= 0) {
			folio_set_mm_id(folio, idx, mm_id);
			folio->_mm_id_mapcount[idx] = diff - 1;
			/*
			 * Whoever else maps it has the other slot, or came when both were
			 * taken.
			 */
			if (idx == 1 || total != diff - 1)
				plain_rmw_bits(folio->_mm_ids, 0, BIT(FOLIO_MM_IDS_SHARED_BITNUM));
		}
		/* Both slots taken: "shared" is set already. */
	}
	bit_spin_unlock(FOLIO_MM_IDS_LOCK_BITNUM, &folio->_mm_ids);
	return total + 1;
}

/*
 * folio_sub_return_large_mapcount() - v7.1, include/linux/rmap.h (v6.12: atomic_sub). Fidelity:
 * same. A slot that would go below zero counted mappings that were added while no slot was
 * free: it is given up. Caller holds the page table lock.
 */
static int folio_sub_return_large_mapcount(struct folio *folio, int diff,
					   struct vm_area_struct *vma)
{
	const unsigned int mm_id = vma->vm_mm->mm_id;
	int total, idx;

	if (!mm_ids_enabled())
		return atomic_sub_return_relaxed(diff, &folio->_large_mapcount) + 1;

	bit_spin_lock(FOLIO_MM_IDS_LOCK_BITNUM, &folio->_mm_ids);
	large_mapcount_sanity_checks(folio, diff, mm_id);
	total = atomic_read(&folio->_large_mapcount) - diff;
	atomic_set(&folio->_large_mapcount, total);

	idx = folio_mm_id_slot(folio, mm_id);
	if (idx >= 0) {
		folio->_mm_id_mapcount[idx] -= diff;
		if (folio->_mm_id_mapcount[idx] >= 0)
			goto unlock;
		folio->_mm_id_mapcount[idx] = -1;
		folio_set_mm_id(folio, idx, MM_ID_DUMMY);
	}
	/* One slot has all mappings there are (or there are none): not shared any more. */
	if (folio->_mm_id_mapcount[0] == total || folio->_mm_id_mapcount[1] == total)
		plain_rmw_bits(folio->_mm_ids, BIT(FOLIO_MM_IDS_SHARED_BITNUM), 0);
unlock:
	bit_spin_unlock(FOLIO_MM_IDS_LOCK_BITNUM, &folio->_mm_ids);
	return total + 1;
}

/*
 * __folio_rmap_sanity_checks() - v7.1, include/linux/rmap.h. Fidelity: adapted: hugetlb, zero
 * page and the range's last page are not checked. A mapping keeps the anon_vma: a count of zero
 * here is a use after free.
 */
static void folio_rmap_sanity_checks(struct folio *folio, struct page *page,
				     int nr_pages, enum pgtable_level level)
{
	struct anon_vma *anon_vma;

	VM_WARN_ON_ONCE(nr_pages <= 0);
	VM_WARN_ON_FOLIO(page_folio(page) != folio, folio);
	if (level == PGTABLE_LEVEL_PMD)
		VM_WARN_ON_FOLIO(folio_nr_pages(folio) != HPAGE_PMD_NR, folio);
	anon_vma = folio_anon_vma(folio);
	if (anon_vma)
		VM_WARN_ON_FOLIO(atomic_read(&anon_vma->refcount) == 0, folio);
}

/* __folio_mod_stat() - v7.1, mm/rmap.c. Fidelity: adapted: anonymous folios only. */
static void __folio_mod_stat(struct folio *folio, int nr, int nr_pmdmapped)
{
	if (nr)
		lruvec_stat_mod_folio(folio, NR_ANON_MAPPED, nr);
	if (nr_pmdmapped)
		lruvec_stat_mod_folio(folio, NR_ANON_THPS, nr_pmdmapped);
}

/*
 * __folio_add_rmap() - v7.1, mm/rmap.c. Fidelity: same, no PUDs. P1: per-page or entire count,
 * then the number of mapped pages, then the large count; the statistic last. Caller holds the
 * page table lock and has taken the references.
 *
 * `nr` is what the statistic moves by: pages that were not mapped at all before. Between the
 * steps another CPU may add or remove a PMD mapping, so a difference may come out negative or
 * belong to the other: then it is taken as zero.
 */
static void __folio_add_rmap(struct folio *folio, struct page *page, int nr_pages,
			     struct vm_area_struct *vma, enum pgtable_level level)
{
	atomic_t *mapped = &folio->_nr_pages_mapped;
	int first = 0, nr = 0, nr_pmdmapped = 0;

	folio_rmap_sanity_checks(folio, page, nr_pages, level);

	if (!folio_test_large(folio)) {
		nr = atomic_inc_and_test(&folio->_mapcount);
	} else if (level == PGTABLE_LEVEL_PTE && !page_mapcount_enabled()) {
		if (folio_add_return_large_mapcount(folio, nr_pages, vma) == nr_pages)
			nr = folio_large_nr_pages(folio);
	} else if (level == PGTABLE_LEVEL_PTE) {
		for (int i = 0; i < nr_pages; i++)
			first += atomic_inc_and_test(&page[i]._mapcount);
		if (first && atomic_add_return_relaxed(first, mapped) < ENTIRELY_MAPPED)
			nr = first;
		folio_add_return_large_mapcount(folio, nr_pages, vma);
	} else if (!page_mapcount_enabled()) {
		if (atomic_inc_and_test(&folio->_entire_mapcount))
			nr_pmdmapped = folio_large_nr_pages(folio);
		if (folio_add_return_large_mapcount(folio, 1, vma) == 1)
			nr = folio_large_nr_pages(folio);
	} else {
		if (atomic_inc_and_test(&folio->_entire_mapcount)) {
			int now = atomic_add_return_relaxed(ENTIRELY_MAPPED, mapped);

			if (now < ENTIRELY_MAPPED + ENTIRELY_MAPPED) {
				nr_pmdmapped = folio_large_nr_pages(folio);
				nr = nr_pmdmapped - (now & FOLIO_PAGES_MAPPED);
				if (nr < 0)
					nr = 0;
			}
		}
		folio_add_return_large_mapcount(folio, 1, vma);
	}
	__folio_mod_stat(folio, nr, nr_pmdmapped);
}

/*
 * folio_move_anon_rmap() - v7.1, mm/rmap.c. Fidelity: same. Caller holds the folio lock; the
 * folio is this VMA's alone.
 */
void folio_move_anon_rmap(struct folio *folio, struct vm_area_struct *vma)
{
	unsigned long anon_vma = (unsigned long)plain_read(vma->anon_vma);

	VM_BUG_ON_FOLIO(!folio_test_locked(folio), folio);
	VM_BUG_ON_VMA(!anon_vma, vma);
	WRITE_ONCE(folio->mapping, (void *)(anon_vma | FOLIO_MAPPING_ANON));
}

/*
 * __folio_set_anon() - v7.1, mm/rmap.c. Fidelity: same. Pointer and type bit go in one store:
 * walkers look without a lock.
 */
static void __folio_set_anon(struct folio *folio, struct vm_area_struct *vma,
			     unsigned long address, bool exclusive)
{
	struct anon_vma *anon_vma = plain_read(vma->anon_vma);

	BUG_ON(!anon_vma);
	/* What others may map as well belongs to the oldest of the family. */
	if (!exclusive)
		anon_vma = anon_vma->root;
	WRITE_ONCE(folio->mapping, (void *)((unsigned long)anon_vma | FOLIO_MAPPING_ANON));
	plain_write_racy(folio->index, linear_page_index(vma, address));
}

/*
 * __folio_add_anon_rmap() - v7.1, mm/rmap.c. Fidelity: adapted: no mlock; that an exclusive
 * page is mapped once is left to the rmap oracle. Caller holds the page table lock, and the
 * folio lock against a change of mapping.
 */
static void __folio_add_anon_rmap(struct folio *folio, struct page *page, int nr_pages,
				  struct vm_area_struct *vma, unsigned long address,
				  rmap_t flags, enum pgtable_level level)
{
	pgoff_t pgoff;

	VM_WARN_ON_FOLIO(!folio_test_anon(folio), folio);
	__folio_add_rmap(folio, page, nr_pages, vma, level);

	pgoff = folio_pgoff(folio);
	VM_BUG_ON_PAGE(pgoff + (page - &folio->page) != linear_page_index(vma, address), page);

	if (!(flags & RMAP_EXCLUSIVE))
		return;
	/* By PMD, the head's bit speaks for all. */
	if (level == PGTABLE_LEVEL_PMD)
		nr_pages = 1;
	for (int i = 0; i < nr_pages; i++)
		SetPageAnonExclusive(page + i);
}

/* folio_add_anon_rmap_ptes() - v7.1, mm/rmap.c. Fidelity: same. */
void folio_add_anon_rmap_ptes(struct folio *folio, struct page *page, int nr_pages,
			      struct vm_area_struct *vma, unsigned long address,
			      rmap_t flags)
{
	__folio_add_anon_rmap(folio, page, nr_pages, vma, address, flags, PGTABLE_LEVEL_PTE);
}

/* folio_add_anon_rmap_pmd() - v7.1, mm/rmap.c. Fidelity: same. */
void folio_add_anon_rmap_pmd(struct folio *folio, struct page *page,
			     struct vm_area_struct *vma, unsigned long address,
			     rmap_t flags)
{
	__folio_add_anon_rmap(folio, page, HPAGE_PMD_NR, vma, address, flags, PGTABLE_LEVEL_PMD);
}

/*
 * folio_add_new_anon_rmap() - v7.1, mm/rmap.c. Fidelity: same, no droppable VMAs. Nobody else
 * knows the folio, so that flags and counts are set and not changed. Caller holds the page
 * table lock and has the one reference.
 */
void folio_add_new_anon_rmap(struct folio *folio, struct vm_area_struct *vma,
			     unsigned long address, rmap_t flags)
{
	const bool exclusive = flags & RMAP_EXCLUSIVE;
	int nr = 1, nr_pmdmapped = 0;

	if (!folio_test_swapbacked(folio))
		__folio_set_swapbacked(folio);
	__folio_set_anon(folio, vma, address, exclusive);

	if (!folio_test_large(folio)) {
		atomic_set(&folio->_mapcount, 0);
		if (exclusive)
			SetPageAnonExclusive(&folio->page);
	} else if (!folio_test_pmd_mappable(folio)) {
		nr = folio_large_nr_pages(folio);
		for (int i = 0; i < nr; i++) {
			struct page *page = folio_page(folio, i);

			if (page_mapcount_enabled())
				atomic_set(&page->_mapcount, 0);
			if (exclusive)
				SetPageAnonExclusive(page);
		}
		folio_set_large_mapcount(folio, nr, vma);
		if (page_mapcount_enabled())
			atomic_set(&folio->_nr_pages_mapped, nr);
	} else {
		nr = folio_large_nr_pages(folio);
		nr_pmdmapped = nr;
		atomic_set(&folio->_entire_mapcount, 0);
		folio_set_large_mapcount(folio, 1, vma);
		if (page_mapcount_enabled())
			atomic_set(&folio->_nr_pages_mapped, ENTIRELY_MAPPED);
		if (exclusive)
			SetPageAnonExclusive(&folio->page);
	}

	VM_WARN_ON_ONCE(address < vma->vm_start ||
			address + ((unsigned long)nr << PAGE_SHIFT) > vma->vm_end);
	__folio_mod_stat(folio, nr, nr_pmdmapped);
	mod_mthp_stat(folio_order(folio), MTHP_STAT_NR_ANON, 1);
}

/*
 * __folio_remove_rmap() - v7.1, mm/rmap.c. Fidelity: same, no PUDs, no munlock. P2: the mirror
 * of adding: the large count first. Caller holds the page table lock, and drops the references
 * afterwards.
 *
 * Partially mapped, here: some page has lost its last mapping and some other still has one. Two
 * CPUs that remove the two halves may both see that, or the one that does may find the folio
 * gone from all others by the time it queues it; neither does harm. ->mapping stays until the
 * folio is free.
 */
static void __folio_remove_rmap(struct folio *folio, struct page *page, int nr_pages,
				struct vm_area_struct *vma, enum pgtable_level level)
{
	atomic_t *mapped = &folio->_nr_pages_mapped;
	int last = 0, nr = 0, nr_pmdmapped = 0;
	bool partially_mapped = false;

	folio_rmap_sanity_checks(folio, page, nr_pages, level);

	if (!folio_test_large(folio)) {
		nr = atomic_add_negative(-1, &folio->_mapcount);
	} else if (level == PGTABLE_LEVEL_PTE && !page_mapcount_enabled()) {
		int left = folio_sub_return_large_mapcount(folio, nr_pages, vma);
		int large = folio_large_nr_pages(folio);

		if (!left)
			nr = large;
		else
			partially_mapped = left < large && !folio_entire_mapcount(folio);
	} else if (level == PGTABLE_LEVEL_PTE) {
		folio_sub_return_large_mapcount(folio, nr_pages, vma);
		for (int i = 0; i < nr_pages; i++)
			last += atomic_add_negative(-1, &page[i]._mapcount);
		if (last && atomic_sub_return_relaxed(last, mapped) < ENTIRELY_MAPPED)
			nr = last;
		/* Read again, not taken from the subtraction. v6.8 does not ask whether anything is left. */
		partially_mapped = nr && (generation_is(GENERATION_V6_8) || atomic_read(mapped));
	} else if (!page_mapcount_enabled()) {
		int large = folio_large_nr_pages(folio), left;

		last = atomic_add_negative(-1, &folio->_entire_mapcount);
		if (last)
			nr_pmdmapped = large;
		left = folio_sub_return_large_mapcount(folio, 1, vma);
		if (!left)
			nr = large;
		else
			partially_mapped = last && left < large;
	} else {
		folio_sub_return_large_mapcount(folio, 1, vma);
		if (atomic_add_negative(-1, &folio->_entire_mapcount)) {
			int now = atomic_sub_return_relaxed(ENTIRELY_MAPPED, mapped);

			if (now < ENTIRELY_MAPPED) {
				nr_pmdmapped = folio_large_nr_pages(folio);
				nr = nr_pmdmapped - now;
				if (nr < 0)
					nr = 0;
			}
		}
		partially_mapped = nr && nr < nr_pmdmapped;
	}

	/*
	 * The flag is tested without the queue's lock: stale means one needless call, or none
	 * while a scanner has it. v6.8 has no flag.
	 */
	if (partially_mapped && folio_test_anon(folio) &&
	    (generation_is(GENERATION_V6_8) || !data_race(2, folio_test_partially_mapped(folio))))
		deferred_split_folio(folio, true);

	__folio_mod_stat(folio, -nr, -nr_pmdmapped);
}

/* folio_remove_rmap_ptes() - v7.1, mm/rmap.c. Fidelity: same. */
void folio_remove_rmap_ptes(struct folio *folio, struct page *page, int nr_pages,
			    struct vm_area_struct *vma)
{
	__folio_remove_rmap(folio, page, nr_pages, vma, PGTABLE_LEVEL_PTE);
}

/* folio_remove_rmap_pmd() - v7.1, mm/rmap.c. Fidelity: same. */
void folio_remove_rmap_pmd(struct folio *folio, struct page *page,
			   struct vm_area_struct *vma)
{
	__folio_remove_rmap(folio, page, HPAGE_PMD_NR, vma, PGTABLE_LEVEL_PMD);
}

/*
 * __folio_try_share_anon_rmap() - v7.1, include/linux/rmap.h. Fidelity: same, no device memory.
 * The entry is cleared or invalid and its lock held: a fast GUP that pins after this sees the
 * entry changed; one that pinned before is seen here.
 */
static int __folio_try_share_anon_rmap(struct folio *folio, struct page *page)
{
	VM_WARN_ON_FOLIO(!PageAnonExclusive(page), folio);
	smp_mb();
	if (folio_maybe_dma_pinned(folio))
		return -EBUSY;
	ClearPageAnonExclusive(page);
	smp_mb__after_atomic();
	return 0;
}

/* folio_try_share_anon_rmap_pte() - v7.1, include/linux/rmap.h. Fidelity: same. */
int folio_try_share_anon_rmap_pte(struct folio *folio, struct page *page)
{
	return __folio_try_share_anon_rmap(folio, page);
}

/*
 * folio_try_share_anon_rmap_pmd() - v7.1, include/linux/rmap.h. Fidelity: same. `page` is the
 * head: its bit speaks for all.
 */
int folio_try_share_anon_rmap_pmd(struct folio *folio, struct page *page)
{
	return __folio_try_share_anon_rmap(folio, page);
}

/* ------------------------------------------------------------------ walks ---- */

/*
 * vma_address() - v7.1, mm/internal.h. Fidelity: same. The VMA's bounds change under the
 * anon_vma's rwsem, which the caller holds.
 */
unsigned long vma_address(struct vm_area_struct *vma, pgoff_t pgoff,
			  unsigned long nr_pages)
{
	unsigned long address;

	if (pgoff >= vma->vm_pgoff) {
		address = vma->vm_start + ((pgoff - vma->vm_pgoff) << PAGE_SHIFT);
		if (address >= vma->vm_start && address < vma->vm_end)
			return address;
	} else if (pgoff + nr_pages > vma->vm_pgoff) {
		return vma->vm_start;
	}
	return -EFAULT;
}

/* page_address_in_vma() - v7.1, mm/rmap.c. Fidelity: adapted: anonymous folios only. */
unsigned long page_address_in_vma(struct folio *folio, struct page *page,
				  struct vm_area_struct *vma)
{
	struct anon_vma *folio_av = folio_anon_vma(folio);
	struct anon_vma *vma_av = plain_read(vma->anon_vma);

	if (!folio_av || !vma_av || vma_av->root != folio_av->root)
		return -EFAULT;
	return vma_address(vma, folio_pgoff(folio) + (page - &folio->page), 1);
}

/*
 * rmap_walk_anon_lock() - v7.1, mm/rmap.c. Fidelity: same. Without anon_lock the caller knows
 * by other means that the anon_vma lives: the folio need not be mapped, it may have migration
 * entries only.
 */
static struct anon_vma *rmap_walk_anon_lock(struct folio *folio,
					    struct rmap_walk_control *rwc)
{
	struct anon_vma *anon_vma;

	if (rwc->anon_lock)
		return rwc->anon_lock(folio, rwc);

	anon_vma = folio_anon_vma(folio);
	if (!anon_vma || anon_vma_trylock_read(anon_vma))
		return anon_vma;
	if (rwc->try_lock) {
		rwc->contended = true;
		return NULL;
	}
	anon_vma_lock_read(anon_vma);
	return anon_vma;
}

/*
 * rmap_walk_anon() - v7.1, mm/rmap.c. Fidelity: same. Caller holds the folio lock, so that
 * ->mapping stays in the same family; with `locked` also the root's rwsem.
 */
static void rmap_walk_anon(struct folio *folio, struct rmap_walk_control *rwc,
			   bool locked)
{
	struct anon_vma *anon_vma;
	struct anon_vma_chain *avc;
	unsigned long nr_pages;
	pgoff_t first;

	VM_WARN_ON_FOLIO(!folio_test_locked(folio), folio);

	if (locked) {
		anon_vma = folio_anon_vma(folio);
		VM_BUG_ON_FOLIO(!anon_vma, folio);
	} else {
		anon_vma = rmap_walk_anon_lock(folio, rwc);
		if (!anon_vma)
			return;
	}

	first = folio_pgoff(folio);
	nr_pages = folio_nr_pages(folio);
	anon_vma_interval_tree_foreach(avc, anon_vma, first, first + nr_pages - 1) {
		struct vm_area_struct *vma = avc->vma;
		unsigned long address = vma_address(vma, first, nr_pages);

		VM_BUG_ON_VMA(address == (unsigned long)-EFAULT, vma);
		cond_resched();
		if (rwc->invalid_vma && rwc->invalid_vma(vma, rwc->arg))
			continue;
		if (!rwc->rmap_one(folio, vma, address, rwc->arg))
			break;
		if (rwc->done && rwc->done(folio))
			break;
	}

	if (!locked)
		anon_vma_unlock_read(anon_vma);
}

/* rmap_walk() - v7.1, mm/rmap.c. Fidelity: adapted: anonymous folios only. */
void rmap_walk(struct folio *folio, struct rmap_walk_control *rwc)
{
	if (folio_test_anon(folio))
		rmap_walk_anon(folio, rwc, false);
}

/*
 * rmap_walk_locked() - v7.1, mm/rmap.c. Fidelity: adapted: anonymous folios only. Caller holds
 * the root's rwsem.
 */
void rmap_walk_locked(struct folio *folio, struct rmap_walk_control *rwc)
{
	if (folio_test_anon(folio))
		rmap_walk_anon(folio, rwc, true);
}

/*
 * Poisoned memory is not unmapped, it is fenced off: whoever comes to the address gets SIGBUS.
 * Not memory of the mm any more. The page table lock is held, the old entry is gone.
 */
static void install_hwpoison_entry(struct vm_area_struct *vma,
				   struct page_vma_mapped_walk *pvmw,
				   struct page *page)
{
	dec_mm_counter(vma->vm_mm, MM_ANONPAGES);
	set_pte_at(vma->vm_mm, pvmw->address, pvmw->pte,
		   swp_entry_to_pte(make_hwpoison_entry(page)));
}

/*
 * try_to_unmap_one() - v7.1, mm/rmap.c. Fidelity: adapted: for poisoned small folios. Swap,
 * lazyfree, file, mlock and PMD mappings are left out with their subsystems; a swapbacked folio
 * without a swap slot warns, as the kernel does.
 */
static bool try_to_unmap_one(struct folio *folio, struct vm_area_struct *vma,
			     unsigned long address, void *arg)
{
	enum ttu_flags flags = (enum ttu_flags)(long)arg;
	DEFINE_FOLIO_VMA_WALK(pvmw, folio, vma, address, 0);
	bool ret = true;

	if (flags & TTU_SYNC)
		pvmw.flags = PVMW_SYNC;

	while (page_vma_mapped_walk(&pvmw)) {
		struct page *page;
		pte_t pteval;

		VM_BUG_ON_FOLIO(!pvmw.pte, folio);
		pteval = ptep_get(pvmw.pte);
		page = folio_page(folio, pte_pfn(pteval) - folio_pfn(folio));

		pteval = ptep_get_and_clear(vma->vm_mm, pvmw.address, pvmw.pte);
		flush_tlb_page(vma, pvmw.address);
		if (pte_dirty(pteval))
			folio_mark_dirty(folio);

		if (!(flags & TTU_HWPOISON) || !PageHWPoison(page)) {
			bool swapcache = folio_test_swapcache(folio);

			WARN_ON_ONCE(folio_test_swapbacked(folio) != swapcache);
			set_pte_at(vma->vm_mm, pvmw.address, pvmw.pte, pteval);
			ret = false;
			page_vma_mapped_walk_done(&pvmw);
			break;
		}
		install_hwpoison_entry(vma, &pvmw, page);
		folio_remove_rmap_pte(folio, page, vma);
		folio_put(folio);
	}
	return ret;
}

/*
 * try_to_migrate_one() - v7.1, mm/rmap.c. Fidelity: adapted: no device memory, no uffd-wp and
 * soft-dirty bits. P14. With TTU_SPLIT_HUGE_PMD a PMD mapping becomes PTE migration entries at
 * once, or, if the folio is pinned, PTE mappings, at which the walk then gives up. RSS stays:
 * the memory is still the mm's, but for poisoned pages.
 */
static bool try_to_migrate_one(struct folio *folio, struct vm_area_struct *vma,
			       unsigned long address, void *arg)
{
	enum ttu_flags flags = (enum ttu_flags)(long)arg;
	struct mm_struct *mm = vma->vm_mm;
	DEFINE_FOLIO_VMA_WALK(pvmw, folio, vma, address, 0);
	bool ret = true;

	if (flags & TTU_SYNC)
		pvmw.flags = PVMW_SYNC;

	while (page_vma_mapped_walk(&pvmw)) {
		bool anon_exclusive, writable;
		struct page *page;
		pte_t pteval;

		if (!pvmw.pte) {
			pmd_t pmdval;

			if (flags & TTU_SPLIT_HUGE_PMD) {
				split_huge_pmd_locked(vma, pvmw.address, pvmw.pmd, true);
				flags &= ~TTU_SPLIT_HUGE_PMD;
				page_vma_mapped_walk_restart(&pvmw);
				continue;
			}
			pmdval = pmdp_get(pvmw.pmd);
			page = folio_page(folio, pmd_pfn(pmdval) - folio_pfn(folio));
			if (set_pmd_migration_entry(&pvmw, page)) {
				ret = false;
				page_vma_mapped_walk_done(&pvmw);
				break;
			}
			continue;
		}

		pteval = ptep_get(pvmw.pte);
		page = folio_page(folio, pte_pfn(pteval) - folio_pfn(folio));
		anon_exclusive = folio_test_anon(folio) && PageAnonExclusive(page);

		pteval = ptep_get_and_clear(mm, pvmw.address, pvmw.pte);
		if (flags & TTU_BATCH_FLUSH)
			set_tlb_ubc_flush_pending(mm, pteval, pvmw.address, pvmw.address + PAGE_SIZE);
		else
			flush_tlb_page(vma, pvmw.address);
		if (pte_dirty(pteval))
			folio_mark_dirty(folio);
		writable = pte_write(pteval);
		VM_WARN_ON_FOLIO(writable && !anon_exclusive, folio);

		if (PageHWPoison(page)) {
			install_hwpoison_entry(vma, &pvmw, page);
		} else {
			softleaf_t entry;

			/* Only with the entry cleared can a pin be ruled out. */
			if (anon_exclusive && folio_try_share_anon_rmap_pte(folio, page)) {
				set_pte_at(mm, pvmw.address, pvmw.pte, pteval);
				ret = false;
				page_vma_mapped_walk_done(&pvmw);
				break;
			}
			entry = make_migration_entry(page, writable, anon_exclusive,
						     pte_young(pteval), pte_dirty(pteval));
			set_pte_at(mm, pvmw.address, pvmw.pte, swp_entry_to_pte(entry));
		}
		folio_remove_rmap_pte(folio, page, vma);
		folio_put(folio);
	}
	return ret;
}

static int folio_not_mapped(struct folio *folio)
{
	return !folio_mapped(folio);
}

/*
 * try_to_unmap() - v7.1, mm/rmap.c. Fidelity: same. Caller holds the folio lock and a
 * reference. Look at folio_mapped() afterwards.
 */
void try_to_unmap(struct folio *folio, enum ttu_flags flags)
{
	struct rmap_walk_control rwc = {
		.arg = (void *)(long)flags,
		.rmap_one = try_to_unmap_one,
		.done = folio_not_mapped,
		.anon_lock = folio_lock_anon_vma_read,
	};

	if (flags & TTU_RMAP_LOCKED)
		rmap_walk_locked(folio, &rwc);
	else
		rmap_walk(folio, &rwc);
}

/*
 * try_to_migrate() - v7.1, mm/rmap.c. Fidelity: same; there are no temporary stack VMAs to
 * skip. Caller holds the folio lock and a reference. Entries point to the folio for as long as
 * its lock is held: remove_migration_ptes() before unlocking.
 */
void try_to_migrate(struct folio *folio, enum ttu_flags flags)
{
	struct rmap_walk_control rwc = {
		.arg = (void *)(long)flags,
		.rmap_one = try_to_migrate_one,
		.done = folio_not_mapped,
		.anon_lock = folio_lock_anon_vma_read,
	};

	if (WARN_ON_ONCE(flags & ~(TTU_RMAP_LOCKED | TTU_SPLIT_HUGE_PMD | TTU_SYNC |
				   TTU_BATCH_FLUSH)))
		return;
	if (flags & TTU_RMAP_LOCKED)
		rmap_walk_locked(folio, &rwc);
	else
		rmap_walk(folio, &rwc);
}

/* ---- files, fork: stubs ---- */
void folio_add_file_rmap_ptes(struct folio *f, struct page *p, int n, struct vm_area_struct *v) { (void)f; (void)p; (void)n; (void)v; }
void folio_add_file_rmap_pmd(struct folio *f, struct page *p, struct vm_area_struct *v) { (void)f; (void)p; (void)v; }
void folio_dup_file_rmap_ptes(struct folio *f, struct page *p, int n, struct vm_area_struct *v) { (void)f; (void)p; (void)n; (void)v; }
void folio_dup_file_rmap_pmd(struct folio *f, struct page *p, struct vm_area_struct *v) { (void)f; (void)p; (void)v; }
int folio_try_dup_anon_rmap_ptes(struct folio *f, struct page *p, int n, struct vm_area_struct *d, struct vm_area_struct *s) { (void)f; (void)p; (void)n; (void)d; (void)s; return -EBUSY; }
int folio_try_dup_anon_rmap_pmd(struct folio *f, struct page *p, struct vm_area_struct *d, struct vm_area_struct *s) { (void)f; (void)p; (void)d; (void)s; return -EBUSY; }
int anon_vma_fork(struct vm_area_struct *v, struct vm_area_struct *p) { (void)v; (void)p; return -ENOMEM; }
