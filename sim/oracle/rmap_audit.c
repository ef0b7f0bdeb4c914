/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Invariant 8: at quiescence page tables and counters agree. Every entry of every kind against every counter: per-page, entire, total
 * and nr_pages_mapped map counts; RSS by kind; one deposited table for each anonymous huge PMD, and the count of tables. Every entry
 * lies in a VMA that allows what it allows, and from whose folio a reverse walk finds the way back. An exclusive page has one mapping, a writable
 * anonymous entry an exclusive page. An entry's kind fits its page; no migration entry is left. And before that, at a step: who has unmapped
 * a folio with TTU_SYNC and was refused nowhere leaves no mapping, nor half of one that somebody else is taking away.
 */
#include "oracle_internal.h"
#include <linux/rmap.h>
#include <linux/swapops.h>
#include <string.h>

/* What the page tables say. */
struct audit {
	u16 ptes[MAX_PFN]; /* PTE mappings of each page */
	u16 pmds[MAX_PFN]; /* PMD mappings of each head */
	const struct mm_struct *mm;
	unsigned long addr; /* of the entry that is looked at */
	long rss[NR_MM_COUNTERS], tables, deposited;
};

static bool wrong(const char *invariant, const char *what, u32 pfn, long counter, long counted)
{
	engine_report(VERDICT_BAD_RMAP, invariant, "quiescence", NULL, "%s, page %u: counter %ld, counted %ld", what,
		      pfn, counter, counted);
	return false;
}

/* mm_counter(): what kind of memory a folio is to the mm that maps it. */
static int rss_kind(const struct folio *folio)
{
	if (oracle_is_anon(folio))
		return MM_ANONPAGES;
	return folio->flags & BIT(PG_swapbacked) ? MM_SHMEMPAGES : MM_FILEPAGES;
}

static const struct vm_area_struct *vma_at(const struct mm_struct *mm, unsigned long addr)
{
	for (unsigned i = 0; i < mm->map_count; i++)
		if (mm->vmas[i]->vm_start <= addr && addr < mm->vmas[i]->vm_end)
			return mm->vmas[i];
	return NULL;
}

static bool anon_vma_reaches(const struct folio *folio, const struct vm_area_struct *vma)
{
	const struct anon_vma *anon_vma = (const void *)((unsigned long)folio->mapping - FOLIO_MAPPING_ANON);

	for (const struct anon_vma_chain *avc = anon_vma->rb_root; avc; avc = avc->rb_next)
		if (avc->vma == vma)
			return true;
	return false;
}

/* From the page's folio back to the entry at a->addr, as rmap_walk() would go. */
static bool audit_way_back(const struct audit *a, u32 pfn)
{
	const struct folio *folio = oracle_folio(oracle_head_of(pfn));
	const struct vm_area_struct *vma = vma_at(a->mm, a->addr);
	unsigned long index;

	if (!vma)
		return wrong("mapped outside every VMA", "an entry", pfn, 0, (long)(a->addr >> PAGE_SHIFT));
	index = vma->vm_pgoff + ((a->addr - vma->vm_start) >> PAGE_SHIFT);
	if (folio->index + pfn - (u32)page_to_pfn(&folio->page) != index)
		return wrong("index does not match the address", "an entry", pfn,
			     (long)(folio->index + pfn - (u32)page_to_pfn(&folio->page)), (long)index);
	if (oracle_is_anon(folio) ? !anon_vma_reaches(folio, vma) :
				    !vma->vm_file || (folio->mapping && vma->vm_file->f_mapping != folio->mapping))
		return wrong("not found by a reverse walk", "an entry", pfn, 0, 1);
	return true;
}

/* A present entry, or one that counts as a mapping; `nr` pages from pfn on. */
static bool audit_mapping(struct audit *a, const char *what, u32 pfn, unsigned nr, bool device)
{
	if (pfn >= MAX_PFN || oracle_is_device(pfn) != device)
		return wrong("entry's kind does not fit its page", what, pfn, device, oracle_is_device(pfn));
	if (!oracle.pages[pfn].allocated)
		return wrong("free page mapped", what, pfn, 0, 1);
	a->rss[rss_kind(oracle_folio(oracle_head_of(pfn)))] += nr;
	return audit_way_back(a, pfn);
}

/* Writable means that the VMA is, and, of anonymous memory, that nobody else has the page. */
static bool audit_writable(const struct audit *a, const char *what, u32 pfn)
{
	if (!(vma_at(a->mm, a->addr)->vm_flags & VM_WRITE))
		return wrong("writable entry in a read-only VMA", what, pfn, 0, (long)(a->addr >> PAGE_SHIFT));
	if (oracle_is_anon(oracle_folio(oracle_head_of(pfn))) && !(machine->memmap[pfn].flags & BIT(PG_anon_exclusive)))
		return wrong("writable entry of a page that is not exclusive", what, pfn, 0, 1);
	return true;
}

/* What the hardware can read, the VMA allows. */
static bool audit_readable(const struct audit *a, const char *what, unsigned long v, u32 pfn)
{
	if (!(v & _PAGE_PRESENT) || vma_at(a->mm, a->addr)->vm_flags & (VM_READ | VM_WRITE))
		return true;
	return wrong("readable entry in an inaccessible VMA", what, pfn, 0, (long)(a->addr >> PAGE_SHIFT));
}

static bool audit_pte_leaf(struct audit *a, softleaf_t entry)
{
	u32 pfn = (u32)softleaf_to_pfn(entry);

	if (softleaf_is_swap(entry)) {
		a->rss[MM_SWAPENTS]++;
		return true;
	}
	if (softleaf_is_migration(entry))
		return wrong("migration entry left", "a PTE", pfn, 1, 0);
	if (!softleaf_is_device_private(entry) && !softleaf_is_device_exclusive(entry))
		return true;
	if (!audit_mapping(a, "a PTE", pfn, 1, softleaf_is_device_private(entry)))
		return false;
	a->ptes[pfn]++;
	return !softleaf_is_device_private_write(entry) || audit_writable(a, "a PTE", pfn);
}

static bool audit_pte(struct audit *a, unsigned long v)
{
	pte_t pte = __pte(v);

	if (pte_none(pte))
		return true;
	if (!pte_present(pte))
		return audit_pte_leaf(a, softleaf_from_pte(pte));
	if (pte_special(pte))
		return true;
	if (!audit_mapping(a, "a PTE", (u32)pte_pfn(pte), 1, false))
		return false;
	a->ptes[pte_pfn(pte)]++;
	if (!audit_readable(a, "a PTE", v, (u32)pte_pfn(pte)))
		return false;
	return !pte_write(pte) || audit_writable(a, "a PTE", (u32)pte_pfn(pte));
}

static bool audit_pmd_leaf(struct audit *a, softleaf_t entry)
{
	u32 pfn = (u32)softleaf_to_pfn(entry);

	if (softleaf_is_migration(entry))
		return wrong("migration entry left", "a PMD", pfn, 1, 0);
	if (!softleaf_is_device_private(entry))
		return wrong("huge entry of a kind that there is not", "a PMD", pfn, 0, (long)softleaf_type(entry));
	if (!audit_mapping(a, "a PMD", pfn, HPAGE_PMD_NR, true))
		return false;
	a->deposited++;
	a->pmds[pfn]++;
	return !softleaf_is_device_private_write(entry) || audit_writable(a, "a PMD", pfn);
}

static bool audit_table(struct audit *a, const struct ptdesc *table)
{
	a->tables++;
	for (unsigned i = 0; i < PTRS_PER_PTE; i++, a->addr += PAGE_SIZE)
		if (!audit_pte(a, table->ptes[i].pte))
			return false;
	return true;
}

static bool audit_pmd(struct audit *a, unsigned long v)
{
	pmd_t pmd = __pmd(v);
	u32 pfn = (u32)pmd_pfn(pmd);

	if (pmd_none(pmd))
		return true;
	if (pmd_is_table(pmd))
		return audit_table(a, pmd_ptdesc(pmd));
	if (!pmd_present(pmd))
		return audit_pmd_leaf(a, softleaf_from_pmd(pmd));
	if (!(v & (_PAGE_PRESENT | _PAGE_PROTNONE)))
		return wrong("invalid PMD left", "a PMD", pfn, 1, 0);
	if (machine->huge_zero_folio && pfn == page_to_pfn(&machine->huge_zero_folio->page)) {
		a->deposited++;
		return pmd_special(pmd) || wrong("huge zero folio's entry is not special", "a PMD", pfn, 1, 0);
	}
	if (!audit_mapping(a, "a PMD", pfn, HPAGE_PMD_NR, false))
		return false;
	a->deposited += oracle_is_anon(oracle_folio(pfn));
	a->pmds[pfn]++;
	if (!audit_readable(a, "a PMD", v, pfn))
		return false;
	return !pmd_write(pmd) || audit_writable(a, "a PMD", pfn);
}

static bool audit_rss(const struct audit *a, const struct mm_struct *mm)
{
	static const char *const names[NR_MM_COUNTERS] = {
		[MM_FILEPAGES] = "RSS of files", [MM_ANONPAGES] = "RSS",
		[MM_SWAPENTS] = "swap entries", [MM_SHMEMPAGES] = "RSS of shared memory",
	};

	for (unsigned i = 0; i < NR_MM_COUNTERS; i++)
		if (mm->rss_stat[i] != a->rss[i])
			return wrong(names[i], "mm", mm->slot, mm->rss_stat[i], a->rss[i]);
	return true;
}

static bool audit_mm(struct audit *a, const struct mm_struct *mm)
{
	long deposited = 0;

	memset(a->rss, 0, sizeof(a->rss));
	a->tables = a->deposited = 0;
	a->mm = mm;
	for (unsigned i = 0; i < PTRS_PER_PMD; i++) {
		a->addr = i * PMD_SIZE;
		if (!audit_pmd(a, mm->pmds[i].pmd))
			return false;
	}
	for (const struct ptdesc *t = mm->pmd_huge_pte; t && deposited <= PTRS_PER_PMD; t = t->deposit_next)
		deposited++;
	if (deposited != a->deposited)
		return wrong("deposited tables", "mm", mm->slot, deposited, a->deposited);
	if (mm->pgtables.counter != a->tables + a->deposited)
		return wrong("page table count", "mm", mm->slot, mm->pgtables.counter, a->tables + a->deposited);
	return audit_rss(a, mm);
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

/* The slots of mm ids may say too little, never too much. */
static bool audit_mm_ids(u32 head, const struct folio *folio, long total)
{
	long slots = folio->_mm_id_mapcount[0] + folio->_mm_id_mapcount[1] + 2;

	if (slots > total)
		return wrong("mm-id slots", "large folio", head, slots, total);
	if (!total && (folio->_mm_ids & BIT(FOLIO_MM_IDS_SHARED_BITNUM)))
		return wrong("shared, and not mapped", "large folio", head, 1, 0);
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
	return audit_mm_ids(head, folio, total) && audit_page_mapcounts(a, head, folio, nr);
}

/* An exclusive page has one mapping at most; of a PMD-mapped folio only the head's bit means anything. */
static bool audit_exclusive(const struct audit *a, u32 pfn)
{
	long n = a->ptes[pfn] + a->pmds[oracle_head_of(pfn)];

	if (!(machine->memmap[pfn].flags & BIT(PG_anon_exclusive)) || !oracle_is_anon(oracle_folio(oracle_head_of(pfn))))
		return true;
	if (n > 1 && (a->ptes[pfn] || oracle_head_of(pfn) == pfn))
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

long rmap_audit_entries(u32 head)
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

void rmap_audit_mapping(struct ghost_page *g, unsigned cpu)
{
	const struct cpu_context *context = &kern->cpu[cpu];

	g->mapper = (u8)(cpu + 1);
	g->mapper_op = oracle.op_number[cpu];
	g->mapper_lock = NULL;
	for (unsigned i = 0; i < context->held_count; i++)
		if (!strcmp(context->held[i].class->name, "ptl") || !strcmp(context->held[i].class->name, "pmd_ptl"))
			g->mapper_lock = context->held[i].lock;
}

/* Between the map count and the entry, with the table locked: the entry comes where the walk has passed. */
static bool mapping_is_under_way(const struct ghost_page *g)
{
	return g->mapper_op == oracle.op_number[g->mapper - 1] && kern_holds(g->mapper - 1, g->mapper_lock);
}

/* Did the operation that mapped it last overlap with this one? Then the entry may have come behind the walk. */
static bool mapped_meanwhile(const struct ghost_page *g)
{
	unsigned mapper = g->mapper - 1;

	return mapper != engine_cpu() &&
	       (g->mapper_op == oracle.op_number[mapper] || oracle.op_ended[mapper] > oracle.op_began[engine_cpu()]);
}

static bool is_reachable(const struct ptdesc *table)
{
	for (unsigned m = 0; m < NR_MMS; m++)
		for (unsigned i = 0; machine->mms[m] && i < PTRS_PER_PMD; i++) {
			pmd_t pmd = __pmd(machine->mms[m]->pmds[i].pmd);

			if (!pmd_none(pmd) && pmd_is_table(pmd) && pmd_ptdesc(pmd) == table)
				return true;
		}
	return false;
}

/*
 * A collapse takes the table out of its PMD, copies, and unlocks each folio before it takes the mapping away, with that table's lock: no walk comes to
 * the entry any more, and none waits for that lock. Where another CPU has it, the entries of one batch may be gone before their map counts: no more than
 * the folio has pages.
 */
static bool mappings_are_in_detached_tables(u32 head, int mappings)
{
	u32 nr = 1u << oracle_order(oracle_folio(head));

	for (u32 grain = 0; grain < oracle.names; grain++) {
		const struct ptdesc *table = (const void *)(arena_memory + ((size_t)grain << ARENA_GRAIN_SHIFT));

		if (oracle.slab_name[grain] != machine->ptdesc_cache.name || arena_state[grain] || is_reachable(table))
			continue;
		mappings -= (int)entries_of_table(table, head, nr);
		for (unsigned cpu = 0; cpu < ENGINE_LANES_MAX; cpu++)
			if (kern_holds(cpu, &table->ptl))
				mappings -= (int)nr;
	}
	return mappings <= 0;
}

/*
 * The folio is locked: who could map it again waits for that. A new folio that its first fault is just mapping is found by its frame alone,
 * and nobody waits for the entry: the caller of the unmap finds a reference too many. What a zap is taking away, or what stood there all the
 * time, the walk has to have seen.
 */
void rmap_audit_unmapped(const volatile void *object)
{
	const struct folio *folio = (const struct folio *)(uintptr_t)object;
	u32 head = (u32)page_to_pfn(&folio->page);
	const struct ghost_page *g = &oracle.pages[head];
	int mappings = (oracle_is_large(folio) ? folio->_large_mapcount.counter : folio->_mapcount.counter) + 1;

	if (mappings <= 0 || (g->mapper && mapping_is_under_way(g)))
		return;
	if (g->mapper && mapped_meanwhile(g) && rmap_audit_entries(head) == mappings)
		return;
	if (mappings_are_in_detached_tables(head, mappings))
		return;
	engine_find(VERDICT_BAD_RMAP, "mapping left by an unmap that waits for zaps", NULL, "page %u is mapped %d times", head, mappings);
}
