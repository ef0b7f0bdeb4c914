/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * List edits, one point for each link store in the kernel's order, and CONFIG_DEBUG_LIST's checks in the step of
 * the first store. Instrumented for TSan: stores to ->prev are plain; those to ->next are marked, since
 * list_empty() and, through the page's union, compound_head() look at that word without the lock, and KCSAN, as the
 * kernel configures it, takes aligned plain stores for atomic.
 */
#include <linux/list.h>

static inline void store_plain(const struct site *s, struct list_head **p, struct list_head *v)
{
	engine_point(s, p, EVENT_WRITE);
	*p = v;
}

static inline void store_once(const struct site *s, struct list_head **p, struct list_head *v)
{
	engine_point(s, p, EVENT_WRITE);
	access_store(p, v, __ATOMIC_RELAXED);
}

static void corrupt(const struct site *s, const char *what)
{
	engine_find(VERDICT_LIST_CORRUPTION, what, NULL, "%s(%s) in %s", s->primitive, s->expr, s->function);
}

/* Who stands on an entry that has been deleted meanwhile cannot go on: the kernel faults on the poison. */
static struct list_head *not_deleted(const struct site *s, struct list_head *link)
{
	if (unlikely(link == LIST_POISON1 || link == LIST_POISON2))
		corrupt(s, "walk goes on from a deleted entry");
	return link;
}

void list_ask_at(const struct site *s)
{
	corrupt(s, "deleted entry asked whether it is linked");
}

struct list_head *list_next_at(const struct site *s, const struct list_head *list)
{
	engine_point(s, &list->next, EVENT_READ);
	return not_deleted(s, access_load(&list->next, __ATOMIC_RELAXED));
}

struct list_head *list_prev_at(const struct site *s, const struct list_head *list)
{
	engine_point(s, &list->prev, EVENT_READ);
	return not_deleted(s, access_load(&list->prev, __ATOMIC_RELAXED));
}

void list_init_at(const struct site *s, struct list_head *list)
{
	store_once(s, &list->next, list);
	store_once(s, &list->prev, list);
}

static void check_add(const struct site *s, struct list_head *entry, struct list_head *prev,
		      struct list_head *next)
{
	if (unlikely(next->prev != prev))
		corrupt(s, "next->prev is not prev");
	if (unlikely(prev->next != next))
		corrupt(s, "prev->next is not next");
	if (unlikely(entry == prev || entry == next))
		corrupt(s, "double add");
}

void list_add_at(const struct site *s, struct list_head *entry, struct list_head *prev,
		 struct list_head *next)
{
	engine_point(s, &next->prev, EVENT_WRITE);
	check_add(s, entry, prev, next);
	next->prev = entry;
	store_once(s, &entry->next, next);
	store_plain(s, &entry->prev, prev);
	store_once(s, &prev->next, entry);
	engine_note(NOTE_LIST_ADDED, entry, prev);
}

void list_add_after_at(const struct site *s, struct list_head *entry, struct list_head *head)
{
	list_add_at(s, entry, head, access_volatile(&head->next));
}

void list_add_before_at(const struct site *s, struct list_head *entry, struct list_head *head)
{
	list_add_at(s, entry, access_volatile(&head->prev), head);
}

/* Unlinks; the entry's own links are stale afterwards. Returns the former prev. */
static struct list_head *unlink_entry(const struct site *s, struct list_head *entry)
{
	struct list_head *prev, *next;

	engine_point(s, &entry->next, EVENT_READ);
	next = entry->next;
	prev = entry->prev;
	if (unlikely(next == LIST_POISON1 || prev == LIST_POISON2))
		corrupt(s, "deletion of a deleted entry");
	if (unlikely(!next || !prev))
		corrupt(s, "deletion of an uninitialised entry");
	if (unlikely(prev->next != entry))
		corrupt(s, "prev->next is not the entry");
	if (unlikely(next->prev != entry))
		corrupt(s, "next->prev is not the entry");
	store_plain(s, &next->prev, prev);
	store_once(s, &prev->next, next);
	return prev;
}

void list_del_at(const struct site *s, struct list_head *entry)
{
	struct list_head *prev = unlink_entry(s, entry);

	store_once(s, &entry->next, LIST_POISON1);
	store_plain(s, &entry->prev, LIST_POISON2);
	engine_note(NOTE_LIST_DELETED, entry, prev);
}

void list_del_entry_at(const struct site *s, struct list_head *entry)
{
	struct list_head *prev = unlink_entry(s, entry);

	engine_note(NOTE_LIST_DELETED, entry, prev);
}

void list_del_init_at(const struct site *s, struct list_head *entry)
{
	struct list_head *prev = unlink_entry(s, entry);

	store_once(s, &entry->next, entry);
	store_once(s, &entry->prev, entry);
	engine_note(NOTE_LIST_DELETED, entry, prev);
}

void list_del_init_careful_at(const struct site *s, struct list_head *entry)
{
	struct list_head *prev = unlink_entry(s, entry);

	store_once(s, &entry->prev, entry);
	engine_point(s, &entry->next, EVENT_WRITE);
	access_store(&entry->next, entry, __ATOMIC_RELEASE);
	engine_note(NOTE_LIST_DELETED, entry, prev);
}

void list_splice_at(const struct site *s, struct list_head *list, struct list_head *head, bool tail,
		    bool init)
{
	struct list_head *first, *last, *prev, *next;

	engine_point(s, &list->next, EVENT_READ);
	first = access_load(&list->next, __ATOMIC_RELAXED);
	if (first == list)
		return;
	last = access_volatile(&list->prev);
	prev = tail ? access_volatile(&head->prev) : head;
	next = tail ? head : access_volatile(&head->next);
	store_plain(s, &first->prev, prev);
	store_once(s, &prev->next, first);
	store_once(s, &last->next, next);
	store_plain(s, &next->prev, last);
	if (init)
		list_init_at(s, list);
	engine_note(NOTE_LIST_ADDED, first, prev);
}
