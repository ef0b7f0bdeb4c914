/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Invariant 11 while nothing is in flight: what every page of every address space holds, wherever it is now, without touching it:
 * mapped, in the swap cache, on the swap device, in device memory, or nowhere. Poisoned memory holds nothing.
 */
#include "oracle_internal.h"
#include <linux/swapops.h>

enum found { FOUND_TOKEN, FOUND_NOTHING, FOUND_UNKNOWN };

static enum found page_content(u32 pfn, u64 *token)
{
	if (pfn >= MAX_PFN || (machine->memmap[pfn].flags & BIT(PG_hwpoison)))
		return FOUND_UNKNOWN;
	*token = machine->content[pfn];
	return FOUND_TOKEN;
}

/* A folio in the cache is newer than what its slot holds on the device. */
static enum found slot_content(unsigned long slot, u64 *token)
{
	if (slot >= NR_SWAP_SLOTS)
		return FOUND_UNKNOWN;
	for_each_touched_pfn(pfn) {
		const struct folio *folio = oracle_folio(pfn);
		unsigned long first = swp_offset(folio->swap);

		if (!oracle.pages[pfn].allocated || oracle_head_of(pfn) != pfn || !oracle_in_swapcache(folio) ||
		    slot < first || slot >= first + (1ul << oracle_order(folio)))
			continue;
		if (!(folio->flags & BIT(PG_uptodate)))
			return FOUND_UNKNOWN;
		return page_content(pfn + (u32)(slot - first), token);
	}
	*token = machine->swap_info.zeromap >> slot & 1 ? 0 : machine->swap_info.content[slot];
	return FOUND_TOKEN;
}

static enum found leaf_content(softleaf_t entry, unsigned offset, u64 *token)
{
	if (softleaf_is_swap(entry))
		return slot_content(swp_offset(entry), token);
	if (softleaf_is_device_private(entry) || softleaf_is_device_exclusive(entry))
		return page_content((u32)softleaf_to_pfn(entry) + offset, token);
	return FOUND_UNKNOWN;
}

static enum found entry_content(const struct mm_struct *mm, unsigned vpn, u64 *token)
{
	pmd_t pmd = mm->pmds[vpn / PTRS_PER_PTE];
	unsigned i = vpn % PTRS_PER_PTE;
	pte_t pte;

	if (pmd_none(pmd))
		return FOUND_NOTHING;
	if (!pmd_is_table(pmd))
		return pmd_present(pmd) ? page_content((u32)pmd_pfn(pmd) + i, token) :
					  leaf_content(softleaf_from_pmd(pmd), i, token);
	pte = pmd_ptdesc(pmd)->ptes[i];
	if (pte_none(pte))
		return FOUND_NOTHING;
	return pte_present(pte) ? page_content((u32)pte_pfn(pte), token) : leaf_content(softleaf_from_pte(pte), 0, token);
}

static bool audit_place(const struct mm_struct *mm, const struct vm_area_struct *vma, unsigned vpn)
{
	u64 token = 0;

	switch (entry_content(mm, vpn, &token)) {
	case FOUND_UNKNOWN:
		return true;
	case FOUND_NOTHING:
		if (!vma_is_anonymous(vma)) /* the file has it */
			return true;
		break;
	case FOUND_TOKEN:
		break;
	}
	if (content_allows(mm->slot, vpn, (u32)token))
		return true;
	engine_report(VERDICT_BAD_CONTENT, token ? "stale or foreign data at rest" : "data lost at rest", "quiescence", NULL,
		      "m%u page %u holds %u", mm->slot, vpn, (unsigned)token);
	return false;
}

bool oracle_contents(void)
{
	for (unsigned slot = 0; slot < NR_MMS; slot++) {
		const struct mm_struct *mm = machine->mms[slot];

		for (unsigned i = 0; mm && i < mm->map_count; i++) {
			const struct vm_area_struct *vma = mm->vmas[i];

			for (unsigned long addr = vma->vm_start; addr < vma->vm_end; addr += PAGE_SIZE)
				if (!audit_place(mm, vma, (unsigned)(addr >> PAGE_SHIFT)))
					return false;
		}
	}
	return true;
}
