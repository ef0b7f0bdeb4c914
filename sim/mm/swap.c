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
	if (bug_enabled(mlocked_flag_at_free) && folio_test_mlocked(folio)) {
		__folio_clear_mlocked(folio);
		lruvec_stat_mod_folio(folio, NR_MLOCK, -folio_nr_pages(folio));
	}
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
	if (unlikely(folio_is_zone_device(folio))) {
		free_zone_device_folio(folio);
		return;
	}
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

		if (is_huge_zero_folio(folio))
			continue;
		if (folio_is_zone_device(folio)) {
			if (lruvec) {
				spin_unlock_irqrestore(&lruvec->lru_lock, flags);
				lruvec = NULL;
			}
			if (folio_ref_sub_and_test(folio, (int)nr))
				free_zone_device_folio(folio);
			continue;
		}
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
		folio_batch_reinit(folios);
		return;
	}
	access_store(&folios->nr, kept, __ATOMIC_RELAXED);
	mem_cgroup_uncharge_folios(folios);
	free_unref_folios(folios);
}

/* __folio_batch_release() - v7.1. Fidelity: same. */
void __folio_batch_release(struct folio_batch *fbatch)
{
	if (!fbatch->percpu_pvec_drained) {
		lru_add_drain();
		fbatch->percpu_pvec_drained = true;
	}
	folios_put(fbatch);
}

/* folio_batch_remove_exceptionals() - v7.1. Fidelity: same. */
void folio_batch_remove_exceptionals(struct folio_batch *fbatch)
{
	u8 nr = 0;

	for (unsigned int i = 0; i < folio_batch_count(fbatch); i++)
		if (!xa_is_value(fbatch->folios[i]))
			fbatch->folios[nr++] = fbatch->folios[i];
	access_store(&fbatch->nr, nr, __ATOMIC_RELAXED);
}

typedef void (*move_fn_t)(struct lruvec *lruvec, struct folio *folio);

/*
 * lru_add() - v7.1. Fidelity: adapted: no ageing. lru_lock is held. Whether somebody has mlocked it already and counted that is not
 * known: the count starts at zero, and is rather too low than too high.
 */
static void lru_add(struct lruvec *lruvec, struct folio *folio)
{
	(void)folio_test_clear_unevictable(folio);
	VM_BUG_ON_FOLIO(folio_test_lru(folio), folio);
	if (!folio_evictable(folio)) {
		folio_clear_active(folio);
		folio_set_unevictable(folio);
		folio->mlock_count = 0;
	}
	lruvec_add_folio(lruvec, folio);
}

/* lru_deactivate() - v7.1. Fidelity: same. lru_lock is held, PG_lru is this CPU's. */
static void lru_deactivate(struct lruvec *lruvec, struct folio *folio)
{
	if (folio_test_unevictable(folio) || !folio_test_active(folio))
		return;
	lruvec_del_folio(lruvec, folio);
	folio_clear_active(folio);
	folio_clear_referenced(folio);
	lruvec_add_folio(lruvec, folio);
}

/* lru_lazyfree() - v7.1. Fidelity: same, no multi-generational LRU. lru_lock is held, PG_lru is this CPU's. */
static void lru_lazyfree(struct lruvec *lruvec, struct folio *folio)
{
	if (!folio_test_anon(folio) || !folio_test_swapbacked(folio) || folio_test_swapcache(folio) ||
	    folio_test_unevictable(folio))
		return;
	lruvec_del_folio(lruvec, folio);
	folio_clear_active(folio);
	folio_clear_referenced(folio);
	folio_clear_swapbacked(folio);
	lruvec_add_folio(lruvec, folio);
}

/*
 * folio_batch_move_lru() - v7.1. Fidelity: same. The CPU's local lock is held. What is moved must be on the LRU; who takes PG_lru away
 * owns it until it is back.
 */
static void folio_batch_move_lru(struct folio_batch *fbatch, move_fn_t move_fn)
{
	struct lruvec *lruvec = NULL;
	unsigned long flags = 0;

	for (unsigned int i = 0; i < fbatch->nr; i++) {
		struct folio *folio = fbatch->folios[i];

		if (move_fn == lru_add || folio_test_clear_lru(folio)) {
			folio_lruvec_relock_irqsave(folio, &lruvec, &flags);
			move_fn(lruvec, folio);
			folio_set_lru(folio);
		}
	}
	if (lruvec)
		spin_unlock_irqrestore(&lruvec->lru_lock, flags);
	folios_put(fbatch);
}

/* folio_batch_add_and_move() - v7.1. Fidelity: same. Large folios do not wait in a batch. */
static void folio_batch_add_and_move(struct folio_batch *fbatches, struct folio *folio, move_fn_t move_fn)
{
	struct folio_batch *fbatch;

	folio_get(folio);
	preempt_disable();
	fbatch = this_cpu_ptr(fbatches);
	if (!folio_batch_add(fbatch, folio) || folio_test_large(folio))
		folio_batch_move_lru(fbatch, move_fn);
	preempt_enable();
}

/* folio_add_lru() - v7.1. Fidelity: same, no multi-generational LRU. */
void folio_add_lru(struct folio *folio)
{
	VM_BUG_ON_FOLIO(folio_test_active(folio) && folio_test_unevictable(folio), folio);
	VM_BUG_ON_FOLIO(folio_test_lru(folio), folio);
	folio_batch_add_and_move(machine->lru_add, folio, lru_add);
}

/* folio_add_lru_vma() - v7.1. Fidelity: same. The folio is new, and mapped or about to be. */
void folio_add_lru_vma(struct folio *folio, struct vm_area_struct *vma)
{
	VM_BUG_ON_FOLIO(folio_test_lru(folio), folio);
	if (unlikely((plain_read_racy(vma->vm_flags) & (VM_LOCKED | VM_SPECIAL)) == VM_LOCKED))
		mlock_new_folio(folio);
	else
		folio_add_lru(folio);
}

/* folio_deactivate() - v7.1. Fidelity: same. The caller has a reference, or the mapping's table locked. */
void folio_deactivate(struct folio *folio)
{
	if (folio_test_unevictable(folio) || !folio_test_lru(folio) || !folio_test_active(folio))
		return;
	folio_batch_add_and_move(machine->lru_deactivate, folio, lru_deactivate);
}

/* folio_mark_lazyfree() - v7.1. Fidelity: same. As above. */
void folio_mark_lazyfree(struct folio *folio)
{
	if (!folio_test_anon(folio) || !folio_test_swapbacked(folio) || !folio_test_lru(folio) ||
	    folio_test_swapcache(folio) || folio_test_unevictable(folio))
		return;
	folio_batch_add_and_move(machine->lru_lazyfree, folio, lru_lazyfree);
}

/* The LRU batches of a CPU, in the order in which they are drained; the mlock batch comes after them. */
static const struct lru_batch {
	size_t offset;
	move_fn_t move_fn;
} lru_batches[] = {
	{ offsetof(struct machine_state, lru_add), lru_add },
	{ offsetof(struct machine_state, lru_deactivate), lru_deactivate },
	{ offsetof(struct machine_state, lru_lazyfree), lru_lazyfree },
};
#define NR_LRU_BATCHES ARRAY_SIZE(lru_batches)
#define lru_batch_of(i, cpu) per_cpu_ptr((struct folio_batch *)((char *)machine + lru_batches[i].offset), cpu)

/* lru_add_drain(), lru_add_drain_cpu() - v7.1. Fidelity: same. */
void lru_add_drain(void)
{
	preempt_disable();
	for (unsigned int i = 0; i < NR_LRU_BATCHES; i++) {
		struct folio_batch *fbatch = lru_batch_of(i, smp_processor_id());

		if (fbatch->nr)
			folio_batch_move_lru(fbatch, lru_batches[i].move_fn);
	}
	preempt_enable();
	mlock_drain_local();
}

/* cpu_needs_drain() - v7.1. Fidelity: adapted: one look at all counts. */
static bool cpu_needs_drain(unsigned int cpu)
{
	if (plain_read_racy(lru_batch_of(0, cpu)->nr)) /* the kernel's folio_batch_count() from afar */
		return true;
	for (unsigned int i = 1; i < NR_LRU_BATCHES; i++)
		if (assert_read(lru_batch_of(i, cpu)->nr))
			return true;
	return assert_read(per_cpu_ptr(machine->mlock_batch, cpu)->nr);
}

/* The drain of another CPU's batches, as its worker makes it; that CPU can be preempted. */
static void drain_from_afar(unsigned int cpu)
{
	struct folio_batch batches[NR_LRU_BATCHES + 1];

	preempt_disable();
	for (unsigned int i = 0; i < NR_LRU_BATCHES; i++) {
		batches[i] = *lru_batch_of(i, cpu);
		folio_batch_init(lru_batch_of(i, cpu));
	}
	batches[NR_LRU_BATCHES] = *per_cpu_ptr(machine->mlock_batch, cpu);
	folio_batch_init(per_cpu_ptr(machine->mlock_batch, cpu));
	work_done_on(cpu);
	for (unsigned int i = 0; i < NR_LRU_BATCHES; i++)
		if (batches[i].nr)
			folio_batch_move_lru(&batches[i], lru_batches[i].move_fn);
	if (batches[NR_LRU_BATCHES].nr)
		mlock_folio_batch(&batches[NR_LRU_BATCHES]);
	preempt_enable();
}

/*
 * lru_add_drain_all() - v7.1. Fidelity: adapted: the work that the kernel queues on every CPU runs here, once that CPU could be
 * preempted by it; hides what the CPU could do between queueing the work and its start, and shows it running on while the work
 * does, as a task that was moved to another CPU would. The mutex is held until all of it is done, so a second caller has the first
 * one's folios back on their lists; it need not look at the batches if a drain began after it was called.
 */
void lru_add_drain_all(void)
{
	unsigned int has_work = 0, this_gen;

	might_sleep();
	smp_mb(); /* the caller's folios are in their batches before the generation is read; with the one below */
	this_gen = smp_load_acquire(&machine->lru_drain_gen);
	lru_add_drain();

	mutex_lock(&machine->lru_drain_lock);
	if (this_gen != plain_read(machine->lru_drain_gen))
		goto done;
	WRITE_ONCE(machine->lru_drain_gen, this_gen + 1);
	smp_mb(); /* whoever reads the old generation put its folios there later, and drains them itself */
	/* which CPUs get work is settled before any of it is waited for */
	for (unsigned int cpu = 0; cpu < NR_CPUS; cpu++)
		if (cpu_needs_drain(cpu))
			has_work |= 1u << cpu;
	for (unsigned int cpu = 0; cpu < NR_CPUS; cpu++) {
		if (!(has_work >> cpu & 1))
			continue;
		wait_cpu_preemptible(cpu);
		drain_from_afar(cpu);
	}
done:
	mutex_unlock(&machine->lru_drain_lock);
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
