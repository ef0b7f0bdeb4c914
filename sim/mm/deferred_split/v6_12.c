// SPDX-License-Identifier: GPL-2.0-only
/*
 * v6_12.c - the queue of partially mapped and underused folios, as of Linux 6.12.0
 * (mm/huge_memory.c).
 *
 * As v7_1.c, but: the folio's cgroup is read once and its queue is not looked at again after
 * locking; and a scanner moves what it looks at to a list of its own, on its stack, where it
 * stays linked: emptiness of the link then says nothing about who owns it. The scanner's
 * references keep it valid, with one exception that a rule of neighbourhood repairs, see
 * deferred_split_scan(). The length counts the private lists too, until their scanner settles
 * it. kernel-facts.md: P4, P5, P6.
 */
#include <linux/huge_mm.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/page_ref.h>
#include <linux/pagemap.h>
#include <linux/swap.h>
#include <linux/vmstat.h>
#include <foliofuzz/bug.h>

#undef deferred_split_folio
#undef deferred_split_count
#undef deferred_split_scan
#undef folio_split_queue_lock
#undef __folio_unqueue_deferred_split

/* get_deferred_split_queue() - v6.12. Fidelity: same. */
static struct deferred_split *get_deferred_split_queue(struct folio *folio)
{
	struct mem_cgroup *memcg = folio_memcg(folio);

	return memcg ? &memcg->deferred_split_queue :
		       &NODE_DATA(folio_nid(folio))->deferred_split_queue;
}

/*
 * Of split_huge_page_to_list_to_order(), v6.12. Interrupts are off. Fidelity: adapted: the
 * queue is looked up here and not on entry; a locked folio's cgroup does not change.
 */
static struct deferred_split *folio_split_queue_lock(struct folio *folio)
{
	struct deferred_split *queue = get_deferred_split_queue(folio);

	spin_lock(&queue->split_queue_lock);
	return queue;
}

/* The flag goes, and with it the folio's place in the statistic. The queue's lock is held. */
static void forget_partially_mapped(struct folio *folio)
{
	if (!folio_test_partially_mapped(folio))
		return;
	folio_clear_partially_mapped(folio);
	mod_mthp_stat(folio_order(folio), MTHP_STAT_NR_ANON_PARTIALLY_MAPPED, -1);
}

/*
 * __folio_unqueue_deferred_split() - v6.12. Fidelity: same. As in v7_1.c, the reference count
 * is zero.
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
		WARN_ON_ONCE(!mem_cgroup_disabled() && !folio_memcg(folio));

	queue = get_deferred_split_queue(folio);
	spin_lock_irqsave(&queue->split_queue_lock, flags);
	if (!list_empty(&folio->_deferred_list)) {
		plain_rmw_racy(queue->split_queue_len, old_ - 1);
		forget_partially_mapped(folio);
		if (bug_enabled(unqueue_list_del_without_init))
			list_del(&folio->_deferred_list);
		else
			list_del_init(&folio->_deferred_list);
		unqueued = true;
	}
	spin_unlock_irqrestore(&queue->split_queue_lock, flags);
	return unqueued;
}

/* deferred_split_folio() - v6.12. Fidelity: same, no shrinker bits. */
static void deferred_split_folio(struct folio *folio, bool partially_mapped)
{
	struct deferred_split *queue = get_deferred_split_queue(folio);
	unsigned long flags;
	int order = folio_order(folio);

	if (order <= 1)
		return;
	if (!partially_mapped && !split_underused_thp())
		return;
	if (folio_test_swapcache(folio))
		return;

	spin_lock_irqsave(&queue->split_queue_lock, flags);
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
	spin_unlock_irqrestore(&queue->split_queue_lock, flags);
}

/* The queue that a shrinker call is about: a cgroup's, or without cgroups the node's. */
static struct deferred_split *shrinker_queue(struct shrink_control *sc)
{
	return sc->memcg ? &sc->memcg->deferred_split_queue :
			   &NODE_DATA(sc->nid)->deferred_split_queue;
}

/* deferred_split_count() - v6.12. Fidelity: same. A guess. */
static unsigned long deferred_split_count(struct shrink_control *sc)
{
	return READ_ONCE(shrinker_queue(sc)->split_queue_len);
}

/*
 * The first half of deferred_split_scan(): moves folios, with a reference each, from the queue
 * to the scanner's list.
 */
static void scan_take(struct shrink_control *sc, struct deferred_split *queue,
		      struct list_head *list)
{
	struct folio *folio, *next;
	unsigned long flags;

	spin_lock_irqsave(&queue->split_queue_lock, flags);
	list_for_each_entry_safe(folio, next, &queue->split_queue, _deferred_list) {
		if (folio_try_get(folio)) {
			list_move(&folio->_deferred_list, list);
		} else {
			forget_partially_mapped(folio);
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
 * A folio that is no longer wanted leaves the private list; whoever is about to unmap a part of it
 * must find it either linked, with the flag still clear, or unlinked altogether. v6.12 takes no
 * lock here: a folio can be flagged between the test and the deletion and be lost to the queue
 * with its flag and its place in the statistic; and it can be queued, being half unlinked and so
 * "empty", between the two stores that make the link empty. False: flagged by now, it stays. (Part
 * of v6.12's deferred_split_scan(). Fidelity: same, with the bug.)
 */
static bool scan_forget(struct deferred_split *queue, struct folio *folio)
{
	unsigned long flags;
	bool forget;

	if (bug_enabled(defer_scan_unlocked_forget)) {
		list_del_init(&folio->_deferred_list);
		return true;
	}
	spin_lock_irqsave(&queue->split_queue_lock, flags);
	forget = !folio_test_partially_mapped(folio);
	if (forget)
		list_del_init(&folio->_deferred_list);
	spin_unlock_irqrestore(&queue->split_queue_lock, flags);
	return forget;
}

/*
 * Whether a folio is to be split: a part of it is unmapped, or it is underused. v6.18 does not ask an mlocked one how full it is: split, it
 * would keep its zeroes; v6.12 asks.
 */
static bool scan_wants(struct folio *folio)
{
	if (folio_test_partially_mapped(folio))
		return true;
	if (generation_at_least(GENERATION_V6_18) && folio_test_mlocked(folio))
		return false;
	return thp_underused(folio);
}

/*
 * deferred_split_scan() - v6.12, v6.18. Fidelity: same. P6. Caller holds nothing and may sleep.
 *
 * Folios that stay on the private list lose the scanner's reference, and can then be freed,
 * that is unlinked under the queue's lock, by anybody. The unlocked list_del_init() below must
 * not have such a neighbour: so the last folio that stays keeps its reference (`prev`) until
 * another one takes its place between it and what comes after.
 */
static unsigned long deferred_split_scan(struct shrink_control *sc)
{
	struct deferred_split *queue = shrinker_queue(sc);
	struct folio *folio, *next, *prev = NULL;
	unsigned long flags, split = 0;
	int removed = 0;
	LIST_HEAD(list);

	scan_take(sc, queue, &list);

	list_for_each_entry_safe(folio, next, &list, _deferred_list) {
		bool did_split = false, stays = false;
		struct folio *put = folio;

		if (scan_wants(folio)) {
			if (folio_trylock(folio)) {
				did_split = !split_folio(folio);
				folio_unlock(folio);
			} else {
				stays = !bug_enabled(shrinker_trylock_drops_underused);
			}
		}

		if (did_split) {
			/* Which unlinked it. */
			split++;
		} else if (stays || folio_test_partially_mapped(folio)) {
			if (!bug_enabled(defer_scan_unlocked_list_del_init)) {
				put = prev;
				prev = folio;
			}
		} else if (scan_forget(queue, folio)) {
			if (bug_enabled(defer_scan_unlocked_length))
				plain_rmw(queue->split_queue_len, old_ - 1);
			else
				removed++;
		} else {
			put = prev;
			prev = folio;
		}
		if (put)
			folio_put(put);
	}

	spin_lock_irqsave(&queue->split_queue_lock, flags);
	list_splice_tail(&list, &queue->split_queue);
	plain_rmw_racy(queue->split_queue_len, old_ - removed);
	spin_unlock_irqrestore(&queue->split_queue_lock, flags);

	if (prev)
		folio_put(prev);

	if (!split && data_race(1, queue, list_empty(&queue->split_queue)))
		return SHRINK_STOP;
	return split;
}

const struct deferred_split_ops deferred_split_ops_v6_12 = {
	.deferred_split_folio = deferred_split_folio,
	.__folio_unqueue_deferred_split = __folio_unqueue_deferred_split,
	.deferred_split_count = deferred_split_count,
	.deferred_split_scan = deferred_split_scan,
	.folio_split_queue_lock = folio_split_queue_lock,
};
