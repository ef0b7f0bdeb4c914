// SPDX-License-Identifier: GPL-2.0-only
/*
 * v6_8.c - the queue of partially mapped folios, as of Linux 6.8 (mm/huge_memory.c).
 *
 * The link is all there is: no flag says that a folio is partially mapped, and once queued it stays so until it is split
 * or freed, whatever becomes of it meanwhile. A scanner moves what it looks at to a list on its stack, and splices back what
 * is left; every store to a link is under the lock of the queue that the folio's cgroup names. Underused folios are not
 * known yet. kernel-facts.md: P4, P5, P6.
 */
#include <linux/huge_mm.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/page_ref.h>
#include <linux/pagemap.h>
#include <linux/vmstat.h>
#include <foliofuzz/bug.h>

#undef deferred_split_folio
#undef deferred_split_count
#undef deferred_split_scan
#undef folio_split_queue_lock
#undef __folio_unqueue_deferred_split

/* get_deferred_split_queue() - v6.8. Fidelity: same. The cgroup is read once, and not looked at again under the lock. */
static struct deferred_split *get_deferred_split_queue(struct folio *folio)
{
	struct mem_cgroup *memcg = folio_memcg(folio);

	return memcg ? &memcg->deferred_split_queue : &NODE_DATA(folio_nid(folio))->deferred_split_queue;
}

/* Of split_huge_page_to_list(), v6.8. Interrupts are off. Fidelity: adapted: the queue is looked up here and not on entry. */
static struct deferred_split *folio_split_queue_lock(struct folio *folio)
{
	struct deferred_split *queue = get_deferred_split_queue(folio);

	spin_lock(&queue->split_queue_lock);
	return queue;
}

/*
 * folio_undo_large_rmappable() - v6.8. Fidelity: same; the look at the link that spares the lock is its caller's. The last
 * reference is gone, or, in mem_cgroup_migrate(), is not.
 */
static bool __folio_unqueue_deferred_split(struct folio *folio)
{
	struct deferred_split *queue = get_deferred_split_queue(folio);
	unsigned long flags;
	bool unqueued = false;

	spin_lock_irqsave(&queue->split_queue_lock, flags);
	if (!list_empty(&folio->_deferred_list)) {
		plain_rmw_racy(queue->split_queue_len, old_ - 1);
		if (bug_enabled(unqueue_list_del_without_init))
			list_del(&folio->_deferred_list);
		else
			list_del_init(&folio->_deferred_list);
		unqueued = true;
	}
	spin_unlock_irqrestore(&queue->split_queue_lock, flags);
	return unqueued;
}

/*
 * deferred_split_folio() - v6.8. Fidelity: same, no shrinker bits. A folio that looks linked without the lock is left alone:
 * on the scanner's list it is linked, too, and will come back from there.
 */
static void deferred_split_folio(struct folio *folio, bool partially_mapped)
{
	struct deferred_split *queue;
	unsigned long flags;

	/* A huge folio at birth: this release does not look for underused ones. */
	if (!partially_mapped)
		return;
	VM_BUG_ON_FOLIO(folio_order(folio) < 2, folio);
	queue = get_deferred_split_queue(folio);
	if (folio_test_swapcache(folio))
		return;
	if (!data_race(1, folio, list_empty(&folio->_deferred_list)))
		return;

	spin_lock_irqsave(&queue->split_queue_lock, flags);
	if (list_empty(&folio->_deferred_list)) {
		mod_mthp_stat(folio_order(folio), MTHP_STAT_SPLIT_DEFERRED, 1);
		list_add_tail(&folio->_deferred_list, &queue->split_queue);
		plain_rmw_racy(queue->split_queue_len, old_ + 1);
	}
	spin_unlock_irqrestore(&queue->split_queue_lock, flags);
}

/* The queue that a shrinker call is about: a cgroup's, or without cgroups the node's. */
static struct deferred_split *shrinker_queue(struct shrink_control *sc)
{
	return sc->memcg ? &sc->memcg->deferred_split_queue : &NODE_DATA(sc->nid)->deferred_split_queue;
}

/* deferred_split_count() - v6.8. Fidelity: same. A guess. */
static unsigned long deferred_split_count(struct shrink_control *sc)
{
	return READ_ONCE(shrinker_queue(sc)->split_queue_len);
}

/* The first half of deferred_split_scan(): moves folios, with a reference each, to the scanner's list. They still count. */
static void scan_take(struct shrink_control *sc, struct deferred_split *queue, struct list_head *list)
{
	struct folio *folio, *next;
	unsigned long flags;

	spin_lock_irqsave(&queue->split_queue_lock, flags);
	list_for_each_entry_safe(folio, next, &queue->split_queue, _deferred_list) {
		if (folio_try_get(folio)) {
			list_move(&folio->_deferred_list, list);
		} else {
			/* It is being freed, or frozen: as scan_take() of v7_1.c. */
			if (bug_enabled(defer_unqueue_empty_test_vs_unlink))
				list_del_init(&folio->_deferred_list);
			else
				list_del_init_careful(&folio->_deferred_list);
			plain_rmw_racy(queue->split_queue_len, old_ - 1);
		}
		if (!--sc->nr_to_scan)
			break;
	}
	spin_unlock_irqrestore(&queue->split_queue_lock, flags);
}

/*
 * deferred_split_scan() - v6.8. Fidelity: same. P6. Caller holds nothing and may sleep. What was not split loses its reference
 * while it is still linked on the list here: it may be freed, and is then taken off this list under the queue's lock.
 */
static unsigned long deferred_split_scan(struct shrink_control *sc)
{
	struct deferred_split *queue = shrinker_queue(sc);
	struct folio *folio, *next;
	unsigned long flags, split = 0;
	LIST_HEAD(list);

	scan_take(sc, queue, &list);

	list_for_each_entry_safe(folio, next, &list, _deferred_list) {
		if (folio_trylock(folio)) {
			if (!split_folio(folio))
				split++;
			folio_unlock(folio);
		}
		folio_put(folio);
	}

	spin_lock_irqsave(&queue->split_queue_lock, flags);
	list_splice_tail(&list, &queue->split_queue);
	spin_unlock_irqrestore(&queue->split_queue_lock, flags);

	if (!split && data_race(1, queue, list_empty(&queue->split_queue)))
		return SHRINK_STOP;
	return split;
}

const struct deferred_split_ops deferred_split_ops_v6_8 = {
	.deferred_split_folio = deferred_split_folio,
	.__folio_unqueue_deferred_split = __folio_unqueue_deferred_split,
	.deferred_split_count = deferred_split_count,
	.deferred_split_scan = deferred_split_scan,
	.folio_split_queue_lock = folio_split_queue_lock,
};
