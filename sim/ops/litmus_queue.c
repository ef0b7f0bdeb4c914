/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The deferred list in little, for litmus programs: a folio with two references, its link, the list with a lock and a length. The putter
 * of the last reference looks without the lock whether the folio is linked; the scanner, whose try for a reference has failed, may be
 * about to take it off. queue_put(1) looks under the lock alone.
 */
#include "litmus.h"
#include "ops_internal.h"

#define QUEUE_LOCK 0 /* l0 */

static bool linked(void)
{
	return READ_ONCE(litmus->folio.link.next) != &litmus->folio.link;
}

/* Of the folio or the list's head; the folio is not to be freed yet. */
static void check_alive(void)
{
	engine_touch(engine_object_id(&litmus->folio.freed), TOUCH_READ);
	if (litmus->folio.freed)
		engine_find(VERDICT_USE_AFTER_FREE, "litmus folio", NULL, "written after the free");
}

#define link_store(p, v)                                                       \
	do {                                                                   \
		WRITE_ONCE(p, v);                                              \
		check_alive();                                                 \
	} while (0)

static void unlink_folio(void)
{
	struct list_head *f = &litmus->folio.link, *next = f->next, *prev = f->prev;

	link_store(next->prev, prev);
	link_store(prev->next, next);
	link_store(f->next, f);
	link_store(f->prev, f);
	WRITE_ONCE(litmus->queue_len, litmus->queue_len - 1);
}

static void put_folio(bool looks_locked)
{
	const u8 lock[] = { QUEUE_LOCK };

	if (!atomic_dec_and_test(&litmus->folio.ref))
		return;
	if (looks_locked || linked()) {
		op_lock(lock);
		if (linked())
			unlink_folio();
		op_unlock(lock);
	}
	WRITE_ONCE(litmus->folio.freed, true);
}

int op_queue_put(const u8 *args)
{
	if (litmus_skips())
		return LITMUS_SKIPPED;
	put_folio(args[0]);
	return 0;
}

int op_queue_add(const u8 *args)
{
	struct list_head *f = &litmus->folio.link, *q = &litmus->queue;
	const u8 lock[] = { QUEUE_LOCK };

	(void)args;
	if (litmus_skips())
		return LITMUS_SKIPPED;
	op_lock(lock);
	if (!linked()) {
		WRITE_ONCE(litmus->folio.partially_mapped, 1);
		link_store(q->prev, f);
		link_store(f->next, q);
		link_store(f->prev, q);
		link_store(q->next, f);
		WRITE_ONCE(litmus->queue_len, litmus->queue_len + 1);
	}
	op_unlock(lock);
	return 0;
}

/* inc_not_zero as it is compiled: a load, and compare-exchanges that keep what they saw. */
static bool try_get(atomic_t *ref)
{
	int seen = atomic_read(ref);

	while (seen) {
		int old = seen;

		if (atomic_try_cmpxchg(ref, &seen, old + 1))
			return true;
		engine_touch(0, TOUCH_WROTE_NOTHING);
	}
	return false;
}

int op_queue_scan(const u8 *args)
{
	const u8 lock[] = { QUEUE_LOCK };
	bool got = false;

	(void)args;
	if (litmus_skips())
		return LITMUS_SKIPPED;
	op_lock(lock);
	if (READ_ONCE(litmus->queue.next) != &litmus->queue) {
		got = try_get(&litmus->folio.ref);
		unlink_folio();
		if (!got) {
			check_alive();
			WRITE_ONCE(litmus->folio.partially_mapped, 0);
		}
	}
	op_unlock(lock);
	if (got)
		put_folio(true);
	return 0;
}
