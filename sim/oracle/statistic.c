/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Invariant 9: at quiescence statistics equal what they count: anonymous folios by order, partially mapped ones by order, mapped
 * and PMD-mapped pages by node, pages of the caches, mlocked pages, pages on the LRU, and PG_lru says who is linked there; nothing is
 * isolated any more.
 */
#include "oracle_internal.h"
#include <linux/fs.h>
#include <string.h>

struct counted {
	long anon[NR_ORDERS], partial[NR_ORDERS];
	long mapped[NR_NODES], thps[NR_NODES];
	long file_mapped[NR_NODES], file_pages[NR_NODES], shmem[NR_NODES], swapcache[NR_NODES], mlocked[NR_NODES];
	long lru[NR_NODES], lru_flagged[NR_NODES], unevictable[NR_NODES];
};

static bool wrong(const char *invariant, unsigned which, long counter, long counted)
{
	engine_report(VERDICT_BAD_STATE, invariant, "quiescence", NULL, "%u: statistic %ld, counted %ld", which, counter,
		      counted);
	return false;
}

static long mapped_pages(u32 head, const struct folio *folio, unsigned nr)
{
	long n = 0;

	if (!oracle_is_large(folio))
		return folio->_mapcount.counter >= 0;
	if (machine->config.no_page_mapcount)
		return folio->_large_mapcount.counter >= 0 ? (long)nr : 0;
	if (folio->_entire_mapcount.counter >= 0)
		return (long)nr;
	for (u32 i = 0; i < nr; i++)
		n += machine->memmap[head + i]._mapcount.counter >= 0;
	return n;
}

static void count_folio(struct counted *c, u32 head)
{
	const struct folio *folio = oracle_folio(head);
	unsigned order = oracle_order(folio), nr = 1u << order;
	int nid = page_to_nid(&folio->page);

	if (folio->flags & BIT(PG_lru))
		*(folio->flags & BIT(PG_unevictable) ? &c->unevictable[nid] : &c->lru_flagged[nid]) += nr;
	if (folio->flags & BIT(PG_mlocked))
		c->mlocked[nid] += nr;
	if (oracle_in_swapcache(folio)) {
		c->swapcache[nid] += nr;
		c->file_pages[nid] += nr;
	}
	if (oracle_in_pagecache(folio)) {
		c->file_pages[nid] += nr;
		if (folio->flags & BIT(PG_swapbacked))
			c->shmem[nid] += nr;
		c->file_mapped[nid] += mapped_pages(head, folio, nr);
	}
	if (!oracle_is_anon(folio))
		return;
	if (order) {
		c->anon[order]++;
		if (folio->_flags_1 & BIT(PG_partially_mapped))
			c->partial[order]++;
	}
	c->mapped[nid] += mapped_pages(head, folio, nr);
	if (oracle_is_large(folio) && folio->_entire_mapcount.counter >= 0)
		c->thps[nid] += nr;
}

/* False: the links are broken, or somebody is linked who is not flagged. */
static bool count_lru(struct counted *c, int nid)
{
	const struct list_head *head = &machine->nodes[nid].lruvec.list;
	unsigned n = 0;

	for (const struct list_head *p = head->next; p != head; p = p->next) {
		const struct folio *folio = container_of((struct list_head *)(uintptr_t)p, struct folio, lru);

		if (n++ > NR_PAGES || p->next->prev != p || !(folio->flags & BIT(PG_lru)) ||
		    (folio->flags & BIT(PG_unevictable)))
			return false;
		c->lru[nid] += 1l << oracle_order(folio);
	}
	return true;
}

static bool check_nodes(struct counted *c)
{
	for (int nid = 0; nid < NR_NODES; nid++) {
		const long *stat = machine->nodes[nid].vm_stat;

		if (!count_lru(c, nid) || c->lru[nid] != c->lru_flagged[nid])
			return wrong("LRU list and PG_lru", (unsigned)nid, c->lru_flagged[nid], c->lru[nid]);
		if (stat[NR_LRU_PAGES] != c->lru[nid])
			return wrong("pages on the LRU", (unsigned)nid, stat[NR_LRU_PAGES], c->lru[nid]);
		if (stat[NR_ANON_MAPPED] != c->mapped[nid])
			return wrong("NR_ANON_MAPPED", (unsigned)nid, stat[NR_ANON_MAPPED], c->mapped[nid]);
		if (stat[NR_ANON_THPS] != c->thps[nid])
			return wrong("NR_ANON_THPS", (unsigned)nid, stat[NR_ANON_THPS], c->thps[nid]);
	}
	return true;
}

static bool check_caches(const struct counted *c)
{
	for (int nid = 0; nid < NR_NODES; nid++) {
		const struct {
			const char *name;
			enum node_stat_item item;
			long counted;
		} rows[] = {
			{ "NR_FILE_MAPPED", NR_FILE_MAPPED, c->file_mapped[nid] },
			{ "NR_FILE_PAGES", NR_FILE_PAGES, c->file_pages[nid] },
			{ "NR_SHMEM", NR_SHMEM, c->shmem[nid] },
			{ "NR_SWAPCACHE", NR_SWAPCACHE, c->swapcache[nid] },
			{ "NR_MLOCK", NR_MLOCK, c->mlocked[nid] },
			{ "NR_UNEVICTABLE", NR_UNEVICTABLE, c->unevictable[nid] },
			{ "NR_ISOLATED_ANON", NR_ISOLATED_ANON, 0 },
			{ "NR_ISOLATED_FILE", NR_ISOLATED_FILE, 0 },
		};

		for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
			if (machine->nodes[nid].vm_stat[rows[i].item] != rows[i].counted)
				return wrong(rows[i].name, (unsigned)nid, machine->nodes[nid].vm_stat[rows[i].item],
					     rows[i].counted);
	}
	return true;
}

/* Huge folios of files whose file system has no large ones: an opener for writing goes by that count. */
static bool check_nr_thps(void)
{
	for (unsigned i = 0; i < NR_FILES; i++) {
		const struct address_space *mapping = &machine->mappings[i];
		long counted = 0;

		for_each_touched_pfn(pfn)
			counted += oracle.pages[pfn].allocated && oracle_head_of(pfn) == pfn && oracle_folio(pfn)->mapping == mapping &&
				   oracle_order(oracle_folio(pfn)) == HPAGE_PMD_ORDER;
		if (!mapping_large_folio_support(mapping) && mapping->nr_thps.counter != counted)
			return wrong("nr_thps", i, mapping->nr_thps.counter, counted);
	}
	return true;
}

bool statistic_quiescent(void)
{
	struct counted c;

	memset(&c, 0, sizeof(c));
	for_each_touched_pfn(pfn)
		if (oracle.pages[pfn].allocated && oracle_head_of(pfn) == pfn)
			count_folio(&c, pfn);
	for (unsigned order = 1; order < NR_ORDERS; order++) {
		const long *stat = machine->mthp_stat[order];

		if (stat[MTHP_STAT_NR_ANON] != c.anon[order])
			return wrong("nr_anon", order, stat[MTHP_STAT_NR_ANON], c.anon[order]);
		if (stat[MTHP_STAT_NR_ANON_PARTIALLY_MAPPED] != c.partial[order])
			return wrong("nr_anon_partially_mapped", order, stat[MTHP_STAT_NR_ANON_PARTIALLY_MAPPED],
				     c.partial[order]);
	}
	return check_nodes(&c) && check_caches(&c) && check_nr_thps();
}
