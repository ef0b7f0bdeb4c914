/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * oracle_internal.h - what the oracles share: the ghost state of the execution and each oracle's hooks. Ghost state
 * is the oracles' own: the replica neither sees nor needs it, and no oracle writes the replica's.
 */
#ifndef ORACLE_INTERNAL_H
#define ORACLE_INTERNAL_H

#include <foliofuzz/benign.h>
#include <foliofuzz/bug.h>
#include <foliofuzz/kernel.h>
#include <foliofuzz/oracle.h>
#include <linux/mm_types.h>
#include <linux/mmzone.h>
#include <linux/page-flags.h>
#include <linux/swap.h>

/*
 * For a model of what several CPUs do, `from` NULL: zeroes. memcpy() and memset() are TSan's own wherever they are called, also from what is not
 * instrumented, and it would take the model for memory that the CPUs share. `size` is a multiple of four.
 */
static inline void model_copy(void *to, const void *from, size_t size)
{
	typedef u32 __attribute__((may_alias)) word;
	volatile word *t = to;
	const word *f = from;

	for (size_t i = 0; i < size / sizeof(word); i++)
		t[i] = f ? f[i] : 0;
}

/* What the oracles know of a page that the page does not say. */
struct ghost_page {
	u8 allocated;    /* between NOTE_PAGE_ALLOCATED and NOTE_PAGE_FREED, as head or tail */
	u8 published;    /* its folio has been mapped since it was allocated; before, its allocator alone knows it */
	u8 frozen_by;    /* cpu + 1 that brought the count from n to 0 by a freeze */
	u8 unfrozen_by;  /* cpu + 1 that unfroze it with the lock held, until it unlocks it */
	u8 pmd_splits;   /* mask of the CPUs whose PMD split is between adding the PTE rmaps and removing the PMD rmap */
	u8 mapper;       /* cpu + 1 that raised the map count last */
	u16 mapper_op;   /* in which of its operations */
	const volatile void *mapper_lock; /* under which page table's lock */
	u8 pmd_refs;     /* mask of the CPUs whose last change of the count was what a PMD split takes: one less than there are pages */
	s32 refcount;    /* as of the last event */
	s32 mapcount;    /* large or small, as of the last event */
	u8 poisoned_by;  /* cpu + 1 that set PG_hwpoison last */
	u32 poisoned_at;  /* point at which it did */
	u32 looked_at[NR_CPUS]; /* point at which each CPU first looked in an operation whether the page, or its folio, is poisoned */
	u32 has_poison_at; /* of heads: point at which PG_has_hwpoisoned was set; 0: never */
	/* deferred split queue; of heads */
	struct deferred_split *queue; /* the queue it was last on */
	struct list_head *home;       /* head of the list it is linked on, NULL: none */
	struct list_head *lru_home;   /* the same, of the first page's link */
	u8 departed;     /* cpu + 1 that took it off a queue, until a cause closes that */
	u16 scanned_in;  /* in which of its operations, if by a scan; 0: otherwise */
	u8 excused;      /* the departure's cause, enum cause */
	u8 migrating;    /* cpu + 1 that moves it, as the source */
	bool left_by_migration; /* it was on a queue until that */
	unsigned long flags_before; /* migrate_contract.c: what it had when that began */
	u8 order;        /* that it had then */
	u8 scan_zero, scan_filled; /* pages that the taker found zero and not, since then */
};
enum cause { CAUSE_NONE, CAUSE_NO_REFERENCE, CAUSE_NOT_UNDERUSED, CAUSE_SPLIT_TRIED, CAUSE_MIGRATED, CAUSE_MLOCKED };

/* Folios that a CPU has found in the page cache since it is in its RCU section: it is there as long as rcu_sections does not change. */
struct found_entries {
	u32 section;
	u64 pages[(MAX_PFN + 63) / 64];
};

struct oracle_state {
	struct oracle_options options;
	u32 benign[BENIGN_COUNT];
	struct found_entries found[ENGINE_LANES_MAX];
	u32 op_began[ENGINE_LANES_MAX]; /* point at which each CPU's operation began */
	u32 op_ended[ENGINE_LANES_MAX]; /* and the last before it ended */
	u16 op_number[ENGINE_LANES_MAX]; /* begins and ends of operations so far */
	u16 names; /* grains from which on none has a name */
	struct ghost_page pages[MAX_PFN]; /* from here on in parts: oracle_save() */
	const char *slab_name[ARENA_GRAINS];
};
extern struct oracle_state oracle;

static inline void oracle_benign_met(enum benign row)
{
	oracle.benign[row]++;
}

/* Which struct page an address lies in, and where in it; false if it is none. */
static inline bool oracle_page_of(const volatile void *p, u32 *pfn, u32 *offset)
{
	size_t off = (uintptr_t)p - (uintptr_t)machine->memmap;

	if (off >= sizeof(machine->memmap))
		return false;
	*pfn = (u32)(off / sizeof(struct page));
	*offset = (u32)(off % sizeof(struct page));
	return true;
}
/* The head of the folio that a page belongs to now. */
static inline u32 oracle_head_of(u32 pfn)
{
	unsigned long head = machine->memmap[pfn].compound_head;

	return head & 1 ? (u32)page_to_pfn((struct page *)(head - 1)) : pfn;
}
static inline struct folio *oracle_folio(u32 pfn)
{
	return (struct folio *)&machine->memmap[pfn];
}
static inline bool oracle_is_large(const struct folio *folio)
{
	return folio->flags & BIT(PG_head);
}
/* While a folio is split, its first tail is a page with flags of its own before the head's mark goes: these are no order. */
static inline unsigned oracle_order(const struct folio *folio)
{
	unsigned order = oracle_is_large(folio) ? folio->_flags_1 & FOLIO_ORDER_MASK : 0;

	return order <= MAX_ORDER_ ? order : 0;
}
/*
 * Pages of a folio that memory_failure() was called on; each may have a reference that it keeps. The mark itself may be
 * gone, by the race that the kernel accepts.
 */
static inline unsigned oracle_poisoned_pages(u32 head)
{
	unsigned n = 0;

	for (u32 i = 0; i < 1u << oracle_order(oracle_folio(head)); i++)
		n += oracle.pages[head + i].poisoned_by != 0;
	return n;
}
/* Pages that may have been handed out in this execution: below each zone's untouched mark, and the device's. */
#define for_each_touched_pfn(pfn)                                              \
	for (u32 part_ = 0; part_ <= NR_NODES; part_++)                        \
		for (u32 pfn = part_ * NODE_PAGES, end_ = oracle_part_end(part_); pfn < end_; pfn++)
static inline u32 oracle_part_end(u32 part)
{
	return part < NR_NODES ? machine->nodes[part].zone.untouched : MAX_PFN;
}
/* Device memory is handed out and taken back with page_alloc_note() and page_free_note(), as all other. */
static inline bool oracle_is_device(u32 pfn)
{
	return pfn >= NR_PAGES;
}
static inline bool oracle_is_anon(const struct folio *folio)
{
	return (unsigned long)folio->mapping & FOLIO_MAPPING_ANON;
}
static inline bool oracle_in_swapcache(const struct folio *folio)
{
	return (folio->flags & BIT(PG_swapbacked)) && (folio->flags & BIT(PG_swapcache));
}
/* At quiescence: in a file's page cache. */
static inline bool oracle_in_pagecache(const struct folio *folio)
{
	return folio->mapping && !oracle_is_anon(folio) && !oracle_is_device((u32)page_to_pfn(&folio->page));
}


/* oracle.c: an array with something about each page; nothing of those that never were handed out, but for the device's. */
void snapshot_add_pages(struct snapshot *s, void *of_pages, u32 unit);
/* benign.c */
void benign_note(enum benign row, const volatile void *object);
/* lost_update.c */
void lost_update_begin(void);
void lost_update_save(struct snapshot *s);
void lost_update_written(const struct event *ev, u32 pfn);
void lost_update_page_allocated(u32 pfn, u32 nr);
/* freed_object.c */
void freed_object_dead(const struct event *ev, u8 state);
void freed_object_note(enum note note, const volatile void *object, const char *cache);
bool freed_object_end(void);
/* freed_page.c */
void freed_page_begin(void);
void freed_page_written(const struct event *ev, u32 pfn, u32 offset);
void freed_page_touched(const struct event *ev);
void freed_page_found(const volatile void *entry);
void freed_page_note(u32 pfn, u32 nr, bool free);
/* reference.c */
void reference_written(const struct event *ev, u32 pfn, u32 offset);
void reference_page_allocated(u32 pfn, u32 nr);
bool reference_quiescent(void);
/* What mappings, caches, batches and the references that programs hold explain; poisoned pages may have one more each. */
s32 reference_explained(u32 head);
s32 reference_mapcount(u32 head);
bool reference_end(void);
bool reference_can_move(u32 head); /* its references are mappings, caches' and batches' */
/* list_lock.c */
void list_lock_added(const struct list_head *entry);
void list_lock_deleted(const struct list_head *entry);
/* queue_length.c */
#define QUEUES_MAX (2 * NR_NODES + NR_MEMCG_POOL * (1 + NR_NODES))
/* All that are in use; those of list_lrus as if they were the others. Returns how many. */
unsigned oracle_queues(struct deferred_split *queues[QUEUES_MAX]);
/* The queue whose lock covers this one: that of a dying cgroup is its parent's. */
struct deferred_split *oracle_queue_owner(struct deferred_split *queue);
struct deferred_split *queue_of_lock(const volatile void *lock);
void queue_length_unlocking(struct deferred_split *queue);
bool queue_length_quiescent(void);
/* queue_member.c */
void queue_member_added(u32 head, struct list_head *home);
void queue_member_deleted(u32 head);
void queue_member_written(const struct event *ev, u32 pfn, u32 offset);
void queue_member_content_read(u32 pfn);
void queue_member_migrating(const volatile void *src);
void queue_member_migrated(const volatile void *src, const volatile void *dst);
bool queue_member_quiescent(void);
/* migrate_contract.c */
void migrate_contract_migrating(const volatile void *src);
void migrate_contract_replaced(const volatile void *src, const volatile void *dst);
void migrate_contract_migrated(const volatile void *src, const volatile void *dst);
void migrate_contract_returned(const volatile void *list, long rc);
/* tlb.c */
void tlb_page_freed(u32 pfn, u32 nr);
/* swap_slot.c */
bool swap_slot_quiescent(void);
bool swap_slot_end(void);
/* publish.c */
void publish_unfrozen(const struct event *ev, u32 pfn);
void publish_written(const struct event *ev, u32 pfn, u32 offset);
bool publish_quiescent(void);
/* page_table.c */
void page_table_written(const struct event *ev);
/* pin_progress.c */
struct user_note;
void pin_progress_begin(void);
void pin_progress_save(struct snapshot *s);
void pin_progress_op_begin(unsigned fail);
void pin_progress_written(const struct event *ev);
void pin_progress_note(const struct user_note *n);
/* rmap_audit.c */
bool rmap_audit_quiescent(void);
void rmap_audit_unmapped(const volatile void *folio);
void rmap_audit_mapping(struct ghost_page *g, unsigned cpu); /* the CPU has just raised the map count */
long rmap_audit_entries(u32 head);			     /* how often page tables map the folio */
/* statistic.c */
bool statistic_quiescent(void);
/* pgmap.c */
bool pgmap_quiescent(void);
void pgmap_fault(const volatile void *page);
/* content.c */
void content_begin(void);
void content_save(struct snapshot *s);
void content_reset(unsigned mm, unsigned vpn); /* the page is new, and zero */
bool content_disturb(unsigned mm, unsigned vpn); /* who is at the page is not judged; true: a store or discard is under way there */
void content_lose_track(unsigned mm, unsigned vpn); /* a store through a file's mapping may be there, and where the page moves to */
struct user_note;
/* content_file.c */
void content_file_begin(void);
void content_file_save(struct snapshot *s);
bool content_file_note(const struct user_note *n);
/* content_promise.c */
void promise_begin(void);
void promise_save(struct snapshot *s);
void promise_note(const struct user_note *n);
bool promise_quiescent(void);
void content_file_lost(const volatile void *mapping, unsigned long index); /* a memory error has taken the file's page */
/* The page is about to be pinned, or has been; true: it shows a file, whose page may be stored to at any time from now on. */
bool content_file_pinned(unsigned mm, unsigned vpn);
/* False: the page shows no file. */
bool content_file_allows(unsigned mm, unsigned vpn, u32 token, bool *allows);
/* May user space find `token` there now? */
bool content_allows(unsigned mm, unsigned vpn, u32 token);
void content_note(const volatile void *note);
void content_written(const struct event *ev);
void content_copied(const struct event *ev);
void content_poison_looked(const volatile void *page);

#endif
