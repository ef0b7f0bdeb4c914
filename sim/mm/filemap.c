// SPDX-License-Identifier: GPL-2.0-only
/*
 * filemap.c - the page cache: looking up, adding, removing; reading, writing and write-back of the regular file.
 *
 * Lock order: i_rwsem, invalidate_lock, folio lock, i_mmap_rwsem, page table lock, i_pages. A lookup takes no lock: it gets a reference
 * and then looks again whether the slot still leads to the folio, and who needs more locks the folio and looks whether it is
 * still the file's. A folio in the cache has a reference for each of its pages. Content is moved a page at a time, in one step each.
 */
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/gfp.h>
#include <linux/highmem.h>
#include <linux/huge_mm.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/page_ref.h>
#include <linux/pagemap.h>
#include <linux/pgtable.h>
#include <linux/rcupdate.h>
#include <linux/rmap.h>
#include <linux/swap.h>
#include <linux/vmstat.h>
#include <linux/xarray.h>
#include <foliofuzz/bug.h>

/* Not in the kernel: three files that are there from boot to the end. */
void files_boot(void)
{
	for (unsigned int i = 0; i < NR_FILES; i++) {
		struct address_space *mapping = &machine->mappings[i];
		struct inode *inode = &machine->inodes[i];

		*inode = (struct inode){ .i_mapping = mapping, .i_size = FILE_PAGES_AT_BOOT * PAGE_SIZE,
					 .shmem = i == 1 };
		init_rwsem(&inode->i_rwsem);
		spinlock_t *shmem_inode_lock = &inode->lock; /* a lock class is named after what is initialised */

		spin_lock_init(shmem_inode_lock);
		mapping->host = inode;
		mapping->nrpages = 0;
		mapping->max_order = i == 2 ? 0 : MAX_ORDER_;
		mapping->nr_thps = (atomic_t){ 0 };
		mapping->min_order = 0;
		init_rwsem(&mapping->invalidate_lock);
		init_rwsem(&mapping->i_mmap_rwsem);
		mapping->i_mmap.next = mapping->i_mmap.prev = &mapping->i_mmap;
		xa_init(&mapping->i_pages);
		machine->files[i] = (struct file){ .f_mapping = mapping, .f_inode = inode };
	}
}

/* The first page behind the end of the file. */
static pgoff_t file_end(struct address_space *mapping)
{
	return (i_size_read(mapping->host) + PAGE_SIZE - 1) >> PAGE_SHIFT;
}

/* ------------------------------------------------------------------ waiting for a folio ---- */

static unsigned int folio_hash(const struct folio *folio)
{
	return (unsigned int)(folio_pfn(folio) / HPAGE_PMD_NR) % FOLIO_WAIT_TABLE_SIZE;
}

/* Boot: not in the kernel. */
void folio_wait_boot(void)
{
	for (unsigned int i = 0; i < FOLIO_WAIT_TABLE_SIZE; i++) {
		spinlock_t *lock = &machine->folio_wait_lock[i];

		spin_lock_init(lock);
	}
	for (unsigned int cpu = 0; cpu < KERN_CPUS; cpu++)
		machine->folio_wait[cpu] = (struct wait_page_queue){ .folio = NULL };
}

/* waitqueue_active() of the folio's hash - v7.1. Fidelity: same. Its lock is held. */
static bool folio_waitqueue_active(const struct folio *folio)
{
	for (unsigned int cpu = 0; cpu < KERN_CPUS; cpu++) {
		const struct folio *other = access_load(&machine->folio_wait[cpu].folio, __ATOMIC_RELAXED);

		if (other && folio_hash(other) == folio_hash(folio))
			return true;
	}
	return false;
}

/*
 * folio_wake_bit(), wake_page_function() - v7.1. Fidelity: adapted: of PG_locked alone, and no exclusive waiters: who has a reference waits for the
 * bit. PG_waiters stays while anybody is in the queue, also for another folio of the same hash.
 */
void folio_wake_bit(struct folio *folio)
{
	spinlock_t *lock = &machine->folio_wait_lock[folio_hash(folio)];
	unsigned long flags;

	spin_lock_irqsave(lock, flags);
	for (unsigned int cpu = 0; cpu < KERN_CPUS; cpu++) {
		struct wait_page_queue *wait = &machine->folio_wait[cpu];

		if (access_load(&wait->folio, __ATOMIC_RELAXED) != folio)
			continue;
		access_store(&wait->folio, NULL, __ATOMIC_RELAXED);
		smp_store_release(&wait->woken, 1);
		rcuwait_wake_up(&wait->task);
	}
	if (!folio_waitqueue_active(folio))
		clear_bit(PG_waiters, &folio->flags);
	spin_unlock_irqrestore(lock, flags);
}

/* False: it is not locked (any more). The queue's lock is held. */
static bool queue_wait(struct wait_page_queue *wait, struct folio *folio)
{
	if (!folio_test_locked(folio))
		return false;
	access_store(&wait->woken, 0, __ATOMIC_RELAXED);
	access_store(&wait->folio, folio, __ATOMIC_RELAXED);
	return true;
}

/*
 * softleaf_entry_wait_on_locked() - v7.1. Fidelity: same. The page table's lock makes the entry, and so the locked folio, stay until the
 * sleeper is in the queue and PG_waiters says so; after that no reference keeps the folio: it may be free, or another, when the wait ends.
 * The caller faults again anyway.
 */
void softleaf_entry_wait_on_locked(softleaf_t entry, spinlock_t *ptl)
{
	struct folio *folio = softleaf_to_folio(entry);
	spinlock_t *lock = &machine->folio_wait_lock[folio_hash(folio)];
	struct wait_page_queue *wait = &machine->folio_wait[smp_processor_id()];
	bool queued;

	if (bug_enabled(pmd_numa_wait_on_freed_page))
		spin_unlock(ptl);
	spin_lock_irq(lock);
	set_bit(PG_waiters, &folio->flags);
	queued = queue_wait(wait, folio);
	spin_unlock_irq(lock);
	if (!bug_enabled(pmd_numa_wait_on_freed_page))
		spin_unlock(ptl);
	if (queued)
		rcuwait_wait_event(&wait->task, smp_load_acquire(&wait->woken));
}

/*
 * folio_put_wait_locked() - v7.1. Fidelity: same, no signals. The reference goes when the sleeper is in the queue: as above, what wakes it may be
 * the unlock of another folio, and the caller looks again.
 */
static void folio_put_wait_locked(struct folio *folio)
{
	spinlock_t *lock = &machine->folio_wait_lock[folio_hash(folio)];
	struct wait_page_queue *wait = &machine->folio_wait[smp_processor_id()];
	bool queued;

	spin_lock_irq(lock);
	set_bit(PG_waiters, &folio->flags);
	queued = queue_wait(wait, folio);
	spin_unlock_irq(lock);
	folio_put(folio);
	if (queued)
		rcuwait_wait_event(&wait->task, smp_load_acquire(&wait->woken));
}

/*
 * filemap_get_entry() - v7.1. Fidelity: same. No lock. A folio, with a reference, that was in the slot after the reference was got; a
 * value as it is; NULL.
 */
struct folio *filemap_get_entry(struct address_space *mapping, pgoff_t index)
{
	XA_STATE(xas, &mapping->i_pages, index);
	struct folio *folio;

	rcu_read_lock();
repeat:
	xas_reset(&xas);
	folio = xas_load(&xas);
	if (xas_retry(&xas, folio))
		goto repeat;
	if (!folio || xa_is_value(folio))
		goto out;
	if (!folio_try_get(folio)) {
		cpu_relax();
		goto repeat;
	}
	if (unlikely(folio != xas_reload(&xas))) {
		folio_put(folio);
		goto repeat;
	}
out:
	rcu_read_unlock();
	return folio;
}

/* After filemap_add_folio(): the caller's reference. err: the folio did not get the slot, and this is its last. */
static void put_new_folio(struct folio *folio, int err)
{
	folio_put(folio);
	if (bug_enabled(secretmem_free_before_restore) && err == -EEXIST)
		__folio_clear_locked(folio);
}

/*
 * filemap_alloc_folio(), the FGP_CREAT part of __filemap_get_folio() - v7.1. Fidelity: adapted: from the wished order down, the index aligned down to
 * each; v7.1 keeps the index, and begins with the largest order that it is aligned to. Hides nothing that is small, shows large folios sooner.
 */
static struct folio *filemap_create(struct address_space *mapping, pgoff_t index, unsigned int order)
{
	int err;

	for (;; order--) {
		pgoff_t at = index & ~((1ul << order) - 1);
		struct folio *folio;

		err = -ENOMEM;
		folio = at + (1ul << order) <= FILE_PAGES ? folio_alloc_node(GFP_KERNEL, order, 0) : NULL;
		if (folio) {
			err = filemap_add_folio(mapping, folio, at, GFP_KERNEL);
			if (!err)
				return folio;
			put_new_folio(folio, err);
		}
		if (order <= mapping->min_order)
			return ERR_PTR(err);
	}
}

/*
 * __filemap_get_folio() - v7.1. Fidelity: same, no wait for stable pages and no FGP_NOWAIT. Whoever locks a folio looks whether it
 * is still the file's, and that it still has the page: it may have been split before.
 */
struct folio *__filemap_get_folio(struct address_space *mapping, pgoff_t index, unsigned int fgp, unsigned int order)
{
	struct folio *folio;

repeat:
	folio = filemap_get_entry(mapping, index);
	if (xa_is_value(folio))
		folio = NULL;
	if (folio && fgp & (FGP_LOCK | FGP_LOCK_NESTED)) {
		if (fgp & FGP_LOCK)
			folio_lock(folio);
		else
			folio_lock_new(folio);
		if (unlikely(plain_read(folio->mapping) != (void *)mapping)) {
			folio_unlock(folio);
			folio_put(folio);
			goto repeat;
		}
		VM_BUG_ON_FOLIO(!folio_contains(folio, index), folio);
	}
	if (!folio && fgp & FGP_CREAT) {
		folio = filemap_create(mapping, index, order);
		if (IS_ERR(folio)) {
			if (PTR_ERR(folio) == -EEXIST)
				goto repeat;
			return folio;
		}
		/* A new folio comes locked. */
		if (!(fgp & FGP_LOCK))
			folio_unlock(folio);
	}
	return folio ? folio : ERR_PTR(-ENOENT);
}

/* filemap_lock_folio() - v7.1, include/linux/pagemap.h. Fidelity: adapted: NULL and not an error if there is none. */
struct folio *filemap_lock_folio(struct address_space *mapping, pgoff_t index)
{
	struct folio *folio = __filemap_get_folio(mapping, index, FGP_LOCK, 0);

	return IS_ERR(folio) ? NULL : folio;
}

/* find_get_entry() - v7.1. Fidelity: same. RCU is held. The next entry up to max; a folio with a reference. Also what others open-code. */
void *find_get_entry(struct xa_state *xas, pgoff_t max)
{
	void *entry;

retry:
	entry = xas_find(xas, max);
	if (xas_retry(xas, entry))
		goto retry;
	if (!entry || xa_is_value(entry))
		return entry;
	if (!folio_try_get((struct folio *)entry)) {
		cpu_relax();
		goto retry;
	}
	if (unlikely(entry != xas_reload(xas))) {
		folio_put((struct folio *)entry);
		goto retry;
	}
	return entry;
}

/* find_get_entries() - v7.1. Fidelity: same. */
unsigned int find_get_entries(struct address_space *mapping, pgoff_t *start, pgoff_t end,
			      struct folio_batch *fbatch, pgoff_t *indices)
{
	XA_STATE(xas, &mapping->i_pages, *start);
	void *entry;

	rcu_read_lock();
	while ((entry = find_get_entry(&xas, end)) != NULL) {
		pgoff_t index = xas.index, base = index, nr;

		if (xa_is_value(entry)) {
			nr = 1ul << xas_get_order(&xas);
			base &= ~(nr - 1);
		} else {
			nr = (pgoff_t)folio_nr_pages((struct folio *)entry);
			base = folio_pgoff((struct folio *)entry);
		}
		indices[fbatch->nr] = index;
		xas.index = base + nr;
		*start = base + nr;
		if (!folio_batch_add(fbatch, entry))
			break;
	}
	rcu_read_unlock();
	return folio_batch_count(fbatch);
}

/*
 * find_lock_entries() - v7.1. Fidelity: same. Nothing is waited for: what is locked, under write-back or cut by the range is left out.
 */
unsigned int find_lock_entries(struct address_space *mapping, pgoff_t *start, pgoff_t end,
			       struct folio_batch *fbatch, pgoff_t *indices)
{
	XA_STATE(xas, &mapping->i_pages, *start);
	void *entry;

	rcu_read_lock();
	for (; (entry = find_get_entry(&xas, end)) != NULL; xas.index++) {
		struct folio *folio = entry;
		pgoff_t base, nr;

		if (xa_is_value(entry)) {
			nr = 1ul << xas_get_order(&xas);
			base = xas.index & ~(nr - 1);
			if (base < *start) {
				xas.index = base + nr - 1;
				continue;
			}
			if (base + nr - 1 > end)
				break;
		} else {
			nr = (pgoff_t)folio_nr_pages(folio);
			base = folio_pgoff(folio);
			if (base < *start || base + nr - 1 > end)
				goto put;
			if (bug_enabled(dropbehind_invalidate_unlocked_check) && folio_test_dirty(folio))
				goto put;
			if (!folio_trylock(folio))
				goto put;
			if (plain_read(folio->mapping) != (void *)mapping || folio_test_writeback(folio))
				goto unlock;
			VM_BUG_ON_FOLIO(!folio_contains(folio, xas.index), folio);
		}
		*start = base + nr;
		indices[fbatch->nr] = xas.index;
		xas.index = base + nr - 1;
		if (!folio_batch_add(fbatch, folio))
			break;
		continue;
unlock:
		folio_unlock(folio);
put:
		xas.index = base + nr - 1; /* xas_find() passes siblings over */
		folio_put(folio);
	}
	rcu_read_unlock();
	return folio_batch_count(fbatch);
}

/* ------------------------------------------------------------------ adding and removing ---- */

/* The first entry in the way of a folio; NULL: none. A shadow may be replaced. */
static void *find_conflict(struct address_space *mapping, pgoff_t index, pgoff_t nr)
{
	XA_STATE(xas, &mapping->i_pages, index);
	void *entry;

	for (entry = xas_find(&xas, index + nr - 1); entry; entry = xas_next_entry(&xas, index + nr - 1))
		if (!xa_is_value(entry))
			return entry;
	return NULL;
}

/*
 * __filemap_add_folio() - v7.1. Fidelity: adapted: no shadow entries are kept, so none has to be split or told of. The folio is locked and
 * new: the references first, then what leads back, and the slot last. After a conflict ->index stays, as truncation needs it.
 */
int __filemap_add_folio(struct address_space *mapping, struct folio *folio, pgoff_t index)
{
	XA_STATE_ORDER(xas, &mapping->i_pages, index, folio_order(folio));
	long nr = folio_nr_pages(folio);
	int err = 0;

	VM_BUG_ON_FOLIO(!folio_test_locked(folio), folio);
	VM_BUG_ON_FOLIO(folio_test_swapbacked(folio), folio);
	VM_BUG_ON_FOLIO(folio_order(folio) < mapping_min_folio_order(mapping), folio);
	VM_BUG_ON_FOLIO(index & ((pgoff_t)nr - 1), folio);

	folio_ref_add(folio, (int)nr);
	plain_write_racy(folio->mapping, (void *)mapping);
	plain_write_racy(folio->index, index);
	xas_lock_irq(&xas);
	if (find_conflict(mapping, index, (pgoff_t)nr)) {
		err = -EEXIST;
	} else {
		xas_store(&xas, folio);
		mapping->nrpages += (unsigned long)nr;
		lruvec_stat_mod_folio(folio, NR_FILE_PAGES, nr);
		if (folio_test_pmd_mappable(folio))
			lruvec_stat_mod_folio(folio, NR_FILE_THPS, nr);
	}
	xas_unlock_irq(&xas);
	if (!err)
		return 0;
	plain_write_racy(folio->mapping, NULL);
	folio_put_refs(folio, (int)nr);
	return err;
}

/* filemap_add_folio() - v7.1. Fidelity: same, no working set. On success the folio is locked, and on its way to the LRU. */
int filemap_add_folio(struct address_space *mapping, struct folio *folio, pgoff_t index, gfp_t gfp)
{
	int ret = mem_cgroup_charge(folio, NULL, gfp);

	if (ret)
		return ret;
	__folio_set_locked(folio);
	ret = __filemap_add_folio(mapping, folio, index);
	if (unlikely(ret)) {
		mem_cgroup_uncharge(folio);
		if (!bug_enabled(secretmem_free_before_restore))
			__folio_clear_locked(folio);
	} else {
		folio_add_lru(folio);
	}
	return ret;
}

/*
 * filemap_unaccount_folio() - v7.1. Fidelity: same. i_pages' lock and the folio's are held. Dirty here is lost data, but of shared
 * memory, whose home is the cache.
 */
static void filemap_unaccount_folio(struct address_space *mapping, struct folio *folio)
{
	long nr = folio_nr_pages(folio);

	VM_BUG_ON_FOLIO(folio_mapped(folio), folio);
	lruvec_stat_mod_folio(folio, NR_FILE_PAGES, -nr);
	if (folio_test_swapbacked(folio)) {
		lruvec_stat_mod_folio(folio, NR_SHMEM, -nr);
		if (folio_test_pmd_mappable(folio))
			lruvec_stat_mod_folio(folio, NR_SHMEM_THPS, -nr);
	} else if (folio_test_pmd_mappable(folio)) {
		lruvec_stat_mod_folio(folio, NR_FILE_THPS, -nr);
		filemap_nr_thps_dec(mapping);
	}
	WARN_ON_ONCE(!shmem_mapping(mapping) && folio_test_dirty(folio));
}

/* page_cache_delete() - v7.1. Fidelity: same. ->index stays: a lookup that found the folio before compares it. */
static void page_cache_delete(struct address_space *mapping, struct folio *folio, void *shadow)
{
	XA_STATE_ORDER(xas, &mapping->i_pages, folio_pgoff(folio), folio_order(folio));

	VM_BUG_ON_FOLIO(!folio_test_locked(folio), folio);
	xas_store(&xas, shadow);
	plain_write_racy(folio->mapping, NULL);
	mapping->nrpages -= (unsigned long)folio_nr_pages(folio);
}

/* __filemap_remove_folio() - v7.1. Fidelity: same, without the inode's i_lock, which the callers take around i_pages: it guards the inode's list. */
void __filemap_remove_folio(struct folio *folio, void *shadow)
{
	struct address_space *mapping = folio_mapping(folio);

	filemap_unaccount_folio(mapping, folio);
	page_cache_delete(mapping, folio, shadow);
}

/* filemap_remove_folio() - v7.1. Fidelity: same. The folio is locked, in the cache, and the caller has a reference. */
void filemap_remove_folio(struct folio *folio)
{
	struct address_space *mapping = folio_mapping(folio);

	BUG_ON(!folio_test_locked(folio));
	xa_lock_irq(&mapping->i_pages);
	__filemap_remove_folio(folio, NULL);
	xa_unlock_irq(&mapping->i_pages);
	folio_put_refs(folio, (int)folio_nr_pages(folio));
}

/*
 * page_cache_delete_batch() - v7.1. Fidelity: adapted: each slot is looked up by its folio's index, where the kernel walks once from the first to
 * the last. Locked, and so in the cache. A folio has no mapping before its slot is empty: the other way round than page_cache_delete().
 */
static void page_cache_delete_batch(struct address_space *mapping, struct folio_batch *fbatch)
{
	for (unsigned int i = 0; i < fbatch->nr; i++) {
		struct folio *folio = fbatch->folios[i];
		XA_STATE_ORDER(xas, &mapping->i_pages, folio_pgoff(folio), folio_order(folio));

		VM_BUG_ON_FOLIO(!folio_test_locked(folio), folio);
		plain_write_racy(folio->mapping, NULL);
		xas_store(&xas, NULL);
		mapping->nrpages -= (unsigned long)folio_nr_pages(folio);
	}
}

/* delete_from_page_cache_batch() - v7.1. Fidelity: same, without the inode's i_lock. */
void delete_from_page_cache_batch(struct address_space *mapping, struct folio_batch *fbatch)
{
	if (!folio_batch_count(fbatch))
		return;
	xa_lock_irq(&mapping->i_pages);
	for (unsigned int i = 0; i < fbatch->nr; i++)
		filemap_unaccount_folio(mapping, fbatch->folios[i]);
	page_cache_delete_batch(mapping, fbatch);
	xa_unlock_irq(&mapping->i_pages);
	for (unsigned int i = 0; i < fbatch->nr; i++)
		folio_put_refs(fbatch->folios[i], (int)folio_nr_pages(fbatch->folios[i]));
}

/*
 * mapping_evict_folio(), remove_mapping() - v7.1, mm/truncate.c and mm/vmscan.c. Fidelity: same, without the inode's i_lock. Locked. The freeze
 * is the proof that nobody else has it; dirty is looked at after it, since who had a reference may have made it so. Frozen until i_pages is unlocked.
 */
long mapping_evict_folio(struct address_space *mapping, struct folio *folio)
{
	long nr = folio_nr_pages(folio);

	if (!mapping)
		return 0;
	if ((!bug_enabled(dropbehind_invalidate_unlocked_check) && folio_test_dirty(folio)) || folio_test_writeback(folio))
		return 0;
	if (folio_ref_count(folio) > nr + (long)folio_test_private(folio) + 1)
		return 0;
	xa_lock_irq(&mapping->i_pages);
	if (!folio_ref_freeze(folio, 1 + (int)nr)) {
		accepted_race(3, folio);
		nr = 0;
	} else if (!bug_enabled(dropbehind_invalidate_unlocked_check) && folio_test_dirty(folio)) {
		folio_ref_unfreeze(folio, 1 + (int)nr);
		nr = 0;
	} else {
		__filemap_remove_folio(folio, NULL);
	}
	xa_unlock_irq(&mapping->i_pages);
	if (nr)
		folio_ref_unfreeze(folio, 1);
	return nr;
}

/*
 * mapping_try_invalidate() - v7.1, mm/truncate.c. Fidelity: adapted; values stay, and what could not go is not deactivated (deactivate_file_folio()):
 * hides folios on their way to the inactive list. [start, end].
 */
void invalidate_mapping_pages(struct address_space *mapping, pgoff_t start, pgoff_t end)
{
	pgoff_t indices[FOLIO_BATCH_SIZE], index = start;
	struct folio_batch fbatch;

	folio_batch_init(&fbatch);
	while (find_lock_entries(mapping, &index, end, &fbatch, indices)) {
		for (unsigned int i = 0; i < fbatch.nr; i++) {
			struct folio *folio = fbatch.folios[i];

			if (xa_is_value(folio))
				continue;
			mapping_evict_folio(mapping, folio);
			folio_unlock(folio);
		}
		folio_batch_remove_exceptionals(&fbatch);
		folio_batch_release(&fbatch);
		cond_resched();
	}
}

/* ------------------------------------------------------------------ reading ---- */

/* A fault or a read lost its folio, with its reference: it is looked up again. */
#define AOP_TRUNCATED_PAGE 1

/* Stands for the file system's ->read_folio: from the disk, at once. Locked; unlocked afterwards. */
static void read_folio(struct address_space *mapping, struct folio *folio)
{
	struct inode *inode = mapping->host;
	pgoff_t first = folio_pgoff(folio);
	long nr = folio_nr_pages(folio);

	for (long i = 0; i < nr; i++) {
		u64 *content = &machine->content[folio_pfn(folio) + (unsigned long)i];

		WRITE_ONCE(*content, access_load(&inode->disk[first + (pgoff_t)i], __ATOMIC_RELAXED));
	}
	folio_mark_uptodate(folio);
	folio_unlock(folio);
}

/*
 * page_cache_ra_order(), ra_alloc_folio() - v7.1, mm/readahead.c. Fidelity: adapted: one folio, of the order that is asked for or, at the end
 * of the file, less; the file is read at once. The invalidate_lock keeps pages that a truncate has removed from coming back.
 */
int page_cache_ra_order(struct address_space *mapping, pgoff_t index, unsigned int order)
{
	pgoff_t limit = file_end(mapping);
	struct folio *folio;
	int err = 0;

	if (index >= limit)
		return -ENOENT;
	if (order > mapping->max_order)
		order = mapping->max_order;
	filemap_invalidate_lock_shared(mapping);
	while (order > mapping->min_order && (index & ~((1ul << order) - 1)) + (1ul << order) > limit)
		order--;
	index &= ~((1ul << order) - 1);
	folio = folio_alloc_node(GFP_KERNEL, order, 0);
	if (!folio) {
		err = -ENOMEM;
	} else {
		err = filemap_add_folio(mapping, folio, index, GFP_KERNEL);
		if (!err)
			read_folio(mapping, folio);
		put_new_folio(folio, err);
	}
	filemap_invalidate_unlock_shared(mapping);
	return err;
}

/*
 * filemap_create_folio() - v7.1. Fidelity: same. Between the end of the file and the read the invalidate_lock is held, or a truncate could
 * come in between and leave the folio behind the end.
 */
static int filemap_create_folio(struct address_space *mapping, pgoff_t index)
{
	struct folio *folio = folio_alloc_node(GFP_KERNEL, mapping->min_order, 0);
	int err;

	if (!folio)
		return -ENOMEM;
	filemap_invalidate_lock_shared(mapping);
	err = filemap_add_folio(mapping, folio, index & ~((1ul << mapping->min_order) - 1), GFP_KERNEL);
	if (!err)
		read_folio(mapping, folio);
	filemap_invalidate_unlock_shared(mapping);
	put_new_folio(folio, err);
	return err;
}

/*
 * filemap_update_page() - v7.1. Fidelity: same, no partially uptodate folios. Not uptodate. AOP_TRUNCATED_PAGE: the reference is gone, look it up
 * again. Who waits for the lock has neither the invalidate_lock nor the reference: a truncate may have both meanwhile.
 */
static int filemap_update_page(struct address_space *mapping, struct folio *folio)
{
	int err = AOP_TRUNCATED_PAGE;

	filemap_invalidate_lock_shared(mapping);
	if (!folio_trylock(folio)) {
		filemap_invalidate_unlock_shared(mapping);
		folio_put_wait_locked(folio);
		return err;
	}
	if (!plain_read(folio->mapping)) {
		folio_unlock(folio);
	} else if (folio_test_uptodate(folio)) {
		err = 0;
		folio_unlock(folio);
	} else {
		read_folio(mapping, folio);
		err = 0;
	}
	filemap_invalidate_unlock_shared(mapping);
	if (err)
		folio_put(folio);
	return err;
}

/* filemap_get_pages() - v7.1. Fidelity: adapted: one folio. With a reference, and uptodate. */
static struct folio *filemap_get_pages(struct address_space *mapping, pgoff_t index)
{
	for (;;) {
		struct folio *folio = filemap_get_entry(mapping, index);
		int err;

		if (!folio || xa_is_value(folio)) {
			err = filemap_create_folio(mapping, index);
			if (err && err != -EEXIST)
				return ERR_PTR(err);
			continue;
		}
		if (folio_test_uptodate(folio))
			return folio;
		err = filemap_update_page(mapping, folio);
		if (!err)
			return folio;
	}
}

/*
 * filemap_read() - v7.1. Fidelity: adapted: one page, and nobody is told that a folio has been used. i_size is looked at after the folio is
 * known to be uptodate: else what a truncate has zeroed could be seen.
 */
int filemap_read(struct file *file, pgoff_t index, u64 *token)
{
	struct address_space *mapping = file->f_mapping;
	struct folio *folio;
	int err = -ENOENT;

	if (index >= file_end(mapping))
		return -ENOENT;
	folio = filemap_get_pages(mapping, index);
	if (IS_ERR(folio))
		return (int)PTR_ERR(folio);
	if (index < file_end(mapping)) {
		struct page *page = folio_file_page(folio, index);

		/* The load is hardware's: it finds poison itself. */
		*token = READ_ONCE(machine->content[page_to_pfn(page)]);
		err = assert_read(page->flags) & BIT(PG_hwpoison) ? -EIO : 0;
	}
	folio_put(folio);
	return err;
}

/*
 * filemap_get_read_batch() - v7.1. Fidelity: same, no readahead marks. No lock. Folios of [index, max], one behind the other, each with a
 * reference; the last one may not be uptodate. The cursor goes from slot to slot: behind a small folio may by now be the inside of a large one.
 */
static void filemap_get_read_batch(struct address_space *mapping, pgoff_t index, pgoff_t max, struct folio_batch *fbatch)
{
	XA_STATE(xas, &mapping->i_pages, index);
	struct folio *folio;

	rcu_read_lock();
	for (folio = xas_load(&xas); folio; folio = xas_next(&xas)) {
		if (xas_retry(&xas, folio))
			continue;
		if (xas.index > max || xa_is_value(folio))
			break;
		if (!bug_enabled(lookup_sibling_entry) && xa_is_sibling(folio))
			break;
		if (folio_try_get(folio)) {
			if (likely(folio == xas_reload(&xas))) {
				if (!folio_batch_add(fbatch, folio) || !folio_test_uptodate(folio))
					break;
				xas_advance(&xas, folio_next_index(folio) - 1);
				continue;
			}
			folio_put(folio);
		}
		/* It is going, or has gone: from the top again. */
		cpu_relax();
		xas_reset(&xas);
	}
	rcu_read_unlock();
}

/*
 * filemap_get_pages() - v7.1. Fidelity: adapted: readahead is an operation of its own. 0: at least one folio, from index on, and all of them
 * uptodate, each with a reference.
 */
static int filemap_get_batch(struct address_space *mapping, pgoff_t index, pgoff_t last, struct folio_batch *fbatch)
{
	struct folio *folio;
	int err;

	for (;;) {
		folio_batch_init(fbatch);
		filemap_get_read_batch(mapping, index, last, fbatch);
		if (!folio_batch_count(fbatch)) {
			err = filemap_create_folio(mapping, index);
			if (err && err != -EEXIST)
				return err;
			continue;
		}
		folio = fbatch->folios[folio_batch_count(fbatch) - 1];
		if (folio_test_uptodate(folio))
			return 0;
		if (folio_batch_count(fbatch) > 1) {
			folio_put(folio);
			fbatch->nr--;
			return 0;
		}
		if (!filemap_update_page(mapping, folio))
			return 0;
	}
}

/* How many of the pages [index, end) the folio has, which has the first. */
static pgoff_t pages_of_folio(struct folio *folio, pgoff_t index, pgoff_t end)
{
	pgoff_t nr = (pgoff_t)folio_nr_pages(folio), offset = index & (nr - 1);

	return nr - offset < end - index ? nr - offset : end - index;
}

/* So many pages of a folio, from index on, to the reader - copy_folio_to_iter(). A poisoned page ends it. Pages copied. */
static pgoff_t copy_folio_to_reader(struct folio *folio, pgoff_t index, pgoff_t nr, u64 *tokens)
{
	pgoff_t offset = index & ((pgoff_t)folio_nr_pages(folio) - 1);

	for (pgoff_t i = 0; i < nr; i++) {
		struct page *page = folio_page(folio, offset + i);

		/* The load is hardware's: it finds poison itself. */
		tokens[i] = READ_ONCE(machine->content[page_to_pfn(page)]);
		if (assert_read(page->flags) & BIT(PG_hwpoison))
			return i;
	}
	return nr;
}

/*
 * filemap_read() - v7.1. Fidelity: adapted: whole pages, and nobody is told that a folio has been used. As many pages from index on as there
 * are, nr at most; or an error. i_size is looked at after the folios are known to be uptodate.
 */
int filemap_read_pages(struct file *file, pgoff_t index, unsigned int nr, u64 *tokens)
{
	struct address_space *mapping = file->f_mapping;
	struct folio_batch fbatch;
	unsigned int done = 0;
	pgoff_t end;
	int err = 0;

	do {
		pgoff_t first = index + done;

		if (first >= file_end(mapping))
			break;
		err = filemap_get_batch(mapping, first, index + nr - 1, &fbatch);
		if (err)
			break;
		end = file_end(mapping);
		if (end > index + nr)
			end = index + nr;
		for (unsigned int i = 0; i < fbatch.nr && !err && index + done < end; i++) {
			pgoff_t wanted = pages_of_folio(fbatch.folios[i], index + done, end);
			pgoff_t copied = copy_folio_to_reader(fbatch.folios[i], index + done, wanted, tokens + done);

			done += (unsigned int)copied;
			if (copied < wanted)
				err = -EIO;
		}
		for (unsigned int i = 0; i < fbatch.nr; i++)
			folio_put(fbatch.folios[i]);
		cond_resched();
	} while (!err && index + done < end);
	return done ? (int)done : err ? err : -ENOENT;
}

/* ------------------------------------------------------------------ writing ---- */

/*
 * do_dentry_open() - v7.1, fs/open.c. Fidelity: adapted: opening for writing alone. Who writes cannot write to huge folios that the file system knows nothing
 * of: all of the cache goes. The count before the look: a collapse looks at the count after it has told of its folio.
 */
void file_open_write(struct file *file)
{
	struct address_space *mapping = file->f_mapping;

	get_write_access(file->f_inode);
	if (mapping_large_folio_support(mapping))
		return;
	if (bug_enabled(open_write_drops_other_writes) && !filemap_nr_thps(mapping))
		return;
	filemap_invalidate_lock(mapping);
	/* Who opened it first has dropped all when the lock is there, and what is in the cache now is what it has written since. */
	if (bug_enabled(open_write_drops_other_writes) || filemap_nr_thps(mapping)) {
		unmap_mapping_pages(mapping, 0, 0, false);
		truncate_inode_pages_range(mapping, 0, (pgoff_t)-1);
	}
	filemap_invalidate_unlock(mapping);
}

/* __fput() - v7.1, fs/file_table.c. Fidelity: adapted, as above. */
void file_close_write(struct file *file)
{
	put_write_access(file->f_inode);
}

/*
 * generic_perform_write() with its file system's write_begin and write_end - v7.1. Fidelity: adapted: one page, as a whole; of a large new folio
 * the rest is read first. i_rwsem is held for writing. i_size grows while the folio is locked, as a file system's write_end does it.
 */
int generic_perform_write(struct file *file, pgoff_t index, u64 token, unsigned int order)
{
	struct address_space *mapping = file->f_mapping;
	struct inode *inode = file->f_inode;
	struct folio *folio;
	u64 *content;

	if (order > mapping->max_order)
		order = mapping->max_order;
retry:
	folio = __filemap_get_folio(mapping, index, FGP_LOCK | FGP_CREAT, order);
	if (IS_ERR(folio))
		return (int)PTR_ERR(folio);
	folio_wait_writeback(folio);
	if (!folio_test_uptodate(folio) && folio_test_large(folio)) {
		read_folio(mapping, folio);
		folio_lock(folio);
		if (plain_read(folio->mapping) != (void *)mapping || !folio_contains(folio, index)) {
			folio_unlock(folio);
			folio_put(folio);
			goto retry;
		}
	}
	content = &machine->content[page_to_pfn(folio_file_page(folio, index))];
	WRITE_ONCE(*content, token);
	if (!folio_test_uptodate(folio))
		folio_mark_uptodate(folio);
	folio_mark_dirty(folio);
	if (index >= file_end(mapping))
		i_size_write(inode, (index + 1) << PAGE_SHIFT);
	folio_unlock(folio);
	folio_put(folio);
	return 0;
}

/* ------------------------------------------------------------------ write-back ---- */

/*
 * folio_clear_dirty_for_io() - v7.1, mm/page-writeback.c. Fidelity: same. Locked. First no entry can make it dirty without a fault, then the bit
 * is cleared: a store after that is a new one.
 */
static bool file_clear_dirty_for_io(struct folio *folio)
{
	if (folio_mkclean(folio))
		folio_mark_dirty(folio);
	return folio_test_clear_dirty(folio);
}

/* Stands for the file system's ->writepages of one folio. Locked; unlocked while it is written. What lies behind the end is not written. */
static void writepage(struct address_space *mapping, struct folio *folio)
{
	struct inode *inode = mapping->host;
	pgoff_t first = folio_pgoff(folio), end = file_end(mapping);
	long nr = folio_nr_pages(folio);

	folio_set_writeback(folio);
	folio_unlock(folio);
	for (long i = 0; i < nr && first + (pgoff_t)i < end; i++)
		access_store(&inode->disk[first + (pgoff_t)i],
			     READ_ONCE(machine->content[folio_pfn(folio) + (unsigned long)i]), __ATOMIC_RELAXED);
	folio_clear_writeback(folio);
}

/*
 * Is there nothing to be done for a clean folio? Who writes it has the lock from before PG_dirty goes until PG_writeback is set; in between
 * v7.1 finds it by its tag, which is still dirty, and waits for the lock. `nested`: the lock may be the caller's, so that one is not waited for.
 */
static bool clean_and_written(struct folio *folio, bool wait, bool nested)
{
	if (folio_test_dirty(folio))
		return false;
	if (wait && !nested && folio_test_locked(folio))
		return false;
	if (wait)
		folio_wait_writeback(folio);
	return true;
}

/*
 * writeback_iter() - v7.1, mm/page-writeback.c - and, with `wait`, __filemap_fdatawait_range() in the same walk, of pages [index, last]. Fidelity:
 * adapted: the disk is written by the same CPU, while PG_writeback is set and the lock is not. Not `wait` (WB_SYNC_NONE): what is being
 * written already is left out. `wait`: what another is writing is waited for, also if it is clean. `nested`: the caller has other folios locked,
 * which are clean.
 */
static void write_dirty(struct address_space *mapping, pgoff_t index, pgoff_t last, bool wait, bool nested)
{
	pgoff_t indices[FOLIO_BATCH_SIZE];
	struct folio_batch fbatch;

	folio_batch_init(&fbatch);
	while (index <= last && find_get_entries(mapping, &index, last, &fbatch, indices)) {
		for (unsigned int i = 0; i < fbatch.nr; i++) {
			struct folio *folio = fbatch.folios[i];

			if (xa_is_value(folio))
				continue;
			if (clean_and_written(folio, wait, nested))
				continue;
			if (nested)
				folio_lock_new(folio);
			else
				folio_lock(folio);
			if (wait)
				folio_wait_writeback(folio);
			if (plain_read(folio->mapping) == (void *)mapping && (wait || !folio_test_writeback(folio)) &&
			    file_clear_dirty_for_io(folio))
				writepage(mapping, folio);
			else
				folio_unlock(folio);
		}
		folio_batch_remove_exceptionals(&fbatch);
		folio_batch_release(&fbatch);
		cond_resched();
	}
}

/* filemap_write_and_wait_range() - v7.1. Fidelity: adapted, as above; pages and not bytes. */
int filemap_write_and_wait_range(struct address_space *mapping, pgoff_t first, pgoff_t last)
{
	write_dirty(mapping, first, last, true, false);
	return 0;
}

/* filemap_write_and_wait() - v7.1. Fidelity: adapted, as above. */
int filemap_write_and_wait(struct address_space *mapping)
{
	return filemap_write_and_wait_range(mapping, 0, FILE_PAGES - 1);
}

/* The same by who has other folios of the file locked. */
int filemap_write_and_wait_nested(struct address_space *mapping)
{
	write_dirty(mapping, 0, FILE_PAGES - 1, true, true);
	return 0;
}

/* filemap_flush() - v7.1. Fidelity: adapted: it is written before this returns. */
void filemap_flush(struct address_space *mapping)
{
	write_dirty(mapping, 0, FILE_PAGES - 1, false, true);
}

/* ------------------------------------------------------------------ faults ---- */

/*
 * filemap_fault() - v7.1. Fidelity: adapted: mmap_lock is kept over the read, there is no asynchronous readahead, and what has to be read is
 * one folio of vmf->order at most. filemap_fault_recheck_pte_none(), which spares a locked VMA a read when its entry is none for a moment, is left
 * out. VM_FAULT_LOCKED: vmf->page is the page, its folio locked and with a reference, and inside the file at that time.
 */
vm_fault_t filemap_fault(struct vm_fault *vmf)
{
	struct address_space *mapping = vmf->vma->vm_file->f_mapping;
	bool mapping_locked = false;
	pgoff_t index = vmf->pgoff;
	struct folio *folio;

	if (index >= file_end(mapping))
		return VM_FAULT_SIGBUS;
	folio = __filemap_get_folio(mapping, index, 0, 0);
	if (IS_ERR(folio)) {
		/* do_sync_mmap_readahead() */
		(void)page_cache_ra_order(mapping, index, vmf->order);
retry_find:
		if (!mapping_locked) {
			filemap_invalidate_lock_shared(mapping);
			mapping_locked = true;
		}
		folio = __filemap_get_folio(mapping, index, FGP_CREAT, mapping->min_order);
		if (IS_ERR(folio)) {
			filemap_invalidate_unlock_shared(mapping);
			return VM_FAULT_OOM;
		}
	} else if (!folio_test_uptodate(folio)) {
		filemap_invalidate_lock_shared(mapping);
		mapping_locked = true;
	}

	folio_lock(folio);
	if (unlikely(plain_read(folio->mapping) != (void *)mapping)) {
		folio_unlock(folio);
		folio_put(folio);
		goto retry_find;
	}
	VM_BUG_ON_FOLIO(!folio_contains(folio, index), folio);
	if (unlikely(!folio_test_uptodate(folio))) {
		if (mapping_locked)
			read_folio(mapping, folio);
		else
			folio_unlock(folio);
		folio_put(folio);
		goto retry_find;
	}
	if (mapping_locked)
		filemap_invalidate_unlock_shared(mapping);

	/* Under the lock: a truncate that comes now has to wait for it, and then unmaps. */
	if (unlikely(index >= file_end(mapping))) {
		folio_unlock(folio);
		folio_put(folio);
		return VM_FAULT_SIGBUS;
	}
	vmf->page = folio_file_page(folio, index);
	return VM_FAULT_LOCKED;
}

/* next_uptodate_folio() - v7.1. Fidelity: same. RCU is held. Locked and with a reference; what would have to be waited for is left out. */
static struct folio *next_uptodate_folio(struct xa_state *xas, struct address_space *mapping, pgoff_t end)
{
	struct folio *folio;

	for (folio = xas_find(xas, end); folio; folio = xas_next_entry(xas, end)) {
		while (xas_retry(xas, folio))
			folio = xas_find(xas, end);
		if (!folio)
			break;
		if (xa_is_value(folio))
			continue;
		if (!folio_try_get(folio))
			continue;
		if (folio_test_locked(folio))
			goto skip;
		if (unlikely(folio != xas_reload(xas)))
			goto skip;
		if (!folio_test_uptodate(folio))
			goto skip;
		if (!folio_trylock(folio))
			goto skip;
		if (plain_read(folio->mapping) != (void *)mapping)
			goto unlock;
		if (!folio_test_uptodate(folio))
			goto unlock;
		if (xas->index >= file_end(mapping))
			goto unlock;
		return folio;
unlock:
		folio_unlock(folio);
skip:
		folio_put(folio);
	}
	return NULL;
}

/*
 * filemap_map_pmd() - v7.1. Fidelity: same. The folio is locked. True: mapped huge by somebody, or by us; lock and reference are settled.
 */
static bool filemap_map_pmd(struct vm_fault *vmf, struct folio *folio)
{
	if (pmd_trans_huge(pmdp_get_lockless(vmf->pmd))) {
		folio_unlock(folio);
		folio_put(folio);
		return true;
	}
	if (pmd_none(pmdp_get_lockless(vmf->pmd)) && folio_test_pmd_mappable(folio)) {
		if (!do_set_pmd(vmf, folio)) {
			folio_unlock(folio);
			return true;
		}
	}
	if (vmf->prealloc_pte && pmd_none(pmdp_get_lockless(vmf->pmd)))
		pmd_install(vmf->vma->vm_mm, vmf->pmd, &vmf->prealloc_pte);
	return false;
}

/*
 * filemap_map_folio_range() and filemap_map_order0_folio() - v7.1. Fidelity: adapted: pages outside [start_pgoff, end_pgoff] are not mapped with the
 * rest of their folio. Runs of pages whose entries are none are mapped at once; the first run uses the reference that the lookup
 * got. Locked, so it cannot be truncated; the table's lock is held.
 */
static vm_fault_t filemap_map_folio_range(struct vm_fault *vmf, struct folio *folio, unsigned long start,
					  unsigned long addr, pte_t *pte, unsigned int nr_pages, long *rss)
{
	unsigned int ref_from_caller = 1, count = 0;
	vm_fault_t ret = 0;

	for (unsigned int i = 0; i <= nr_pages; i++) {
		struct page *page = folio_page(folio, start + i);

		if (i < nr_pages && !PageHWPoison(page) && pte_none(ptep_get(pte + i))) {
			count++;
			continue;
		}
		if (!count)
			continue;
		vmf->pte = pte + (i - count);
		set_pte_range(vmf, folio, page - count, count, addr + (i - count) * PAGE_SIZE);
		*rss += (long)count;
		/* the cache's references cover the mappings until here */
		if (count > ref_from_caller)
			folio_ref_add(folio, (int)(count - ref_from_caller));
		ref_from_caller = 0;
		if (vmf->address >= addr + (i - count) * PAGE_SIZE && vmf->address < addr + i * PAGE_SIZE)
			ret = VM_FAULT_NOPAGE;
		count = 0;
	}
	if (ref_from_caller)
		folio_ref_dec(folio);
	return ret;
}

/*
 * filemap_map_pages() - v7.1. Fidelity: same. Maps what is in the cache, uptodate and not locked, of [start_pgoff, end_pgoff], which lies in one table and
 * in the VMA. The end of the file is looked at once before, and for each folio under its lock. A folio that ends with the file is not mapped huge
 * here: v7.1 compares its end with the index of the file's last page. Of an empty file there is none, v7.1 takes the largest index for it and
 * finds nothing below the end, with the same outcome. VM_FAULT_NOPAGE: the faulting page is among it.
 */
vm_fault_t filemap_map_pages(struct vm_fault *vmf, pgoff_t start_pgoff, pgoff_t end_pgoff)
{
	struct vm_area_struct *vma = vmf->vma;
	struct address_space *mapping = vma->vm_file->f_mapping;
	XA_STATE(xas, &mapping->i_pages, start_pgoff);
	pgoff_t eof = file_end(mapping);
	unsigned long addr = vma->vm_start + ((start_pgoff - vma->vm_pgoff) << PAGE_SHIFT);
	struct folio *folio;
	vm_fault_t ret = 0;
	int counter;
	long rss = 0;
	pte_t *start_pte;

	if (!eof)
		return 0;
	if (end_pgoff >= eof)
		end_pgoff = eof - 1;
	rcu_read_lock();
	folio = next_uptodate_folio(&xas, mapping, end_pgoff);
	if (!folio)
		goto out;
	if ((eof > folio_next_index(folio) || shmem_mapping(mapping)) && filemap_map_pmd(vmf, folio)) {
		ret = VM_FAULT_NOPAGE;
		goto out;
	}
	start_pte = pte_offset_map_lock(vma->vm_mm, vmf->pmd, addr, &vmf->ptl);
	if (!start_pte) {
		folio_unlock(folio);
		folio_put(folio);
		goto out;
	}
	counter = mm_counter_file(folio);
	do {
		pgoff_t index = xas.index, last = folio_next_index(folio) - 1;

		if (last > end_pgoff)
			last = end_pgoff;
		ret |= filemap_map_folio_range(vmf, folio, index - folio_pgoff(folio),
					       addr + ((index - start_pgoff) << PAGE_SHIFT),
					       start_pte + (index - start_pgoff), (unsigned int)(last - index + 1), &rss);
		folio_unlock(folio);
		xas_set(&xas, last + 1);
		folio = next_uptodate_folio(&xas, mapping, end_pgoff);
	} while (folio);
	add_mm_counter(vma->vm_mm, counter, rss);
	pte_unmap_unlock(start_pte, vmf->ptl);
out:
	rcu_read_unlock();
	return ret;
}
