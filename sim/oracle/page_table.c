/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Invariant 19: a PMD that is made to lead to a page table leads to one that is allocated and not freed, and to which no other PMD leads. Whoever
 * walks there, by software or hardware, believes it without a look.
 */
#include "oracle_internal.h"
#include <linux/pgtable.h>

static bool is_live_table(u32 offset)
{
	u32 grain = offset >> ARENA_GRAIN_SHIFT;

	return grain < ARENA_GRAINS && oracle.slab_name[grain] == machine->ptdesc_cache.name && !arena_state[grain];
}

static void check_table(const struct mm_struct *mm, const pmd_t *pmd)
{
	u32 offset = (u32)(pmd_val(*pmd) >> PFN_SHIFT);

	if (unlikely(!is_live_table(offset)))
		engine_find(VERDICT_BAD_STATE, "PMD leads to no page table", NULL, "the PMD of virtual page %u",
			    (unsigned)((pmd - mm->pmds) * PTRS_PER_PTE));
	for (unsigned i = 0; i < NR_MMS; i++)
		for (unsigned n = 0; machine->mms[i] && n < PTRS_PER_PMD; n++)
			if (unlikely(&machine->mms[i]->pmds[n] != pmd && pmd_val(machine->mms[i]->pmds[n]) == pmd_val(*pmd)))
				engine_find(VERDICT_BAD_STATE, "page table in two places", NULL, "m%u, the PMD of virtual page %u", i,
					    n * PTRS_PER_PTE);
}

void page_table_written(const struct event *ev)
{
	for (unsigned i = 0; i < NR_MMS; i++) {
		const struct mm_struct *mm = machine->mms[i];
		uintptr_t at = mm ? (uintptr_t)ev->object - (uintptr_t)mm->pmds : UINTPTR_MAX;

		if (likely(at >= sizeof(mm->pmds)))
			continue;
		if (pmd_is_table(mm->pmds[at / sizeof(pmd_t)]))
			check_table(mm, &mm->pmds[at / sizeof(pmd_t)]);
		return;
	}
}
