/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * select.c - which events of an execution a reader needs: accesses to what more than one CPU
 * touched, the locks around them, and what was changed just before the find. The rest of a trace is
 * one CPU talking to itself.
 */
#include "report.h"

#include <stdlib.h>
#include <string.h>

enum {
	TAIL = 40,	/* events before the find of which those are kept that change something */
	GAP_MIN = 3,	/* leaving out fewer would save nothing */
	KEEP_MAX = 240, /* more than a reader reads; the last ones are kept */
	HELD_MAX = 32,
};

/* Who touched an object in the parallel phase. */
struct touch {
	u32 id; /* 0: free slot */
	u8 cpus;
	bool written;
};
struct touches {
	struct touch *slots;
	u32 mask;
};

/* Locks that a CPU holds while the trace is walked, by the index of the event that took them. */
struct held {
	u32 taken[HELD_MAX];
	bool matters[HELD_MAX];
	u32 count;
};

static struct touch *touch_of(const struct touches *t, u32 id)
{
	u32 i = id * 0x9e3779b1u & t->mask;

	while (t->slots[i].id && t->slots[i].id != id)
		i = (i + 1) & t->mask;
	return &t->slots[i];
}

static void touches_collect(struct touches *t, const struct story *s)
{
	u32 size = 64;

	while (size < 2 * s->count)
		size *= 2;
	t->mask = size - 1;
	t->slots = calloc(size, sizeof(*t->slots));
	HARNESS_BUG_ON(!t->slots);
	for (u32 i = 0; i < s->count; i++) {
		const struct event *ev = &s->trace[i];
		struct touch *touch;

		if (ev->phase != PHASE_PARALLEL || !ev->object_id)
			continue;
		touch = touch_of(t, ev->object_id);
		touch->id = ev->object_id;
		touch->cpus |= (u8)(1u << ev->cpu);
		touch->written |= (event_flags(ev->kind) & EV_W) != 0;
	}
}

static bool is_conflict(const struct touches *t, const struct event *ev)
{
	const struct touch *touch;

	if (ev->phase != PHASE_PARALLEL)
		return false;
	if (ev->kind == EVENT_FAULT)
		return true;
	if (!ev->object_id)
		return false;
	touch = touch_of(t, ev->object_id);
	return touch->written && (touch->cpus & (touch->cpus - 1));
}

static bool takes_lock(enum event_kind kind)
{
	return kind == EVENT_LOCK || kind == EVENT_TRYLOCK || kind == EVENT_BIT_LOCK ||
	       kind == EVENT_BIT_TRYLOCK;
}

static void release(struct held *h, const struct story *s, u32 unlock, u8 *keep)
{
	for (u32 n = h->count; n-- > 0;) {
		if (s->trace[h->taken[n]].object_id != s->trace[unlock].object_id)
			continue;
		if (h->matters[n])
			keep[h->taken[n]] = keep[unlock] = 1;
		h->count--;
		memmove(&h->taken[n], &h->taken[n + 1], (h->count - n) * sizeof(h->taken[0]));
		memmove(&h->matters[n], &h->matters[n + 1], (h->count - n) * sizeof(h->matters[0]));
		return;
	}
}

static void follow_locks(struct held *h, const struct story *s, u32 i, u8 *keep)
{
	enum event_kind kind = s->trace[i].kind;

	if (keep[i])
		memset(h->matters, 1, h->count);
	if (takes_lock(kind) && h->count < HELD_MAX) {
		h->taken[h->count] = i;
		h->matters[h->count++] = false;
	} else if (kind == EVENT_UNLOCK || kind == EVENT_BIT_UNLOCK) {
		release(h, s, i, keep);
	}
}

/* A lock that is still held at the find was never released above. */
static void keep_held(const struct held *h, u8 *keep)
{
	for (u32 n = 0; n < h->count; n++)
		if (h->matters[n])
			keep[h->taken[n]] = 1;
}

static void keep_conflicts(const struct story *s, u8 *keep)
{
	struct held held[ENGINE_LANES_MAX] = { 0 };
	struct touches touches;

	touches_collect(&touches, s);
	for (u32 i = 0; i < s->count; i++) {
		keep[i] = is_conflict(&touches, &s->trace[i]);
		if (s->trace[i].phase == PHASE_PARALLEL && s->trace[i].cpu < ENGINE_LANES_MAX)
			follow_locks(&held[s->trace[i].cpu], s, i, keep);
	}
	for (unsigned cpu = 0; cpu < ENGINE_LANES_MAX; cpu++)
		keep_held(&held[cpu], keep);
	free(touches.slots);
}

static bool is_mark(const struct event *ev)
{
	return ev->kind == EVENT_OP_BEGIN || ev->kind == EVENT_OP_END || ev->kind == EVENT_START;
}

static void keep_tail(const struct story *s, u8 *keep)
{
	u32 find = story_find_event(s), end = find < s->count ? find + 1 : s->count;

	if (!end || !verdict_is_find(s->result->verdict))
		return;
	for (u32 i = end, n = 0;
	     i-- > 0 && n < TAIL && s->trace[i].phase == s->trace[end - 1].phase;) {
		if (is_mark(&s->trace[i]))
			continue;
		keep[i] |= i + 1 == end || (event_flags(s->trace[i].kind) & (EV_W | EV_S));
		n++;
	}
}

/* Two or three events between others are shorter than the words that they were left out. */
static void close_gaps(const struct story *s, u8 *keep)
{
	u32 gap = 0;

	for (u32 i = 0; i < s->count; i++) {
		if (is_mark(&s->trace[i]))
			continue;
		if (!keep[i]) {
			gap++;
			continue;
		}
		for (u32 k = i; gap > 0 && gap < GAP_MIN && k-- > 0;) {
			if (is_mark(&s->trace[k]))
				continue;
			if (keep[k] || s->trace[k].phase != s->trace[i].phase)
				break;
			keep[k] = 1;
		}
		gap = 0;
	}
}

static void forget_early(const struct story *s, u8 *keep)
{
	u32 kept = 0;

	for (u32 i = s->count; i-- > 0;)
		if (keep[i] && ++kept > KEEP_MAX)
			keep[i] = 0;
}

u32 story_find_event(const struct story *s)
{
	if (s->result->cpu >= ENGINE_LANES_MAX)
		return s->count;
	for (u32 i = s->count; i-- > 0;)
		if (s->trace[i].step == s->result->step && !is_mark(&s->trace[i]))
			return i;
	return s->count;
}

void story_select(const struct story *s, u8 *keep)
{
	if (s->full) {
		for (u32 i = 0; i < s->count; i++)
			keep[i] = !is_mark(&s->trace[i]);
		return;
	}
	keep_conflicts(s, keep);
	keep_tail(s, keep);
	close_gaps(s, keep);
	forget_early(s, keep);
}
