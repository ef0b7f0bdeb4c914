// SPDX-License-Identifier: GPL-2.0-only
/*
 * mainline.c - the queue of partially mapped and underused folios on a list_lru, as mainline has it after Linux 7.1
 * (mm/huge_memory.c).
 *
 * One sublist for each node and cgroup; its lock guards links, length and PG_partially_mapped. A scanner moves what it has a
 * reference to to a list of its own, where it is linked but not counted, and takes each off that list before it looks at it:
 * so a folio is flagged and unlinked only in a scanner's hands, and one that is flagged before that is seen to be.
 * kernel-facts.md: P4, P5, P6.
 */
#include <linux/huge_mm.h>
#include <linux/list_lru.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <linux/page_ref.h>
#include <linux/pagemap.h>
#include <linux/rcupdate.h>
#include <linux/sched.h>
#include <linux/vmstat.h>
#include <foliofuzz/bug.h>

#undef deferred_split_folio
#undef deferred_split_count
#undef deferred_split_scan
#undef folio_split_queue_lock
#undef __folio_unqueue_deferred_split

/* The flag goes, and with it the folio's place in the statistic. The sublist's lock is held. */
static void forget_partially_mapped(struct folio *folio)
{
	if (!folio_test_partially_mapped(folio))
		return;
	folio_clear_partially_mapped(folio);
	mod_mthp_stat(folio_order(folio), MTHP_STAT_NR_ANON_PARTIALLY_MAPPED, -1);
}

/* The sublist that a folio belongs on, locked. Interrupts are off. The lock keeps it from being given away, so RCU may end. */
static struct list_lru_one *folio_list_lru_lock(struct folio *folio)
{
	struct mem_cgroup *memcg;
	struct list_lru_one *lru;

	rcu_read_lock();
	memcg = folio_memcg(folio);
	lru = list_lru_lock(folio_nid(folio), memcg);
	rcu_read_unlock();
	return lru;
}

/*
 * Of __folio_freeze_and_split_unmapped() - mainline. Fidelity: adapted: RCU ends with the lock taken and not with the lock
 * dropped. Interrupts are off. NULL: a folio that is never queued has no lock to take before the freeze.
 */
static struct deferred_split *folio_split_queue_lock(struct folio *folio)
{
	if (!folio_test_anon(folio) || folio_order(folio) <= 1)
		return NULL;
	return (struct deferred_split *)folio_list_lru_lock(folio);
}

/* __folio_unqueue_deferred_split() - mainline. Fidelity: same. As in v7_1.c, the reference count is zero. */
static bool __folio_unqueue_deferred_split(struct folio *folio)
{
	struct list_lru_one *lru;
	unsigned long flags;
	bool unqueued;

	WARN_ON_ONCE(folio_ref_count(folio));
	/* The warning came with the order that it checks. */
	if (!bug_enabled(free_uncharge_before_unqueue) && !bug_enabled(swapout_uncharge_while_queued) &&
	    !bug_enabled(defer_migrate_wrong_memcg_queue))
		WARN_ON_ONCE(!mem_cgroup_disabled() && !folio_memcg_charged(folio));

	local_irq_save(flags);
	lru = folio_list_lru_lock(folio);
	unqueued = __list_lru_del(lru, &folio->_deferred_list);
	if (unqueued)
		forget_partially_mapped(folio);
	list_lru_unlock_irqrestore(lru, flags);
	return unqueued;
}

/* deferred_split_folio() - mainline. Fidelity: same, no shrinker bits. As in v7_1.c. */
static void deferred_split_folio(struct folio *folio, bool partially_mapped)
{
	struct list_lru_one *lru;
	unsigned long flags;
	int order = folio_order(folio);

	if (order <= 1)
		return;
	if (!partially_mapped && !split_underused_thp())
		return;
	if (folio_test_swapcache(folio))
		return;

	local_irq_save(flags);
	lru = folio_list_lru_lock(folio);
	if (!partially_mapped) {
		VM_WARN_ON_FOLIO(folio_test_partially_mapped(folio), folio);
	} else if (!folio_test_partially_mapped(folio)) {
		folio_set_partially_mapped(folio);
		mod_mthp_stat(order, MTHP_STAT_SPLIT_DEFERRED, 1);
		mod_mthp_stat(order, MTHP_STAT_NR_ANON_PARTIALLY_MAPPED, 1);
	}
	__list_lru_add(lru, &folio->_deferred_list);
	list_lru_unlock_irqrestore(lru, flags);
}

/* deferred_split_count() - mainline. Fidelity: same. A guess. */
static unsigned long deferred_split_count(struct shrink_control *sc)
{
	return list_lru_count_one(sc->nid, sc->memcg);
}

/*
 * deferred_split_isolate() - mainline. Fidelity: same. The sublist's lock is held. What is being freed, or is frozen, only
 * leaves; its flag before that, for unlinked it may be free at once.
 */
static enum lru_status deferred_split_isolate(struct list_head *item, struct list_lru_one *lru, void *cb_arg)
{
	struct folio *folio = container_of(item, struct folio, _deferred_list);

	if (folio_try_get(folio)) {
		list_lru_isolate_move(lru, item, cb_arg);
		return LRU_REMOVED;
	}
	forget_partially_mapped(folio);
	list_lru_isolate(lru, item);
	return LRU_REMOVED;
}

/*
 * The folio leaves the scanner's list. The scanner's references keep its neighbours, so mainline takes no lock here; but whoever
 * flags a folio decides by this link whether to queue it, and can find it half unlinked, that is "empty".
 */
static void scan_unlink(struct folio *folio)
{
	struct list_lru_one *lru;
	unsigned long flags;

	if (bug_enabled(defer_scan_dispose_unlink)) {
		list_del_init(&folio->_deferred_list);
		return;
	}
	local_irq_save(flags);
	lru = folio_list_lru_lock(folio);
	list_del_init(&folio->_deferred_list);
	list_lru_unlock_irqrestore(lru, flags);
}

/* What becomes of one folio that the scanner holds: true if it was split. False: *requeue says whether it is wanted back. */
static bool scan_folio(struct folio *folio, bool *requeue)
{
	bool did_split;

	*requeue = false;
	if (!folio_test_partially_mapped(folio)) {
		if (folio_test_mlocked(folio) || !thp_underused(folio))
			goto undecided;
	}
	if (!folio_trylock(folio)) {
		*requeue = !bug_enabled(shrinker_trylock_drops_underused);
		if (*requeue)
			return false;
		goto undecided;
	}
	did_split = !split_folio(folio);
	folio_unlock(folio);
	if (did_split)
		return true;
undecided:
	*requeue = folio_test_partially_mapped(folio);
	return false;
}

/* Of deferred_split_scan(): back to the queue, which may be another by now; unless somebody else has put it there. */
static void scan_requeue(struct folio *folio)
{
	struct list_lru_one *lru;
	unsigned long flags;

	local_irq_save(flags);
	lru = folio_list_lru_lock(folio);
	__list_lru_add(lru, &folio->_deferred_list);
	list_lru_unlock_irqrestore(lru, flags);
}

/* deferred_split_scan() - mainline. Fidelity: same. P6. Caller holds nothing and may sleep. */
static unsigned long deferred_split_scan(struct shrink_control *sc)
{
	unsigned long split = 0, isolated;
	struct folio *folio, *next;
	bool requeue;
	LIST_HEAD(dispose);

	isolated = list_lru_walk_one_irq(sc->nid, sc->memcg, deferred_split_isolate, &dispose, &sc->nr_to_scan);

	list_for_each_entry_safe(folio, next, &dispose, _deferred_list) {
		scan_unlink(folio);
		if (scan_folio(folio, &requeue))
			split++;
		else if (requeue)
			scan_requeue(folio);
		folio_put(folio);
	}

	if (!split && !isolated)
		return SHRINK_STOP;
	return split;
}

const struct deferred_split_ops deferred_split_ops_mainline = {
	.deferred_split_folio = deferred_split_folio,
	.__folio_unqueue_deferred_split = __folio_unqueue_deferred_split,
	.deferred_split_count = deferred_split_count,
	.deferred_split_scan = deferred_split_scan,
	.folio_split_queue_lock = folio_split_queue_lock,
};
