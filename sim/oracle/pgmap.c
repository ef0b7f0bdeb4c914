/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Invariant 17: device memory at quiescence. The pgmap's references are the pages in use, and one while the device is there: once it has gone, none; a page that is
 * not in use has no reference, no mapping, and is the driver's. What the device's mirror of an address space says is what that has
 * mapped: the same page, and writable only if it is there. And at a step: a driver is called for a page that is in use, or its pgmap, and with it
 * the driver, could have gone before.
 */
#include "oracle_internal.h"
#include <linux/hmm.h>
#include <linux/mmu_notifier.h>
#include <linux/pgtable.h>
#include <linux/swapops.h>

static bool wrong(const char *invariant, u32 which, long is, long should_be)
{
	engine_report(VERDICT_BAD_STATE, invariant, "quiescence", NULL, "%u: %ld, should be %ld", which, is, should_be);
	return false;
}

static bool check_page(u32 pfn, long *used)
{
	const struct page *page = &machine->memmap[pfn];
	bool busy = machine->dmirror.busy[pfn - NR_PAGES];

	if (busy != oracle.pages[pfn].allocated)
		return wrong("device page in use, and the driver's", pfn, busy, oracle.pages[pfn].allocated);
	if (busy) {
		++*used;
		return true;
	}
	if (page->_refcount.counter)
		return wrong("free device page with references", pfn, page->_refcount.counter, 0);
	if (oracle_head_of(pfn) == pfn && page->mapping)
		return wrong("free device page with a mapping", pfn, 1, 0);
	return true;
}

void pgmap_fault(const volatile void *page)
{
	u32 pfn = (u32)page_to_pfn((const struct page *)(uintptr_t)page);

	if (unlikely(oracle_folio(oracle_head_of(pfn))->_refcount.counter < 1))
		engine_find(VERDICT_USE_AFTER_FREE, "driver called for a free page", NULL, "page %u", pfn);
}

/* What the process has at an address, as an entry of the mirror: 0 for nothing that a device may keep. */
static unsigned long mapped_at(const struct mm_struct *mm, unsigned vpn)
{
	pmd_t pmd = mm->pmds[vpn / PTRS_PER_PTE];
	unsigned long idx = vpn % PTRS_PER_PTE;
	softleaf_t entry;
	pte_t pte;

	if (pmd_none(pmd))
		return 0;
	if (!pmd_is_table(pmd)) {
		entry = softleaf_from_pmd(pmd);
		if (pmd_present(pmd))
			return (pmd_pfn(pmd) + idx) << DPT_PFN_SHIFT | DPT_VALID | (pmd_write(pmd) ? DPT_WRITE : 0);
		if (!softleaf_is_device_private(entry))
			return 0;
		return (softleaf_to_pfn(entry) + idx) << DPT_PFN_SHIFT | DPT_VALID |
		       (softleaf_is_device_private_write(entry) ? DPT_WRITE : 0);
	}
	pte = pmd_ptdesc(pmd)->ptes[idx];
	entry = softleaf_from_pte(pte);
	if (pte_none(pte))
		return 0;
	if (pte_present(pte))
		return pte_pfn(pte) << DPT_PFN_SHIFT | DPT_VALID | (pte_write(pte) ? DPT_WRITE : 0);
	if (softleaf_is_device_exclusive(entry))
		return softleaf_to_pfn(entry) << DPT_PFN_SHIFT | DPT_VALID | DPT_WRITE;
	if (!softleaf_is_device_private(entry))
		return 0;
	return softleaf_to_pfn(entry) << DPT_PFN_SHIFT | DPT_VALID |
	       (softleaf_is_device_private_write(entry) ? DPT_WRITE : 0);
}

static bool check_mirror(const struct mm_struct *mm)
{
	const struct mmu_notifier_subscription *mirror = mm->notifier_subscriptions;

	for (unsigned vpn = 0; mirror && vpn < ARRAY_SIZE(mirror->pt); vpn++) {
		unsigned long is = mirror->pt[vpn], mapped = mapped_at(mm, vpn);

		if (!is)
			continue;
		if (is >> DPT_PFN_SHIFT != mapped >> DPT_PFN_SHIFT || !(mapped & DPT_VALID))
			return wrong("the device reaches another page than the process", vpn, (long)(is >> DPT_PFN_SHIFT),
				     (long)(mapped >> DPT_PFN_SHIFT));
		if ((is & DPT_WRITE) && !(mapped & DPT_WRITE))
			return wrong("the device writes where the process may not", vpn, 1, 0);
	}
	return true;
}

bool pgmap_quiescent(void)
{
	long used = machine->pgmap.dead ? 0 : 1;

	for (u32 pfn = NR_PAGES; pfn < NR_PAGES + (u32)machine->dmirror.touched; pfn++)
		if (!check_page(pfn, &used))
			return false;
	if (machine->pgmap.dead && used)
		return wrong("pages of a device that has gone are in use", 0, used, 0);
	if (machine->pgmap.ref.counter != used)
		return wrong("references to the device", 0, machine->pgmap.ref.counter, used);
	for (unsigned i = 0; i < NR_MMS; i++)
		if (machine->mms[i] && !check_mirror(machine->mms[i]))
			return false;
	return true;
}
