/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When an accepted race (foliofuzz/benign.def) is met, for its count. The replica says where the kernel looks without a lock, or
 * gives up; that is a race only if somebody else is at what it looks at, in that moment.
 */
#include "oracle_internal.h"
#include <linux/swapops.h>

static bool held_by_another(const volatile void *lock)
{
	for (unsigned cpu = 0; cpu < ENGINE_CPUS_MAX; cpu++)
		for (unsigned i = 0; cpu != engine_cpu() && i < kern->cpu[cpu].held_count; i++)
			if (kern->cpu[cpu].held[i].lock == lock)
				return true;
	return false;
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

static long entries_of_table(const struct ptdesc *table, u32 head, u32 nr)
{
	long n = 0;

	for (unsigned i = 0; i < PTRS_PER_PTE; i++) {
		pte_t pte = __pte(table->ptes[i].pte);
		unsigned long pfn = MAX_PFN;

		if (pte_present(pte)) {
			pfn = pte_special(pte) ? MAX_PFN : pte_pfn(pte);
		} else if (!pte_none(pte)) {
			softleaf_t entry = softleaf_from_pte(pte);

			if (softleaf_is_device_private(entry) || softleaf_is_device_exclusive(entry))
				pfn = softleaf_to_pfn(entry);
		}
		n += pfn >= head && pfn < head + nr;
	}
	return n;
}

/* How often page tables map the folio. */
static long entries_of(u32 head)
{
	u32 nr = 1u << oracle_order(oracle_folio(head));
	long n = 0;

	for (unsigned m = 0; m < NR_MMS; m++)
		for (unsigned i = 0; machine->mms[m] && i < PTRS_PER_PMD; i++) {
			pmd_t pmd = __pmd(machine->mms[m]->pmds[i].pmd);

			if (pmd_none(pmd))
				continue;
			if (pmd_is_table(pmd))
				n += entries_of_table(pmd_ptdesc(pmd), head, nr);
			else if (pmd_present(pmd))
				n += pmd_pfn(pmd) == head;
			else if (softleaf_is_device_private(softleaf_from_pmd(pmd)))
				n += softleaf_to_pfn(softleaf_from_pmd(pmd)) == head;
		}
	return n;
}

/* A zap has cleared its entries and not yet lowered the count. */
static bool zap_is_under_way(u32 head)
{
	return entries_of(head) < reference_mapcount(head);
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
