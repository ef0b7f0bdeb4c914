/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a recorded execution to a schedule in which two conflicting accesses come in the other order: what race.c does for a strategy, made for
 * one execution by a mutator. After "RaceFuzzer" (Sen, PLDI 2008), too.
 *
 * The first access's CPU stands before it until the second has been made. So nobody on the way there may need a lock that it holds: what is done
 * under one lock is not reversed, the acquisitions are. That is all that is asked. It is not looked at whether what the second CPU sees on its way is
 * what it saw before; then it may not come to its access at all.
 *
 * The schedule is one of bytes, so that mutators can work on it. It holds what the execution did where bytes can say it: streams end, and the
 * first byte of cpu0's first operation decides twice, who begins and whether cpu0 goes on at its first point. Behind the reversed accesses each
 * CPU goes on with the choices that were its own.
 */
#include <foliofuzz/explore.h>
#include <string.h>

enum { OBJECTS = 1024, TRIES = 32, HELD_MAX = 16 };

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

/* Locks that a CPU holds. */
struct held {
	unsigned count;
	struct {
		u32 object;
		bool shared;
	} at[HELD_MAX];
};

static bool is_acquisition(unsigned kind)
{
	return kind == EVENT_LOCK || kind == EVENT_TRYLOCK || kind == EVENT_BIT_LOCK || kind == EVENT_BIT_TRYLOCK;
}

/* Of a reader. */
static bool is_shared_lock(const struct event *ev)
{
	return strstr(ev->site->primitive, "read") != NULL;
}

static void let_go(struct held *h, u32 object)
{
	for (unsigned i = 0; i < h->count; i++)
		if (h->at[i].object == object) {
			h->at[i] = h->at[--h->count];
			return;
		}
}

/* What the CPU of the i-th event holds before it; of trylocks, the ones that it has let go again. */
static void held_before(struct held *h, const struct recorded *run, u32 i)
{
	h->count = 0;
	for (u32 k = 0; k < i; k++) {
		const struct event *ev = &run->trace[k];

		if (ev->cpu != run->trace[i].cpu || !is_step(run, ev))
			continue;
		if (ev->kind == EVENT_UNLOCK || ev->kind == EVENT_BIT_UNLOCK)
			let_go(h, ev->object_id);
		else if (is_acquisition(ev->kind) && h->count < HELD_MAX) {
			h->at[h->count].object = ev->object_id;
			h->at[h->count++].shared = is_shared_lock(ev);
		}
	}
}

static bool has_to_wait(const struct held *h, const struct event *ev)
{
	if (!is_acquisition(ev->kind))
		return false;
	for (unsigned i = 0; i < h->count; i++)
		if (h->at[i].object == ev->object_id && !(h->at[i].shared && is_shared_lock(ev)))
			return true;
	return false;
}

/* One of the accesses of other CPUs behind the first that conflict with it and that they can come to while it has not been made; 0: none. */
static u32 rival_of(const struct recorded *run, u32 first, u32 enabled, struct prng *r)
{
	const struct event *a = &run->trace[first];
	struct held held;
	u32 n = 0, rival = 0;

	held_before(&held, run, first);
	enabled &= ~(1u << a->cpu);
	for (u32 i = first + 1; i < run->events && enabled; i++) {
		const struct event *ev = &run->trace[i];

		if (!(enabled >> ev->cpu & 1) || !is_step(run, ev))
			continue;
		if (has_to_wait(&held, ev))
			enabled &= ~(1u << ev->cpu);
		else if (ev->object_id == a->object_id && (writes(a) || writes(ev)) && event_counts(ev->kind) && !prng_below(r, ++n))
			rival = i;
	}
	return rival;
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
	u32 count;

	for (u32 i = 0; i < run->events; i++)
		if (is_step(run, &run->trace[i]))
			add_touch(&all, &run->trace[i]);
	nth_shared(run, &all, UINT32_MAX, &count);
	for (unsigned i = 0; count && i < TRIES; i++) {
		u32 unused, first = nth_shared(run, &all, prng_below(r, count), &unused);
		const struct event *before = event_before(run, first);
		const struct decision *d = before ? choice_behind(run, before->step) : NULL;
		u32 rival = d ? rival_of(run, first, d->enabled & ((1u << PROG_LANES_MAX) - 1), r) : 0;

		if (!rival)
			continue;
		*what = (struct reversal){ first, rival, prng_chance(r, 1, 2) };
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
