// SPDX-License-Identifier: GPL-2.0-only
/*
 * swap.c - putting folios on the LRU by batches, and letting go of them. P23.
 *
 * Lock order: local lock (the batch is its CPU's), lru_lock. A batch holds one reference to each of its folios;
 * the LRU holds none, so the last put takes the folio off it.
 */
#include <linux/huge_mm.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/swap.h>
#include <foliofuzz/bug.h>

/* folio_lruvec_lock() - v7.1, mm/memcontrol.c. Fidelity: adapted: one lruvec for a node, not for each cgroup. */
struct lruvec *folio_lruvec_lock(struct folio *folio)
{
	struct lruvec *lruvec = &NODE_DATA(folio_nid(folio))->lruvec;

	spin_lock(&lruvec->lru_lock);
	return lruvec;
}

/* folio_lruvec_lock_irqsave() - v7.1. Fidelity: as above. */
struct lruvec *folio_lruvec_lock_irqsave(struct folio *folio, unsigned long *flags)
{
	struct lruvec *lruvec = &NODE_DATA(folio_nid(folio))->lruvec;

	spin_lock_irqsave(&lruvec->lru_lock, *flags);
	return lruvec;
}

/* lruvec_unlock() - v7.1. Fidelity: same. */
void lruvec_unlock(struct lruvec *lruvec)
{
	spin_unlock(&lruvec->lru_lock);
}

/* folio_lruvec_relock_irqsave() - v7.1, include/linux/memcontrol.h. Fidelity: as above. *lruvecp: whose lock is held, NULL: none. */
static void folio_lruvec_relock_irqsave(struct folio *folio, struct lruvec **lruvecp, unsigned long *flags)
{
	if (*lruvecp == &NODE_DATA(folio_nid(folio))->lruvec)
		return;
	if (*lruvecp)
		spin_unlock_irqrestore(&(*lruvecp)->lru_lock, *flags);
	*lruvecp = folio_lruvec_lock_irqsave(folio, flags);
}

/*
 * __page_cache_release() - v7.1. Fidelity: same. The reference count is zero, so PG_lru does not change any more. The lock
 * stays held, for the next folio of the batch.
 */
static void __page_cache_release(struct folio *folio, struct lruvec **lruvecp, unsigned long *flags)
{
	if (!folio_test_lru(folio))
		return;
	folio_lruvec_relock_irqsave(folio, lruvecp, flags);
	lruvec_del_folio(*lruvecp, folio);
	__folio_clear_lru_flags(folio);
}

/* page_cache_release() - v7.1. Fidelity: same. */
static void page_cache_release(struct folio *folio)
{
	struct lruvec *lruvec = NULL;
	unsigned long flags = 0;

	__page_cache_release(folio, &lruvec, &flags);
	if (lruvec)
		spin_unlock_irqrestore(&lruvec->lru_lock, flags);
}

/* __folio_put() - v7.1. Fidelity: same. Off the LRU, then off the split queue, which needs the charge, then uncharged. */
void __folio_put(struct folio *folio)
{
	page_cache_release(folio);
	if (bug_enabled(free_uncharge_before_unqueue))
		mem_cgroup_uncharge(folio);
	folio_unqueue_deferred_split(folio);
	mem_cgroup_uncharge(folio);
	free_frozen_pages(&folio->page, folio_order(folio));
}

/*
 * folios_put_refs() - v7.1. Fidelity: same. Off the queue before the LRU here; uncharged as a batch, freed as a batch. From the
 * first folio that was on an LRU on, lru_lock is held: the later ones are put, and the queue's lock is taken, inside it.
 */
void folios_put_refs(struct folio_batch *folios, unsigned int *refs)
{
	struct lruvec *lruvec = NULL;
	unsigned long flags = 0;
	u8 kept = 0;

	for (unsigned int i = 0; i < folios->nr; i++) {
		struct folio *folio = folios->folios[i];
		unsigned int nr = refs ? refs[i] : 1;

		if (!folio_ref_sub_and_test(folio, (int)nr))
			continue;
		if (bug_enabled(free_uncharge_before_unqueue))
			mem_cgroup_uncharge(folio);
		folio_unqueue_deferred_split(folio);
		__page_cache_release(folio, &lruvec, &flags);
		folios->folios[kept++] = folio;
	}
	if (lruvec)
		spin_unlock_irqrestore(&lruvec->lru_lock, flags);
	if (!kept) {
		folio_batch_init(folios);
		return;
	}
	access_store(&folios->nr, kept, __ATOMIC_RELAXED);
	mem_cgroup_uncharge_folios(folios);
	free_unref_folios(folios);
}

/* lru_add() - v7.1. Fidelity: adapted: no unevictable list, no ageing. lru_lock is held. */
static void lru_add(struct lruvec *lruvec, struct folio *folio)
{
	VM_BUG_ON_FOLIO(folio_test_lru(folio), folio);
	lruvec_add_folio(lruvec, folio);
}

/* folio_batch_move_lru() - v7.1. Fidelity: same. The CPU's local lock is held. */
static void folio_batch_move_lru(struct folio_batch *fbatch)
{
	struct lruvec *lruvec = NULL;
	unsigned long flags = 0;

	for (unsigned int i = 0; i < fbatch->nr; i++) {
		struct folio *folio = fbatch->folios[i];

		folio_lruvec_relock_irqsave(folio, &lruvec, &flags);
		lru_add(lruvec, folio);
		folio_set_lru(folio);
	}
	if (lruvec)
		spin_unlock_irqrestore(&lruvec->lru_lock, flags);
	folios_put(fbatch);
}

/* folio_add_lru() - v7.1. Fidelity: same. Large folios do not wait in a batch. */
void folio_add_lru(struct folio *folio)
{
	struct folio_batch *fbatch;

	VM_BUG_ON_FOLIO(folio_test_lru(folio), folio);
	folio_get(folio);
	preempt_disable();
	fbatch = this_cpu_ptr(machine->lru_add);
	if (!folio_batch_add(fbatch, folio) || folio_test_large(folio))
		folio_batch_move_lru(fbatch);
	preempt_enable();
}

/* lru_add_drain() - v7.1. Fidelity: same. */
void lru_add_drain(void)
{
	preempt_disable();
	if (this_cpu_ptr(machine->lru_add)->nr)
		folio_batch_move_lru(this_cpu_ptr(machine->lru_add));
	preempt_enable();
}

/*
 * lru_add_drain_all() - v7.1. Fidelity: adapted: the work that the kernel queues on every CPU runs here, once that CPU could be
 * preempted by it; hides what the CPU could do between queueing the work and its start, and shows it running on while the work
 * does, as a task that was moved to another CPU would. Its mutex and generation are left out: memory_failure(), the only
 * caller, has a mutex of its own.
 */
void lru_add_drain_all(void)
{
	unsigned int has_work = 0;

	might_sleep();
	lru_add_drain();
	/* which CPUs get work is settled before any of it is waited for */
	for (unsigned int cpu = 0; cpu < NR_CPUS; cpu++)
		if (plain_read_racy(per_cpu_ptr(machine->lru_add, cpu)->nr)) /* the kernel's folio_batch_count() from afar */
			has_work |= 1u << cpu;
	for (unsigned int cpu = 0; cpu < NR_CPUS; cpu++) {
		struct folio_batch *fbatch = per_cpu_ptr(machine->lru_add, cpu);

		if (!(has_work >> cpu & 1))
			continue;
		wait_cpu_preemptible(cpu);
		if (!assert_read(fbatch->nr))
			continue;
		preempt_disable();
		{
			struct folio_batch batch = *fbatch;

			folio_batch_init(fbatch);
			work_done_on(cpu);
			folio_batch_move_lru(&batch);
		}
		preempt_enable();
	}
}

/* folio_isolate_lru() - v7.1, mm/vmscan.c. Fidelity: same. The caller has a reference. */
bool folio_isolate_lru(struct folio *folio)
{
	struct lruvec *lruvec;
	unsigned long flags;

	VM_BUG_ON_FOLIO(!folio_ref_count(folio), folio);
	if (!folio_test_clear_lru(folio))
		return false;
	folio_get(folio);
	lruvec = folio_lruvec_lock_irqsave(folio, &flags);
	lruvec_del_folio(lruvec, folio);
	spin_unlock_irqrestore(&lruvec->lru_lock, flags);
	return true;
}

/* folio_putback_lru() - v7.1, mm/vmscan.c. Fidelity: same. */
void folio_putback_lru(struct folio *folio)
{
	folio_add_lru(folio);
	folio_put(folio);
}
