/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the parallel phases of an execution showed, for whoever counts: a hash of their Mazurkiewicz trace, and which pairs of sites met. What one
 * lane does alone has one order.
 *
 * Two events depend on each other when they are of one CPU, or of one object and one of them writes; a waiter's wake-up and the grace period's start are
 * no events. Each event's hash takes in its CPU's hash so far and those of the accesses to its object that it depends on: the last write and, for a
 * write, the reads since, as a sum, for they commute. So two executions have one hash iff they differ in nothing but the order of
 * independent events, collisions apart. One pass, two multiplications an event.
 */
#include "engine_internal.h"
#include <string.h>

struct touched {
	u64 version;  /* hash of the last write */
	u64 reads;    /* sum of those since */
	u32 site, writer; /* of the last access, and of the last write: the upper half of a site's hash */
	u32 serial;   /* execution that it is about */
	u8 cpu, writer_cpu;
	bool wrote, written;
};
static struct touched touched[ARENA_SIZE / 4];

static struct {
	u64 cpu[ENGINE_LANES_MAX];
	struct engine_watch *out;
} now;

static void meet(u32 a, u32 b, u64 salt)
{
	u64 at = hash_mix(salt, (u64)a << 32 | b) >> 40;

	now.out->pairs[at / 64 % WATCH_WORDS] |= 1ull << at % 64;
}

void watch_begin(struct engine_watch *out)
{
	now.out = out;
	if (!out)
		return;
	for (unsigned i = 0; i < ENGINE_LANES_MAX; i++)
		now.cpu[i] = i;
	memset(out, 0, sizeof(*out));
}

void watch_event(const struct event *ev, unsigned cpu)
{
	bool writes = event_flags(ev->kind) & EV_W;
	u32 site = (u32)(ev->site->hash >> 32);
	u64 h = hash_mix(now.cpu[cpu], ev->site->hash ^ ev->object_id);
	struct touched *t;

	if (!ev->object_id || ev->object_id >= ARENA_SIZE) {
		now.cpu[cpu] = h;
		return;
	}
	t = &touched[ev->object_id / 4];
	if (t->serial != engine.serial)
		*t = (struct touched){ .serial = engine.serial, .cpu = (u8)cpu, .writer_cpu = (u8)cpu };
	if (t->cpu != cpu && (t->wrote || writes))
		meet(t->site, site, 1);
	if (t->writer_cpu != cpu && t->written)
		meet(t->writer, site, 2);
	h = hash_mix(h, writes ? t->version + t->reads : t->version);
	t->site = site;
	t->cpu = (u8)cpu;
	t->wrote = writes;
	if (writes) {
		t->version = h;
		t->reads = 0;
		t->writer = site;
		t->written = true;
		t->writer_cpu = (u8)cpu;
	} else {
		t->reads += h;
	}
	now.cpu[cpu] = h;
}

void watch_end(void)
{
	u64 h = 0;

	if (!now.out)
		return;
	for (unsigned i = 0; i < ENGINE_LANES_MAX; i++)
		h = hash_mix(h, now.cpu[i]);
	now.out->interleaving = h;
}
