/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Depth-first search over scheduling points, execution by execution: the path of the last one is kept, its deepest state that has
 * something left goes on with that, and so the next one begins. What is left: with SEARCH_ALL every enabled lane; with SEARCH_SLEEP
 * those that do not sleep; with SEARCH_DPOR those that a race has asked for (dpor.c).
 *
 * A lane sleeps where all that begins with it has been searched, until a step that is dependent with its own: what it could do before
 * is the same trace as what was searched. So no trace is run twice, and an execution in which all that are enabled sleep is cut.
 *
 * Failures (engine_fault()) belong to the step in which they are asked for: where a lane is tried, it is tried with each. A
 * footprint of a lane that sleeps is then the union over them.
 */
#include <foliofuzz/search.h>
#include <stddef.h>
#include <string.h>

#define BIT8(n) ((u8)(1u << (n)))
enum { ASKS_MAX = 63 }; /* fail=N of a program goes no further */

static struct search *of_listener(struct engine_listener *w)
{
	return (struct search *)((char *)w - offsetof(struct search, listener));
}

/* Who sleeps after step d - 1. */
static u8 sleep_at(struct search *s, u32 d)
{
	const struct search_step *was = &s->path[d - 1];
	struct search_step *now = &s->path[d];
	u8 sleep = 0;

	for (u32 m = (was->sleep | was->done) & ~(1u << was->cpu); m; m &= m - 1) {
		unsigned q = (unsigned)__builtin_ctz(m);

		if (footprints_dependent(&was->of[q], &was->of[was->cpu]))
			continue;
		now->of[q] = was->of[q];
		sleep |= BIT8(q);
	}
	return sleep;
}

/* A state that has not been on the path yet. */
static void enter(struct search *s, u32 d, u32 enabled)
{
	struct search_step *p = &s->path[d];

	p->enabled = (u8)enabled;
	p->done = p->todo = p->fail = p->asks = 0;
	p->variants.count = 0;
	p->variants.all = false;
	p->sleep = d && s->mode >= SEARCH_SLEEP ? sleep_at(s, d) : 0;
	if (s->mode == SEARCH_ALL || s->mode == SEARCH_SLEEP)
		p->todo = (u8)(enabled & ~p->sleep);
}

static void search_begin(struct engine_listener *w)
{
	struct search *s = of_listener(w);

	s->depth = 0;
	s->chosen_from = 0;
	s->asleep = s->too_long = false;
	s->fault_count = 0;
	memset(s->last, 0, sizeof(s->last));
}

static unsigned search_choose(struct strategy *strategy, u32 enabled, unsigned current)
{
	struct search *s = (struct search *)strategy;
	u32 d = s->depth, awake;

	if (s->asleep)
		return ENGINE_STOP;
	if (d == SEARCH_STEPS_MAX) {
		s->too_long = true;
		return ENGINE_STOP;
	}
	s->chosen_from = (u8)enabled;
	if (d < s->fixed) {
		HARNESS_BUG_ON(s->path[d].enabled != enabled);
		return s->path[d].cpu;
	}
	enter(s, d, enabled);
	awake = enabled & ~s->path[d].sleep;
	if (!awake) {
		s->asleep = true;
		return ENGINE_STOP;
	}
	return awake >> current & 1 ? current : (unsigned)__builtin_ctz(awake);
}

static u64 identity(const struct event *ev)
{
	return hash_mix(ev->site->hash, ev->cpu | (u64)ev->kind << 8 | (u64)ev->object_id << 16);
}

static void search_executed(struct engine_listener *w, const struct event *ev, bool conditional)
{
	struct search *s = of_listener(w);
	unsigned cpu = ev->cpu;
	u32 d = s->depth;
	struct search_step *p = &s->path[d];

	if (s->asleep || d == SEARCH_STEPS_MAX) {
		s->too_long |= d == SEARCH_STEPS_MAX;
		return;
	}
	if (d >= s->fixed) {
		if (!s->chosen_from || s->mode == SEARCH_WATCH)
			enter(s, d, 1u << cpu);
		/* it alone could go on */
		if (p->sleep >> cpu & 1) {
			s->asleep = true;
			return;
		}
	}
	s->chosen_from = s->asked = 0;
	p->cpu = (u8)cpu;
	p->conditional = conditional || ev->kind == EVENT_START || ev->kind == EVENT_YIELD;
	p->what = identity(ev);
	p->before = s->last[cpu];
	p->index = (u16)(p->before ? s->path[p->before - 1].index + 1 : 1);
	footprint_of_event(&p->of[cpu], ev, ev->object_id);
	s->last[cpu] = (u16)(d + 1);
	s->depth++;
}

static void search_touched(struct engine_listener *w, u32 object_id, enum touch_kind how)
{
	struct search *s = of_listener(w);
	struct search_step *p;

	if (!s->depth || s->asleep)
		return;
	p = &s->path[s->depth - 1];
	footprint_touch(&p->of[p->cpu], object_id, how);
}

/* One failure a step; the engine sees to one an operation. */
static bool search_fault(struct engine_listener *w, unsigned cpu, unsigned op, unsigned ask)
{
	struct search *s = of_listener(w);
	struct search_step *p;

	if (!s->depth || s->asleep || s->fault_count >= s->faults || ask > ASKS_MAX)
		return false;
	p = &s->path[s->depth - 1];
	s->asked++;
	if (!p->fail)
		p->asks = s->asked;
	if (p->fail != s->asked)
		return false;
	s->fault[s->fault_count++] = (struct search_fault){ (u8)cpu, (u8)op, (u8)ask };
	return true;
}

void search_init(struct search *s, enum search_mode mode, unsigned faults)
{
	HARNESS_BUG_ON(faults > SEARCH_FAULTS_MAX);
	memset(s, 0, offsetof(struct search, path));
	s->strategy = (struct strategy){ "dpor", NULL, search_choose, NULL };
	s->listener = (struct engine_listener){ search_begin, search_executed, search_touched, search_fault };
	s->mode = mode;
	s->faults = faults;
}

/* Whose steps happen before this one: dependent and earlier, or before one of those. */
static void set_clock(struct search *s, u32 d)
{
	struct search_step *p = &s->path[d];
	/* lanes of which steps before j may not have been joined yet */
	u32 open = search_lanes(s);

	if (p->before)
		memcpy(p->clock, s->path[p->before - 1].clock, sizeof(p->clock));
	else
		memset(p->clock, 0, sizeof(p->clock));
	p->clock[p->cpu] = p->index;
	for (u32 j = d; j-- > 0 && open;) {
		const struct search_step *e = &s->path[j];

		if (e->index <= p->clock[e->cpu])
			open &= ~(1u << e->cpu);
		else if (footprints_dependent(&e->of[e->cpu], &p->of[p->cpu]))
			clock_join(p->clock, e->clock);
	}
}

/* The sum over the steps of what each is and which happen before it: the same in whatever order they were run. */
static u64 trace_hash(const struct search *s)
{
	u64 sum = 0;

	for (u32 d = 0; d < s->depth; d++) {
		const struct search_step *p = &s->path[d];
		u64 h = hash_mix(p->what, p->index | (u64)p->fail << 16);

		for (unsigned i = 0; i < ENGINE_LANES_MAX; i++)
			h = hash_mix(h, p->clock[i]);
		sum += h;
	}
	return sum;
}

/* From the deepest state on: what is left to be tried there. */
static bool backtrack(struct search *s)
{
	for (u32 d = s->depth; d-- > 0;) {
		struct search_step *p = &s->path[d];
		u8 left;

		s->fixed = d + 1;
		s->fresh = d;
		footprint_join(&p->variants, &p->of[p->cpu]);
		if (p->fail < p->asks) {
			p->fail++;
			return true;
		}
		p->done |= BIT8(p->cpu);
		p->of[p->cpu] = p->variants;
		p->variants.count = 0;
		p->variants.all = false;
		left = p->todo & p->enabled & (u8)~(p->done | p->sleep);
		if (left) {
			p->cpu = (u8)__builtin_ctz(left);
			p->fail = p->asks = 0;
			return true;
		}
	}
	s->fixed = s->fresh = 0;
	return false;
}

bool search_next(struct search *s)
{
	if (s->asleep)
		s->cut++;
	else
		s->complete++;
	s->incomplete |= s->too_long;
	for (u32 d = s->mode == SEARCH_WATCH ? 0 : s->fresh; d < s->depth; d++)
		set_clock(s, d);
	s->trace = trace_hash(s);
	if (s->mode == SEARCH_WATCH)
		return false;
	if (s->mode == SEARCH_DPOR)
		dpor_races(s);
	return backtrack(s);
}

void search_again(struct search *s)
{
	s->fixed = s->depth;
}

double search_progress(const struct search *s)
{
	double searched = 0, weight = 1;

	for (u32 d = 0; d < s->fixed; d++) {
		const struct search_step *p = &s->path[d];
		int done = __builtin_popcount(p->done), all = __builtin_popcount(p->done | (p->todo & ~p->sleep) | BIT8(p->cpu));

		searched += weight * done / all;
		weight /= all;
	}
	return s->fixed ? searched : 1;
}
