// SPDX-License-Identifier: GPL-2.0-only
/*
 * list_lru.c - lists by node and cgroup, and what becomes of them when the cgroup goes: mm/list_lru.c.
 *
 * A cgroup's sublists are found under RCU and are then locked; one that has been given to the parent is dead, which stands in
 * nr_items under its lock, so that who comes too late sees it and goes to the parent. Locks: child's, then parent's. There is
 * one list_lru, the split queue's.
 */
#include <linux/list_lru.h>
#include <linux/memcontrol.h>
#include <linux/mm.h>
#include <linux/mmzone.h>
#include <foliofuzz/bug.h>

/* init_one_lru() - mainline. Fidelity: same. Nobody has it yet. */
void list_lru_one_init(struct list_lru_one *l)
{
	spinlock_t *list_lru_lock = &l->lock; /* a lock class is named after what is initialised */

	spin_lock_init(list_lru_lock);
	l->list.next = l->list.prev = &l->list;
	l->nr_items = 0;
}

/*
 * list_lru_from_memcg_idx() - mainline. Fidelity: adapted: the cgroup points to its sublists, which are made with it; the kernel
 * looks an id up in an xarray. NULL: erased, the cgroup is gone. RCU is held.
 */
static struct list_lru_one *list_lru_from_memcg_idx(int nid, struct mem_cgroup *memcg)
{
	struct list_lru_memcg *mlru;

	if (!memcg || mem_cgroup_is_root(memcg))
		return &NODE_DATA(nid)->deferred_split_lru;
	mlru = rcu_dereference(memcg->deferred_split_lru);
	return mlru ? &mlru->node[nid] : NULL;
}

/* lock_list_lru() - mainline. Fidelity: same. False, and not held: it is dead. */
static bool lock_list_lru(struct list_lru_one *l)
{
	spin_lock(&l->lock);
	if (likely(plain_read_racy(l->nr_items) != LIST_LRU_DEAD))
		return true;
	spin_unlock(&l->lock);
	return false;
}

/* lock_list_lru_of_memcg() - mainline. Fidelity: same. NULL only with skip_empty: the cgroup's own sublist is dead. */
static struct list_lru_one *lock_list_lru_of_memcg(int nid, struct mem_cgroup *memcg, bool skip_empty)
{
	rcu_read_lock();
	for (;;) {
		struct list_lru_one *l = list_lru_from_memcg_idx(nid, memcg);

		if (likely(l) && lock_list_lru(l)) {
			rcu_read_unlock();
			return l;
		}
		if (skip_empty) {
			rcu_read_unlock();
			return NULL;
		}
		VM_WARN_ON(!memcg_is_dying(memcg));
		memcg = parent_mem_cgroup(memcg);
	}
}

/* list_lru_lock() - mainline. Fidelity: same. */
struct list_lru_one *list_lru_lock(int nid, struct mem_cgroup *memcg)
{
	return lock_list_lru_of_memcg(nid, memcg, false);
}

/* __list_lru_add() - mainline. Fidelity: same, no shrinker bits, no sum over the node. */
bool __list_lru_add(struct list_lru_one *l, struct list_head *item)
{
	if (!list_empty(item))
		return false;
	list_add_tail(item, &l->list);
	plain_rmw_racy(l->nr_items, old_ + 1);
	return true;
}

/* __list_lru_del() - mainline. Fidelity: same. */
bool __list_lru_del(struct list_lru_one *l, struct list_head *item)
{
	if (list_empty(item))
		return false;
	list_del_init(item);
	plain_rmw_racy(l->nr_items, old_ - 1);
	return true;
}

/*
 * list_lru_isolate() - mainline. Fidelity: same. The last reference of what is removed may be gone, and its owner looks at
 * the link without the lock: see scan_take() of deferred_split/v7_1.c.
 */
void list_lru_isolate(struct list_lru_one *list, struct list_head *item)
{
	if (bug_enabled(defer_unqueue_empty_test_vs_unlink))
		list_del_init(item);
	else
		list_del_init_careful(item);
	plain_rmw_racy(list->nr_items, old_ - 1);
}

/* list_lru_isolate_move() - mainline. Fidelity: same. */
void list_lru_isolate_move(struct list_lru_one *list, struct list_head *item, struct list_head *head)
{
	list_move(item, head);
	plain_rmw_racy(list->nr_items, old_ - 1);
}

/* __list_lru_walk_one() - mainline. Fidelity: adapted: callbacks that drop the lock are left out. */
unsigned long list_lru_walk_one_irq(int nid, struct mem_cgroup *memcg, list_lru_walk_cb isolate, void *cb_arg,
				    unsigned long *nr_to_walk)
{
	unsigned long isolated = 0, flags;
	struct list_head *item, *next;
	struct list_lru_one *l;

	local_irq_save(flags);
	l = lock_list_lru_of_memcg(nid, memcg, true);
	if (!l) {
		local_irq_restore(flags);
		return 0;
	}
	for (item = list_next_(&l->list); item != &l->list && *nr_to_walk; item = next) {
		next = list_next_(item);
		--*nr_to_walk;
		if (isolate(item, l, cb_arg) == LRU_REMOVED)
			isolated++;
	}
	list_lru_unlock_irqrestore(l, flags);
	return isolated;
}

/* list_lru_count_one() - mainline. Fidelity: same. A guess; a dead sublist has nothing. */
unsigned long list_lru_count_one(int nid, struct mem_cgroup *memcg)
{
	struct list_lru_one *l;
	long count;

	rcu_read_lock();
	l = list_lru_from_memcg_idx(nid, memcg);
	count = l ? READ_ONCE(l->nr_items) : 0;
	rcu_read_unlock();
	return count < 0 ? 0 : (unsigned long)count;
}

/* memcg_reparent_list_lru_one() - mainline. Fidelity: same. */
static void memcg_reparent_list_lru_one(int nid, struct list_lru_one *src, struct mem_cgroup *dst_memcg)
{
	struct list_lru_one *dst;

	spin_lock_irq(&src->lock);
	rcu_read_lock();
	dst = list_lru_from_memcg_idx(nid, dst_memcg);
	rcu_read_unlock();
	spin_lock_nested(&dst->lock, 1);

	list_splice_init(&src->list, &dst->list);
	if (src->nr_items) {
		WARN_ON(src->nr_items < 0);
		plain_rmw_racy(dst->nr_items, old_ + src->nr_items);
	}
	plain_write_racy(src->nr_items, LIST_LRU_DEAD);

	spin_unlock(&dst->lock);
	spin_unlock_irq(&src->lock);
}

/*
 * memcg_reparent_list_lrus() - mainline. Fidelity: same. Dead first, erased then: an item is never looked for on the parent's
 * list while it is still on the child's. The parent cannot go before its child has.
 */
void memcg_reparent_list_lrus(struct mem_cgroup *memcg, struct mem_cgroup *parent)
{
	struct list_lru_memcg *mlru = rcu_dereference(memcg->deferred_split_lru);

	for (int nid = 0; nid < NR_NODES; nid++)
		memcg_reparent_list_lru_one(nid, &mlru->node[nid], parent);
	rcu_assign_pointer(memcg->deferred_split_lru, NULL);
	list_lru_memcg_free_rcu(mlru);
}
