/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Invariant 6: split_queue_len counts the queue. Exactly whenever the lock is released, from v6.19 on. Before, a scanner takes
 * folios to a private list and accounts for them at the end of its scan, so that in between the length is
 * at least the list's and the private lists'; exact at quiescence.
 *
 * From v6.19 on a cgroup's queue is its parent's from the moment on at which the cgroup is dying, also as long as it still stands
 * there: who has seen that under its lock goes to the parent, whose lock and length then count for both. (Mainline's
 * sublist is its own until it is dead.)
 */
#include "oracle_internal.h"

#define SAME_PLACE(a, b) _Static_assert(offsetof(struct deferred_split, a) == offsetof(struct list_lru_one, b), #b)
SAME_PLACE(split_queue_lock, lock);
SAME_PLACE(split_queue, list);
SAME_PLACE(split_queue_len, nr_items);

unsigned oracle_queues(struct deferred_split *queues[QUEUES_MAX])
{
	unsigned n = 0;

	for (unsigned i = 0; i < NR_NODES; i++) {
		queues[n++] = &machine->nodes[i].deferred_split_queue;
		queues[n++] = (struct deferred_split *)&machine->nodes[i].deferred_split_lru;
	}
	for (unsigned i = 0; i < machine->memcg_cache.allocated; i++)
		if (!arena_state[arena_offset(&machine->memcg_pool[i]) >> ARENA_GRAIN_SHIFT])
			queues[n++] = &machine->memcg_pool[i].deferred_split_queue;
	for (unsigned i = 0; i < machine->list_lru_cache.allocated; i++)
		for (unsigned nid = 0; nid < NR_NODES; nid++)
			if (!arena_state[arena_offset(&machine->list_lru_pool[i]) >> ARENA_GRAIN_SHIFT])
				queues[n++] = (struct deferred_split *)&machine->list_lru_pool[i].node[nid];
	return n;
}

struct deferred_split *queue_of_lock(const volatile void *lock)
{
	struct deferred_split *queues[QUEUES_MAX];
	unsigned n;

	/* most locks are elsewhere */
	if ((uintptr_t)lock - (uintptr_t)machine->nodes >=
	    offsetof(struct machine_state, objcg_pool) - offsetof(struct machine_state, nodes))
		return NULL;
	n = oracle_queues(queues);
	for (unsigned i = 0; i < n; i++)
		if (lock == &queues[i]->split_queue_lock)
			return queues[i];
	return NULL;
}

/* Mainline: given to the parent; empty, and the length says so in its own way. */
static bool is_dead(const struct deferred_split *queue)
{
	return (long)queue->split_queue_len == LIST_LRU_DEAD;
}

/* Entries, or -1 if the links do not come back to the head both ways. */
static long list_length(const struct list_head *head)
{
	long n = 0;

	for (const struct list_head *p = head->next; p != head; p = p->next, n++)
		if (n > NR_PAGES || p->next->prev != p || p->prev->next != p)
			return -1;
	return n;
}

static struct mem_cgroup *memcg_of(const struct deferred_split *queue)
{
	size_t off = (uintptr_t)queue - (uintptr_t)machine->memcg_pool;

	return off < sizeof(machine->memcg_pool) ? &machine->memcg_pool[off / sizeof(struct mem_cgroup)] : NULL;
}

/* The queue whose lock covers this one's links and length. */
struct deferred_split *oracle_queue_owner(struct deferred_split *queue)
{
	struct mem_cgroup *memcg = memcg_of(queue);

	if (!memcg || !generation_at_least(GENERATION_V6_19))
		return queue;
	while (memcg->dying)
		memcg = memcg->parent;
	return &memcg->deferred_split_queue;
}

static long list_length_or_find(const struct deferred_split *queue)
{
	long n = list_length(&queue->split_queue);

	if (n < 0)
		engine_find(VERDICT_LIST_CORRUPTION, "split queue's links", NULL, "the queue's lock is released");
	return n;
}

/* Entries and lengths of the queues of dying cgroups that are this one's as well. False: one is being edited, under its own lock. */
static bool add_inherited(const struct deferred_split *queue, long *n, long *len)
{
	for (unsigned i = 0; memcg_of(queue) && i < machine->memcg_cache.allocated; i++) {
		struct mem_cgroup *memcg = &machine->memcg_pool[i];

		if (arena_state[arena_offset(memcg) >> ARENA_GRAIN_SHIFT] || !memcg->dying ||
		    oracle_queue_owner(&memcg->deferred_split_queue) != queue)
			continue;
		if (spin_is_locked(&memcg->deferred_split_queue.split_queue_lock))
			return false;
		*n += list_length_or_find(&memcg->deferred_split_queue);
		*len += (long)memcg->deferred_split_queue.split_queue_len;
	}
	return true;
}

/* Before v6.19: on the private list of a scanner, who has not settled anything yet. */
static long on_private_lists(const struct deferred_split *queue)
{
	long n = 0;

	for_each_touched_pfn(pfn)
		n += oracle.pages[pfn].queue == queue && oracle.pages[pfn].home && oracle.pages[pfn].home != &queue->split_queue;
	return n;
}

void queue_length_unlocking(struct deferred_split *queue)
{
	long n, len = (long)queue->split_queue_len;

	if (oracle_queue_owner(queue) != queue)
		return;
	n = list_length_or_find(queue);
	if (is_dead(queue) && !n)
		return;
	if (!add_inherited(queue, &n, &len))
		return;
	if (generation_at_least(GENERATION_V6_19) ? len != n : len < n + on_private_lists(queue))
		engine_find(VERDICT_LIST_CORRUPTION, "split queue's length", NULL,
			    "%ld entries, split_queue_len %ld", n, len);
}

static bool check_quiet(const struct deferred_split *queue)
{
	long n = list_length(&queue->split_queue);

	if (n == (long)queue->split_queue_len || (is_dead(queue) && !n))
		return true;
	engine_report(VERDICT_LIST_CORRUPTION, n < 0 ? "split queue's links" : "split queue's length",
		      "quiescence", NULL, "%ld entries, split_queue_len %ld", n, (long)queue->split_queue_len);
	return false;
}

bool queue_length_quiescent(void)
{
	struct deferred_split *queues[QUEUES_MAX];
	unsigned n = oracle_queues(queues);

	for (unsigned i = 0; i < n; i++)
		if (!check_quiet(queues[i]))
			return false;
	return true;
}
