/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a strategy may know of a program beforehand: who touched what in its serial executions, CPU after CPU in either order. A function of
 * the program alone, so that an execution stays a function of program and seed (algorithms.md, pitfall 12).
 *
 * Two accesses race here when they are of different CPUs, to one object, and one of them writes. Unlocks are left out: what another CPU
 * would do before one it can do as well before the next access.
 */
#include <foliofuzz/explore.h>
#include <string.h>

static struct profile_object *slot_of(struct profile *p, u32 id)
{
	u32 at = (id * 2654435761u) >> 21;

	for (u32 i = 0; i < PROFILE_OBJECTS; i++) {
		struct profile_object *o = &p->objects[(at + i) % PROFILE_OBJECTS];

		if (!o->id || o->id == id)
			return o;
	}
	return NULL;
}

static bool counts(const struct event *ev)
{
	return ev->object_id && ev->object_id < ENGINE_STACK_ID && ev->cpu < ENGINE_CPUS_MAX && event_counts(ev->kind);
}

bool event_counts(unsigned kind)
{
	return kind != EVENT_UNLOCK && kind != EVENT_BIT_UNLOCK && kind != EVENT_OP_BEGIN && kind != EVENT_OP_END && kind != EVENT_FAULT;
}

void profile_clear(struct profile *p)
{
	memset(p, 0, sizeof(*p));
}

static void note_objects(struct profile *p, const struct event *ev, u32 count, unsigned phase)
{
	for (u32 i = 0; i < count; i++) {
		struct profile_object *o;

		if (ev[i].phase != phase || !counts(&ev[i]))
			continue;
		o = slot_of(p, ev[i].object_id);
		if (!o)
			continue;
		o->id = ev[i].object_id;
		if (event_flags(ev[i].kind) & EV_W)
			o->writers |= (u8)(1u << ev[i].cpu);
		else
			o->readers |= (u8)(1u << ev[i].cpu);
		if (!p->runs)
			o->events[ev[i].cpu]++;
	}
}

bool profile_races(const struct profile_object *o)
{
	u32 all = o->readers | o->writers;

	return o->writers && (all & (all - 1));
}

const struct profile_object *profile_object(const struct profile *p, u32 id)
{
	const struct profile_object *o = id ? slot_of((struct profile *)(uintptr_t)p, id) : NULL;

	return o && o->id == id ? o : NULL;
}

static bool race(const struct profile_access *a, const struct profile_access *b)
{
	return a->cpu != b->cpu && (a->writes || b->writes);
}

/* Accesses to one object are a list: indices, one too high, 0 being its end. */
static bool is_known(const struct profile *p, const struct profile_object *o, const struct profile_access *a)
{
	for (u32 i = o->accesses; i; i = p->accesses[i - 1].next) {
		const struct profile_access *b = &p->accesses[i - 1];

		if (b->site == a->site && b->cpu == a->cpu && b->nth == a->nth)
			return true;
	}
	return false;
}

unsigned site_count_next(struct site_counts *c, const struct site *site, unsigned cpu)
{
	u32 at = (u32)site->hash ^ cpu * 37;

	for (u32 i = 0; i < SITE_COUNTS; i++) {
		u32 k = (at + i) % SITE_COUNTS;

		if (c->site[k] && (c->site[k] != site || c->cpu[k] != cpu))
			continue;
		c->site[k] = site;
		c->cpu[k] = (u8)cpu;
		return ++c->count[k];
	}
	return 0;
}

static void add_access(struct profile *p, struct profile_object *o, const struct profile_access *a)
{
	struct profile_access *new = &p->accesses[p->access_count];

	*new = *a;
	for (u32 i = o->accesses; i; i = p->accesses[i - 1].next)
		if (race(new, &p->accesses[i - 1])) {
			new->rivals++;
			p->accesses[i - 1].rivals++;
			p->pairs += 2;
		}
	new->next = o->accesses;
	o->accesses = (u16)++p->access_count;
}

static void note_accesses(struct profile *p, const struct event *ev, u32 count, unsigned phase)
{
	struct site_counts seen = { .site = { NULL } };

	for (u32 i = 0; i < count && p->access_count < PROFILE_ACCESSES; i++) {
		struct profile_object *o;
		struct profile_access a = { .site = ev[i].site, .id = ev[i].object_id, .cpu = ev[i].cpu };

		if (ev[i].phase != phase || !counts(&ev[i]))
			continue;
		a.nth = (u16)site_count_next(&seen, a.site, a.cpu);
		a.writes = event_flags(ev[i].kind) & EV_W;
		o = slot_of(p, a.id);
		if (o && o->id && profile_races(o) && !is_known(p, o, &a))
			add_access(p, o, &a);
	}
}

void profile_add(struct profile *p, unsigned phase, u32 choices)
{
	u32 count;
	const struct event *ev = engine_trace(&count);

	note_objects(p, ev, count, phase);
	note_accesses(p, ev, count, phase);
	if (!p->runs)
		p->length = choices;
	p->runs++;
}

void profile_pair(const struct profile *p, u32 n, const struct profile_access **a, const struct profile_access **b)
{
	const struct profile_access *x = p->accesses, *y;

	for (; n >= x->rivals; x++)
		n -= x->rivals;
	y = &p->accesses[profile_object(p, x->id)->accesses - 1];
	for (; !race(x, y) || n--; y = &p->accesses[y->next - 1])
		;
	*a = x;
	*b = y;
}
