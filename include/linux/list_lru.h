/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux/list_lru.h - lists of reclaimable objects by node and cgroup. Later mainline keeps the split queue on one:
 * deferred_split_lru, whose sublists stand in the nodes (the root's, or without cgroups) and in each cgroup.
 */
#ifndef _LINUX_LIST_LRU_H
#define _LINUX_LIST_LRU_H

#include <linux/list.h>
#include <linux/mmzone_sizes.h>
#include <linux/rcupdate.h>
#include <linux/spinlock.h>

struct mem_cgroup;

/* The lock covers the rest. Laid out as struct deferred_split: the oracles look at both as at one. */
struct list_lru_one {
	spinlock_t lock;
	struct list_head list;
	long nr_items; /* LIST_LRU_DEAD: reparented, nothing comes here any more */
};
#define LIST_LRU_DEAD (-__LONG_MAX__ - 1l)

/* A cgroup's sublists; read under RCU. */
struct list_lru_memcg {
	struct rcu_head rcu;
	struct list_lru_one node[NR_NODES];
} __attribute__((aligned(64)));

enum lru_status { LRU_REMOVED, LRU_SKIP };
typedef enum lru_status (*list_lru_walk_cb)(struct list_head *item, struct list_lru_one *list, void *cb_arg);

/*
 * The sublist of a node and a cgroup, locked; of the nearest ancestor that still has one. Interrupts are off; the caller's RCU
 * section keeps the cgroup.
 */
struct list_lru_one *list_lru_lock(int nid, struct mem_cgroup *memcg);
#define list_lru_unlock(l) spin_unlock(&(l)->lock)
#define list_lru_lock_irqsave(nid, memcg, flags)                               \
	({                                                                     \
		local_irq_save(flags);                                         \
		list_lru_lock(nid, memcg);                                     \
	})
#define list_lru_unlock_irqrestore(l, flags) spin_unlock_irqrestore(&(l)->lock, flags)
/* False: is on a list already, or on none. The sublist's lock is held. */
bool __list_lru_add(struct list_lru_one *l, struct list_head *item);
bool __list_lru_del(struct list_lru_one *l, struct list_head *item);
/* For walk callbacks. */
void list_lru_isolate(struct list_lru_one *list, struct list_head *item);
void list_lru_isolate_move(struct list_lru_one *list, struct list_head *item, struct list_head *head);
/* Calls isolate for each item, with the lock held; returns how many were removed. A dead sublist is empty. */
unsigned long list_lru_walk_one_irq(int nid, struct mem_cgroup *memcg, list_lru_walk_cb isolate, void *cb_arg,
				    unsigned long *nr_to_walk);
unsigned long list_lru_count_one(int nid, struct mem_cgroup *memcg);
/* The cgroup goes: its items become its parent's, and its sublists dead. */
void memcg_reparent_list_lrus(struct mem_cgroup *memcg, struct mem_cgroup *parent);
void list_lru_one_init(struct list_lru_one *l);

#endif
