/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * select.c - which events of an execution a reader needs: accesses at which an object went from one CPU's hands to another's,
 * the locks around them, and what was changed just before the find. The rest of a trace is one CPU talking to itself.
 */
#include "report.h"

#include <stdlib.h>
#include <string.h>

enum {
	TAIL = 12,	/* events before the find of which those are kept that change something */
	GAP_MIN = 3,	/* leaving out fewer would save nothing */
	KEEP_MAX = 24,  /* accesses at which CPUs met, before the locks around them */
	KEEP_MIN = 3,
	HELD_MAX = 32,
};

/* The last accesses to an object in the parallel phase, as event index + 1; 0: none. */
struct touch {
	u32 id; /* 0: free slot */
	u32 last, last_write;
	/* a CPU's last access, and another CPU's that has met it since */
	u32 mine[ENGINE_LANES_MAX], theirs[ENGINE_LANES_MAX];
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

static void touches_init(struct touches *t, const struct story *s)
{
	u32 size = 64;

	while (size < 2 * s->count)
		size *= 2;
	t->mask = size - 1;
	t->slots = calloc(size, sizeof(*t->slots));
	HARNESS_BUG_ON(!t->slots);
}

static bool is_mark(const struct event *ev)
{
	return ev->kind == EVENT_OP_BEGIN || ev->kind == EVENT_OP_END || ev->kind == EVENT_START;
}

/* Another CPU's access came between two of this one's in the same operation: that is what a race is made of. */
static void keep_between(struct touch *touch, const struct story *s, u32 i, u8 *keep)
{
	unsigned cpu = s->trace[i].cpu;
	u32 mine = touch->mine[cpu], theirs = touch->theirs[cpu];

	if (mine && theirs && s->trace[mine - 1].op == s->trace[i].op)
		keep[mine - 1] = keep[theirs - 1] = keep[i] = 1;
	touch->mine[cpu] = i + 1;
	touch->theirs[cpu] = 0;
}

/*
 * How CPUs meet on an object: `all`, wherever it goes from one CPU's hands to another's and one of the two writes; else only where the
 * first comes back to it in the same operation.
 */
static void keep_meeting(struct touches *t, const struct story *s, u32 i, bool all, u8 *keep)
{
	const struct event *ev = &s->trace[i];
	bool write = (event_flags(ev->kind) & EV_W) != 0;
	struct touch *touch;
	u32 other;

	if (ev->phase != PHASE_PARALLEL || ev->cpu >= ENGINE_LANES_MAX)
		return;
	keep[i] |= ev->kind == EVENT_FAULT;
	if (!ev->object_id || is_mark(ev))
		return;
	touch = touch_of(t, ev->object_id);
	touch->id = ev->object_id;
	other = write ? touch->last : touch->last_write;
	if (other && s->trace[other - 1].cpu != ev->cpu) {
		if (all)
			keep[i] = keep[other - 1] = 1;
		touch->theirs[s->trace[other - 1].cpu] = i + 1;
	}
	keep_between(touch, s, i, keep);
	touch->last = i + 1;
	if (write)
		touch->last_write = i + 1;
}

static void keep_meetings(const struct story *s, bool all, u8 *keep)
{
	struct touches touches;

	touches_init(&touches, s);
	memset(keep, 0, s->count);
	for (u32 i = 0; i < s->count; i++)
		keep_meeting(&touches, s, i, all, keep);
	free(touches.slots);
}

static u32 kept(const struct story *s, const u8 *keep)
{
	u32 n = 0;

	for (u32 i = 0; i < s->count; i++)
		n += keep[i];
	return n;
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

/* The last of the meetings: a find is near its causes. */
static void forget_early(const struct story *s, u8 *keep)
{
	u32 kept = 0;

	for (u32 i = s->count; i-- > 0;)
		if (keep[i] && ++kept > KEEP_MAX)
			keep[i] = 0;
}

/* A find that is no broken window, like a use after free, is told by all that met. */
static void keep_conflicts(const struct story *s, u8 *keep)
{
	struct held held[ENGINE_LANES_MAX] = { 0 };

	keep_meetings(s, false, keep);
	if (kept(s, keep) < KEEP_MIN)
		keep_meetings(s, true, keep);
	forget_early(s, keep);
	for (u32 i = 0; i < s->count; i++)
		if (s->trace[i].phase == PHASE_PARALLEL && s->trace[i].cpu < ENGINE_LANES_MAX)
			follow_locks(&held[s->trace[i].cpu], s, i, keep);
	for (unsigned cpu = 0; cpu < ENGINE_LANES_MAX; cpu++)
		keep_held(&held[cpu], keep);
}

/* Beginnings and ends of RCU sections say something where an object has gone, and else stand everywhere. */
static bool changes_something(const struct story *s, const struct event *ev)
{
	unsigned flags = event_flags(ev->kind);

	if (flags & EV_N)
		return (flags & EV_S) && s->result->verdict == VERDICT_USE_AFTER_FREE;
	return (flags & (EV_W | EV_S)) != 0;
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
		keep[i] |= i + 1 == end || changes_something(s, &s->trace[i]);
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
}
