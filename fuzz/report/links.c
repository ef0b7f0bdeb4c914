/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * links.c - what joins two events of an execution: an access with the one of another CPU that it conflicts with, and the taking of a
 * lock with its release.
 */
#include "report.h"

#include <stdlib.h>
#include <string.h>

/* What is known of an object while the trace is walked; event indices are + 1, 0: none. */
struct known {
	u32 id; /* 0: free slot */
	u32 last[ENGINE_LANES_MAX], last_write[ENGINE_LANES_MAX];
	u32 taken[ENGINE_LANES_MAX];
};

struct known_set {
	struct known *slots;
	u32 mask;
};

static struct known *known_of(const struct known_set *set, u32 id)
{
	u32 i = id * 0x9e3779b1u & set->mask;

	while (set->slots[i].id && set->slots[i].id != id)
		i = (i + 1) & set->mask;
	set->slots[i].id = id;
	return &set->slots[i];
}

/* The latest access of another CPU to the same object, one of the two being a write. */
static u32 met_by(const struct known *k, const struct event *ev)
{
	const u32 *last = (event_flags(ev->kind) & EV_W) ? k->last : k->last_write;
	u32 latest = 0;

	for (unsigned cpu = 0; cpu < ENGINE_LANES_MAX; cpu++)
		if (cpu != ev->cpu && last[cpu] > latest)
			latest = last[cpu];
	return latest;
}

static bool is_release(const struct event *ev)
{
	return ev->kind == EVENT_UNLOCK || ev->kind == EVENT_BIT_UNLOCK;
}

static bool is_taking(const struct event *ev)
{
	return ev->kind == EVENT_LOCK || ev->kind == EVENT_TRYLOCK || ev->kind == EVENT_BIT_LOCK || ev->kind == EVENT_BIT_TRYLOCK;
}

/* A trylock that failed has no release, and the taking that follows it takes its place. */
static void link_lock(struct known *k, const struct event *ev, u32 i, struct story_link *links)
{
	if (is_taking(ev)) {
		k->taken[ev->cpu] = i + 1;
	} else if (is_release(ev) && k->taken[ev->cpu]) {
		links[k->taken[ev->cpu] - 1].until = i + 1;
		k->taken[ev->cpu] = 0;
	}
}

static void link_event(struct known_set *set, const struct story *s, u32 i, struct story_link *links)
{
	const struct event *ev = &s->trace[i];
	struct known *k = known_of(set, ev->object_id);

	if (ev->phase == PHASE_PARALLEL)
		links[i].meets = met_by(k, ev);
	link_lock(k, ev, i, links);
	k->last[ev->cpu] = i + 1;
	if ((event_flags(ev->kind) & EV_W))
		k->last_write[ev->cpu] = i + 1;
}

/* What is never released is held to the end, unless a trylock may have failed. */
static void link_unreleased(const struct known_set *set, const struct story *s, struct story_link *links)
{
	for (u32 i = 0; i <= set->mask; i++)
		for (unsigned cpu = 0; cpu < ENGINE_LANES_MAX; cpu++) {
			u32 taken = set->slots[i].taken[cpu];

			if (taken && (s->trace[taken - 1].kind == EVENT_LOCK || s->trace[taken - 1].kind == EVENT_BIT_LOCK))
				links[taken - 1].until = s->count;
		}
}

void story_links(const struct story *s, struct story_link *links)
{
	struct known_set set = { .mask = 63 };

	while (set.mask < 2 * s->count)
		set.mask = 2 * set.mask + 1;
	set.slots = calloc((size_t)set.mask + 1, sizeof(*set.slots));
	HARNESS_BUG_ON(!set.slots);
	memset(links, 0, s->count * sizeof(*links));
	for (u32 i = 0; i < s->count; i++)
		if (s->trace[i].object_id)
			link_event(&set, s, i, links);
	link_unreleased(&set, s, links);
	free(set.slots);
}
