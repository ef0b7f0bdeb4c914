/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Invariant 8: at quiescence page tables and counters agree. Every entry of every kind against every counter: per-page, entire, total
 * and nr_pages_mapped map counts; AnonExclusive (one mapping); RSS; one deposited table for each huge PMD, and
 * the count of tables; no migration entry is left.
 */
#include "oracle_internal.h"
#include <linux/swapops.h>
#include <string.h>

/* What the page tables say. */
struct audit {
	u16 ptes[NR_PAGES]; /* PTE mappings of each page */
	u16 pmds[NR_PAGES]; /* PMD mappings of each head */
	long rss, tables, deposited;
};

static bool wrong(const char *invariant, const char *what, u32 pfn, long counter, long counted)
{
	engine_report(VERDICT_BAD_RMAP, invariant, "quiescence", NULL, "%s, page %u: counter %ld, counted %ld", what,
		      pfn, counter, counted);
	return false;
}

static bool audit_pte(struct audit *a, unsigned long v)
{
	pte_t pte = __pte(v);

	if (pte_none(pte))
		return true;
	if (!pte_present(pte)) {
		if (!softleaf_is_migration(softleaf_from_pte(pte)))
			return true;
		a->rss++;
		return wrong("migration entry left", "a PTE", (u32)softleaf_to_pfn(softleaf_from_pte(pte)), 1, 0);
	}
	if (pte_special(pte))
		return true;
	if (!oracle.pages[pte_pfn(pte)].allocated)
		return wrong("free page mapped", "a PTE", (u32)pte_pfn(pte), 0, 1);
	a->ptes[pte_pfn(pte)]++;
	a->rss++;
	return true;
}

static bool audit_pmd(struct audit *a, unsigned long v)
{
	pmd_t pmd = __pmd(v);

	if (pmd_none(pmd))
		return true;
	if (pmd_is_table(pmd)) {
		const struct ptdesc *table = pmd_ptdesc(pmd);

		a->tables++;
		for (unsigned i = 0; i < PTRS_PER_PTE; i++)
			if (!audit_pte(a, table->ptes[i].pte))
				return false;
		return true;
	}
	a->deposited++;
	a->rss += HPAGE_PMD_NR;
	if (!pmd_trans_huge(pmd))
		return wrong("migration entry left", "a PMD", (u32)pmd_pfn(pmd), 1, 0);
	if (!(v & (_PAGE_PRESENT | _PAGE_PROTNONE)))
		return wrong("invalid PMD left", "a PMD", (u32)pmd_pfn(pmd), 1, 0);
	if (!oracle.pages[pmd_pfn(pmd)].allocated)
		return wrong("free page mapped", "a PMD", (u32)pmd_pfn(pmd), 0, 1);
	a->pmds[pmd_pfn(pmd)]++;
	return true;
}

static bool audit_mm(struct audit *a, const struct mm_struct *mm)
{
	long deposited = 0;

	a->rss = a->tables = a->deposited = 0;
	for (unsigned i = 0; i < PTRS_PER_PMD; i++)
		if (!audit_pmd(a, mm->pmds[i].pmd))
			return false;
	for (const struct ptdesc *t = mm->pmd_huge_pte; t && deposited <= PTRS_PER_PMD; t = t->deposit_next)
		deposited++;
	if (deposited != a->deposited)
		return wrong("deposited tables", "mm", mm->slot, deposited, a->deposited);
	if (mm->pgtables.counter != a->tables + a->deposited)
		return wrong("page table count", "mm", mm->slot, mm->pgtables.counter, a->tables + a->deposited);
	if (mm->rss_stat[MM_ANONPAGES] != a->rss)
		return wrong("RSS", "mm", mm->slot, mm->rss_stat[MM_ANONPAGES], a->rss);
	return true;
}

static bool audit_small(const struct audit *a, u32 pfn)
{
	long counter = machine->memmap[pfn]._mapcount.counter + 1;

	if (counter != a->ptes[pfn])
		return wrong("mapcount", "small folio", pfn, counter, a->ptes[pfn]);
	return true;
}

static bool audit_page_mapcounts(const struct audit *a, u32 head, const struct folio *folio, unsigned nr)
{
	long mapped = 0;

	if (machine->config.no_page_mapcount)
		return true;
	for (u32 i = 0; i < nr; i++) {
		long counter = machine->memmap[head + i]._mapcount.counter + 1;

		if (counter != a->ptes[head + i])
			return wrong("page mapcount", "large folio", head + i, counter, a->ptes[head + i]);
		mapped += a->ptes[head + i] != 0;
	}
	if (a->pmds[head])
		mapped += ENTIRELY_MAPPED;
	if (folio->_nr_pages_mapped.counter != mapped)
		return wrong("nr_pages_mapped", "large folio", head, folio->_nr_pages_mapped.counter, mapped);
	return true;
}

static bool audit_large(const struct audit *a, u32 head, const struct folio *folio)
{
	unsigned nr = 1u << oracle_order(folio);
	long total = a->pmds[head];

	for (u32 i = 0; i < nr; i++)
		total += a->ptes[head + i];
	if (folio->_entire_mapcount.counter + 1 != a->pmds[head])
		return wrong("entire mapcount", "large folio", head, folio->_entire_mapcount.counter + 1,
			     a->pmds[head]);
	if (folio->_large_mapcount.counter + 1 != total)
		return wrong("large mapcount", "large folio", head, folio->_large_mapcount.counter + 1, total);
	return audit_page_mapcounts(a, head, folio, nr);
}

/* An exclusive page has one mapping at most; of a PMD-mapped folio only the head's bit means anything. */
static bool audit_exclusive(const struct audit *a, u32 pfn)
{
	long n = a->ptes[pfn] + a->pmds[oracle_head_of(pfn)];

	if ((machine->memmap[pfn].flags & BIT(PG_anon_exclusive)) && a->ptes[pfn] && n > 1)
		return wrong("exclusive page mapped twice", "page", pfn, 1, n);
	return true;
}

bool rmap_audit_quiescent(void)
{
	static struct audit a;

	memset(&a, 0, sizeof(a));
	for (unsigned i = 0; i < NR_MMS; i++)
		if (machine->mms[i] && !audit_mm(&a, machine->mms[i]))
			return false;
	for_each_touched_pfn(pfn) {
		const struct folio *folio = oracle_folio(pfn);

		if (!oracle.pages[pfn].allocated)
			continue;
		if (!audit_exclusive(&a, pfn))
			return false;
		if (oracle_head_of(pfn) != pfn)
			continue;
		if (!(oracle_is_large(folio) ? audit_large(&a, pfn, folio) : audit_small(&a, pfn)))
			return false;
	}
	return true;
}
