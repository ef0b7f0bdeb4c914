/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * W1, W2 and W3 of canonical-workloads.md on the engine's points and primitives alone.
 */
#include <foliofuzz/bench.h>
#include <foliofuzz/kernel.h>
#include <linux/atomic.h>
#include <linux/bitops.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <string.h>

struct toy_folio {
	atomic_t ref;
	int pm, freed;
	struct list_head link;
};
struct toy_state {
	unsigned long flags;
	atomic_t a;
	int c;
	spinlock_t lock;
	struct toy_folio folio;
	struct list_head queue;
	int queue_len;
};
/* The far end of the arena, where no world reaches. */
#define toy ((struct toy_state *)(arena_memory + ARENA_SIZE - 4096))

static void toy_boot(void)
{
	kern_reset();
	memset(toy, 0, sizeof(*toy));
	spin_lock_init(&toy->lock);
}

/* W1: an atomic OR of bits 0, 1, 2 against a plain OR of bits 8, 9, 10. */
static void lost_flag_lane(void *arg, unsigned cpu)
{
	(void)arg;
	if (cpu == 0) {
		set_bit(0, &toy->flags);
		set_bit(1, &toy->flags);
		set_bit(2, &toy->flags);
	} else {
		__set_bit(8, &toy->flags);
		__set_bit(9, &toy->flags);
		__set_bit(10, &toy->flags);
	}
}

static bool lost_flag_holds(void)
{
	return toy->flags == 0x707;
}

static void deferred_boot(void)
{
	toy_boot();
	toy->folio.ref.counter = 2;
	toy->folio.link.next = toy->folio.link.prev = &toy->folio.link;
	toy->queue.next = toy->queue.prev = &toy->queue;
}

static bool linked(void)
{
	engine_point(SITE("list_empty", "", "link"), &toy->folio.link.next, EVENT_READ);
	return toy->folio.link.next != &toy->folio.link;
}

static void link_store(struct list_head **p, struct list_head *v)
{
	engine_point(SITE("link", "", "link"), p, EVENT_WRITE);
	if (toy->folio.freed)
		engine_find(VERDICT_USE_AFTER_FREE, "folio", NULL, "a link is written after the free");
	*p = v;
}

static void unlink_folio(void)
{
	struct list_head *f = &toy->folio.link, *next = f->next, *prev = f->prev;

	link_store(&next->prev, prev);
	link_store(&prev->next, next);
	link_store(&f->next, f);
	link_store(&f->prev, f);
	engine_point(SITE("queue_len", "", "queue_len"), &toy->queue_len, EVENT_WRITE);
	toy->queue_len--;
}

static void put_folio(void)
{
	if (!atomic_dec_and_test(&toy->folio.ref))
		return;
	if (linked()) {
		spin_lock(&toy->lock);
		if (linked())
			unlink_folio();
		spin_unlock(&toy->lock);
	}
	engine_point(SITE("free", "", "freed"), &toy->folio.freed, EVENT_WRITE);
	toy->folio.freed = 1;
}

static void queue_folio(void)
{
	struct list_head *f = &toy->folio.link, *q = &toy->queue;

	spin_lock(&toy->lock);
	if (!linked()) {
		engine_point(SITE("pm", "", "pm"), &toy->folio.pm, EVENT_WRITE);
		toy->folio.pm = 1;
		link_store(&q->prev, f);
		link_store(&f->next, q);
		link_store(&f->prev, q);
		link_store(&q->next, f);
		engine_point(SITE("queue_len", "", "queue_len"), &toy->queue_len, EVENT_WRITE);
		toy->queue_len++;
	}
	spin_unlock(&toy->lock);
}

static void scan_queue(void)
{
	bool got = false;

	spin_lock(&toy->lock);
	engine_point(SITE("list_empty", "", "queue"), &toy->queue.next, EVENT_READ);
	if (toy->queue.next != &toy->queue) {
		got = atomic_inc_not_zero(&toy->folio.ref);
		unlink_folio();
		if (!got) {
			engine_point(SITE("pm", "", "pm"), &toy->folio.pm, EVENT_WRITE);
			if (toy->folio.freed)
				engine_find(VERDICT_USE_AFTER_FREE, "folio", NULL, "pm is cleared after the free");
			toy->folio.pm = 0;
		}
	}
	spin_unlock(&toy->lock);
	if (got)
		put_folio();
}

/* W2: two putters, one of which queues first, and a scanner. */
static void deferred_lane(void *arg, unsigned cpu)
{
	(void)arg;
	if (cpu == 2) {
		scan_queue();
		return;
	}
	if (cpu == 1)
		queue_folio();
	put_folio();
}

static bool always(void)
{
	return true;
}

/* W3: long, without a bug. */
static void long_lane(void *arg, unsigned cpu)
{
	(void)arg;
	(void)cpu;
	for (int i = 0; i < 25; i++) {
		atomic_inc(&toy->a);
		spin_lock(&toy->lock);
		engine_point(SITE("c++", "", "c"), &toy->c, EVENT_WRITE);
		toy->c++;
		spin_unlock(&toy->lock);
	}
}

static bool long_holds(void)
{
	return toy->a.counter == 100 && toy->c == 100;
}

/* peer_ratio: Relacy's random figure over the bare engine's, the best of the table for each. */
const struct toy_workload toy_workloads[] = {
	{ "W1", "lost flag, 2 threads", 2, 9, 2188000.0 / 9040000.0, toy_boot, lost_flag_lane, lost_flag_holds },
	{ "W2", "deferred list, 3 threads", 3, 24, 727000.0 / 3000000.0, deferred_boot, deferred_lane, always },
	{ "W3", "long, 4 threads", 4, 400, 42600.0 / 86600.0, toy_boot, long_lane, long_holds },
};
const unsigned toy_workload_count = sizeof(toy_workloads) / sizeof(toy_workloads[0]);
