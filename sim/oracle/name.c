/* SPDX-License-Identifier: GPL-2.0-only */
/* Names for people: folios, pages, address spaces and queues instead of addresses. */
#include "oracle_internal.h"
#include <linux/pgtable.h>
#include <stddef.h>

/* Member of struct page or what a folio lays over it. */
static const char *field_name(u32 in_folio, u32 offset, bool large)
{
	switch (in_folio * sizeof(struct page) + offset) {
	case offsetof(struct folio, _head_1): return "compound_head";
	case offsetof(struct folio, _large_mapcount): return large ? "_large_mapcount" : "lru.prev";
	case offsetof(struct folio, _nr_pages_mapped): return "_nr_pages_mapped";
	case offsetof(struct folio, _entire_mapcount): return large ? "_entire_mapcount" : "mapping";
	case offsetof(struct folio, _pincount): return "_pincount";
	case offsetof(struct folio, _mm_ids): return large ? "_mm_ids" : "private";
	case offsetof(struct folio, _deferred_list): return large ? "_deferred_list.next" : "lru.prev";
	case offsetof(struct folio, _deferred_list) + 8: return large ? "_deferred_list.prev" : "mapping";
	}
	switch (offset) {
	case offsetof(struct page, flags): return "flags";
	case offsetof(struct page, lru): return in_folio ? "compound_head" : "lru.next";
	case offsetof(struct page, lru) + 8: return "lru.prev";
	case offsetof(struct page, mapping): return "mapping";
	case offsetof(struct page, index): return "index";
	case offsetof(struct page, private): return "private";
	case offsetof(struct page, _mapcount): return "_mapcount";
	case offsetof(struct page, _refcount): return "_refcount";
	case offsetof(struct page, memcg_data): return "memcg_data";
	}
	return "field";
}

static void name_page(struct text *t, u32 pfn, u32 offset)
{
	u32 head = oracle_head_of(pfn);

	text_printf(t, oracle_is_device(head) ? "device%u" : "folio%u", oracle_is_device(head) ? head - NR_PAGES : head);
	if (pfn != head)
		text_printf(t, ".page%u", pfn - head);
	text_printf(t, ".%s", field_name(pfn - head, offset, oracle_is_large(oracle_folio(head))));
}

static bool inside(const volatile void *p, const volatile void *object, size_t size, size_t *offset)
{
	*offset = (uintptr_t)p - (uintptr_t)object;
	return *offset < size;
}

static bool name_mm(struct text *t, const volatile void *p)
{
	size_t off;

	for (unsigned i = 0; i < NR_MMS; i++) {
		const struct mm_struct *mm = machine->mms[i];

		if (!mm || !inside(p, mm, sizeof(*mm), &off))
			continue;
		if (off < sizeof(mm->pmds))
			text_printf(t, "m%u.pmd[%zu]", i, off / sizeof(pmd_t));
		else
			text_printf(t, "m%u", i);
		return true;
	}
	return false;
}

/* A page table is named by the mm and the PMD that it hangs from now. */
static bool name_table(struct text *t, const volatile void *p)
{
	size_t off;

	for (unsigned i = 0; i < NR_MMS; i++) {
		const struct mm_struct *mm = machine->mms[i];

		for (unsigned j = 0; mm && j < PTRS_PER_PMD; j++) {
			const struct ptdesc *table;

			if (!pmd_is_table(mm->pmds[j]))
				continue;
			table = pmd_ptdesc(mm->pmds[j]);
			if (!inside(p, table, sizeof(*table), &off))
				continue;
			if (off < sizeof(table->ptes))
				text_printf(t, "m%u.pte[%zu]", i, j * PTRS_PER_PTE + off / sizeof(pte_t));
			else
				text_printf(t, "m%u.pmd[%u].table", i, j);
			return true;
		}
	}
	return false;
}

static bool name_machine(struct text *t, const volatile void *p)
{
	size_t off;

	if (inside(p, machine->content, sizeof(machine->content), &off)) {
		text_printf(t, "page%zu.content", off / sizeof(u64));
		return true;
	}
	for (unsigned i = 0; i < NR_MEMCG_POOL; i++)
		if (inside(p, &machine->memcg_pool[i], sizeof(machine->memcg_pool[i]), &off)) {
			text_printf(t, "memcg%u", i);
			return true;
		}
	for (unsigned i = 0; i < NR_MEMCG_POOL; i++)
		if (inside(p, &machine->list_lru_pool[i], sizeof(machine->list_lru_pool[i]), &off)) {
			text_printf(t, "list_lru%u", i);
			return true;
		}
	if (inside(p, machine->objcg_pool, sizeof(machine->objcg_pool), &off)) {
		text_printf(t, "objcg%zu", off / sizeof(struct obj_cgroup));
		return true;
	}
	for (unsigned i = 0; i < NR_NODES; i++)
		if (inside(p, &machine->nodes[i], sizeof(machine->nodes[i]), &off)) {
			text_printf(t, "node%u", i);
			return true;
		}
	return false;
}

void oracle_object_name(struct text *t, const struct event *ev)
{
	u32 pfn, offset;

	if (!ev->object)
		return;
	if (oracle_page_of(ev->object, &pfn, &offset)) {
		name_page(t, pfn, offset);
		return;
	}
	if (!name_mm(t, ev->object) && !name_table(t, ev->object) && !name_machine(t, ev->object)) {
		const char *cache = arena_contains(ev->object) ?
			oracle.slab_name[arena_offset(ev->object) >> ARENA_GRAIN_SHIFT] : NULL;

		text_printf(t, "%s", cache ? cache : ev->object_id & ENGINE_STACK_ID ? "on stack" : "machine");
	}
	if (ev->site->field[0])
		text_printf(t, ".%s", ev->site->field);
}
