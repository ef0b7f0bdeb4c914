/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Invariant 20: a pin for long succeeds if nothing stands against it. A page that may not stay where it is is moved first, and that fails for references that
 * nobody can explain away. Those of the CPUs' batches can be: they are drained. So where a pin for long fails with -ENOMEM or -EAGAIN, and
 * no other CPU has done anything meanwhile, nothing was refused to it on purpose and there is room, the page has references that are
 * neither mappings, nor caches', nor batches'.
 */
#include "oracle_internal.h"
#include <foliofuzz/ops.h>
#include <linux/swapops.h>

static struct pin_progress {
	bool active, alone, refused;
	u8 cpu;
} pin;

void pin_progress_op_begin(unsigned fail)
{
	if (pin.active && pin.cpu != engine_cpu())
		pin.alone = false;
	if (!pin.active || pin.cpu == engine_cpu())
		pin = (struct pin_progress){ .cpu = (u8)engine_cpu(), .refused = fail != 0 };
}

void pin_progress_written(const struct event *ev)
{
	if (unlikely(pin.active) && ev->cpu != pin.cpu)
		pin.alone = false;
}

/* The page that is mapped there for everybody to see; MAX_PFN: none. */
static u32 mapped_page(const struct mm_struct *mm, unsigned vpn)
{
	pmd_t pmd = mm->pmds[vpn / PTRS_PER_PTE];
	pte_t pte;

	if (pmd_none(pmd) || !pmd_present(pmd))
		return MAX_PFN;
	if (!pmd_is_table(pmd))
		return (u32)pmd_pfn(pmd) + vpn % PTRS_PER_PTE;
	pte = __pte(pmd_ptdesc(pmd)->ptes[vpn % PTRS_PER_PTE].pte);
	return pte_present(pte) && !pte_special(pte) ? (u32)pte_pfn(pte) : MAX_PFN;
}

static bool has_room(const struct zone *zone, unsigned order)
{
	for (unsigned o = order; o < NR_ORDERS; o++)
		if (zone->free_head[o] >= 0)
			return true;
	return zone->untouched + (1u << MAX_ORDER_) <= zone->end;
}

/* Node 1 stands for memory that must not be pinned for long (folio_is_longterm_pinnable()). */
static void judge(const struct mm_struct *mm, unsigned vpn)
{
	u32 pfn = mm ? mapped_page(mm, vpn) : MAX_PFN, head;
	const struct folio *folio;

	if (pfn >= NR_PAGES || page_to_nid(&machine->memmap[pfn]) != 1 || oracle_poisoned_pages(oracle_head_of(pfn)))
		return;
	head = oracle_head_of(pfn);
	folio = oracle_folio(head);
	if (folio->flags & (BIT(PG_locked) | BIT(PG_writeback)) || !has_room(&machine->nodes[0].zone, oracle_order(folio)))
		return;
	if (reference_can_move(head))
		engine_find(VERDICT_BAD_STATE, "pin for long fails for a reference that can be drained", NULL,
			    "folio at page %u: %d references", head, folio->_refcount.counter);
}

void pin_progress_note(const struct user_note *n)
{
	if (n->event == USER_PIN_LONGTERM_BEGIN && !pin.active && pin.cpu == engine_cpu()) {
		pin.active = true;
		pin.alone = !pin.refused;
	} else if (n->event == USER_PIN_LONGTERM_END && pin.active && pin.cpu == engine_cpu()) {
		pin.active = false;
		if (n->value && pin.alone)
			judge(machine->mms[n->mm], n->vpn);
	}
}

void pin_progress_save(struct snapshot *s)
{
	snapshot_add(s, &pin, sizeof(pin));
}

void pin_progress_begin(void)
{
	pin = (struct pin_progress){ 0 };
}
