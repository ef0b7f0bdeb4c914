// SPDX-License-Identifier: GPL-2.0-only
/*
 * v7_1.c - the queue of partially mapped and underused folios, as of Linux 7.1
 * (mm/huge_memory.c).
 *
 * One queue per cgroup, shared by the nodes, or one per node without cgroups. Its lock guards
 * the links, the length and PG_partially_mapped, and nests inside everything. A scanner takes
 * references and *empties* what it looks at from the queue under the lock; what it does not
 * split it puts back. So every link on this list is changed under the lock, and a folio is
 * flagged and unlinked only in a scanner's hands. kernel-facts.md: P4, P5, P6.
 */
#include <linux/huge_mm.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/page_ref.h>
#include <linux/pagemap.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/swap.h>
#include <linux/vmstat.h>
#include <foliofuzz/bug.h>

#undef deferred_split_folio
#undef deferred_split_count
#undef deferred_split_scan
#undef folio_split_queue_lock
#undef __folio_unqueue_deferred_split

/* memcg_split_queue() - v7.1. Fidelity: same. */
static struct deferred_split *memcg_split_queue(int nid, struct mem_cgroup *memcg)
{
	return memcg ? &memcg->deferred_split_queue : &NODE_DATA(nid)->deferred_split_queue;
}

/*
 * split_queue_lock() - v7.1. Fidelity: same. Interrupts are off, and RCU keeps the cgroup. One
 * that is dying has given, or is about to give, its queue to its parent: look there.
 */
static struct deferred_split *split_queue_lock(int nid, struct mem_cgroup *memcg)
{
	for (;;) {
		struct deferred_split *queue = memcg_split_queue(nid, memcg);

		spin_lock(&queue->split_queue_lock);
		if (bug_enabled(defer_queue_reparent_lookup) || likely(!memcg_is_dying(memcg)))
			return queue;
		spin_unlock(&queue->split_queue_lock);
		memcg = parent_mem_cgroup(memcg);
	}
}

/*
 * folio_split_queue_lock() - v7.1. Fidelity: same. Interrupts are off. With the lock held the
 * cgroup's queue cannot be given away, so RCU may end.
 */
static struct deferred_split *folio_split_queue_lock(struct folio *folio)
{
	struct deferred_split *queue;
	struct mem_cgroup *memcg;

	rcu_read_lock();
	memcg = folio_memcg(folio);
	queue = split_queue_lock(folio_nid(folio), memcg);
	rcu_read_unlock();
	return queue;
}

/* split_queue_lock_irqsave() - v7.1. Fidelity: same. The way up the cgroups is gone with interrupts on. */
static struct deferred_split *split_queue_lock_irqsave(int nid, struct mem_cgroup *memcg, unsigned long *flags)
{
	struct deferred_split *queue = memcg_split_queue(nid, memcg);

	spin_lock_irqsave(&queue->split_queue_lock, *flags);
	while (!bug_enabled(defer_queue_reparent_lookup) && unlikely(memcg_is_dying(memcg))) {
		spin_unlock_irqrestore(&queue->split_queue_lock, *flags);
		memcg = parent_mem_cgroup(memcg);
		queue = memcg_split_queue(nid, memcg);
		spin_lock_irqsave(&queue->split_queue_lock, *flags);
	}
	return queue;
}

/* folio_split_queue_lock_irqsave() - v7.1. Fidelity: same. As folio_split_queue_lock(), interrupts go off with the lock. */
static struct deferred_split *folio_split_queue_lock_irqsave(struct folio *folio,
							     unsigned long *flags)
{
	struct deferred_split *queue;
	struct mem_cgroup *memcg;

	rcu_read_lock();
	memcg = folio_memcg(folio);
	queue = split_queue_lock_irqsave(folio_nid(folio), memcg, flags);
	rcu_read_unlock();
	return queue;
}

static void split_queue_unlock_irqrestore(struct deferred_split *queue, unsigned long flags)
{
	spin_unlock_irqrestore(&queue->split_queue_lock, flags);
}

/*
 * The flag goes, and with it the folio's place in the statistic. The queue's lock is held, or
 * the folio is frozen.
 */
static void forget_partially_mapped(struct folio *folio)
{
	if (!folio_test_partially_mapped(folio))
		return;
	folio_clear_partially_mapped(folio);
	mod_mthp_stat(folio_order(folio), MTHP_STAT_NR_ANON_PARTIALLY_MAPPED, -1);
}

/*
 * __folio_unqueue_deferred_split() - v7.1. Fidelity: same. The reference count is zero:
 * otherwise the links may be a scanner's, whatever lock is held. The cgroup is still known: it
 * names the lock.
 */
static bool __folio_unqueue_deferred_split(struct folio *folio)
{
	struct deferred_split *queue;
	unsigned long flags;
	bool unqueued = false;

	WARN_ON_ONCE(folio_ref_count(folio));
	/* The warning came with the order that it checks. */
	if (!bug_enabled(free_uncharge_before_unqueue) && !bug_enabled(swapout_uncharge_while_queued) &&
	    !bug_enabled(defer_migrate_wrong_memcg_queue))
		WARN_ON_ONCE(!mem_cgroup_disabled() && !folio_memcg_charged(folio));

	queue = folio_split_queue_lock_irqsave(folio, &flags);
	if (!list_empty(&folio->_deferred_list)) {
		plain_rmw_racy(queue->split_queue_len, old_ - 1);
		forget_partially_mapped(folio);
		if (bug_enabled(unqueue_list_del_without_init))
			list_del(&folio->_deferred_list);
		else
			list_del_init(&folio->_deferred_list);
		unqueued = true;
	}
	split_queue_unlock_irqrestore(queue, flags);
	return unqueued;
}

/*
 * deferred_split_folio() - v7.1. Fidelity: same, no shrinker bits. Caller holds a reference, or
 * the page table lock over a mapping of the folio. Never takes a folio off, never clears the
 * flag: a folio that is partially mapped stays so until it is split or free.
 */
static void deferred_split_folio(struct folio *folio, bool partially_mapped)
{
	struct deferred_split *queue;
	unsigned long flags;
	int order = folio_order(folio);

	/* The link is in page 2. */
	if (order <= 1)
		return;
	if (!partially_mapped && !split_underused_thp())
		return;
	/* Reclaim has it in hand. */
	if (folio_test_swapcache(folio))
		return;

	queue = folio_split_queue_lock_irqsave(folio, &flags);
	if (!partially_mapped) {
		VM_WARN_ON_FOLIO(folio_test_partially_mapped(folio), folio);
	} else if (!folio_test_partially_mapped(folio)) {
		folio_set_partially_mapped(folio);
		mod_mthp_stat(order, MTHP_STAT_SPLIT_DEFERRED, 1);
		mod_mthp_stat(order, MTHP_STAT_NR_ANON_PARTIALLY_MAPPED, 1);
	}
	if (list_empty(&folio->_deferred_list)) {
		list_add_tail(&folio->_deferred_list, &queue->split_queue);
		plain_rmw_racy(queue->split_queue_len, old_ + 1);
	}
	split_queue_unlock_irqrestore(queue, flags);
}

/* deferred_split_count() - v7.1. Fidelity: same. A guess. */
static unsigned long deferred_split_count(struct shrink_control *sc)
{
	return READ_ONCE(memcg_split_queue(sc->nid, sc->memcg)->split_queue_len);
}

/*
 * The first half of deferred_split_scan(): moves folios from the queue into the batch, with a
 * reference each; one that is being freed, or frozen, only leaves. Its flag goes too: the free
 * path would not find it linked.
 */
static struct deferred_split *scan_take(struct shrink_control *sc, struct folio_batch *fbatch)
{
	struct deferred_split *queue;
	struct folio *folio, *next;
	unsigned long flags;

	queue = split_queue_lock_irqsave(sc->nid, sc->memcg, &flags);
	list_for_each_entry_safe(folio, next, &queue->split_queue, _deferred_list) {
		if (folio_try_get(folio))
			folio_batch_add(fbatch, folio);
		else
			forget_partially_mapped(folio);
		/* One that is being freed may be free as soon as it looks unlinked: not before the last store. */
		if (bug_enabled(defer_unqueue_empty_test_vs_unlink))
			list_del_init(&folio->_deferred_list);
		else
			list_del_init_careful(&folio->_deferred_list);
		plain_rmw_racy(queue->split_queue_len, old_ - 1);
		if (!--sc->nr_to_scan)
			break;
		if (!folio_batch_space(fbatch))
			break;
	}
	split_queue_unlock_irqrestore(queue, flags);
	return queue;
}

enum scan_verdict { SCAN_SPLIT, SCAN_FORGET, SCAN_REQUEUE };

/* What becomes of one folio that the scanner holds. */
static enum scan_verdict scan_folio(struct folio *folio)
{
	bool did_split;

	if (!folio_test_partially_mapped(folio)) {
		/* A split mlocked folio would keep its zeroes. */
		if (folio_test_mlocked(folio) || !thp_underused(folio))
			goto undecided;
	}
	if (!folio_trylock(folio)) {
		if (bug_enabled(shrinker_trylock_drops_underused))
			goto undecided;
		return SCAN_REQUEUE;
	}
	did_split = !split_folio(folio);
	folio_unlock(folio);
	if (did_split)
		return SCAN_SPLIT;
undecided:
	/*
	 * Looked at again: another CPU may have unmapped a part meanwhile, and not queued it,
	 * or queued it for us to find.
	 */
	return folio_test_partially_mapped(folio) ? SCAN_REQUEUE : SCAN_FORGET;
}

/* Back to the queue, which may be another by now; unless somebody else has put it there. */
static void scan_requeue(struct folio *folio)
{
	struct deferred_split *queue;
	unsigned long flags;

	queue = folio_split_queue_lock_irqsave(folio, &flags);
	if (list_empty(&folio->_deferred_list)) {
		list_add_tail(&folio->_deferred_list, &queue->split_queue);
		plain_rmw_racy(queue->split_queue_len, old_ + 1);
	}
	split_queue_unlock_irqrestore(queue, flags);
}

/*
 * deferred_split_scan() - v7.1. Fidelity: same; the batch is 2 folios. P6. Caller holds nothing
 * and may sleep. The references go at the end of each batch: until then none of them can be
 * freed under a neighbour.
 */
static unsigned long deferred_split_scan(struct shrink_control *sc)
{
	struct deferred_split *queue;
	struct folio_batch fbatch;
	unsigned long split = 0;

	for (;;) {
		folio_batch_init(&fbatch);
		queue = scan_take(sc, &fbatch);

		for (unsigned int i = 0; i < folio_batch_count(&fbatch); i++) {
			struct folio *folio = fbatch.folios[i];

			switch (scan_folio(folio)) {
			case SCAN_SPLIT:
				split++;
				break;
			case SCAN_REQUEUE:
				scan_requeue(folio);
				break;
			case SCAN_FORGET:
				break;
			}
		}
		folios_put(&fbatch);

		if (!sc->nr_to_scan || data_race(1, queue, list_empty(&queue->split_queue)))
			break;
		cond_resched();
	}

	if (!split && data_race(1, queue, list_empty(&queue->split_queue)))
		return SHRINK_STOP;
	return split;
}

const struct deferred_split_ops deferred_split_ops_v7_1 = {
	.deferred_split_folio = deferred_split_folio,
	.__folio_unqueue_deferred_split = __folio_unqueue_deferred_split,
	.deferred_split_count = deferred_split_count,
	.deferred_split_scan = deferred_split_scan,
	.folio_split_queue_lock = folio_split_queue_lock,
};
