/* SPDX-License-Identifier: GPL-2.0-only */
/* The table of oracles, and how events, notes and the ends of phases reach them. */
#include "oracle_internal.h"
#include <foliofuzz/ops.h>
#include <string.h>

struct oracle_state oracle;

const struct oracle_row oracle_table[ORACLE_COUNT] = {
#define ORACLE(id, name, tiers, help) { name, tiers, help },
#include <foliofuzz/oracle.def>
#undef ORACLE
};

void oracle_begin(const struct oracle_options *options)
{
	oracle.options = *options;
	memset(oracle.benign, 0, sizeof(oracle.benign));
	memset(oracle.pages, 0, sizeof(oracle.pages));
	memset(oracle.slab_name, 0, oracle.names * sizeof(oracle.slab_name[0]));
	oracle.names = 0;
	freed_page_begin();
	lost_update_begin();
	content_begin();
	pin_progress_begin();
}

void snapshot_add_pages(struct snapshot *s, void *of_pages, u32 unit)
{
	for (u32 nid = 0; nid < NR_NODES; nid++)
		snapshot_add_used(s, (u8 *)of_pages + nid * NODE_PAGES * unit, unit, NODE_PAGES, &machine->nodes[nid].zone.untouched,
				  (u16)(nid * NODE_PAGES));
	snapshot_add(s, (u8 *)of_pages + NR_PAGES * unit, (MAX_PFN - NR_PAGES) * unit);
}

void oracle_save(struct snapshot *s)
{
	snapshot_add(s, &oracle, offsetof(struct oracle_state, pages));
	snapshot_add_pages(s, oracle.pages, sizeof(oracle.pages[0]));
	snapshot_add_used(s, oracle.slab_name, sizeof(oracle.slab_name[0]), ARENA_GRAINS, &oracle.names, 0);
	lost_update_save(s);
	content_save(s);
	pin_progress_save(s);
}

static void on_written(const struct event *ev)
{
	u32 pfn, offset;

	pin_progress_written(ev);
	if (ev->kind == EVENT_CONTENT_READ) {
		content_written(ev);
		return;
	}
	if (ev->kind == EVENT_CONTENT_COPY) {
		content_copied(ev);
		return;
	}
	if (!oracle_page_of(ev->object, &pfn, &offset)) {
		page_table_written(ev);
		return;
	}
	freed_page_written(ev, pfn, offset);
	publish_written(ev, pfn, offset);
	if (offset == offsetof(struct page, flags)) {
		/* taken back: memory_failure() keeps nothing any more */
		if (unlikely(ev->clear == BIT(PG_hwpoison)))
			oracle.pages[pfn].poisoned_by = 0;
		if (unlikely(ev->set == BIT(PG_hwpoison))) {
			oracle.pages[pfn].poisoned_by = (u8)(ev->cpu + 1);
			oracle.pages[pfn].poisoned_at = ev->step;
		}
		if (unlikely(ev->set == BIT(PG_has_hwpoisoned) && oracle_head_of(pfn) + 1 == pfn))
			oracle.pages[pfn - 1].has_poison_at = ev->step;
		lost_update_written(ev, pfn);
		queue_member_written(ev, pfn, offset);
	} else {
		reference_written(ev, pfn, offset);
	}
}

static void on_page_allocated(const volatile void *page, unsigned order)
{
	u32 pfn = (u32)page_to_pfn((const struct page *)(uintptr_t)page), nr = 1u << order;

	for (u32 i = 0; i < nr; i++) {
		struct ghost_page *g = &oracle.pages[pfn + i];

		/* whoever takes it from the allocator may bring the count from zero */
		*g = (struct ghost_page){ .allocated = 1, .frozen_by = (u8)(engine_cpu() + 1), .poisoned_by = g->poisoned_by, .poisoned_at = g->poisoned_at };
	}
	freed_page_note(pfn, nr, false);
	reference_page_allocated(pfn, nr);
	lost_update_page_allocated(pfn, nr);
}

static void on_page_freed(const volatile void *page, unsigned order)
{
	u32 pfn = (u32)page_to_pfn((const struct page *)(uintptr_t)page), nr = 1u << order;

	tlb_page_freed(pfn, nr);
	for (u32 i = 0; i < nr; i++) {
		if (unlikely(!oracle.pages[pfn + i].allocated))
			engine_find(VERDICT_USE_AFTER_FREE, "page freed twice", NULL, "page %u", pfn + i);
		oracle.pages[pfn + i].allocated = 0;
		oracle.pages[pfn + i].departed = 0;
	}
	freed_page_note(pfn, nr, true);
}

static void on_op_begin(unsigned fail)
{
	oracle.op_began[engine_cpu()] = engine_stats()->points;
	oracle.op_number[engine_cpu()]++;
	pin_progress_op_begin(fail);
}

static void on_folio_note(enum note note, const volatile void *a, const volatile void *b)
{
	switch (note) {
	case NOTE_FOLIO_MIGRATING:
		queue_member_migrating(a);
		migrate_contract_migrating(a);
		break;
	case NOTE_FOLIO_MIGRATED:
		queue_member_migrated(a, b);
		migrate_contract_migrated(a, b);
		break;
	case NOTE_FOLIO_REPLACED:
		migrate_contract_replaced(a, b);
		break;
	case NOTE_FOLIO_UNMAPPED:
		rmap_audit_unmapped(a);
		break;
	default:
		break;
	}
}

static void on_note(enum note note, const volatile void *a, const volatile void *b)
{
	struct deferred_split *queue;

	switch (note) {
	case NOTE_LIST_ADDED:
		list_lock_added((const struct list_head *)(uintptr_t)a);
		break;
	case NOTE_LIST_DELETED:
		list_lock_deleted((const struct list_head *)(uintptr_t)a);
		break;
	case NOTE_UNLOCKING:
		queue = queue_of_lock(a);
		if (queue)
			queue_length_unlocking(queue);
		break;
	case NOTE_POISON_LOOK:
		content_poison_looked(a);
		break;
	case NOTE_SLAB_ALLOCATED:
	case NOTE_SLAB_FREED:
		freed_object_note(note, a, (const char *)(uintptr_t)b);
		break;
	case NOTE_PAGE_ALLOCATED:
		on_page_allocated(a, (unsigned)(uintptr_t)b);
		break;
	case NOTE_PAGE_FREED:
		on_page_freed(a, (unsigned)(uintptr_t)b);
		break;
	case NOTE_DEVICE_FAULT:
		pgmap_fault(a);
		break;
	case NOTE_MIGRATE_RETURN:
		migrate_contract_returned(a, (long)(uintptr_t)b);
		break;
	case NOTE_OP_BEGIN:
		on_op_begin((unsigned)(uintptr_t)b);
		break;
	case NOTE_OP_END:
		oracle.op_number[engine_cpu()]++;
		oracle.op_ended[engine_cpu()] = engine_stats()->points;
		break;
	case NOTE_USER:
		pin_progress_note((const struct user_note *)(uintptr_t)a);
		content_note(a);
		break;
	case NOTE_ENTRY_FOUND:
		freed_page_found(a);
		break;
	case NOTE_FILE_DATA_LOST:
		content_file_lost(a, (unsigned long)(uintptr_t)b);
		break;
	case NOTE_BENIGN:
		benign_note((enum benign)(uintptr_t)a, b);
		break;
	default:
		on_folio_note(note, a, b);
		break;
	}
}

bool oracle_quiescent(void)
{
	return queue_length_quiescent() && reference_quiescent() && rmap_audit_quiescent() &&
	       statistic_quiescent() && queue_member_quiescent() && swap_slot_quiescent() && pgmap_quiescent() &&
	       publish_quiescent() && promise_quiescent();
}

bool oracle_end(void)
{
	return queue_length_quiescent() && reference_end() && swap_slot_end() && statistic_quiescent() && freed_object_end() &&
	       pgmap_quiescent();
}

unsigned oracle_benign(unsigned row)
{
	return oracle.benign[row];
}

static void on_dead(const struct event *ev, u8 state)
{
	if (state == PAGE_FREE)
		freed_page_touched(ev);
	else
		freed_object_dead(ev, state);
}

static void on_name(struct text *t, const struct event *ev)
{
	oracle_object_name(t, ev);
}

const struct engine_hooks oracle_hooks = {
	.written = on_written,
	.dead = on_dead,
	.note = on_note,
	.name = on_name,
	.locks_held = kern_locks_held,
};
