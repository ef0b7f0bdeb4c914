/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Invariant 5: whoever edits a list of folios holds the list's lock, or the folio is frozen and its queue's lock held, or
 * the list is private to the CPU and the entry pinned. For the deferred split queue (through page 2) and the LRU
 * (through page 0).
 */
#include "oracle_internal.h"

enum list_kind { LIST_OTHER, LIST_LRU, LIST_DEFERRED };

/* What an entry's address says about it; *head is the folio's first page. */
static enum list_kind kind_of(const struct list_head *entry, u32 *head)
{
	u32 pfn, offset;

	if (!oracle_page_of(entry, &pfn, &offset))
		return LIST_OTHER;
	if (offset == offsetof(struct page, lru)) {
		*head = pfn;
		return LIST_LRU;
	}
	*head = pfn - 2;
	return LIST_DEFERRED;
}

static bool in_memmap(const struct list_head *p)
{
	u32 pfn, offset;

	return oracle_page_of(p, &pfn, &offset);
}

/* The head of the list that an entry is linked on; NULL if a walk of every folio does not come to one. */
static struct list_head *head_of(const struct list_head *entry)
{
	struct list_head *p = entry->next;

	for (unsigned i = 0; i < NR_PAGES && p; i++) {
		if (!in_memmap(p))
			return p;
		p = p->next;
	}
	return NULL;
}

static struct deferred_split *queue_of_head(const struct list_head *head)
{
	struct deferred_split *queues[QUEUES_MAX];
	unsigned n = oracle_queues(queues);

	for (unsigned i = 0; i < n; i++)
		if (head == &queues[i]->split_queue)
			return queues[i];
	return NULL;
}

static void check_lru(u32 pfn, const struct list_head *home)
{
	struct lruvec *lruvec = &machine->nodes[page_to_nid(&machine->memmap[pfn])].lruvec;

	/* a private list, of split folios or of isolated ones, which are pinned */
	if (home && home != &lruvec->list)
		return;
	if (!lock_is_held_(&lruvec->lru_lock))
		engine_find(VERDICT_LIST_CORRUPTION, "LRU edited without lru_lock", NULL, "page %u", pfn);
}

/* The queue that names the lock: where it is, or, from a scanner's private list, where it came from. */
static void check_deferred(u32 head, struct deferred_split *queue, const struct list_head *home)
{
	/* its own lock may still be held from before its cgroup was dying */
	if (queue && (lock_is_held_(&queue->split_queue_lock) || lock_is_held_(&oracle_queue_owner(queue)->split_queue_lock)))
		return;
	/* private to the CPU, the entry pinned */
	if (home && !queue_of_head(home) && machine->memmap[head]._refcount.counter > 0)
		return;
	engine_find(VERDICT_LIST_CORRUPTION, "split queue edited without its lock", NULL,
		    "folio at page %u, %d references", head, machine->memmap[head]._refcount.counter);
}

/* An add, or a splice, of which `entry` is the first: everything from it on has a home now. */
void list_lock_added(const struct list_head *entry)
{
	struct list_head *home = head_of(entry);
	struct deferred_split *queue;
	u32 head;

	switch (kind_of(entry, &head)) {
	case LIST_LRU:
		check_lru(head, home);
		for (const struct list_head *p = entry; p != home && kind_of(p, &head) == LIST_LRU; p = p->next)
			oracle.pages[head].lru_home = home;
		return;
	case LIST_DEFERRED:
		break;
	default:
		return;
	}
	if (!home)
		engine_find(VERDICT_LIST_CORRUPTION, "split queue has no head", NULL, "folio at page %u", head);
	queue = queue_of_head(home);
	if (queue)
		check_deferred(head, queue, home);
	for (const struct list_head *p = entry; p != home; p = p->next) {
		if (kind_of(p, &head) != LIST_DEFERRED)
			break;
		if (queue)
			oracle.pages[head].queue = queue;
		queue_member_added(head, home);
	}
}

void list_lock_deleted(const struct list_head *entry)
{
	struct ghost_page *g;
	u32 head;

	switch (kind_of(entry, &head)) {
	case LIST_LRU:
		check_lru(head, oracle.pages[head].lru_home);
		oracle.pages[head].lru_home = NULL;
		return;
	case LIST_DEFERRED:
		break;
	default:
		return;
	}
	g = &oracle.pages[head];
	check_deferred(head, g->queue, g->home);
	queue_member_deleted(head);
}
