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
#include <linux/memremap.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/mmu_notifier.h>
#include <linux/mmzone.h>
#include <linux/page_ref.h>
#include <linux/pagemap.h>
#include <linux/pgtable.h>
#include <linux/rcupdate.h>
#include <linux/rmap.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/swap.h>
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
	plain_write_racy(vma->anon_vma, NULL); /* retract_page_tables() looks */
}

/*
 * maybe_reuse_anon_vma() - v7.1, mm/rmap.c. Fidelity: same. The root's rwsem is held for writing. An anon_vma that no VMA calls its
 * own any more, with one child at most, is taken over: else a chain of forks, each of whose parents exits, grows without end.
 */
static void maybe_reuse_anon_vma(struct vm_area_struct *dst, struct anon_vma *anon_vma)
{
	if (plain_read(dst->anon_vma))
		return;
	if (anon_vma->num_active_vmas > 0 || anon_vma->num_children > 1)
		return;
	plain_write(dst->anon_vma, anon_vma);
	anon_vma->num_active_vmas++;
}

/*
 * anon_vma_clone() - v7.1, mm/rmap.c. Fidelity: same; a fork is told by dst->anon_vma, which is NULL (other callers have copied the
 * source's). Caller holds mmap_lock for writing; `dst` is not visible yet, but its chains are to rmap walks as soon as they are in
 * the trees.
 */
int anon_vma_clone(struct vm_area_struct *dst, struct vm_area_struct *src)
{
	struct anon_vma *active = plain_read(src->anon_vma);
	const bool fork = !plain_read(dst->anon_vma);
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
	list_for_each_entry_reverse(avc, &dst->anon_vma_chain, same_vma) {
		anon_vma_interval_tree_insert(avc, avc->anon_vma);
		if (fork)
			maybe_reuse_anon_vma(dst, avc->anon_vma);
	}
	if (!fork)
		active->num_active_vmas++;
	anon_vma_unlock_write(active);
	return 0;
}

/*
 * anon_vma_fork() - v7.1, mm/rmap.c. Fidelity: same. The child's VMA hangs on all of the parent's anon_vmas, so that walks from pages
 * that are still shared find it, and on one of its own, for the pages that it will copy; or takes over an abandoned one. Both
 * mmap_locks are held for writing.
 */
int anon_vma_fork(struct vm_area_struct *vma, struct vm_area_struct *pvma)
{
	struct anon_vma *parent = plain_read(pvma->anon_vma);
	struct anon_vma_chain *avc;
	struct anon_vma *anon_vma;
	int rc;

	if (!parent)
		return 0;
	plain_write(vma->anon_vma, NULL);

	anon_vma = anon_vma_alloc();
	if (!anon_vma)
		return -ENOMEM;
	avc = kmem_cache_alloc(&machine->anon_vma_chain_cache, GFP_KERNEL);
	if (!avc) {
		put_anon_vma(anon_vma);
		return -ENOMEM;
	}

	rc = anon_vma_clone(vma, pvma);
	if (rc || plain_read(vma->anon_vma)) {
		put_anon_vma(anon_vma);
		kmem_cache_free(&machine->anon_vma_chain_cache, avc);
		return rc;
	}

	anon_vma->num_active_vmas = 1;
	WRITE_ONCE(anon_vma->root, parent->root);
	anon_vma->parent = parent;
	/* Its rwsem is what this one is locked by. */
	get_anon_vma(anon_vma->root);
	plain_write(vma->anon_vma, anon_vma);
	anon_vma_chain_assign(vma, avc, anon_vma);
	anon_vma_lock_write(anon_vma);
	anon_vma_interval_tree_insert(avc, anon_vma);
	anon_vma->parent->num_children++;
	anon_vma_unlock_write(anon_vma);
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
	plain_write_racy(vma->anon_vma, NULL); /* still in the file's tree, where retract_page_tables() looks */
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
	return generation_at_least(GENERATION_V6_18);
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
	plain_rmw_bits_owned(folio->_mm_ids, (unsigned long)MM_ID_MASK << (MM_ID_BITS * idx),
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
 * 32-bit limits and hugetlb. Under the bit lock, or the folio is new.
 */
static void large_mapcount_sanity_checks(struct folio *folio, int diff,
					 unsigned int mm_id)
{
	VM_WARN_ON_ONCE(!folio_test_large(folio));
	VM_WARN_ON_ONCE(diff <= 0);
	VM_WARN_ON_ONCE(diff > folio_large_nr_pages(folio));
	VM_WARN_ON_ONCE(mm_id < MM_ID_MIN || mm_id > MM_ID_MAX);
	for (int idx = 0; idx < 2; idx++) {
		if (folio_mm_id(folio, idx) == MM_ID_DUMMY)
			VM_WARN_ON_ONCE(folio->_mm_id_mapcount[idx] != -1);
		else
			VM_WARN_ON_ONCE(folio->_mm_id_mapcount[idx] < 0);
	}
	VM_WARN_ON_ONCE(assert_read(folio->_large_mapcount.counter) < 0 &&
			(assert_read(folio->_mm_ids) & BIT(FOLIO_MM_IDS_SHARED_BITNUM)));
}

/*
 * folio_set_large_mapcount() - v7.1, include/linux/rmap.h (v6.12: plain atomic_set in
 * folio_add_new_anon_rmap). Fidelity: same. The folio is new: no lock.
 */
static void folio_set_large_mapcount(struct folio *folio, int mapcount,
				     struct vm_area_struct *vma)
{
	if (!mm_ids_enabled()) {
		atomic_set(&folio->_large_mapcount, mapcount - 1);
		return;
	}
	large_mapcount_sanity_checks(folio, mapcount, vma->vm_mm->mm_id);
	VM_WARN_ON_ONCE(folio_mm_id(folio, 0) != MM_ID_DUMMY);
	VM_WARN_ON_ONCE(folio_mm_id(folio, 1) != MM_ID_DUMMY);
	atomic_set(&folio->_large_mapcount, mapcount - 1);
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
				plain_rmw_bits_owned(folio->_mm_ids, 0, BIT(FOLIO_MM_IDS_SHARED_BITNUM));
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
		plain_rmw_bits_owned(folio->_mm_ids, BIT(FOLIO_MM_IDS_SHARED_BITNUM), 0);
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

/* __folio_mod_stat() - v7.1, mm/rmap.c. Fidelity: same. */
static void __folio_mod_stat(struct folio *folio, int nr, int nr_pmdmapped)
{
	enum node_stat_item idx;

	if (nr)
		lruvec_stat_mod_folio(folio, folio_test_anon(folio) ? NR_ANON_MAPPED : NR_FILE_MAPPED, nr);
	if (!nr_pmdmapped)
		return;
	if (folio_test_anon(folio))
		idx = NR_ANON_THPS;
	else
		idx = folio_test_swapbacked(folio) ? NR_SHMEM_PMDMAPPED : NR_FILE_PMDMAPPED;
	lruvec_stat_mod_folio(folio, idx, nr_pmdmapped);
}

/*
 * __folio_add_rmap() - v7.1, mm/rmap.c. Fidelity: same, no PUDs. P1: per-page or entire count,
 * then the number of mapped pages, then the large count; the statistic last. Caller holds the
 * page table lock and has taken the references.
 *
 * `nr` is what the statistic moves by: pages that were not mapped at all before. It follows from
 * what the step on _nr_pages_mapped found, so the steps of all CPUs add up, whatever their order:
 * _nr_pages_mapped itself below ENTIRELY_MAPPED, the whole folio from there on. While a page has
 * been removed and added again, and the removal is not yet counted, there are more than the folio has:
 * the difference is negative, and the removal makes up for it.
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
				if (nr < 0 && bug_enabled(rmap_clamped_difference))
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
 * __folio_add_anon_rmap() - v7.1, mm/rmap.c. Fidelity: adapted: that an exclusive page is mapped
 * once is left to the rmap oracle. Caller holds the page table lock, and the folio lock against
 * a change of mapping. A large folio is mlocked only
 * as a whole; up to v6.12 not here at all.
 */
static void __folio_add_anon_rmap(struct folio *folio, struct page *page, int nr_pages,
				  struct vm_area_struct *vma, unsigned long address,
				  rmap_t flags, enum pgtable_level level)
{
	pgoff_t pgoff;

	VM_WARN_ON_FOLIO(!folio_test_anon(folio), folio);
	__folio_add_rmap(folio, page, nr_pages, vma, level);

	VM_BUG_ON_FOLIO(folio_anon_vma(folio)->root != assert_read(vma->anon_vma)->root, folio);
	pgoff = folio_pgoff(folio);
	VM_BUG_ON_PAGE(pgoff + (page - &folio->page) != linear_page_index(vma, address), page);

	/* By PMD, the head's bit speaks for all. */
	if (flags & RMAP_EXCLUSIVE)
		for (int i = 0; i < (level == PGTABLE_LEVEL_PMD ? 1 : nr_pages); i++)
			SetPageAnonExclusive(page + i);
	if (generation_at_least(GENERATION_V6_18) ? folio_nr_pages(folio) == nr_pages : !folio_test_large(folio))
		mlock_vma_folio(folio, vma);
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

	VM_WARN_ON_FOLIO(!exclusive && !(assert_read(folio->flags) & BIT(PG_locked)), folio);
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
 * __folio_add_file_rmap() - v7.1, mm/rmap.c. Fidelity: same. Mlocked only as a whole: a part could be split off by reclaim. Up to v6.12 a large
 * folio is not mlocked here at all.
 */
static void __folio_add_file_rmap(struct folio *folio, struct page *page, int nr_pages, struct vm_area_struct *vma,
				  enum pgtable_level level)
{
	VM_WARN_ON_FOLIO(folio_test_anon(folio), folio);
	__folio_add_rmap(folio, page, nr_pages, vma, level);
	if (generation_at_least(GENERATION_V6_18) ? folio_nr_pages(folio) == nr_pages : !folio_test_large(folio))
		mlock_vma_folio(folio, vma);
}

/* folio_add_file_rmap_ptes() - v7.1, mm/rmap.c. Fidelity: same. The table's lock is held, the references are taken. */
void folio_add_file_rmap_ptes(struct folio *folio, struct page *page, int nr_pages, struct vm_area_struct *vma)
{
	__folio_add_file_rmap(folio, page, nr_pages, vma, PGTABLE_LEVEL_PTE);
}

/* folio_add_file_rmap_pmd() - v7.1, mm/rmap.c. Fidelity: as above; the PMD's lock. */
void folio_add_file_rmap_pmd(struct folio *folio, struct page *page, struct vm_area_struct *vma)
{
	__folio_add_file_rmap(folio, page, HPAGE_PMD_NR, vma, PGTABLE_LEVEL_PMD);
}

/*
 * __folio_remove_rmap() - v7.1, mm/rmap.c. Fidelity: same, no PUDs. P2: the mirror
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
				if (nr < 0 && bug_enabled(rmap_clamped_difference))
					nr = 0;
			}
		}
		partially_mapped = nr > 0 && nr < nr_pmdmapped;
	}

	/*
	 * The flag is tested without the queue's lock: stale means one needless call, or none
	 * while a scanner has it. v6.8 has no flag.
	 */
	if (!generation_at_least(GENERATION_V6_12)) {
		/* v6.8: no flag; a PTE batch that unmaps the last page queues the folio as well */
		if (nr && folio_test_large(folio) && folio_test_anon(folio) &&
		    (level == PGTABLE_LEVEL_PTE || (nr > 0 && nr < nr_pmdmapped)))
			deferred_split_folio(folio, true);
	} else if (partially_mapped && folio_test_anon(folio) && !folio_is_device_private(folio) &&
		   !data_race(2, folio, folio_test_partially_mapped(folio))) {
		deferred_split_folio(folio, true);
	}

	__folio_mod_stat(folio, -nr, -nr_pmdmapped);
	munlock_vma_folio(folio, vma);
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
 * __folio_try_share_anon_rmap() - v7.1, include/linux/rmap.h. Fidelity: same.
 * The entry is cleared or invalid and its lock held: a fast GUP that pins after this sees the
 * entry changed; one that pinned before is seen here.
 */
static int __folio_try_share_anon_rmap(struct folio *folio, struct page *page)
{
	VM_WARN_ON_FOLIO(!PageAnonExclusive(page), folio);
	/* what the CPU cannot reach it cannot pin */
	if (folio_is_device_private(folio)) {
		ClearPageAnonExclusive(page);
		return 0;
	}
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

/* page_address_in_vma() - v7.1, mm/rmap.c. Fidelity: same. */
unsigned long page_address_in_vma(struct folio *folio, struct page *page,
				  struct vm_area_struct *vma)
{
	if (folio_test_anon(folio)) {
		struct anon_vma *folio_av = folio_anon_vma(folio);
		struct anon_vma *vma_av = plain_read(vma->anon_vma);

		if (!folio_av || !vma_av || vma_av->root != folio_av->root)
			return -EFAULT;
	} else {
		struct address_space *mapping = folio_mapping(folio);

		if (!vma->vm_file || !mapping || vma->vm_file->f_mapping != mapping)
			return -EFAULT;
	}
	return vma_address(vma, folio_pgoff(folio) + (page - &folio->page), 1);
}

/*
 * rmap_walk_anon_lock() - v7.1, mm/rmap.c. Fidelity: same, and an assertion. Without anon_lock the caller knows
 * by other means that the anon_vma lives, by a reference or a VMA that mmap_lock keeps: the folio need not be
 * mapped, it may have migration entries only. An anon_vma without references is free.
 */
static struct anon_vma *rmap_walk_anon_lock(struct folio *folio,
					    struct rmap_walk_control *rwc)
{
	struct anon_vma *anon_vma;

	if (rwc->anon_lock)
		return rwc->anon_lock(folio, rwc);

	anon_vma = folio_anon_vma(folio);
	if (!anon_vma)
		return NULL;
	if (!anon_vma_trylock_read(anon_vma)) {
		if (rwc->try_lock) {
			rwc->contended = true;
			return NULL;
		}
		anon_vma_lock_read(anon_vma);
	}
	VM_BUG_ON_FOLIO(!assert_read(anon_vma->refcount.counter), folio);
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
		if (!anon_vma) {
			rwc->refused = true;
			return;
		}
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
		if (!rwc->rmap_one(folio, vma, address, rwc->arg)) {
			rwc->refused = true;
			break;
		}
		if (rwc->done && rwc->done(folio))
			break;
	}

	if (!locked)
		anon_vma_unlock_read(anon_vma);
}

/*
 * rmap_walk_file(), __rmap_walk_file() - v7.1, mm/rmap.c. Fidelity: same. The folio lock keeps ->mapping from being cleared by a truncate, and
 * so the mapping there; with `locked` the caller holds i_mmap_rwsem.
 */
static void rmap_walk_file(struct folio *folio, struct rmap_walk_control *rwc, bool locked)
{
	struct address_space *mapping;
	unsigned long nr_pages = (unsigned long)folio_nr_pages(folio);
	struct vm_area_struct *vma;
	pgoff_t first;

	VM_BUG_ON_FOLIO(!folio_test_locked(folio), folio);
	mapping = folio_mapping(folio);
	if (!mapping)
		return;
	first = folio_pgoff(folio);
	if (!locked && !i_mmap_trylock_read(mapping)) {
		if (rwc->try_lock) {
			rwc->contended = true;
			return;
		}
		i_mmap_lock_read(mapping);
	}
	vma_interval_tree_foreach(vma, mapping, first, first + nr_pages - 1) {
		unsigned long address = vma_address(vma, first, nr_pages);

		VM_BUG_ON_VMA(address == (unsigned long)-EFAULT, vma);
		cond_resched();
		if (rwc->invalid_vma && rwc->invalid_vma(vma, rwc->arg))
			continue;
		if (!rwc->rmap_one(folio, vma, address, rwc->arg)) {
			rwc->refused = true;
			break;
		}
		if (rwc->done && rwc->done(folio))
			break;
	}
	if (!locked)
		i_mmap_unlock_read(mapping);
}

/* rmap_walk() - v7.1, mm/rmap.c. Fidelity: same, no KSM. */
void rmap_walk(struct folio *folio, struct rmap_walk_control *rwc)
{
	if (folio_test_anon(folio))
		rmap_walk_anon(folio, rwc, false);
	else
		rmap_walk_file(folio, rwc, false);
}

/* rmap_walk_locked() - v7.1, mm/rmap.c. Fidelity: same, no KSM. Caller holds the rmap lock: the root's rwsem, or i_mmap_rwsem. */
void rmap_walk_locked(struct folio *folio, struct rmap_walk_control *rwc)
{
	if (folio_test_anon(folio))
		rmap_walk_anon(folio, rwc, true);
	else
		rmap_walk_file(folio, rwc, true);
}

/*
 * page_vma_mkclean_one() - v7.1, mm/rmap.c. Fidelity: same. Each entry that lets write, or has been written through, counts: the folio is as
 * good as dirty by it.
 */
static bool page_vma_mkclean_one(struct folio *folio, struct vm_area_struct *vma, unsigned long address, void *arg)
{
	DEFINE_FOLIO_VMA_WALK(pvmw, folio, vma, address, PVMW_SYNC);
	int *cleaned = arg;
	struct mmu_notifier_range range;

	mmu_notifier_range_init(&range, MMU_NOTIFY_PROTECTION_PAGE, 0, vma->vm_mm, address, vma_address_end(&pvmw));
	mmu_notifier_invalidate_range_start(&range);
	while (page_vma_mapped_walk(&pvmw)) {
		if (pvmw.pte) {
			pte_t entry = ptep_get(pvmw.pte);

			if (!pte_present(entry) || (!pte_dirty(entry) && !pte_write(entry)))
				continue;
			entry = ptep_clear_flush(vma, pvmw.address, pvmw.pte);
			set_pte_at(vma->vm_mm, pvmw.address, pvmw.pte, pte_mkclean(pte_wrprotect(entry)));
		} else {
			pmd_t entry = pmdp_get(pvmw.pmd);

			if (!pmd_present(entry) || (!pmd_dirty(entry) && !pmd_write(entry)))
				continue;
			entry = pmdp_invalidate(vma, pvmw.address, pvmw.pmd);
			set_pmd_at(vma->vm_mm, pvmw.address, pvmw.pmd, pmd_mkclean(pmd_wrprotect(entry)));
		}
		(*cleaned)++;
	}
	mmu_notifier_invalidate_range_end(&range);
	return true;
}

static bool invalid_mkclean_vma(struct vm_area_struct *vma, void *arg)
{
	(void)arg;
	return !(assert_read(vma->vm_flags) & VM_SHARED);
}

/* folio_mkclean() - v7.1, mm/rmap.c. Fidelity: same. Locked. True: some entry was dirty or writable; none is dirty, and none can become it without a fault. */
bool folio_mkclean(struct folio *folio)
{
	int cleaned = 0;
	struct rmap_walk_control rwc = {
		.arg = &cleaned,
		.rmap_one = page_vma_mkclean_one,
		.invalid_vma = invalid_mkclean_vma,
	};

	if (!folio_mapped(folio) || !folio_mapping(folio))
		return false;
	rmap_walk(folio, &rwc);
	return cleaned > 0;
}

/* ---- fork ---- */

/*
 * folio_needs_cow_for_dma() - v7.1, include/linux/mm.h. Fidelity: same. Caller holds the source's mmap_lock for writing and has raised
 * write_protect_seq, so that no GUP-fast pin comes in between that would not be undone; slow ones wait for the lock.
 */
static bool folio_needs_cow_for_dma(struct vm_area_struct *vma, struct folio *folio)
{
	VM_BUG_ON(!(assert_read(vma->vm_mm->write_protect_seq) & 1));
	if (!test_bit(MMF_HAS_PINNED, &vma->vm_mm->flags))
		return false;
	return folio_maybe_dma_pinned(folio);
}

/*
 * __folio_dup_file_rmap() - v7.1, include/linux/rmap.h. Fidelity: same. The count that says "mapped at all" cannot leave zero here, since the
 * parent maps the pages: neither _nr_pages_mapped nor a statistic moves. The child's id goes into the large count.
 */
static void __folio_dup_file_rmap(struct folio *folio, struct page *page, int nr_pages, struct vm_area_struct *dst_vma,
				  enum pgtable_level level)
{
	folio_rmap_sanity_checks(folio, page, nr_pages, level);
	if (level == PGTABLE_LEVEL_PMD) {
		atomic_inc(&folio->_entire_mapcount);
		folio_add_return_large_mapcount(folio, 1, dst_vma);
		return;
	}
	if (!folio_test_large(folio)) {
		atomic_inc(&folio->_mapcount);
		return;
	}
	for (int i = 0; page_mapcount_enabled() && i < nr_pages; i++)
		atomic_inc(&page[i]._mapcount);
	folio_add_return_large_mapcount(folio, nr_pages, dst_vma);
}

/*
 * __folio_try_dup_anon_rmap() - v7.1, include/linux/rmap.h. Fidelity: same. Device memory is never pinned. All that is pinned and
 * exclusive has to stay so: the parent's DMA goes there; the whole run is refused before any bit changes. After that page by page: no
 * page is exclusive any more when its second mapping is counted.
 */
static int __folio_try_dup_anon_rmap(struct folio *folio, struct page *page, int nr_pages, struct vm_area_struct *dst_vma,
				     struct vm_area_struct *src_vma, enum pgtable_level level)
{
	/* By PMD, the head's bit speaks for all. */
	int bits = level == PGTABLE_LEVEL_PMD ? 1 : nr_pages;
	bool maybe_pinned = !folio_is_device_private(folio) && folio_needs_cow_for_dma(src_vma, folio);

	VM_WARN_ON_FOLIO(!folio_test_anon(folio), folio);
	folio_rmap_sanity_checks(folio, page, nr_pages, level);

	for (int i = 0; maybe_pinned && i < bits; i++)
		if (PageAnonExclusive(page + i))
			return -EBUSY;
	for (int i = 0; i < bits; i++) {
		if (PageAnonExclusive(page + i))
			ClearPageAnonExclusive(page + i);
		if (level == PGTABLE_LEVEL_PMD)
			atomic_inc(&folio->_entire_mapcount);
		else if (!folio_test_large(folio) || page_mapcount_enabled())
			atomic_inc(&page[i]._mapcount);
	}
	if (folio_test_large(folio))
		folio_add_return_large_mapcount(folio, level == PGTABLE_LEVEL_PMD ? 1 : nr_pages, dst_vma);
	return 0;
}

/* folio_try_dup_anon_rmap_ptes() - v7.1, include/linux/rmap.h. Fidelity: same. */
int folio_try_dup_anon_rmap_ptes(struct folio *folio, struct page *page, int nr_pages, struct vm_area_struct *dst_vma,
				 struct vm_area_struct *src_vma)
{
	return __folio_try_dup_anon_rmap(folio, page, nr_pages, dst_vma, src_vma, PGTABLE_LEVEL_PTE);
}

/* folio_try_dup_anon_rmap_pmd() - v7.1, include/linux/rmap.h. Fidelity: same. */
int folio_try_dup_anon_rmap_pmd(struct folio *folio, struct page *page, struct vm_area_struct *dst_vma,
				struct vm_area_struct *src_vma)
{
	return __folio_try_dup_anon_rmap(folio, page, HPAGE_PMD_NR, dst_vma, src_vma, PGTABLE_LEVEL_PMD);
}

/* folio_dup_file_rmap_ptes() - v7.1, include/linux/rmap.h. Fidelity: same. */
void folio_dup_file_rmap_ptes(struct folio *folio, struct page *page, int nr_pages, struct vm_area_struct *dst_vma)
{
	VM_WARN_ON_FOLIO(folio_test_anon(folio), folio);
	__folio_dup_file_rmap(folio, page, nr_pages, dst_vma, PGTABLE_LEVEL_PTE);
}
