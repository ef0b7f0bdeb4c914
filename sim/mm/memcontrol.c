// SPDX-License-Identifier: GPL-2.0-only
/*
 * memcontrol.c - charging folios to cgroups. What matters to the replica is whose split queue a folio is on; limits
 * are an injected failure. Every change of memcg_data needs the folio off its queue first (P27).
 *
 * Up to v6.19 memcg_data is the cgroup, which each charge pins: a cgroup that is removed stays, dying, for as long as one of its
 * folios lives. From v7.1 on it is an obj_cgroup, which names the cgroup: going, that hands its obj_cgroups to its parent, under
 * objcg_lock and the lru_locks, and is gone a grace period later. Locks: objcg_lock, lru_lock; child's queue, parent's queue.
 */
#include <linux/fault.h>
#include <linux/huge_mm.h>
#include <linux/list_lru.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/mm_inline.h>
#include <linux/mmzone.h>
#include <linux/pagemap.h>
#include <linux/pgtable.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>
#include <linux/swap.h>
#include <foliofuzz/bug.h>

/* Charges go by way of an obj_cgroup. */
static bool charges_are_objcgs(void)
{
	return generation_at_least(GENERATION_V7_1);
}

/* mem_cgroup_disabled() - v7.1, include/linux/memcontrol.h. Fidelity: same. */
bool mem_cgroup_disabled(void)
{
	return !machine->config.memcgs;
}

/* mem_cgroup_is_root() - v7.1. Fidelity: same. */
bool mem_cgroup_is_root(struct mem_cgroup *memcg)
{
	return memcg == machine->memcgs[0];
}

/* obj_cgroup_memcg() - v7.1, include/linux/memcontrol.h. Fidelity: same. RCU keeps what is returned. */
static struct mem_cgroup *obj_cgroup_memcg(struct obj_cgroup *objcg)
{
	VM_WARN_ON(!rcu_read_lock_held());
	return READ_ONCE(objcg->memcg);
}

/* folio_objcg() - v7.1. Fidelity: same. */
static struct obj_cgroup *folio_objcg(struct folio *folio)
{
	return (struct obj_cgroup *)plain_read_racy(folio->memcg_data);
}

/* folio_memcg() - v7.1, include/linux/memcontrol.h. Fidelity: same. */
struct mem_cgroup *folio_memcg(struct folio *folio)
{
	struct obj_cgroup *objcg;

	if (!charges_are_objcgs())
		return (struct mem_cgroup *)plain_read_racy(folio->memcg_data);
	objcg = folio_objcg(folio);
	return objcg ? obj_cgroup_memcg(objcg) : NULL;
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

/* memcg_is_dying() - v6.19, include/linux/memcontrol.h. Fidelity: same. */
bool memcg_is_dying(struct mem_cgroup *memcg)
{
	return memcg && plain_read_racy(memcg->dying);
}

/* mem_cgroup_online() - v7.1, include/linux/memcontrol.h. Fidelity: same. */
bool mem_cgroup_online(struct mem_cgroup *memcg)
{
	return plain_read_racy(memcg->online);
}

/* page_counter_charge(), page_counter_uncharge() - v7.1. Fidelity: adapted: there is no limit, so nobody decides by the sum: no event. */
static void mem_cgroup_account(struct mem_cgroup *memcg, long nr_pages)
{
	for (; memcg; memcg = memcg->parent)
		(void)access_add_fetch(&memcg->memory.counter, nr_pages, __ATOMIC_RELAXED);
}

/* ---- obj_cgroups ---- */

static void objcg_free_rcu(struct rcu_head *head)
{
	kmem_cache_free(&machine->objcg_cache, container_of(head, struct obj_cgroup, rcu));
}

/* obj_cgroup_release() - v7.1. Fidelity: same, no bytes. Any context. */
static void obj_cgroup_release(struct obj_cgroup *objcg)
{
	unsigned long flags;

	spin_lock_irqsave(&machine->objcg_lock, flags);
	list_del(&objcg->list);
	spin_unlock_irqrestore(&machine->objcg_lock, flags);
	call_rcu(&objcg->rcu, objcg_free_rcu);
}

#define obj_cgroup_get_many(objcg, nr) atomic_add(nr, &(objcg)->refcnt)
#define obj_cgroup_tryget(objcg) atomic_inc_not_zero(&(objcg)->refcnt)

/* obj_cgroup_put() - v7.1. Fidelity: adapted: one counter, not one for each CPU, also before it is killed. */
static void obj_cgroup_put(struct obj_cgroup *objcg)
{
	if (atomic_dec_and_test(&objcg->refcnt))
		obj_cgroup_release(objcg);
}

/* obj_cgroup_alloc() - v7.1. Fidelity: same. */
static struct obj_cgroup *obj_cgroup_alloc(struct mem_cgroup *memcg, bool boot)
{
	struct obj_cgroup *objcg = boot ? kmem_cache_alloc_boot(&machine->objcg_cache) :
					  kmem_cache_alloc(&machine->objcg_cache, GFP_KERNEL);

	if (!objcg)
		return NULL;
	objcg->memcg = memcg;
	objcg->refcnt.counter = 1;
	objcg->list.next = objcg->list.prev = &objcg->list;
	return objcg;
}

/* get_obj_cgroup_from_memcg() - v7.1. Fidelity: same. RCU is held. One that is offline has none: its parent's. The root's is always there. */
static struct obj_cgroup *get_obj_cgroup_from_memcg(struct mem_cgroup *memcg, int nid)
{
	for (;; memcg = parent_mem_cgroup(memcg)) {
		struct obj_cgroup *objcg = rcu_dereference(memcg->objcg[nid]);

		if (objcg && obj_cgroup_tryget(objcg))
			return objcg;
	}
}

/* ---- charge and uncharge ---- */

/*
 * get_mem_cgroup_from_mm() - v7.1. Fidelity: same. RCU is held. The mm's may be put between the look and the reference: look
 * again.
 */
static struct mem_cgroup *get_mem_cgroup_from_mm(struct mm_struct *mm)
{
	struct mem_cgroup *memcg;

	do
		memcg = rcu_dereference(mm->memcg);
	while (!css_tryget(memcg));
	return memcg;
}

/*
 * __mem_cgroup_charge() - v7.1. Fidelity: adapted: no limit, failure is injected; the reference to the cgroup that is taken for
 * the charging itself is the folio's (up to v6.19), or RCU's (v7.1). The folio is new: nobody else sees it. v7.1
 * takes the cgroup's object of the CPU's node, not of the folio's: hides objects of one node charged with folios of another.
 */
int mem_cgroup_charge(struct folio *folio, struct mm_struct *mm, gfp_t gfp)
{
	struct mem_cgroup *memcg, *own = NULL;
	unsigned long data;

	if (mem_cgroup_disabled())
		return 0;
	if (alloc_should_fail(gfp))
		return -ENOMEM;
	VM_BUG_ON_FOLIO(assert_read(folio->memcg_data), folio);
	/* NULL: the task's own, which is its CPU's here */
	if (!mm)
		own = mem_cgroup_get_online(1 + engine_cpu() % machine->config.memcgs);
	rcu_read_lock();
	if (charges_are_objcgs()) {
		struct obj_cgroup *objcg;

		memcg = own ? own : rcu_dereference(mm->memcg);
		objcg = get_obj_cgroup_from_memcg(memcg, folio_nid(folio));
		memcg = obj_cgroup_memcg(objcg);
		data = (unsigned long)objcg;
	} else {
		memcg = own ? own : get_mem_cgroup_from_mm(mm);
		data = (unsigned long)memcg;
	}
	mem_cgroup_account(memcg, folio_nr_pages(folio));
	rcu_read_unlock();
	plain_write(folio->memcg_data, data);
	if (own && charges_are_objcgs())
		css_put(own); /* else the folio has the reference */
	return 0;
}

/* What a batch has in common: whose it is, pinned (memcg_data), and how many pages. */
struct uncharge_gather {
	unsigned long data;
	long nr_memory;
};

/* A charge's reference is dropped. */
static void charge_put(unsigned long data)
{
	if (charges_are_objcgs())
		obj_cgroup_put((struct obj_cgroup *)data);
	else
		css_put((struct mem_cgroup *)data);
}

/* References for nr charges more. */
static void charge_get_many(unsigned long data, int nr)
{
	if (charges_are_objcgs())
		obj_cgroup_get_many((struct obj_cgroup *)data, nr);
	else
		css_get_many((struct mem_cgroup *)data, nr);
}

/* uncharge_batch() - v7.1. Fidelity: adapted: the sum. */
static void uncharge_batch(const struct uncharge_gather *ug)
{
	if (charges_are_objcgs()) {
		rcu_read_lock();
		mem_cgroup_account(obj_cgroup_memcg((struct obj_cgroup *)ug->data), -ug->nr_memory);
		rcu_read_unlock();
	} else {
		mem_cgroup_account((struct mem_cgroup *)ug->data, -ug->nr_memory);
	}
	charge_put(ug->data);
}

/*
 * uncharge_folio() - v7.1. Fidelity: adapted: the batch's pin is the first folio's reference. The folio is on no queue: which one
 * would not be known any more. v7.1 warns of one that still was, and takes it off; here the oracles see it.
 */
static void uncharge_folio(struct folio *folio, struct uncharge_gather *ug)
{
	unsigned long data = plain_read_racy(folio->memcg_data);

	if (!data)
		return;
	if (ug->data != data) {
		if (ug->data)
			uncharge_batch(ug);
		ug->data = data;
		ug->nr_memory = 0;
		plain_write(folio->memcg_data, 0);
	} else {
		plain_write(folio->memcg_data, 0);
		charge_put(data);
	}
	ug->nr_memory += folio_nr_pages(folio);
}

/*
 * __mem_cgroup_uncharge() - v7.1. Fidelity: adapted: PG_lru is not checked. The reference count is zero, or the caller is
 * memory_failure().
 */
void mem_cgroup_uncharge(struct folio *folio)
{
	struct uncharge_gather ug = { .data = 0 };

	uncharge_folio(folio, &ug);
	if (ug.data)
		uncharge_batch(&ug);
}

/* __mem_cgroup_uncharge_folios() - v7.1. Fidelity: same. */
void mem_cgroup_uncharge_folios(struct folio_batch *folios)
{
	struct uncharge_gather ug = { .data = 0 };

	for (unsigned int i = 0; i < folios->nr; i++)
		uncharge_folio(folios->folios[i], &ug);
	if (ug.data)
		uncharge_batch(&ug);
}

/* folio_split_memcg_refs() - v7.1; v6.12: split_page_memcg(). Fidelity: same. */
void folio_split_memcg_refs(struct folio *folio, unsigned int old_order, unsigned int new_order)
{
	unsigned long data = plain_read_racy(folio->memcg_data);

	if (data)
		charge_get_many(data, (1 << (old_order - new_order)) - 1);
}

/*
 * mem_cgroup_migrate() - v7.1. Fidelity: same. Charge and reference go over. v6.8 takes the old folio off its queue here, with
 * references held: a scanner may have it on a list of its own.
 */
void mem_cgroup_migrate(struct folio *old, struct folio *new)
{
	unsigned long data;

	VM_BUG_ON_FOLIO(!folio_test_locked(old), old);
	VM_BUG_ON_FOLIO(!folio_test_locked(new), new);
	VM_BUG_ON_FOLIO(folio_nr_pages(old) != folio_nr_pages(new), new);
	VM_BUG_ON_FOLIO(folio_test_lru(old), old);

	if (mem_cgroup_disabled())
		return;
	data = plain_read_racy(old->memcg_data);
	VM_WARN_ON_ONCE_FOLIO(!data, old);
	if (!data)
		return;
	plain_write(new->memcg_data, data);
	if (bug_enabled(migrate_unqueue_with_references))
		folio_unqueue_deferred_split(old);
	else if (!bug_enabled(defer_migrate_wrong_memcg_queue))
		WARN_ON_ONCE(folio_unqueue_deferred_split(old));
	plain_write(old->memcg_data, 0);
}

/*
 * memcg1_swapout() - v7.1; v6.8, v6.12: mem_cgroup_swapout(). Fidelity: adapted: memory and swap are accounted together, as with
 * cgroup v1, and who had a slot is not recorded. The folio is frozen, and interrupts are off. v6.8 leaves it on its queue.
 */
void mem_cgroup_swapout(struct folio *folio, swp_entry_t entry)
{
	unsigned long data;

	(void)entry;
	VM_BUG_ON_FOLIO(folio_test_lru(folio), folio);
	VM_BUG_ON_FOLIO(folio_ref_count(folio), folio);

	if (mem_cgroup_disabled())
		return;
	data = plain_read_racy(folio->memcg_data);
	VM_WARN_ON_ONCE_FOLIO(!data, folio);
	if (!data)
		return;
	if (!bug_enabled(swapout_uncharge_while_queued))
		folio_unqueue_deferred_split(folio);
	rcu_read_lock();
	mem_cgroup_account(folio_memcg(folio), -folio_nr_pages(folio));
	rcu_read_unlock();
	plain_write(folio->memcg_data, 0);
	charge_put(data);
}

/* ---- cgroups come and go ---- */

static void queue_init(struct deferred_split *queue)
{
	spin_lock_init(&queue->split_queue_lock);
	queue->split_queue.next = queue->split_queue.prev = &queue->split_queue;
	plain_init(queue->split_queue_len, 0);
}

/* memcg_list_lru_alloc() - mainline. Fidelity: adapted: with the cgroup, not with its first large folio. */
static int list_lru_memcg_alloc(struct mem_cgroup *memcg, bool boot)
{
	struct list_lru_memcg *mlru = boot ? kmem_cache_alloc_boot(&machine->list_lru_cache) :
					     kmem_cache_alloc(&machine->list_lru_cache, GFP_KERNEL);

	if (!mlru)
		return -ENOMEM;
	for (int nid = 0; nid < NR_NODES; nid++)
		list_lru_one_init(&mlru->node[nid]);
	memcg->deferred_split_lru = mlru;
	return 0;
}

/*
 * mem_cgroup_css_alloc(), mem_cgroup_css_online() - v7.1. Fidelity: adapted: what is not allocated when it fails is freed by the
 * caller with the rest. Nobody can find the cgroup yet.
 */
int mem_cgroup_css_alloc(struct mem_cgroup *memcg, bool boot)
{
	queue_init(&memcg->deferred_split_queue);
	for (int nid = 0; nid < NR_NODES; nid++)
		memcg->objcg_list[nid].next = memcg->objcg_list[nid].prev = &memcg->objcg_list[nid];
	if (charges_are_objcgs())
		for (int nid = 0; nid < NR_NODES; nid++) {
			memcg->objcg[nid] = obj_cgroup_alloc(memcg, boot);
			if (!memcg->objcg[nid])
				goto free;
		}
	if (memcg->parent && generation_at_least(GENERATION_MAINLINE) && list_lru_memcg_alloc(memcg, boot))
		goto free;
	return 0;
free:
	for (int nid = 0; nid < NR_NODES; nid++)
		if (memcg->objcg[nid])
			kmem_cache_free(&machine->objcg_cache, memcg->objcg[nid]);
	return -ENOMEM;
}

/* mem_cgroup_css_free(), mem_cgroup_free() - v7.1. Fidelity: same. A grace period after the last reference. */
void mem_cgroup_free(struct mem_cgroup *memcg)
{
	VM_WARN_ON(!list_empty(&memcg->deferred_split_queue.split_queue));
	kmem_cache_free(&machine->memcg_cache, memcg);
}

static void list_lru_memcg_free(struct rcu_head *head)
{
	kmem_cache_free(&machine->list_lru_cache, container_of(head, struct list_lru_memcg, rcu));
}

void list_lru_memcg_free_rcu(struct list_lru_memcg *mlru)
{
	call_rcu(&mlru->rcu, list_lru_memcg_free);
}

/*
 * reparent_deferred_split_queue() - v6.19, v7.1, mm/huge_memory.c. Fidelity: same, no shrinker bits. The cgroup has been dying
 * for a grace period, and nothing is added behind the lock's back: who adds looks at that with the lock held.
 */
static void reparent_deferred_split_queue(struct mem_cgroup *memcg)
{
	struct mem_cgroup *parent = parent_mem_cgroup(memcg);
	struct deferred_split *queue = &memcg->deferred_split_queue;
	struct deferred_split *parent_queue = &parent->deferred_split_queue;
	unsigned long len;

	spin_lock_irq(&queue->split_queue_lock);
	spin_lock_nested(&parent_queue->split_queue_lock, 1);
	len = plain_read(queue->split_queue_len);
	if (len) {
		list_splice_tail_init(&queue->split_queue, &parent_queue->split_queue);
		plain_rmw_racy(parent_queue->split_queue_len, old_ + len);
		plain_write_racy(queue->split_queue_len, 0);
	}
	spin_unlock(&parent_queue->split_queue_lock);
	spin_unlock_irq(&queue->split_queue_lock);
}

/* __memcg_reparent_objcgs() - v7.1. Fidelity: same. objcg_lock and the lru_locks are held. */
static struct obj_cgroup *__memcg_reparent_objcgs(struct mem_cgroup *memcg, struct mem_cgroup *parent, int nid)
{
	struct obj_cgroup *objcg = memcg->objcg[nid], *iter;

	rcu_assign_pointer(memcg->objcg[nid], NULL);
	list_add(&objcg->list, &memcg->objcg_list[nid]);
	list_for_each_entry(iter, &memcg->objcg_list[nid], list)
		WRITE_ONCE(iter->memcg, parent);
	list_splice(&memcg->objcg_list[nid], &parent->objcg_list[nid]);
	return objcg;
}

/*
 * memcg_reparent_objcgs(), reparent_locks() - v7.1. Fidelity: adapted: an lruvec is a node's, so that child and parent have one
 * lru_lock and nothing moves between lists.
 */
static void memcg_reparent_objcgs(struct mem_cgroup *memcg)
{
	struct mem_cgroup *parent = parent_mem_cgroup(memcg);

	for (int nid = 0; nid < NR_NODES; nid++) {
		struct lruvec *lruvec = &NODE_DATA(nid)->lruvec;
		struct obj_cgroup *objcg;

		spin_lock_irq(&machine->objcg_lock);
		spin_lock(&lruvec->lru_lock);
		objcg = __memcg_reparent_objcgs(memcg, parent, nid);
		spin_unlock(&lruvec->lru_lock);
		spin_unlock_irq(&machine->objcg_lock);

		obj_cgroup_put(objcg);
	}
}

/*
 * mem_cgroup_css_offline() - v7.1. Fidelity: same. cgroup_mutex is held, and a grace period has passed since the cgroup was marked
 * dying. Charges after queues: as long as a folio names the child, the child's queue, or its being dead, is looked at. Up to
 * v6.18 a cgroup keeps its queue, which no shrinker looks at any more.
 */
void mem_cgroup_css_offline(struct mem_cgroup *memcg)
{
	if (generation_at_least(GENERATION_MAINLINE))
		memcg_reparent_list_lrus(memcg, parent_mem_cgroup(memcg));
	else if (generation_at_least(GENERATION_V6_19))
		reparent_deferred_split_queue(memcg);
	if (charges_are_objcgs())
		memcg_reparent_objcgs(memcg);
}

/* ---- charges move with a process: up to v6.12 ---- */

/*
 * mem_cgroup_move_account() - v6.12, mm/memcontrol-v1.c. Fidelity: adapted: no statistics, and so no folio_memcg_lock(). The folio
 * is locked, referenced and isolated: nobody else changes its charge.
 */
static int mem_cgroup_move_account(struct folio *folio, struct mem_cgroup *from, struct mem_cgroup *to)
{
	VM_BUG_ON_FOLIO(!folio_test_locked(folio), folio);
	VM_BUG_ON_FOLIO(folio_test_lru(folio), folio);

	if (folio_memcg(folio) != from)
		return -EINVAL;
	smp_mb();
	css_get(to);
	if (!bug_enabled(move_charge_while_queued))
		WARN_ON_ONCE(folio_unqueue_deferred_split(folio));
	plain_write_racy(folio->memcg_data, (unsigned long)to); /* another move's get_mctgt() looks */
	mem_cgroup_account(to, folio_nr_pages(folio));
	mem_cgroup_account(from, -folio_nr_pages(folio));
	css_put(from);
	return 0;
}

/* get_mctgt_type() - v6.12. Fidelity: adapted: present pages. The table's lock is held. NULL, or with a reference and locked. */
static struct folio *get_mctgt(struct page *page, struct mem_cgroup *from)
{
	struct folio *folio = page_folio(page);

	if (is_zero_pfn(page_to_pfn(page)) || is_huge_zero_folio(folio) || folio_is_zone_device(folio))
		return NULL;
	if (folio_memcg(folio) != from || !folio_try_get(folio))
		return NULL;
	if (folio_trylock(folio)) {
		if (folio_memcg(folio) == from)
			return folio;
		folio_unlock(folio);
	}
	folio_put(folio);
	return NULL;
}

/* Isolated, moved, and put back. */
static void move_isolated(struct folio *folio, struct mem_cgroup *from, struct mem_cgroup *to)
{
	if (!folio_isolate_lru(folio))
		return;
	mem_cgroup_move_account(folio, from, to);
	folio_putback_lru(folio);
}

/*
 * Of mem_cgroup_move_charge_pte_range() - v6.12. Fidelity: same. True: the PMD was huge, and has been dealt with. A folio that is
 * queued is split first, or left where it is: its queue's lock is its cgroup's. While the PMD's lock is held nobody queues it.
 * v6.8 does not look.
 */
static bool move_charge_pmd(struct vm_area_struct *vma, pmd_t *pmd, struct mem_cgroup *from, struct mem_cgroup *to)
{
	bool tried_split = false;

	for (;;) {
		spinlock_t *ptl = pmd_trans_huge_lock(pmd, vma);
		struct folio *folio;
		bool queued;
		pmd_t pmdval;

		if (!ptl)
			return false;
		pmdval = pmdp_get(pmd);
		folio = pmd_present(pmdval) ? get_mctgt(pfn_to_page(pmd_pfn(pmdval)), from) : NULL;
		if (!folio) {
			spin_unlock(ptl);
			return true;
		}
		queued = !bug_enabled(move_charge_while_queued) && !data_race(1, folio, list_empty(&folio->_deferred_list));
		if (!queued)
			move_isolated(folio, from, to);
		else
			spin_unlock(ptl);
		if (queued && !tried_split)
			split_folio(folio);
		folio_unlock(folio);
		folio_put(folio);
		if (!queued)
			spin_unlock(ptl);
		if (!queued || tried_split)
			return true;
		tried_split = true;
	}
}

/* mem_cgroup_move_charge_pte_range() - v6.12. Fidelity: same, no swap entries. Part of a large folio stays with the whole. */
static void mem_cgroup_move_charge_pte_range(struct vm_area_struct *vma, pmd_t *pmd, unsigned long addr, unsigned long end,
					     struct mem_cgroup *from, struct mem_cgroup *to)
{
	spinlock_t *ptl;
	pte_t *pte;

	if (move_charge_pmd(vma, pmd, from, to))
		return;
	pte = pte_offset_map_lock(vma->vm_mm, pmd, addr, &ptl);
	if (!pte)
		return;
	for (pte_t *p = pte; addr < end; p++, addr += PAGE_SIZE) {
		pte_t ptent = ptep_get(p);
		struct folio *folio;

		if (!pte_present(ptent) || pte_special(ptent))
			continue;
		folio = get_mctgt(pfn_to_page(pte_pfn(ptent)), from);
		if (!folio)
			continue;
		if (!folio_test_large(folio))
			move_isolated(folio, from, to);
		folio_unlock(folio);
		folio_put(folio);
	}
	pte_unmap_unlock(pte, ptl);
}

/* mem_cgroup_move_charge() - v6.12. Fidelity: adapted: nothing is charged ahead; cgroup_mutex is not held, so that mmap_lock need not be tried. */
void mem_cgroup_move_charge(struct mm_struct *mm, struct mem_cgroup *from, struct mem_cgroup *to)
{
	lru_add_drain_all();
	synchronize_rcu();
	mmap_read_lock(mm);
	for (unsigned int i = 0; i < mm->map_count; i++) {
		struct vm_area_struct *vma = mm->vmas[i];

		for (unsigned long addr = vma->vm_start; addr < vma->vm_end;) {
			unsigned long next = (addr & PMD_MASK) + PMD_SIZE;

			if (next > vma->vm_end)
				next = vma->vm_end;
			mem_cgroup_move_charge_pte_range(vma, pmd_offset(mm, addr), addr, next, from, to);
			addr = next;
		}
	}
	mmap_read_unlock(mm);
}
