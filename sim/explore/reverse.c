/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a recorded execution to a schedule in which two conflicting accesses come in the other order: the step that stateless search makes at a race
 * (Flanagan and Godefroid, POPL 2005), made by a mutator for one race that it draws.
 *
 * Two accesses can be reversed when nothing between them orders them otherwise: the second one's CPU has not touched, since the first, what
 * the first one's CPU and those behind it have touched. Then it may as well go first, and comes to its access without being asked to wait: a lock
 * that both take is a conflict of the two acquisitions, and what is done under it is none.
 *
 * The schedule is one of bytes, so that mutators can work on it. It holds what the execution did where bytes can say it: streams end, and the
 * first byte of cpu0's first operation decides twice, who begins and whether cpu0 goes on at its first point. Behind the reversed accesses each
 * CPU goes on with the choices that were its own.
 */
#include <foliofuzz/explore.h>
#include <string.h>

enum { OBJECTS = 1024, TRIES = 32, RIVALS_MAX = ENGINE_LANES_MAX };

/* Objects, and who has touched each: masks of CPUs. Full: later ones are in none. */
struct touches {
	struct touch {
		u32 object;
		u8 readers, writers;
	} at[OBJECTS];
};

struct recorded {
	const struct event *trace;
	const struct decision *log;
	u32 events, decisions;
	unsigned phase;
};

static struct touch *touch_of(struct touches *t, u32 object)
{
	u32 at = object * 2654435761u >> 22;

	for (u32 i = 0; i < OBJECTS; i++) {
		struct touch *o = &t->at[(at + i) % OBJECTS];

		if (!o->object || o->object == object)
			return o;
	}
	return NULL;
}

static bool writes(const struct event *ev)
{
	return event_flags(ev->kind) & EV_W;
}

static bool is_step(const struct recorded *run, const struct event *ev)
{
	return ev->phase == run->phase && ev->kind != EVENT_OP_BEGIN && ev->kind != EVENT_OP_END && ev->kind != EVENT_FAULT;
}

static void add_touch(struct touches *t, const struct event *ev)
{
	struct touch *o = ev->object_id ? touch_of(t, ev->object_id) : NULL;

	if (!o)
		return;
	o->object = ev->object_id;
	if (writes(ev))
		o->writers |= (u8)(1u << ev->cpu);
	else
		o->readers |= (u8)(1u << ev->cpu);
}

/* The choice that was made behind the event of this step; NULL: there was none to make. */
static const struct decision *choice_behind(const struct recorded *run, u32 step)
{
	u32 low = 0, high = run->decisions;

	while (low < high) {
		u32 mid = low + (high - low) / 2;

		if (run->log[mid].step < step)
			low = mid + 1;
		else
			high = mid;
	}
	return low < run->decisions && run->log[low].step == step ? &run->log[low] : NULL;
}

static bool conflicts_with(const struct touch *o, const struct event *ev)
{
	return o && o->object == ev->object_id && (o->writers || (o->readers && writes(ev)));
}

/*
 * Accesses of other CPUs that conflict with the first one and that nothing else orders behind it: one for each CPU. `behind`: what comes after the
 * first access and depends on it.
 */
static unsigned rivals_of(const struct recorded *run, u32 first, u32 enabled, u32 rivals[RIVALS_MAX])
{
	struct touches behind = { .at = { { 0 } } };
	const struct event *a = &run->trace[first];
	u32 ordered = 1u << a->cpu;
	unsigned n = 0;

	for (u32 i = first; i < run->events && (ordered & enabled) != enabled; i++) {
		const struct event *ev = &run->trace[i];
		bool after = ordered >> ev->cpu & 1;

		if (!is_step(run, ev))
			continue;
		if (!after && ev->object_id && conflicts_with(touch_of(&behind, ev->object_id), ev)) {
			after = true;
			if (ev->object_id == a->object_id && (writes(a) || writes(ev)) && event_counts(ev->kind) && enabled >> ev->cpu & 1)
				rivals[n++] = i;
			ordered |= 1u << ev->cpu;
		}
		if (after)
			add_touch(&behind, ev);
	}
	return n;
}

/* Conflicts with something of another CPU, before it or behind it. */
static bool is_shared(struct touches *all, const struct event *ev)
{
	const struct touch *o = ev->object_id ? touch_of(all, ev->object_id) : NULL;
	u32 others;

	if (!o || o->object != ev->object_id)
		return false;
	others = (writes(ev) ? o->readers | o->writers : o->writers) & ~(1u << ev->cpu);
	return others && ev->cpu < PROG_LANES_MAX && ev->object_id < ENGINE_STACK_ID && event_counts(ev->kind);
}

/* The n-th access that is shared, from 0; with n too large, how many there are. */
static u32 nth_shared(const struct recorded *run, struct touches *all, u32 n, u32 *count)
{
	*count = 0;
	for (u32 i = 0; i < run->events; i++)
		if (is_step(run, &run->trace[i]) && is_shared(all, &run->trace[i]) && (*count)++ == n)
			return i;
	return run->events;
}

/* The event of the CPU before this one; NULL: none in this phase. */
static const struct event *event_before(const struct recorded *run, u32 i)
{
	unsigned cpu = run->trace[i].cpu;

	while (i--)
		if (run->trace[i].cpu == cpu && is_step(run, &run->trace[i]))
			return &run->trace[i];
	return NULL;
}

static bool draw(const struct recorded *run, struct reversal *what, struct prng *r)
{
	struct touches all = { .at = { { 0 } } };
	u32 count, rivals[RIVALS_MAX];

	for (u32 i = 0; i < run->events; i++)
		if (is_step(run, &run->trace[i]))
			add_touch(&all, &run->trace[i]);
	nth_shared(run, &all, UINT32_MAX, &count);
	for (unsigned i = 0; count && i < TRIES; i++) {
		u32 unused, first = nth_shared(run, &all, prng_below(r, count), &unused);
		const struct event *before = event_before(run, first);
		const struct decision *d = before ? choice_behind(run, before->step) : NULL;
		unsigned n = d ? rivals_of(run, first, d->enabled & ((1u << PROG_LANES_MAX) - 1), rivals) : 0;

		if (!n)
			continue;
		*what = (struct reversal){ first, rivals[prng_below(r, n)], prng_chance(r, 1, 2) };
		return true;
	}
	return false;
}

/* ---- writing streams ---- */
struct writer {
	struct prog_sched *sched;
	u16 stays[PROG_LANES_MAX][PROG_OPS_MAX]; /* not written yet; at a stream's end they need not be */
	bool full;
};

static void put(struct writer *w, unsigned cpu, unsigned op, u8 byte)
{
	u8 *len = &w->sched->stream_len[cpu][op];

	if (*len == PROG_STREAM_MAX)
		w->full = true;
	else
		w->sched->stream[cpu][op][(*len)++] = byte;
}

/* to: the CPU that is chosen, or the stream's own to stay. */
static void put_choice(struct writer *w, unsigned cpu, unsigned op, bool stay, unsigned to)
{
	u16 *stays;

	if (cpu >= PROG_LANES_MAX || op >= PROG_OPS_MAX)
		return;
	stays = &w->stays[cpu][op];
	if (stay) {
		++*stays;
		return;
	}
	for (; *stays; *stays = (u16)(*stays > 0x80 ? *stays - 0x80 : 0))
		put(w, cpu, op, (u8)((*stays > 0x80 ? 0x80 : *stays) - 1));
	put(w, cpu, op, (u8)(0x80 | to));
}

static void put_decision(struct writer *w, const struct decision *d, unsigned op)
{
	if (d)
		put_choice(w, d->cpu, op, d->chosen == d->normal, d->chosen);
}

/*
 * The choice before the i-th event, its CPU having made `before`. From the first access on, until the second has been made, the second one's CPU
 * has a choice at each of its points, for the first one's stands waiting.
 */
static void put_choice_before(struct writer *w, const struct recorded *run, const struct reversal *what, u32 i, u32 before)
{
	const struct event *ev = &run->trace[i], *a = &run->trace[what->first], *b = &run->trace[what->second];

	if (i == what->first)
		put_choice(w, ev->cpu, ev->op, false, b->cpu);
	else if (ev->cpu == b->cpu && before == what->second)
		put_choice(w, ev->cpu, ev->op, !what->back, a->cpu);
	else if (ev->cpu == b->cpu && before > what->first && before < what->second)
		put_choice(w, ev->cpu, ev->op, true, 0);
	else
		put_decision(w, choice_behind(run, run->trace[before].step), ev->op);
}

static bool write_streams(struct prog_sched *out, const struct recorded *run, const struct reversal *what)
{
	struct writer w = { .sched = out };
	u32 last[ENGINE_LANES_MAX];
	bool started[ENGINE_LANES_MAX] = { false }, skip = false;

	/* who begins; the same byte is cpu0's first choice */
	if (run->log[0].chosen != run->log[0].normal) {
		put_decision(&w, &run->log[0], 0);
		skip = true;
	}
	for (u32 i = 0; i < run->events; i++) {
		const struct event *ev = &run->trace[i];

		if (!is_step(run, ev))
			continue;
		if (started[ev->cpu] && !(skip && !ev->cpu))
			put_choice_before(&w, run, what, i, last[ev->cpu]);
		if (started[ev->cpu] && !ev->cpu)
			skip = false;
		started[ev->cpu] = true;
		last[ev->cpu] = i;
	}
	for (unsigned cpu = 0; cpu < PROG_LANES_MAX; cpu++)
		if (started[cpu]) {
			const struct decision *d = choice_behind(run, run->trace[last[cpu]].step);

			put_decision(&w, d, d ? d->op : 0);
		}
	return !w.full;
}

bool reverse_from_run(struct prog_sched *out, struct reversal *what, unsigned phase, struct prng *r)
{
	struct recorded run = { .phase = phase };

	run.trace = engine_trace(&run.events);
	run.log = engine_decisions(&run.decisions);
	memset(out, 0, sizeof(*out));
	out->kind = SCHED_BYTES;
	return run.decisions && draw(&run, what, r) && write_streams(out, &run, what);
}
