/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Invariant 6: split_queue_len counts the queue. Exactly whenever the lock is released, from v6.19 on. Before, a scanner takes
 * folios to a private list and accounts for them at the end of its scan, so that in between the length is
 * at least the list's; exact at quiescence.
 */
#include "oracle_internal.h"

_Static_assert(offsetof(struct machine_state, memcgs) ==
		       offsetof(struct machine_state, nodes) + sizeof(machine->nodes),
	       "queue_of_lock() takes nodes and memcgs for one range");

struct deferred_split *queue_of_lock(const volatile void *lock)
{
	/* nodes and memcgs stand side by side; most locks are elsewhere */
	if ((uintptr_t)lock - (uintptr_t)machine->nodes >=
	    sizeof(machine->nodes) + sizeof(machine->memcgs))
		return NULL;
	for (unsigned i = 0; i < NR_MEMCGS; i++)
		if (lock == &machine->memcgs[i].deferred_split_queue.split_queue_lock)
			return &machine->memcgs[i].deferred_split_queue;
	for (unsigned i = 0; i < NR_NODES; i++)
		if (lock == &machine->nodes[i].deferred_split_queue.split_queue_lock)
			return &machine->nodes[i].deferred_split_queue;
	return NULL;
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

void queue_length_unlocking(struct deferred_split *queue)
{
	long n = list_length(&queue->split_queue), len = (long)queue->split_queue_len;

	if (n < 0)
		engine_find(VERDICT_LIST_CORRUPTION, "split queue's links", NULL, "the queue's lock is released");
	if (generation_at_least(GENERATION_V7_1) ? len != n : len < n)
		engine_find(VERDICT_LIST_CORRUPTION, "split queue's length", NULL,
			    "%ld entries, split_queue_len %ld", n, len);
}

static bool check_quiet(const struct deferred_split *queue)
{
	long n = list_length(&queue->split_queue);

	if (n == (long)queue->split_queue_len)
		return true;
	engine_report(VERDICT_LIST_CORRUPTION, n < 0 ? "split queue's links" : "split queue's length",
		      "quiescence", NULL, "%ld entries, split_queue_len %ld", n, (long)queue->split_queue_len);
	return false;
}

bool queue_length_quiescent(void)
{
	for (unsigned i = 0; i < NR_MEMCGS; i++)
		if (!check_quiet(&machine->memcgs[i].deferred_split_queue))
			return false;
	for (unsigned i = 0; i < NR_NODES; i++)
		if (!check_quiet(&machine->nodes[i].deferred_split_queue))
			return false;
	return true;
}
