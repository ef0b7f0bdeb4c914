/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The scheduling point: announce the pending access, let the strategy choose, switch, execute.
 *
 * Every CPU stands just before its next event, so all pending events are visible whenever a choice is made.
 * The access itself is made by the caller after the point returns, and before any other CPU runs.
 */
#include "engine_internal.h"
#include <string.h>

struct event engine_trace_events[ENGINE_TRACE_MAX];
struct decision engine_decision_log[ENGINE_DECISIONS_MAX];

static const u8 kind_flags[EVENT_KIND_COUNT] = {
#define EVENT(id, verb, flags) flags,
#include <foliofuzz/event.def>
#undef EVENT
};

/*
 * Who touched each word of the arena last in the running execution: serial << 8 | cpu << 1 | wrote. Exact:
 * one entry for each 8 bytes.
 */
static u32 last_touch[ARENA_SIZE / 8];

/* Oracles see a write after it was made and before any other event. */
static inline __attribute__((always_inline)) void flush_written(void)
{
	if (engine.written_due) {
		engine.written_due = false;
		engine.hooks->written(engine.last);
	}
}

static inline __attribute__((always_inline)) void switch_to(unsigned to)
{
	unsigned from = engine_now.cpu;

	engine_now.cpu = to;
	engine.stats.switches++;
	vehicle_switch(from, to);
}

/* One bit for an object: which objects conditional lanes wait for, roughly. */
static inline u64 wait_bit_of(const volatile void *object)
{
	return 1ull << (((uintptr_t)object >> 3) & 63);
}

/* Which conditional lanes can go on may have changed by the last event. */
static __attribute__((noinline)) void update_waiting(void)
{
	/* lanes that wait for the same lock get the same answer */
	const volatile void *asked = NULL;
	bool (*asked_ready)(const volatile void *) = NULL;
	u32 answer = 0;

	for (u32 m = engine.conditional; m; m &= m - 1) {
		unsigned cpu = (unsigned)__builtin_ctz(m);
		struct lane *l = &engine.lanes[cpu];

		if (!engine.kicked && l->pending.object != engine.last_object)
			continue;
		if (l->ready_arg != asked || l->ready != asked_ready) {
			asked = l->ready_arg;
			asked_ready = l->ready;
			answer = l->ready(l->ready_arg) ? 0 : UINT32_MAX;
		}
		engine.waiting = (engine.waiting & ~(1u << cpu)) | (answer & 1u << cpu);
	}
	engine.kicked = false;
}

static inline u32 enabled_mask(void)
{
	u32 can = engine.runnable & ~engine.waiting;

	if (likely(!engine.yielded))
		return can;
	return (can & ~engine.yielded) ? can & ~engine.yielded : can;
}

/* Round robin: the next enabled lane after this one. */
static unsigned fair_next(u32 enabled, unsigned cpu)
{
	u32 above = enabled & ~((2u << cpu) - 1);

	return (unsigned)__builtin_ctz(above ? above : enabled);
}

/* The budget is used up: go on fairly for a while, then say what that showed. Not in lane context when !in_lane. */
static bool out_of_steps(bool in_lane)
{
	if (engine.stats.points == engine.steps_max + 1) {
		engine.ops_at_fair = engine.stats.ops_completed;
		stuck_begin();
	}
	if (in_lane)
		stuck_note(&engine.lanes[engine_now.cpu], engine_now.cpu);
	if (engine.stats.points < engine.steps_max + ENGINE_FAIR_STEPS)
		return false;
	if (!in_lane)
		return false;
	if (engine.stats.ops_completed != engine.ops_at_fair)
		engine_find(VERDICT_INCONCLUSIVE, "step budget", NULL, "%u points", engine.stats.points);
	if (engine.stats.points < engine.steps_max + ENGINE_STUCK_STEPS)
		return false;
	engine_find(VERDICT_LIVELOCK, "no operation ends", NULL,
		    "%u points under a fair schedule and no operation completed, nor did %s",
		    ENGINE_STUCK_STEPS, engine.lanes[engine_now.cpu].op_site ? engine.lanes[engine_now.cpu].op_site->function : "a lane");
}

static __attribute__((noinline)) void record_decision(u32 enabled, unsigned cpu, unsigned chosen)
{
	bool can_stay = (enabled >> cpu) & 1;

	if (engine.decision_count == ENGINE_DECISIONS_MAX)
		return;
	engine_decision_log[engine.decision_count++] = (struct decision){
		.site = can_stay ? engine.lanes[cpu].pending.site : NULL,
		.step = engine.stats.points,
		.op = engine.lanes[cpu].last_op,
		.cpu = (u8)cpu,
		.enabled = (u8)enabled,
		.normal = (u8)(can_stay ? cpu : (unsigned)__builtin_ctz(enabled)),
		.chosen = (u8)chosen,
	};
}

unsigned engine_choose(u32 enabled, unsigned cpu, bool in_lane)
{
	unsigned chosen;

	if (unlikely(engine.stats.points > engine.steps_until_rare)) {
		if (engine.sequential)
			return enabled & (1u << cpu) ? cpu : (unsigned)__builtin_ctz(enabled);
		out_of_steps(in_lane);
		return fair_next(enabled, cpu);
	}
	engine.stats.decisions++;
	chosen = engine.strategy->next(engine.strategy, enabled, cpu);
	if (unlikely(chosen == ENGINE_STOP)) {
		if (in_lane)
			engine_find(VERDICT_CUT, "nothing new", NULL, "the rest has been seen");
		return chosen;
	}
	if (unlikely(engine.record))
		record_decision(enabled, cpu, chosen);
	return chosen;
}

static _Noreturn void deadlock(void)
{
	const char *functions[2];
	char buf[400];
	struct text t;

	text_init(&t, buf, sizeof(buf));
	engine_describe_waiters(&t);
	stuck_waiters(functions);
	engine_find(VERDICT_DEADLOCK, "every CPU waits", functions[1], "%s", buf);
}

/* Returns when this lane's pending event is to be executed. */
static inline __attribute__((always_inline)) void schedule(unsigned cpu)
{
	u32 enabled;

	if (engine.conditional &&
	    ((engine.wait_filter & wait_bit_of(engine.last_object)) || engine.kicked))
		update_waiting();
	enabled = enabled_mask();
	if (enabled == 1u << cpu) {
		if (unlikely(engine.stats.points > engine.steps_max))
			out_of_steps(true);
	} else if (likely(enabled)) {
		unsigned next = enabled & (enabled - 1) ? engine_choose(enabled, cpu, true) :
						 (unsigned)__builtin_ctz(enabled);
		if (next != cpu) {
			if (unlikely(engine.record)) {
				engine.lanes[next].pending.switched = 1;
				engine.lanes[next].pending.preempted = (enabled >> cpu) & 1;
			}
			engine.stats.preemptions += (enabled >> cpu) & 1;
			switch_to(next);
			if (unlikely(engine.abandon))
				_longjmp(engine.lanes[cpu].unwind, 1);
		}
	} else {
		deadlock();
	}
	if (unlikely(engine.yielded))
		engine.yielded &= 1u << cpu;
}

u32 engine_object_id(const volatile void *object)
{
	return arena_contains(object) ? arena_offset(object) : object ? stack_object_id(object) : 0;
}

static inline u32 object_id_of(const volatile void *object)
{
	if (likely(arena_contains(object)))
		return arena_offset(object);
	return object ? stack_object_id(object) : 0;
}

static inline __attribute__((always_inline)) void note_touch(u32 id, unsigned cpu, bool writes)
{
	u32 *touch = &last_touch[id >> 3];
	u32 now = engine.serial << 8 | cpu << 1 | (u32)writes;

	if ((*touch ^ now) >> 8 == 0 && ((*touch ^ now) & 0xfe) && ((*touch | now) & 1))
		engine.stats.conflicts++;
	*touch = now;
}

static __attribute__((noinline, cold)) void observe(struct event *ev, unsigned cpu, u16 op)
{
	if (engine.watch && !engine.sequential)
		watch_event(ev, cpu);
	if (!engine.record)
		return;
	if (engine.trace_count < ENGINE_TRACE_MAX) {
		engine_trace_events[engine.trace_count] = *ev;
		engine_trace_events[engine.trace_count++].op = op;
	}
	ev->switched = ev->preempted = 0;
}

/* The event happens: number it, hash it, tell who wants to know. */
static inline __attribute__((always_inline)) void execute(struct lane *l, unsigned cpu, bool conditional)
{
	struct event *ev = &l->pending;
	u32 id = object_id_of(ev->object);
	unsigned flags = kind_flags[ev->kind];

	ev->object_id = id;
	ev->step = ++engine.stats.points;
	engine.stats.hash = hash_mix(engine.stats.hash,
				     ev->site->hash ^ (cpu | (u64)ev->kind << 8 | (u64)id << 16));
	engine.last = ev;
	engine.last_object = ev->object;
	if (unlikely(engine.listening))
		engine.listening->executed(engine.listening, ev, conditional);
	if (unlikely(engine.observed))
		observe(ev, cpu, l->op);
	if (id && id < ARENA_SIZE) {
		if (unlikely(arena_state[id >> ARENA_GRAIN_SHIFT]) && engine.hooks->dead)
			engine.hooks->dead(ev, arena_state[id >> ARENA_GRAIN_SHIFT]);
		if (!engine.sequential)
			note_touch(id, cpu, flags & EV_W);
	}
	if (flags & (EV_W | EV_H))
		engine.written_due = engine.hooks->written != NULL;
}

/* Fills in what a primitive says of its access. */
static inline __attribute__((always_inline)) struct lane *announce(const struct site *site, const volatile void *object,
				    enum event_kind kind, unsigned cpu)
{
	struct lane *l = &engine.lanes[cpu];

	flush_written();
	l->pending.site = site;
	l->pending.object = object;
	l->pending.kind = (u8)kind;
	return l;
}

void engine_point(const struct site *site, const volatile void *object, enum event_kind kind)
{
	unsigned cpu = engine_now.cpu;
	struct lane *l = announce(site, object, kind, cpu);

	schedule(cpu);
	execute(l, cpu, false);
}

void engine_point_bits(const struct site *site, const volatile void *object,
		       enum event_kind kind, unsigned long clear, unsigned long set)
{
	struct lane *l = &engine.lanes[engine_now.cpu];

	flush_written(); /* of the last bits, which may be this lane's, before they are overwritten */
	l->pending.clear = clear;
	l->pending.set = set;
	engine_point(site, object, kind);
}

void engine_wait(const struct site *site, const volatile void *object, enum event_kind kind,
		 bool (*ready)(const volatile void *), const volatile void *arg)
{
	unsigned cpu = engine_now.cpu;
	struct lane *l = announce(site, object, kind, cpu);

	l->ready = ready;
	l->ready_arg = arg;
	/* stale bits of the filter cost a look, no more */
	engine.wait_filter = engine.conditional ? engine.wait_filter | wait_bit_of(object) :
						  wait_bit_of(object);
	engine.conditional |= 1u << cpu;
	if (!ready(arg))
		engine.waiting |= 1u << cpu;
	schedule(cpu);
	engine.conditional &= ~(1u << cpu);
	l->ready = NULL;
	execute(l, cpu, true);
}

void engine_wait_bits(const struct site *site, const volatile void *object, enum event_kind kind,
		      bool (*ready)(const volatile void *), const volatile void *arg,
		      unsigned long clear, unsigned long set)
{
	struct lane *l = &engine.lanes[engine_now.cpu];

	flush_written();
	l->pending.clear = clear;
	l->pending.set = set;
	engine_wait(site, object, kind, ready, arg);
}

void engine_kick(void)
{
	engine.kicked = true;
}

void engine_yield(const struct site *site)
{
	/* any step of another lane, from here on, lets this one go on */
	engine_touch(0, TOUCH_ALL);
	engine.yielded |= 1u << engine_now.cpu;
	engine_point(site, NULL, EVENT_YIELD);
	engine.yielded &= ~(1u << engine_now.cpu);
}

void engine_note(enum note note, const volatile void *a, const volatile void *b)
{
	flush_written();
	if (engine.hooks->note)
		engine.hooks->note(note, a, b);
}

/* ---- the life of a lane ---- */

/* Abandoned lanes with frames unwind one after the other; those without just end. */
static unsigned next_to_unwind(void)
{
	for (u32 m = engine.runnable; m; m &= m - 1) {
		unsigned cpu = (unsigned)__builtin_ctz(m);

		if (engine.lanes[cpu].started)
			return cpu;
		engine.runnable &= ~(1u << cpu);
	}
	return ENGINE_RUNNER;
}

/* ENGINE_STOP, after the end of a lane. */
static unsigned cut(void)
{
	engine.verdict.verdict = VERDICT_CUT;
	engine.verdict.invariant = "nothing new";
	engine.verdict.step = engine.stats.points;
	engine_abandon();
	return next_to_unwind();
}

static unsigned next_after_end(unsigned cpu)
{
	const char *functions[2];
	char buf[400];
	struct text t;
	u32 enabled;

	if (engine.abandon)
		return next_to_unwind();
	if (!engine.runnable)
		return ENGINE_RUNNER;
	update_waiting();
	enabled = enabled_mask();
	if (enabled & (enabled - 1)) {
		unsigned next = engine_choose(enabled, cpu, false);

		return likely(next != ENGINE_STOP) ? next : cut();
	}
	if (enabled)
		return (unsigned)__builtin_ctz(enabled);
	text_init(&t, buf, sizeof(buf));
	engine_describe_waiters(&t);
	engine.verdict.verdict = VERDICT_DEADLOCK;
	engine.verdict.invariant = "every CPU waits";
	stuck_waiters(functions);
	engine.verdict.function = functions[0];
	engine.verdict.other = functions[1];
	engine.verdict.step = engine.stats.points;
	engine.verdict.cpu = (u8)cpu;
	memcpy(engine.verdict.message, buf, sizeof(buf));
	engine_abandon();
	return next_to_unwind();
}

/* Runs under the lane's own context; the hook may end the execution, so it needs the unwind point. */
static void lane_run(struct lane *l, unsigned cpu)
{
	if (_setjmp(l->unwind))
		return;
	l->started = 1;
	execute(l, cpu, false);
	l->fn(l->arg, cpu);
	flush_written();
}

void lane_main(unsigned cpu)
{
	struct lane *l = &engine.lanes[cpu];

	for (;;) {
		unsigned next;

		edge_acquire(l);
		lane_run(l, cpu);
		l->started = 0;
		l->stack_object_count = 0;
		engine.runnable &= ~(1u << cpu);
		engine.waiting &= ~(1u << cpu);
		engine.conditional &= ~(1u << cpu);
		engine.yielded = 0;
		/* whoever waits for this lane to be gone may go on now */
		engine.kicked = true;
		next = next_after_end(cpu);
		/* Behind the last look at what others wait for: to TSan that is an access of this lane's. */
		edge_release(l);
		if (next != ENGINE_RUNNER) {
			engine.lanes[next].pending.switched = 1;
			switch_to(next);
		} else {
			engine_now.cpu = ENGINE_RUNNER;
			vehicle_switch(cpu, ENGINE_RUNNER);
		}
	}
}
