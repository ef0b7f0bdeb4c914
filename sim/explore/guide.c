/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an execution showed, for a fuzzer. Features are hashes of sites, which are literal strings, and of states: the same in every build.
 *
 * rf: the last write to an object, by its site, and the site of an access of another CPU that saw it, as in "Greybox fuzzing for concurrency
 * testing" (Wolff, Shi, Duck, Mathur, Roychoudhury, ASPLOS 2024). Locks are left out on either side: who had one last says nothing of the data.
 *
 * locks: two sections of different CPUs, one after the other at one lock: the synchronisation pairs of "Testing concurrent programs to achieve high
 * synchronization coverage" (Hong, Ahn, Park, Kim, Harrold, ISSTA 2012); and whether the second one had to wait, the blocked and blocking of
 * "Applications of synchronization coverage" (Bron, Farchi, Magid, Nir, Ur, PPoPP 2005). Deviates: a section is known by the site that takes the lock and
 * that of the CPU's next event, since one site takes every page table's lock. Who waits needs no knowledge of queues: a lane stands just before its
 * next event, so the second stood at the lock while the first had it iff its last event was before the release. A trylock that fails meets
 * the section that is in its way. Of several readers the last is the section.
 *
 * state: what the caller digests (sim/oracle/folio_state.c).
 */
#include <foliofuzz/explore.h>
#include <string.h>

static const struct guide_row {
	const char *name;
	u32 first, cells;
	bool on;
} rows[GUIDE_KIND_COUNT] = {
#define GUIDE(id, name, first, cells, on, help) { name, first, cells, on },
#include <foliofuzz/guide.def>
#undef GUIDE
};

const char *guide_name(enum guide_kind kind)
{
	return rows[kind].name;
}

int guide_find(const char *name)
{
	for (int i = 0; i < GUIDE_KIND_COUNT; i++)
		if (!strcmp(rows[i].name, name))
			return i;
	return -1;
}

u32 guide_default(void)
{
	u32 kinds = 0;

	for (unsigned i = 0; i < GUIDE_KIND_COUNT; i++)
		kinds |= (u32)rows[i].on << i;
	return kinds;
}

static void show(struct guide *g, enum guide_kind kind, u64 feature)
{
	u32 cell = rows[kind].first + (u32)(hash_mix(kind + 1, feature) >> 32) % rows[kind].cells;

	if (g->marked[cell] == g->serial)
		return;
	g->marked[cell] = g->serial;
	g->shown[g->count++] = (u16)cell;
}

static u64 pair(u32 a, u32 b)
{
	return (u64)a << 32 | b;
}

static u32 site_of(const struct event *ev)
{
	return (u32)(ev->site->hash >> 32);
}

/* ---- rf ---- */
static bool sees(unsigned kind)
{
	return kind != EVENT_WRITE && kind != EVENT_BIT_STORE && kind != EVENT_PLAIN_WRITE && kind != EVENT_ALLOC;
}

static void note_access(struct guide *g, const struct event *ev)
{
	unsigned flags = event_flags(ev->kind);
	struct guide_writer *w = &g->writers[ev->object_id / 4];

	if (flags & EV_S)
		return;
	if (w->serial == g->serial && w->cpu != ev->cpu && sees(ev->kind))
		show(g, GUIDE_RF, pair(w->site, site_of(ev)));
	if (flags & EV_W)
		*w = (struct guide_writer){ g->serial, site_of(ev), ev->cpu };
}

/* ---- locks ---- */
static struct guide_lock *lock_of(struct guide *g, u32 object)
{
	u32 at = object * 2654435761u >> 23;

	for (u32 i = 0; i < GUIDE_LOCKS_MAX; i++) {
		struct guide_lock *l = &g->locks[(at + i) % GUIDE_LOCKS_MAX];

		if (l->serial != g->serial) {
			*l = (struct guide_lock){ .serial = g->serial, .object = object };
			return l;
		}
		if (l->object == object)
			return l;
	}
	return NULL;
}

static void meet(struct guide *g, u32 first, u32 second, bool contended)
{
	show(g, GUIDE_LOCKS, hash_mix(pair(first, second), contended));
}

/* The CPU's first event in the section. */
static void name_section(struct guide *g, struct guide_cpu *c, const struct event *ev)
{
	u32 section = (u32)(hash_mix(c->site, ev->site->hash) >> 32) | 1;

	if (c->met)
		meet(g, c->met, section, c->contended);
	if (c->entered->cpu == ev->cpu)
		c->entered->section = section;
	c->entered = NULL;
}

static void note_acquisition(struct guide *g, struct guide_cpu *c, const struct event *ev, bool tries)
{
	struct guide_lock *l = lock_of(g, ev->object_id);

	if (!l)
		return;
	c->met = l->section && l->cpu != ev->cpu ? l->section : 0;
	c->contended = c->met && (!l->released || c->last < l->released);
	c->site = site_of(ev);
	if (tries && c->met && !l->released) {
		meet(g, c->met, c->site | 1, true);
		return;
	}
	l->section = c->site | 1;
	l->released = 0;
	l->cpu = ev->cpu;
	c->entered = l;
}

static void note_lock(struct guide *g, struct guide_cpu *c, const struct event *ev)
{
	struct guide_lock *l;

	switch (ev->kind) {
	case EVENT_LOCK:
	case EVENT_BIT_LOCK:
		note_acquisition(g, c, ev, false);
		break;
	case EVENT_TRYLOCK:
	case EVENT_BIT_TRYLOCK:
		note_acquisition(g, c, ev, true);
		break;
	case EVENT_UNLOCK:
	case EVENT_BIT_UNLOCK:
		l = lock_of(g, ev->object_id);
		if (l)
			l->released = ev->step;
		break;
	}
}

/* ---- the listener ---- */
static void guide_begin(struct engine_listener *w)
{
	struct guide *g = (struct guide *)w;

	g->serial++;
	g->count = 0;
	memset(g->cpus, 0, sizeof(g->cpus));
}

static void guide_executed(struct engine_listener *w, const struct event *ev, bool conditional)
{
	struct guide *g = (struct guide *)w;
	struct guide_cpu *c = &g->cpus[ev->cpu];

	(void)conditional;
	if (c->entered)
		name_section(g, c, ev);
	if (ev->object_id && ev->object_id < ARENA_SIZE) {
		if (g->kinds >> GUIDE_RF & 1)
			note_access(g, ev);
		if (g->kinds >> GUIDE_LOCKS & 1)
			note_lock(g, c, ev);
	}
	c->last = ev->step;
}

static void guide_touched(struct engine_listener *w, u32 object_id, enum touch_kind how)
{
	(void)w;
	(void)object_id;
	(void)how;
}

void guide_init(struct guide *g, u32 kinds)
{
	memset(g, 0, sizeof(*g));
	g->listener = (struct engine_listener){ guide_begin, guide_executed, guide_touched, NULL };
	g->kinds = kinds;
}

void guide_state(struct guide *g, u64 state)
{
	if (g->kinds >> GUIDE_STATE & 1)
		show(g, GUIDE_STATE, state);
}
