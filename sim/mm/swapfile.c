// SPDX-License-Identifier: GPL-2.0-only
/*
 * swapfile.c - the swap device: its slots, the counts of who names them, and taking the device away.
 *
 * Lock order: folio lock, page table lock, cluster lock. The cluster's lock covers the words of its table, its count and its extend
 * table; words are read without it, too, inside RCU, and a free cluster has no table at all. A slot lives by its count and by a folio in
 * the cache; whoever has neither needs get_swap_device() to look at it, and what it sees may be of another owner by then.
 * kernel-facts.md: P16, P24.
 */
#include <linux/err.h>
#include <linux/fault.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/pgtable.h>
#include <linux/rcupdate.h>
#include <linux/rmap.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <linux/swapops.h>
#include <linux/vma.h>
#include <foliofuzz/bug.h>

#define SI (&machine->swap_info)

/* When __try_to_reclaim_swap() may take a folio out of the cache. */
#define TTRS_ANYWAY 0x1
#define TTRS_UNMAPPED 0x2
#define TTRS_FULL 0x4

/* Somebody keeps the device. */
static unsigned long cluster_offset(struct swap_info_struct *si, struct swap_cluster_info *ci)
{
	return (unsigned long)(ci - access_load(&si->cluster_info, __ATOMIC_RELAXED)) * SWAPFILE_CLUSTER;
}

static bool swap_is_on(struct swap_info_struct *si)
{
	return plain_read_racy(si->flags) & SWP_WRITEOK;
}

static long swap_usage_in_pages(struct swap_info_struct *si)
{
	return atomic_long_read(&si->inuse_pages);
}

/* vm_swap_full() - v7.1, mm/swap.h. Fidelity: same: half of it. */
bool vm_swap_full(void)
{
	return atomic_long_read(&SI->nr_swap_pages) * 2 < NR_SWAP_SLOTS;
}

static void init_clusters(struct swap_cluster_info *cluster_info)
{
	for (unsigned int i = 0; i < NR_SWAP_CLUSTERS; i++) {
		spinlock_t *cluster_lock = &cluster_info[i].lock;

		spin_lock_init(cluster_lock);
	}
}

/* Boot: not in the kernel. The tables of the last execution went with its arena. */
void swap_boot(void)
{
	struct swap_info_struct *si = SI;
	spinlock_t *swap_lock = &si->lock;

	si->flags = SWP_USED | SWP_WRITEOK;
	percpu_ref_init(&si->users);
	spin_lock_init(swap_lock);
	si->inuse_pages.counter = 0;
	si->nr_swap_pages.counter = NR_SWAP_SLOTS;
	si->zeromap = 0;
	kmem_cache_init(&machine->swap_cluster_cache, "swap clusters", NR_SWAP_CLUSTERS * sizeof(struct swap_cluster_info), 0);
	si->cluster_info = kmem_cache_alloc_boot(&machine->swap_cluster_cache);
	init_clusters(si->cluster_info);
	for (unsigned int cpu = 0; cpu < KERN_CPUS; cpu++)
		for (unsigned int order = 0; order < NR_ORDERS; order++)
			si->percpu_next[cpu][order] = -1;
	for (unsigned int i = 0; i < NR_SWAP_SLOTS; i++)
		si->content[i] = 0;
}

/* ------------------------------------------------------------------ clusters ---- */

static __follows_null struct swap_cluster_info *offset_to_cluster(struct swap_info_struct *si, unsigned long offset)
{
	VM_WARN_ON_ONCE(percpu_ref_is_zero(&si->users)); /* swapoff has been here: nothing has kept the device */
	VM_WARN_ON_ONCE(offset >= NR_SWAP_SLOTS);
	return plain_read_racy(si->cluster_info) + offset / SWAPFILE_CLUSTER;
}

/* swap_cluster_lock() - v7.1, mm/swap.h. Fidelity: same. */
__follows_null struct swap_cluster_info *swap_cluster_lock(struct swap_info_struct *si, unsigned long offset)
{
	struct swap_cluster_info *ci = offset_to_cluster(si, offset);

	spin_lock(&ci->lock);
	return ci;
}

/* swap_cluster_get_and_lock() - v7.1, mm/swap.h. Fidelity: same. The folio is locked and in the cache, which keeps its slots. */
struct swap_cluster_info *swap_cluster_get_and_lock(struct folio *folio)
{
	VM_WARN_ON_FOLIO(!folio_test_locked(folio), folio);
	VM_WARN_ON_FOLIO(!folio_test_swapcache(folio), folio);
	return swap_cluster_lock(SI, swp_offset(folio_swap_entry(folio)));
}

/* swap_cluster_get_and_lock_irq() - v7.1, mm/swap.h. Fidelity: same. */
__follows_null struct swap_cluster_info *swap_cluster_get_and_lock_irq(struct folio *folio)
{
	struct swap_cluster_info *ci;

	VM_WARN_ON_FOLIO(!folio_test_locked(folio), folio);
	VM_WARN_ON_FOLIO(!folio_test_swapcache(folio), folio);
	ci = offset_to_cluster(SI, swp_offset(folio_swap_entry(folio)));
	spin_lock_irq(&ci->lock);
	return ci;
}

void swap_cluster_unlock(struct swap_cluster_info *ci)
{
	spin_unlock(&ci->lock);
}

void swap_cluster_unlock_irq(struct swap_cluster_info *ci)
{
	spin_unlock_irq(&ci->lock);
}

/*
 * swap_table_get() - v7.1, mm/swap_table.h. Fidelity: same. No lock: what it returns was true at that moment. Somebody keeps the
 * device.
 */
__follows_null unsigned long swap_table_get(struct swap_info_struct *si, unsigned long offset)
{
	struct swap_cluster_info *ci = offset_to_cluster(si, offset);
	struct swap_table *table;
	unsigned long swp_tb = 0;

	rcu_read_lock();
	table = rcu_dereference(ci->table);
	if (table)
		swp_tb = (unsigned long)atomic_long_read(&table->entries[offset % SWAPFILE_CLUSTER]);
	rcu_read_unlock();
	return swp_tb;
}

static bool cluster_table_is_alloced(struct swap_cluster_info *ci)
{
	return assert_read(ci->table) != NULL;
}

/* cluster_is_usable() - v7.1. Fidelity: adapted: without lists there is no flag that says on which it is. The lock is held. */
static bool cluster_is_usable(struct swap_cluster_info *ci, unsigned int order)
{
	if (!cluster_table_is_alloced(ci))
		return false;
	return !order || !ci->count || ci->order == order;
}

static void swap_table_free_rcu(struct rcu_head *head)
{
	kmem_cache_free(&machine->swap_table_cache, container_of(head, struct swap_table, rcu));
}

/* swap_cluster_assert_empty() - v7.1. Fidelity: same, no bad slots. The lock is held. */
static void swap_cluster_assert_empty(struct swap_cluster_info *ci, unsigned int ci_off, unsigned int nr)
{
	for (unsigned int i = ci_off; i < ci_off + nr; i++)
		WARN_ON_ONCE(assert_read(ci->table->entries[i].counter) != 0);
	WARN_ON_ONCE(nr == SWAPFILE_CLUSTER && ci->extend_table);
}

/* swap_extend_table_try_free() - v7.1. Fidelity: same. The lock is held. */
static void swap_extend_table_try_free(struct swap_cluster_info *ci)
{
	if (!ci->extend_table)
		return;
	for (unsigned int i = 0; i < SWAPFILE_CLUSTER; i++)
		if (ci->extend_table->count[i])
			return;
	kmem_cache_free(&machine->swap_extend_table_cache, ci->extend_table);
	ci->extend_table = NULL;
}

/*
 * An extend table that was got for a count which fell before it was needed is of no use to anybody: it goes with the cluster's last
 * slot. v7.1 leaves it. The lock is held.
 */
static void cluster_forget_extend_table(struct swap_cluster_info *ci)
{
	if (!bug_enabled(swap_extend_table_left))
		swap_extend_table_try_free(ci);
}

/*
 * free_cluster(), __free_cluster(), swap_cluster_free_table() - v7.1. Fidelity: adapted: no lists and no discard. Lockless readers
 * may still have the table. The lock is held.
 */
static void free_cluster(struct swap_cluster_info *ci)
{
	struct swap_table *table = ci->table;

	lockdep_assert_held(&ci->lock);
	VM_BUG_ON(ci->count);
	cluster_forget_extend_table(ci);
	swap_cluster_assert_empty(ci, 0, SWAPFILE_CLUSTER);
	rcu_assign_pointer(ci->table, NULL);
	call_rcu(&table->rcu, swap_table_free_rcu);
	ci->order = 0;
}

/*
 * swap_cluster_alloc_table() - v7.1. Fidelity: adapted: the cluster is on no list from which its isolation would keep others, so
 * it is looked at again. The lock is held, and preemption off; both may be dropped meanwhile. False: no memory, and no lock.
 */
static bool swap_cluster_alloc_table(struct swap_cluster_info *ci)
{
	struct swap_table *table = kmem_cache_alloc(&machine->swap_table_cache, GFP_ATOMIC);

	if (!table) {
		spin_unlock(&ci->lock);
		preempt_enable();
		table = kmem_cache_alloc(&machine->swap_table_cache, GFP_KERNEL);
		preempt_disable();
		spin_lock(&ci->lock);
		if (cluster_table_is_alloced(ci)) {
			if (table)
				kmem_cache_free(&machine->swap_table_cache, table);
			return true;
		}
		if (!table) {
			spin_unlock(&ci->lock);
			return false;
		}
	}
	rcu_assign_pointer(ci->table, table);
	return true;
}

/* ------------------------------------------------------------------ usage ---- */

/* swap_range_alloc(), swap_usage_add() - v7.1. Fidelity: adapted: one device: no list of those that have room. */
static void swap_range_alloc(struct swap_info_struct *si, long nr_entries)
{
	atomic_long_add(nr_entries, &si->inuse_pages);
	atomic_long_sub(nr_entries, &si->nr_swap_pages);
}

/*
 * swap_range_free(), swap_usage_sub() - v7.1. Fidelity: same, no zswap. swapoff waits for inuse_pages to be zero: everything else
 * that is known of the slots has been forgotten before.
 */
static void swap_range_free(struct swap_info_struct *si, unsigned long offset, long nr_entries)
{
	for (long i = 0; i < nr_entries; i++)
		clear_bit(offset + (unsigned long)i, &si->zeromap);
	smp_wmb();
	atomic_long_add(nr_entries, &si->nr_swap_pages);
	atomic_long_sub(nr_entries, &si->inuse_pages);
}

/*
 * __swap_cluster_free_entries() - v7.1. Fidelity: adapted: the cgroup's count of swap is not kept. The lock is held; the slots are not
 * cached, and their last count is zero, or one that goes with this.
 */
void __swap_cluster_free_entries(struct swap_info_struct *si, struct swap_cluster_info *ci, unsigned int ci_start,
				 unsigned int nr_pages)
{
	unsigned int ci_off = ci_start, ci_end = ci_start + nr_pages;

	VM_WARN_ON(ci->count < nr_pages);
	ci->count = (u16)(ci->count - nr_pages);
	do {
		unsigned long old_tb = __swap_table_get(ci, ci_off);

		VM_WARN_ON(!swp_tb_is_shadow(old_tb) || swp_tb_get_count(old_tb) > 1);
		__swap_table_set(ci, ci_off, 0);
	} while (++ci_off < ci_end);
	swap_range_free(si, cluster_offset(si, ci) + ci_start, nr_pages);
	if (!ci->count)
		cluster_forget_extend_table(ci);
	swap_cluster_assert_empty(ci, ci_start, nr_pages);
	if (!ci->count)
		free_cluster(ci);
}

/* ------------------------------------------------------------------ reclaim of the cache ---- */

/* swap_only_has_cache() - v7.1. Fidelity: same. The lock is held. */
static bool swap_only_has_cache(struct swap_cluster_info *ci, unsigned long offset, int nr_pages)
{
	unsigned int ci_off = offset % SWAPFILE_CLUSTER, ci_end = ci_off + (unsigned int)nr_pages;

	do {
		unsigned long swp_tb = __swap_table_get(ci, ci_off);

		VM_WARN_ON_ONCE(!swp_tb_is_folio(swp_tb));
		if (swp_tb_get_count(swp_tb))
			return false;
	} while (++ci_off < ci_end);
	return true;
}

/* folio_swapcache_freeable() - v7.1. Fidelity: same, no hibernation. */
static bool folio_swapcache_freeable(struct folio *folio)
{
	VM_BUG_ON_FOLIO(!folio_test_locked(folio), folio);
	if (!folio_test_swapcache(folio))
		return false;
	return !folio_test_writeback(folio);
}

/*
 * __try_to_reclaim_swap() - v7.1. Fidelity: same. Pages of the folio that is in the cache for the slot: positive, it was taken out of it;
 * negative, it was not. 0: none is. The slot may be anybody's by now; somebody keeps the device. Only tries for the lock: the caller may
 * hold another folio's, or a page table's.
 */
static int __try_to_reclaim_swap(struct swap_info_struct *si, unsigned long offset, unsigned int flags)
{
	const swp_entry_t entry = swp_entry(offset);
	struct swap_cluster_info *ci;
	struct folio *folio;
	int ret, nr_pages;
	bool need_reclaim;

again:
	folio = swap_cache_get_folio(entry);
	if (!folio)
		return 0;
	nr_pages = (int)folio_nr_pages(folio);
	ret = -nr_pages;
	if (!folio_trylock(folio)) {
		folio_put(folio);
		return ret;
	}
	if (!folio_matches_swap_entry(folio, entry)) {
		folio_unlock(folio);
		folio_put(folio);
		goto again;
	}
	offset = swp_offset(folio_swap_entry(folio));

	need_reclaim = (flags & TTRS_ANYWAY) || ((flags & TTRS_UNMAPPED) && !folio_mapped(folio)) ||
		       ((flags & TTRS_FULL) && mem_cgroup_swap_full(folio));
	if (need_reclaim && folio_swapcache_freeable(folio)) {
		ci = swap_cluster_lock(si, offset);
		if (swap_only_has_cache(ci, offset, nr_pages))
			ret = nr_pages;
		swap_cluster_unlock(ci);
	}
	if (ret > 0) {
		swap_cache_del_folio(folio);
		folio_set_dirty(folio);
	}
	folio_unlock(folio);
	folio_put(folio);
	return ret;
}

/* ------------------------------------------------------------------ allocation ---- */

/*
 * cluster_reclaim_range() - v7.1. Fidelity: same. The lock is held, and dropped meanwhile: the cluster may be free, or another
 * order's, when it is back. True: the range is free now.
 */
static bool cluster_reclaim_range(struct swap_info_struct *si, struct swap_cluster_info *ci, unsigned long start,
				  unsigned int order, bool *usable)
{
	unsigned long offset = start, end = start + (1ul << order);

	spin_unlock(&ci->lock);
	do {
		unsigned long swp_tb = swap_table_get(si, offset);

		if (swp_tb_get_count(swp_tb))
			break;
		if (swp_tb_is_folio(swp_tb) && __try_to_reclaim_swap(si, offset, TTRS_ANYWAY) < 0)
			break;
	} while (++offset < end);
	spin_lock(&ci->lock);

	*usable = cluster_is_usable(ci, order);
	if (!*usable)
		return false;
	if (!ci->count)
		return true;
	for (offset = start; offset < end; offset++)
		if (__swap_table_get(ci, offset % SWAPFILE_CLUSTER))
			return false;
	return true;
}

/* cluster_scan_range() - v7.1. Fidelity: same. The lock is held. True: free, or held by the cache alone and worth a try. */
static bool cluster_scan_range(struct swap_cluster_info *ci, unsigned long offset, unsigned int nr_pages,
			       bool *need_reclaim)
{
	for (unsigned int i = 0; i < nr_pages; i++) {
		unsigned long swp_tb = __swap_table_get(ci, offset % SWAPFILE_CLUSTER + i);
		bool only_cached = swp_tb_is_folio(swp_tb) && !swp_tb_get_count(swp_tb);

		VM_WARN_ON(!swp_tb_is_null(swp_tb) && !only_cached && !swp_tb_get_count(swp_tb));
		if (only_cached && vm_swap_full())
			*need_reclaim = true;
		else if (!swp_tb_is_null(swp_tb))
			return false;
	}
	return true;
}

/* __swap_cluster_alloc_entries() - v7.1. Fidelity: same, no hibernation. The lock is held, which swapoff waits for. */
static bool __swap_cluster_alloc_entries(struct swap_info_struct *si, struct swap_cluster_info *ci, struct folio *folio,
					 unsigned int ci_off)
{
	unsigned int order = folio_order(folio), nr_pages = 1u << order;

	lockdep_assert_held(&ci->lock);
	if (!swap_is_on(si))
		return false;
	swap_cluster_assert_empty(ci, ci_off, nr_pages);
	__swap_cache_add_folio(ci, folio, swp_entry(cluster_offset(si, ci) + ci_off));
	if (!ci->count)
		ci->order = (u8)order;
	ci->count = (u16)(ci->count + nr_pages);
	swap_range_alloc(si, nr_pages);
	return true;
}

/*
 * alloc_swap_scan_cluster(), relocate_cluster() - v7.1. Fidelity: adapted: no lists, and when swap is nearly full a full cluster is
 * looked at here, where v7.1 passes it over and leaves its cached folios to swap_reclaim_full_clusters(), which takes them whatever
 * order is wanted and allocates nothing: hides a folio of another order that goes meanwhile. The lock is held, and dropped;
 * preemption is off. Whether it found something: PG_swapcache.
 */
static void alloc_swap_scan_cluster(struct swap_info_struct *si, struct swap_cluster_info *ci, struct folio *folio,
				    unsigned long offset)
{
	unsigned int order = folio_order(folio), nr_pages = 1u << order;
	unsigned long start = cluster_offset(si, ci), end = start + SWAPFILE_CLUSTER;
	s8 next = -1;

	VM_WARN_ON(!cluster_is_usable(ci, order));
	if (ci->count + nr_pages > SWAPFILE_CLUSTER && !vm_swap_full())
		goto out;
	for (end -= nr_pages; offset <= end; offset += nr_pages) {
		bool need_reclaim = false, usable;

		if (!cluster_scan_range(ci, offset, nr_pages, &need_reclaim))
			continue;
		if (need_reclaim) {
			bool ret = cluster_reclaim_range(si, ci, offset, order, &usable);

			if (!usable)
				goto out;
			if (!ci->count)
				offset = start;
			if (!ret)
				continue;
		}
		if (!__swap_cluster_alloc_entries(si, ci, folio, offset % SWAPFILE_CLUSTER))
			break;
		offset += nr_pages;
		if (ci->count < SWAPFILE_CLUSTER && offset <= end)
			next = (s8)offset;
		break;
	}
out:
	if (!ci->count && cluster_table_is_alloced(ci))
		free_cluster(ci);
	swap_cluster_unlock(ci);
	si->percpu_next[smp_processor_id()][order] = next;
}

/* get_swap_device_info() - v7.1. Fidelity: same. */
static bool get_swap_device_info(struct swap_info_struct *si)
{
	if (!percpu_ref_tryget_live(&si->users))
		return false;
	smp_rmb();
	return true;
}

/* swap_alloc_fast() - v7.1. Fidelity: same: where this CPU left off. Preemption is off. */
static bool swap_alloc_fast(struct swap_info_struct *si, struct folio *folio)
{
	unsigned int order = folio_order(folio);
	int offset = si->percpu_next[smp_processor_id()][order];
	struct swap_cluster_info *ci;

	if (offset < 0 || !get_swap_device_info(si))
		return false;
	ci = swap_cluster_lock(si, (unsigned long)offset);
	if (cluster_is_usable(ci, order)) {
		unsigned long from = ci->count ? (unsigned long)offset : cluster_offset(si, ci);

		alloc_swap_scan_cluster(si, ci, folio, from);
	} else {
		swap_cluster_unlock(ci);
	}
	put_swap_device(si);
	return folio_test_swapcache(folio);
}

/* Which clusters are worth a look: free ones first, then those of the order, and a small folio takes what there is. */
enum cluster_kind { CLUSTER_FREE, CLUSTER_SAME_ORDER, CLUSTER_ANY, CLUSTER_KINDS };

static bool cluster_is_kind(struct swap_cluster_info *ci, enum cluster_kind kind, unsigned int order)
{
	if (kind == CLUSTER_FREE)
		return !ci->count;
	return ci->count && (kind == CLUSTER_ANY || ci->order == order);
}

/*
 * swap_alloc_slow(), cluster_alloc_swap_entry(), isolate_lock_cluster() - v7.1. Fidelity: adapted: clusters are tried in their order
 * and not in that of lists by fill and order; a contended one is passed by, as there. Preemption is off.
 */
static __follows_null void swap_alloc_slow(struct swap_info_struct *si, struct folio *folio)
{
	unsigned int order = folio_order(folio);

	if (!swap_is_on(si) || !get_swap_device_info(si))
		return;
	for (enum cluster_kind kind = CLUSTER_FREE; kind < CLUSTER_KINDS; kind++) {
		if (kind == CLUSTER_ANY && order)
			break;
		for (unsigned int i = 0; i < NR_SWAP_CLUSTERS; i++) {
			struct swap_cluster_info *ci = offset_to_cluster(si, i * SWAPFILE_CLUSTER);

			if (!spin_trylock(&ci->lock))
				continue;
			if (!cluster_is_kind(ci, kind, order)) {
				spin_unlock(&ci->lock);
				continue;
			}
			if (!cluster_table_is_alloced(ci) && !swap_cluster_alloc_table(ci))
				continue;
			if (!cluster_is_usable(ci, order)) {
				spin_unlock(&ci->lock);
				continue;
			}
			alloc_swap_scan_cluster(si, ci, folio, cluster_offset(si, ci));
			if (folio_test_swapcache(folio))
				goto out;
		}
	}
out:
	put_swap_device(si);
}

/* mem_cgroup_try_charge_swap() - v7.1, mm/memcontrol.c. Fidelity: stub: no counter; over the limit is an injected failure. */
static bool mem_cgroup_try_charge_swap(struct folio *folio)
{
	if (mem_cgroup_disabled() || !folio_memcg_charged(folio))
		return false;
	return alloc_should_fail(GFP_KERNEL);
}

/*
 * folio_alloc_swap() - v7.1; v6.12: folio_alloc_swap() and add_to_swap(). Fidelity: same. The folio is locked and up to date; its owner
 * has it on no LRU. -ENOMEM: not in the cache.
 */
int folio_alloc_swap(struct folio *folio)
{
	struct swap_info_struct *si = SI;

	VM_BUG_ON_FOLIO(!folio_test_locked(folio), folio);
	VM_BUG_ON_FOLIO(!folio_test_uptodate(folio), folio);
	VM_WARN_ON_ONCE(folio_nr_pages(folio) > SWAPFILE_CLUSTER);

	preempt_disable(); /* the kernel's local lock of percpu_swap_cluster */
	if (!swap_alloc_fast(si, folio))
		swap_alloc_slow(si, folio);
	preempt_enable();
	if (!folio_test_swapcache(folio))
		return -ENOMEM;
	if (mem_cgroup_try_charge_swap(folio)) {
		swap_cache_del_folio(folio);
		return -ENOMEM;
	}
	return 0;
}

/* ------------------------------------------------------------------ counts ---- */

/*
 * swap_extend_table_alloc() - v7.1. Fidelity: same. Nothing is held, or what forbids sleeping, as gfp says. Another CPU may have been
 * faster.
 */
static int swap_extend_table_alloc(struct swap_cluster_info *ci, gfp_t gfp)
{
	struct swap_extend_table *table = kmem_cache_alloc(&machine->swap_extend_table_cache, gfp);

	if (!table)
		return -ENOMEM;
	spin_lock(&ci->lock);
	/* a cluster that is free by now counts nothing */
	if (!ci->extend_table && (cluster_table_is_alloced(ci) || bug_enabled(swap_extend_table_left))) {
		ci->extend_table = table;
		table = NULL;
	}
	if (table)
		kmem_cache_free(&machine->swap_extend_table_cache, table);
	spin_unlock(&ci->lock);
	return 0;
}

/*
 * swap_retry_table_alloc() - v7.1. Fidelity: same. For fork, which could not have the table without sleeping. No lock keeps the slot
 * any more: the table may be for nobody.
 */
__follows_null int swap_retry_table_alloc(swp_entry_t entry, gfp_t gfp)
{
	struct swap_info_struct *si = get_swap_device(entry);
	struct swap_cluster_info *ci;
	int ret;

	if (!si)
		return 0;
	ci = offset_to_cluster(si, swp_offset(entry));
	ret = swap_extend_table_alloc(ci, gfp);
	put_swap_device(si);
	return ret;
}

/* __swap_cluster_put_entry() - v7.1. Fidelity: same. The lock is held. One less; the slot is not freed by it. */
static void __swap_cluster_put_entry(struct swap_cluster_info *ci, unsigned int ci_off)
{
	unsigned long swp_tb = __swap_table_get(ci, ci_off);
	int count = swp_tb_get_count(swp_tb);

	lockdep_assert_held(&ci->lock);
	VM_WARN_ON_ONCE(count <= 0);
	if (count < SWP_TB_COUNT_MAX) {
		__swap_table_set(ci, ci_off, swp_tb_mk_count(swp_tb, count - 1));
		return;
	}
	count = (int)ci->extend_table->count[ci_off] - 1;
	VM_WARN_ON_ONCE(count < SWP_TB_COUNT_MAX - 1);
	if (count == SWP_TB_COUNT_MAX - 1) {
		ci->extend_table->count[ci_off] = 0;
		__swap_table_set(ci, ci_off, swp_tb_mk_count(swp_tb, count));
		swap_extend_table_try_free(ci);
	} else {
		ci->extend_table->count[ci_off] = (unsigned int)count;
	}
}

/*
 * swap_put_entries_cluster() - v7.1. Fidelity: same. Something of the caller's keeps the slots until their counts are down, and
 * the device for as long as this takes. What is cached stays in use until the folio leaves the cache; with reclaim_cache that is tried at
 * once, but then nothing keeps the slots any more.
 */
static void swap_put_entries_cluster(struct swap_info_struct *si, unsigned long offset, int nr, bool reclaim_cache)
{
	unsigned int ci_off = offset % SWAPFILE_CLUSTER, ci_end = ci_off + (unsigned int)nr;
	struct swap_cluster_info *ci = swap_cluster_lock(si, offset);
	unsigned long end = offset + (unsigned long)nr;
	bool need_reclaim = false;
	int ci_batch = -1;

	do {
		unsigned long swp_tb = __swap_table_get(ci, ci_off);

		if (swp_tb_get_count(swp_tb) == 1) {
			if (!swp_tb_is_folio(swp_tb)) {
				if (ci_batch == -1)
					ci_batch = (int)ci_off;
				continue;
			}
			need_reclaim = true;
		}
		__swap_cluster_put_entry(ci, ci_off);
		if (ci_batch != -1) {
			__swap_cluster_free_entries(si, ci, (unsigned int)ci_batch, ci_off - (unsigned int)ci_batch);
			ci_batch = -1;
		}
	} while (++ci_off < ci_end);
	if (ci_batch != -1)
		__swap_cluster_free_entries(si, ci, (unsigned int)ci_batch, ci_off - (unsigned int)ci_batch);
	swap_cluster_unlock(ci);

	if (!need_reclaim || !reclaim_cache)
		return;
	do {
		int nr_reclaimed = __try_to_reclaim_swap(si, offset, TTRS_UNMAPPED | TTRS_FULL);

		offset++;
		if (nr_reclaimed) {
			unsigned long size = (unsigned long)(nr_reclaimed < 0 ? -nr_reclaimed : nr_reclaimed);

			offset = (offset + size - 1) & ~(size - 1);
		}
	} while (offset < end);
}

/* __swap_cluster_dup_entry() - v7.1. Fidelity: same. The lock is held. -ENOMEM: needs the extend table. */
static int __swap_cluster_dup_entry(struct swap_cluster_info *ci, unsigned int ci_off)
{
	unsigned long swp_tb = __swap_table_get(ci, ci_off);
	int count = swp_tb_get_count(swp_tb);

	lockdep_assert_held(&ci->lock);
	if (WARN_ON_ONCE(!count && !swp_tb_is_folio(swp_tb)))
		return -ENOENT;
	if (count < SWP_TB_COUNT_MAX - 1) {
		__swap_table_set(ci, ci_off, swp_tb_mk_count(swp_tb, count + 1));
		VM_WARN_ON_ONCE(ci->extend_table && ci->extend_table->count[ci_off]);
	} else if (count == SWP_TB_COUNT_MAX - 1) {
		if (!ci->extend_table)
			return -ENOMEM;
		VM_WARN_ON_ONCE(ci->extend_table->count[ci_off]);
		ci->extend_table->count[ci_off] = SWP_TB_COUNT_MAX;
		__swap_table_set(ci, ci_off, swp_tb_mk_count(swp_tb, SWP_TB_COUNT_MAX));
	} else {
		ci->extend_table->count[ci_off]++;
	}
	return 0;
}

/*
 * swap_dup_entries_cluster() - v7.1. Fidelity: same. A count or the locked folio in the cache keeps the slots. The lock is dropped for
 * the extend table, which another CPU's put may have freed again by the time it is back.
 */
static int swap_dup_entries_cluster(struct swap_info_struct *si, unsigned long offset, int nr)
{
	unsigned int ci_start = offset % SWAPFILE_CLUSTER, ci_off = ci_start, ci_end = ci_start + (unsigned int)nr;
	struct swap_cluster_info *ci = swap_cluster_lock(si, offset);
	int err;

	while (ci_off < ci_end) {
		err = __swap_cluster_dup_entry(ci, ci_off);
		if (!err) {
			ci_off++;
			continue;
		}
		if (err == -ENOMEM) {
			spin_unlock(&ci->lock);
			err = swap_extend_table_alloc(ci, GFP_ATOMIC);
			spin_lock(&ci->lock);
		}
		if (err)
			goto failed;
	}
	swap_cluster_unlock(ci);
	return 0;
failed:
	while (ci_off-- > ci_start)
		__swap_cluster_put_entry(ci, ci_off);
	swap_extend_table_try_free(ci);
	swap_cluster_unlock(ci);
	return err;
}

/* folio_dup_swap() - v7.1. Fidelity: same. The folio is locked and in the cache; its first counts come only from here. */
int folio_dup_swap(struct folio *folio, struct page *subpage)
{
	unsigned long offset = swp_offset(folio_swap_entry(folio));
	int nr_pages = (int)folio_nr_pages(folio);

	VM_WARN_ON_FOLIO(!folio_test_locked(folio), folio);
	VM_WARN_ON_FOLIO(!folio_test_swapcache(folio), folio);
	if (subpage) {
		offset += folio_page_idx(folio, subpage);
		nr_pages = 1;
	}
	return swap_dup_entries_cluster(SI, offset, nr_pages);
}

/* folio_put_swap() - v7.1. Fidelity: same. The folio is locked and in the cache, so the slots stay in use. */
void folio_put_swap(struct folio *folio, struct page *subpage)
{
	unsigned long offset = swp_offset(folio_swap_entry(folio));
	int nr_pages = (int)folio_nr_pages(folio);

	VM_WARN_ON_FOLIO(!folio_test_locked(folio), folio);
	VM_WARN_ON_FOLIO(!folio_test_swapcache(folio), folio);
	if (subpage) {
		offset += folio_page_idx(folio, subpage);
		nr_pages = 1;
	}
	swap_put_entries_cluster(SI, offset, nr_pages, false);
}

/* get_swap_device() - v7.1. Fidelity: same. NULL: the entry is nobody's any more, since swapoff has been at work. */
struct swap_info_struct *get_swap_device(swp_entry_t entry)
{
	struct swap_info_struct *si = SI;

	if (!entry.val || !get_swap_device_info(si))
		return NULL;
	VM_WARN_ON_ONCE(swp_offset(entry) >= NR_SWAP_SLOTS);
	return si;
}

void put_swap_device(struct swap_info_struct *si)
{
	percpu_ref_put(&si->users);
}

/* swap_entry_swapped() - v7.1. Fidelity: same. Somebody keeps the device; the answer is true at that moment. */
bool swap_entry_swapped(struct swap_info_struct *si, swp_entry_t entry)
{
	struct swap_cluster_info *ci = swap_cluster_lock(si, swp_offset(entry));
	unsigned long swp_tb = swap_table_get(si, swp_offset(entry));

	swap_cluster_unlock(ci);
	return swp_tb_get_count(swp_tb) > 0;
}

/*
 * folio_maybe_swapped() - v7.1. Fidelity: same. The folio's lock keeps its counts from leaving zero, and nothing keeps them from
 * getting there: true may be stale.
 */
static __follows_null bool folio_maybe_swapped(struct folio *folio)
{
	unsigned long offset = swp_offset(folio_swap_entry(folio));
	struct swap_cluster_info *ci = offset_to_cluster(SI, offset);
	unsigned int ci_off = offset % SWAPFILE_CLUSTER, ci_end = ci_off + (unsigned int)folio_nr_pages(folio);
	bool ret = false;

	VM_WARN_ON_FOLIO(!folio_test_locked(folio), folio);
	VM_WARN_ON_FOLIO(!folio_test_swapcache(folio), folio);
	rcu_read_lock();
	do {
		struct swap_table *table = rcu_dereference(ci->table);

		ret = swp_tb_get_count((unsigned long)atomic_long_read(&table->entries[ci_off]));
	} while (!ret && ++ci_off < ci_end);
	rcu_read_unlock();
	return ret;
}

/* folio_free_swap() - v7.1. Fidelity: same. Locked. The page's content is nowhere else any more: dirty. */
bool folio_free_swap(struct folio *folio)
{
	if (!folio_swapcache_freeable(folio))
		return false;
	if (folio_maybe_swapped(folio))
		return false;
	swap_cache_del_folio(folio);
	folio_set_dirty(folio);
	return true;
}

/*
 * swap_put_entries_direct() - v7.1; before: free_swap_and_cache_nr(). Fidelity: same. The entries were the caller's: their page table is
 * locked. Once the counts are down nothing of the caller's keeps the device, and it still looks at the cache: hence the user.
 */
void swap_put_entries_direct(swp_entry_t entry, int nr)
{
	unsigned long offset = swp_offset(entry), end = offset + (unsigned long)nr;
	struct swap_info_struct *si = bug_enabled(swap_free_vs_swapoff) ? SI : get_swap_device(entry);

	if (WARN_ON_ONCE(!si))
		return;
	while (offset < end) {
		unsigned long cluster_end = (offset / SWAPFILE_CLUSTER + 1) * SWAPFILE_CLUSTER;

		if (cluster_end > end)
			cluster_end = end;
		swap_put_entries_cluster(si, offset, (int)(cluster_end - offset), true);
		offset = cluster_end;
	}
	if (!bug_enabled(swap_free_vs_swapoff))
		put_swap_device(si);
}

/* swap_dup_entry_direct() - v7.1. Fidelity: same. The caller has an entry, in a locked page table, so the count is not zero. */
int swap_dup_entry_direct(swp_entry_t entry)
{
	VM_WARN_ON_ONCE(!swap_entry_swapped(SI, entry));
	return swap_dup_entries_cluster(SI, swp_offset(entry), 1);
}

/* ------------------------------------------------------------------ swapoff ---- */

/*
 * unuse_pte() - v7.1. Fidelity: same, no KSM. The folio is locked and not under writeback; somebody may have taken it out of the cache
 * before it was locked, and the entry may have gone or changed. 1: mapped; 0: not any more. mmap_lock is held.
 */
static int unuse_pte(struct vm_area_struct *vma, pmd_t *pmd, unsigned long addr, swp_entry_t entry, struct folio *folio)
{
	struct mm_struct *mm = vma->vm_mm;
	pte_t *pte, new_pte, old_pte;
	struct page *page;
	bool hwpoisoned;
	spinlock_t *ptl;
	int ret = 1;

	if (!folio_matches_swap_entry(folio, entry))
		return 0;
	page = folio_page(folio, swp_offset(entry) - swp_offset(folio_swap_entry(folio)));
	hwpoisoned = PageHWPoison(page);
	pte = pte_offset_map_lock(mm, pmd, addr, &ptl);
	if (!pte)
		return 0;
	old_pte = ptep_get(pte);
	if (softleaf_from_pte(old_pte).val != entry.val) {
		ret = 0;
		goto out;
	}
	/*
	 * A large folio that a fault has read and not mapped yet: only that fault knows whether all its pages are one mm's. Out of
	 * the cache with it, so that the fault finds it gone, and the next round reads the page alone.
	 */
	if (!bug_enabled(swapoff_maps_new_large_folio) && folio_test_large(folio) && !folio_test_anon(folio)) {
		swap_cache_del_folio(folio);
		ret = 0;
		goto out;
	}

	dec_mm_counter(mm, MM_SWAPENTS);
	if (hwpoisoned || !folio_test_uptodate(folio)) {
		softleaf_t leaf = hwpoisoned ? make_hwpoison_entry(page) : make_pte_marker(PTE_MARKER_POISONED);

		new_pte = swp_entry_to_pte(leaf);
		ret = 0;
	} else {
		rmap_t rmap_flags = pte_swp_exclusive(old_pte) ? RMAP_EXCLUSIVE : RMAP_NONE;

		VM_BUG_ON_FOLIO(folio_test_writeback(folio), folio);
		inc_mm_counter(mm, MM_ANONPAGES);
		folio_get(folio);
		if (!folio_test_anon(folio)) {
			VM_WARN_ON_ONCE(folio_test_large(folio));
			folio_add_new_anon_rmap(folio, vma, addr, rmap_flags);
		} else {
			folio_add_anon_rmap_pte(folio, page, vma, addr, rmap_flags);
		}
		new_pte = pte_mkold(mk_pte(page, vma->vm_page_prot));
		if (pte_swp_soft_dirty(old_pte))
			new_pte = pte_mksoft_dirty(new_pte);
		if (pte_swp_uffd_wp(old_pte))
			new_pte = pte_mkuffd_wp(new_pte);
	}
	set_pte_at(mm, addr, pte, new_pte);
	folio_put_swap(folio, page);
out:
	pte_unmap_unlock(pte, ptl);
	return ret;
}

/*
 * unuse_pte_range(), for one entry - v7.1. Fidelity: same. The entry was seen without a lock: its slot may be another's by now, and
 * everything is looked at again with the folio locked. -ENOMEM.
 */
static int unuse_entry(struct vm_area_struct *vma, pmd_t *pmd, unsigned long addr, swp_entry_t entry)
{
	struct folio *folio = swap_cache_get_folio(entry);

	if (!folio) {
		struct vm_fault vmf = { .vma = vma, .address = addr, .pmd = pmd };

		folio = swapin_readahead(entry, GFP_KERNEL, &vmf);
	}
	if (!folio)
		return swp_tb_get_count(swap_table_get(SI, swp_offset(entry))) > 0 ? -ENOMEM : 0;
	folio_lock(folio);
	folio_wait_writeback(folio);
	(void)unuse_pte(vma, pmd, addr, entry, folio);
	folio_free_swap(folio);
	folio_unlock(folio);
	folio_put(folio);
	return 0;
}

/* unuse_vma(), unuse_p4d_range() down to unuse_pte_range() - v7.1. Fidelity: same. mmap_lock is held for reading. */
static int unuse_vma(struct vm_area_struct *vma)
{
	for (unsigned long addr = vma->vm_start; addr < vma->vm_end; addr += PAGE_SIZE) {
		pmd_t *pmd = pmd_offset(vma->vm_mm, addr), pmdval;
		softleaf_t entry;
		spinlock_t *ptl;
		pte_t *pte;
		int ret;

		pte = pte_offset_map_rw_nolock(vma->vm_mm, pmd, addr, &pmdval, &ptl);
		if (!pte)
			continue;
		entry = softleaf_from_pte(ptep_get_lockless(pte));
		pte_unmap(pte);
		if (!softleaf_is_swap(entry))
			continue;
		ret = unuse_entry(vma, pmd, addr, entry);
		if (ret)
			return ret;
	}
	return 0;
}

/*
 * unuse_mm() - v7.1. Fidelity: same. The caller has a user of the mm. A half-built copy is not looked at: up to v6.19 there is a marker
 * among its VMAs.
 */
static __follows_null int unuse_mm(struct mm_struct *mm)
{
	int ret = 0;

	mmap_read_lock(mm);
	if (!bug_enabled(mm_half_forked_visible) && test_bit(MMF_UNSTABLE, &mm->flags))
		goto unlock;
	for (unsigned int i = 0; i < vma_tree_entries(mm) && !ret; i++) {
		if (plain_read_racy(mm->vmas[i]->anon_vma))
			ret = unuse_vma(mm->vmas[i]);
		cond_resched();
	}
unlock:
	mmap_read_unlock(mm);
	return ret;
}

/* The part of try_to_unuse() that goes over the mms - v7.1. Fidelity: same. The user of the last mm keeps its place in the list. */
static int unuse_mms(struct swap_info_struct *si)
{
	struct mm_struct *prev_mm = NULL;
	struct list_head *p;
	int ret = 0;

	spin_lock(&machine->mmlist_lock);
	p = &machine->mmlist;
	while (swap_usage_in_pages(si)) {
		struct mm_struct *mm;

		p = list_next_(p);
		if (p == &machine->mmlist)
			break;
		mm = list_entry(p, struct mm_struct, mmlist);
		if (bug_enabled(mm_teardown_vs_vma_iteration))
			atomic_inc(&mm->mm_users);
		else if (!atomic_inc_not_zero(&mm->mm_users))
			continue;
		spin_unlock(&machine->mmlist_lock);
		if (prev_mm)
			mmput(prev_mm);
		prev_mm = mm;
		ret = unuse_mm(mm);
		if (ret) {
			mmput(prev_mm);
			return ret;
		}
		spin_lock(&machine->mmlist_lock);
	}
	spin_unlock(&machine->mmlist_lock);
	if (prev_mm)
		mmput(prev_mm);
	return 0;
}

/* How often try_to_unuse() goes round before somebody loses patience and sends a signal. */
#define UNUSE_ROUNDS 6

/*
 * try_to_unuse() - v7.1. Fidelity: adapted: slots are looked at from the first on, which is not the header's here, and a signal comes
 * after some rounds. No new slots are given out meanwhile. -ENOMEM, -EINTR.
 */
static int try_to_unuse(struct swap_info_struct *si)
{
	for (int round = 0; swap_usage_in_pages(si); round++) {
		int ret = shmem_unuse();

		if (!ret)
			ret = unuse_mms(si);
		if (ret)
			return ret;
		for (unsigned long i = 0; i < NR_SWAP_SLOTS && swap_usage_in_pages(si); i++) {
			struct folio *folio;

			if (!swap_table_get(si, i))
				continue;
			folio = swap_cache_get_folio(swp_entry(i));
			if (!folio)
				continue;
			/* by now it may be another slot's: folio_free_swap() takes it out of the cache only if nobody needs it there */
			folio_lock(folio);
			folio_wait_writeback(folio);
			folio_free_swap(folio);
			folio_unlock(folio);
			folio_put(folio);
		}
		if (!swap_usage_in_pages(si))
			break;
		if (round == UNUSE_ROUNDS)
			return -EINTR;
		cpu_relax();
	}
	smp_mb();
	return 0;
}

/* drain_mmlist() - v7.1. Fidelity: same. No slot is in use. */
static void drain_mmlist(struct swap_info_struct *si)
{
	if (swap_usage_in_pages(si))
		return;
	spin_lock(&machine->mmlist_lock);
	while (!list_empty(&machine->mmlist)) {
		struct list_head *entry = list_next_(&machine->mmlist);

		/* mmput() looks at the link without the lock: who finds it empty must find it done */
		if (bug_enabled(mmput_empty_test_vs_drain))
			list_del_init(entry);
		else
			list_del_init_careful(entry);
	}
	spin_unlock(&machine->mmlist_lock);
}

/* wait_for_allocation() - v7.1. Fidelity: same: whoever found the device on and holds a cluster's lock is through with it. */
static __follows_null void wait_for_allocation(struct swap_info_struct *si)
{
	for (unsigned int i = 0; i < NR_SWAP_CLUSTERS; i++) {
		struct swap_cluster_info *ci = offset_to_cluster(si, i * SWAPFILE_CLUSTER);

		spin_lock(&ci->lock);
		spin_unlock(&ci->lock);
	}
}

/* free_swap_cluster_info() - v7.1. Fidelity: same, no bad slots, so no cluster has a table left. Nobody has the device. */
static void free_swap_cluster_info(struct swap_cluster_info *cluster_info)
{
	for (unsigned int i = 0; i < NR_SWAP_CLUSTERS; i++) {
		spin_lock(&cluster_info[i].lock);
		WARN_ON_ONCE(cluster_table_is_alloced(&cluster_info[i]));
		spin_unlock(&cluster_info[i].lock);
	}
	kmem_cache_free(&machine->swap_cluster_cache, cluster_info);
}

/*
 * swapoff(2) - v7.1. Fidelity: adapted: one device and no file behind it; swap_lock and the device's lock are one; the map of zeroes
 * is not freed. 0, -EINVAL: it was not on, or another errno: it is on again.
 */
int swapoff(void)
{
	struct swap_info_struct *si = SI;
	struct swap_cluster_info *cluster_info;
	int err;

	spin_lock(&si->lock);
	if (!swap_is_on(si)) {
		spin_unlock(&si->lock);
		return -EINVAL;
	}
	plain_rmw_racy(si->flags, old_ & ~SWP_WRITEOK);
	atomic_long_sub((long)NR_SWAP_SLOTS, &si->nr_swap_pages);
	spin_unlock(&si->lock);
	wait_for_allocation(si);

	err = try_to_unuse(si);
	if (err) {
		spin_lock(&si->lock);
		atomic_long_add(NR_SWAP_SLOTS, &si->nr_swap_pages);
		plain_rmw_racy(si->flags, old_ | SWP_WRITEOK);
		spin_unlock(&si->lock);
		return err;
	}

	percpu_ref_kill(&si->users);
	synchronize_rcu();
	percpu_ref_wait_zero(&si->users);
	spin_lock(&si->lock);
	drain_mmlist(si);
	cluster_info = access_load(&si->cluster_info, __ATOMIC_RELAXED);
	plain_write_racy(si->cluster_info, NULL);
	WARN_ON_ONCE(assert_read(si->zeromap));
	spin_unlock(&si->lock);
	free_swap_cluster_info(cluster_info);
	spin_lock(&si->lock);
	plain_write_racy(si->flags, 0);
	spin_unlock(&si->lock);
	return 0;
}

/* alloc_swap_info() - v7.1. Fidelity: adapted: the one device. False: it is there. */
static bool claim_swap_info(struct swap_info_struct *si)
{
	bool ret;

	spin_lock(&si->lock);
	ret = !plain_read_racy(si->flags);
	if (ret)
		plain_write_racy(si->flags, SWP_USED);
	spin_unlock(&si->lock);
	return ret;
}

/* swapon(2) - v7.1. Fidelity: adapted: the one device again, empty. -EBUSY: it is there; -ENOMEM. */
int swapon(bool synchronous)
{
	struct swap_info_struct *si = SI;
	struct swap_cluster_info *cluster_info;

	if (!claim_swap_info(si))
		return -EBUSY;
	cluster_info = kmem_cache_alloc(&machine->swap_cluster_cache, GFP_KERNEL);
	if (!cluster_info) {
		spin_lock(&si->lock);
		plain_write_racy(si->flags, 0);
		spin_unlock(&si->lock);
		return -ENOMEM;
	}
	init_clusters(cluster_info);
	plain_write_racy(si->cluster_info, cluster_info);
	/* from here on its users find it, and all of the above */
	percpu_ref_resurrect(&si->users);
	spin_lock(&si->lock);
	atomic_long_add(NR_SWAP_SLOTS, &si->nr_swap_pages);
	plain_write_racy(si->flags, SWP_USED | SWP_WRITEOK | (synchronous ? SWP_SYNCHRONOUS_IO : 0));
	spin_unlock(&si->lock);
	return 0;
}
