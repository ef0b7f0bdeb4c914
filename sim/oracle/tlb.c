/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Invariant 14: a page is freed only when no CPU has a translation to it left. Whoever unmaps it flushes first: at once, with its
 * gather, or with its batch.
 */
#include "oracle_internal.h"

void tlb_page_freed(u32 pfn, u32 nr)
{
	for (unsigned cpu = 0; cpu < NR_CPUS; cpu++)
		for (unsigned i = 0; i < TLB_ENTRIES; i++) {
			const struct tlb_entry *e = &machine->tlb.entries[cpu][i];

			if (likely(!e->mm || e->pfn < pfn || e->pfn >= pfn + nr))
				continue;
			engine_find(VERDICT_USE_AFTER_FREE, "page freed before the TLB flush", NULL,
				    "page %u: cpu%u still %s it at virtual page %u", e->pfn, cpu, e->write ? "writes" : "reads", e->vpn);
		}
}
