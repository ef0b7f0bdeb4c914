// SPDX-License-Identifier: GPL-2.0-only
/*
 * memcontrol.c - charging folios to cgroups. What matters to the replica is whose split queue a folio is on; limits
 * are an injected failure. Every change of memcg_data needs the folio off its queue first (P27).
 */
#include <linux/fault.h>
#include <linux/huge_mm.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>

/* mem_cgroup_disabled() - v7.1, include/linux/memcontrol.h. Fidelity: same. */
bool mem_cgroup_disabled(void)
{
	return !machine->config.memcgs;
}

/*
 * folio_memcg() - v7.1, include/linux/memcontrol.h. Fidelity: adapted: memcg_data is the cgroup itself, as in v6.12; v7.1 goes by way of an
 * objcg, which only reparenting can tell apart.
 */
struct mem_cgroup *folio_memcg(struct folio *folio)
{
	return (struct mem_cgroup *)plain_read_racy(folio->memcg_data);
}

/* folio_memcg_charged() - v7.1, include/linux/memcontrol.h. Fidelity: same. */
bool folio_memcg_charged(struct folio *folio)
{
	return plain_read_racy(folio->memcg_data) != 0;
}

/* parent_mem_cgroup() - v7.1. Fidelity: same. */
struct mem_cgroup *parent_mem_cgroup(struct mem_cgroup *memcg)
{
	return memcg->parent;
}

/* memcg_is_dying() - v7.1. Fidelity: same; cgroups do not die yet. */
bool memcg_is_dying(struct mem_cgroup *memcg)
{
	return memcg && plain_read_racy(memcg->dying);
}

/* try_charge_memcg(), memcg_uncharge() - v7.1. Fidelity: adapted: there is no limit, so nobody decides by the sum: no event. */
static void mem_cgroup_account(struct mem_cgroup *memcg, long nr_pages)
{
	(void)access_add_fetch(&memcg->memory.counter, nr_pages, __ATOMIC_RELAXED);
}

/* __mem_cgroup_charge() - v7.1. Fidelity: adapted: no limit, failure is injected. The folio is new: nobody else sees it. */
int mem_cgroup_charge(struct folio *folio, struct mm_struct *mm, gfp_t gfp)
{
	if (mem_cgroup_disabled())
		return 0;
	if (alloc_should_fail(gfp))
		return -ENOMEM;
	VM_BUG_ON_FOLIO(assert_read(folio->memcg_data), folio);
	mem_cgroup_account(mm->memcg, folio_nr_pages(folio));
	plain_write(folio->memcg_data, (unsigned long)mm->memcg);
	return 0;
}

/*
 * __mem_cgroup_uncharge() - v7.1. Fidelity: adapted: batches are uncharged one by one, and PG_lru is not checked. The reference
 * count is zero, or the caller is memory_failure(); the folio is on no queue, and the cgroup's sum goes last.
 */
void mem_cgroup_uncharge(struct folio *folio)
{
	struct mem_cgroup *memcg = folio_memcg(folio);

	if (!memcg)
		return;
	plain_write(folio->memcg_data, 0);
	mem_cgroup_account(memcg, -folio_nr_pages(folio));
}

/* folio_split_memcg_refs() - v7.1. Fidelity: stub: references on the cgroup are not counted. */
void folio_split_memcg_refs(struct folio *folio, unsigned int old_order, unsigned int new_order)
{
	(void)folio;
	(void)old_order;
	(void)new_order;
}

/*
 * mem_cgroup_migrate() - v7.1. Fidelity: adapted: the charge is not an objcg's. The new folio gets the old one's charge, which then keeps
 * nothing; it was unqueued with the charge still there, so it is no more on a queue that nobody could name. Both are locked and isolated.
 */
void mem_cgroup_migrate(struct folio *old, struct folio *new)
{
	VM_BUG_ON_FOLIO(!folio_test_locked(old), old);
	VM_BUG_ON_FOLIO(!folio_test_locked(new), new);
	VM_BUG_ON_FOLIO(folio_nr_pages(old) != folio_nr_pages(new), new);
	VM_BUG_ON_FOLIO(folio_test_lru(old), old);

	if (mem_cgroup_disabled() || !folio_memcg_charged(old))
		return;
	plain_write(new->memcg_data, assert_read(old->memcg_data));
	WARN_ON_ONCE(folio_unqueue_deferred_split(old));
	plain_write(old->memcg_data, 0);
}
void mem_cgroup_swapout(struct folio *folio, swp_entry_t entry) { (void)folio; (void)entry; }
