/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When an accepted race (foliofuzz/benign.def) is met, for its count. The replica says where the kernel looks without a lock, or
 * gives up; that is a race only if somebody else is at what it looks at, in that moment.
 */
#include "oracle_internal.h"
#include <linux/swapops.h>

static bool held_by_another(const volatile void *lock)
{
	bool held = false;

	for (unsigned cpu = 0; !held && cpu < ENGINE_CPUS_MAX; cpu++)
		held = cpu != engine_cpu() && kern_holds(cpu, lock);
	return held;
}

/* The queue whose list, or whose folio's link or flag, is looked at. NULL: a folio that has not been on any yet. */
static struct deferred_split *queue_looked_at(const volatile void *object)
{
	struct deferred_split *queues[QUEUES_MAX];
	u32 pfn, offset;
	unsigned n;

	if (oracle_page_of(object, &pfn, &offset))
		return oracle.pages[pfn].queue;
	n = oracle_queues(queues);
	for (unsigned i = 0; i < n; i++)
		if (object == queues[i])
			return queues[i];
	return NULL;
}

/* Somebody is at work under the lock of what is looked at without it. */
static bool queue_is_worked_on(const volatile void *object)
{
	struct deferred_split *queue = queue_looked_at(object);

	return queue && (held_by_another(&queue->split_queue_lock) ||
			 held_by_another(&oracle_queue_owner(queue)->split_queue_lock));
}

/* A reference that neither mappings, caches, batches nor the program's own operations explain, besides the one of who is looking. */
static bool has_transient_reference(u32 head)
{
	return oracle_folio(head)->_refcount.counter > 1 + reference_explained(head) + (s32)oracle_poisoned_pages(head);
}

/* A zap has cleared its entries and not yet lowered the count. */
static bool zap_is_under_way(u32 head)
{
	return rmap_audit_entries(head) < reference_mapcount(head);
}

void benign_note(enum benign row, const volatile void *object)
{
	u32 pfn, offset;
	bool page = oracle_page_of(object, &pfn, &offset), met = true;

	switch (row) {
	case BENIGN_EMPTY_UNLOCKED:
	case BENIGN_FLAG_UNLOCKED:
		met = queue_is_worked_on(object);
		break;
	case BENIGN_SPECULATIVE_REF:
		met = page && has_transient_reference(oracle_head_of(pfn));
		break;
	case BENIGN_BUDDY_UNLOCKED:
		met = page && held_by_another(&machine->nodes[page_to_nid(pfn_to_page(pfn))].zone.lock);
		break;
	case BENIGN_UNMAP_MISSES_ZAP:
		met = page && zap_is_under_way(oracle_head_of(pfn));
		break;
	default:
		break;
	}
	if (met)
		oracle_benign_met(row);
}
