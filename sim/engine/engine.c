/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Executions: their beginning, phases and end, operations and the verdict. The scheduling
 * point itself is in point.c.
 */
#include "engine_internal.h"
#include <stdio.h>
#include <string.h>

struct engine engine;
struct engine_now engine_now = { ENGINE_RUNNER };

static const struct engine_hooks no_hooks;
static const struct event no_event;

void engine_init(void)
{
	sites_init();
	oops_init();
}

void engine_begin(const struct engine_config *config)
{
	HARNESS_BUG_ON(!config->steps_max);
	engine.strategy = config->strategy;
	engine.hooks = config->hooks ? config->hooks : &no_hooks;
	engine.vehicle = config->vehicle;
	engine.steps_max = config->steps_max;
	engine.record = config->record;
	engine.listener = config->listener;
	engine.listening = NULL;
	engine.standing = 0;
	engine.watch = config->watch != NULL;
	watch_begin(config->watch);
	engine.runnable = engine.waiting = engine.conditional = engine.yielded = 0;
	engine.abandon = engine.kicked = engine.written_due = false;
	engine.phase = 0;
	engine.ops_at_fair = UINT32_MAX;
	engine.serial++;
	engine.tokens = 0;
	engine.trace_count = engine.decision_count = 0;
	engine.stats = (struct engine_stats){ .hash = 0xf01f0f0221ull };
	engine.verdict.verdict = VERDICT_CLEAN;
	engine.verdict.step = engine.verdict.cpu = 0;
	engine.last = &no_event;
	engine.last_object = NULL;
	engine_now.cpu = ENGINE_RUNNER;
	engine.direct = false;
	if (engine.vehicle == VEHICLE_FIBER)
		engine.direct = vehicle_fiber_prepare();
	else
		vehicle_pthread_prepare();
	if (engine.listener)
		engine.listener->begin(engine.listener);
	if (engine.strategy && engine.strategy->begin)
		engine.strategy->begin(engine.strategy, config->seed);
}

static SITE_AT_FILE_SCOPE(lane_start_site, "lane", "start");

void engine_lane_start(unsigned cpu, lane_fn fn, void *arg)
{
	struct lane *l = &engine.lanes[cpu];

	if (engine.runnable & (1u << cpu))
		return;
	l->fn = fn;
	l->arg = arg;
	l->ready = NULL;
	l->op = ENGINE_NO_OP;
	l->last_op = 0;
	l->op_site = NULL;
	l->fail = l->asks = 0;
	l->started = 0;
	l->stack_object_count = 0;
	l->pending = (struct event){ .site = &lane_start_site, .kind = EVENT_START, .cpu = (u8)cpu, .phase = engine.phase };
	engine.runnable |= 1u << cpu;
	engine_touch(ENGINE_OBJECT_LANE + cpu, TOUCH_WRITE);
	edge_release(l);
}

bool engine_lane_running(unsigned cpu)
{
	return engine.runnable & (1u << cpu);
}

bool engine_phase(unsigned lanes, lane_fn fn, void *arg)
{
	unsigned first = 0;

	HARNESS_BUG_ON(engine_now.cpu != ENGINE_RUNNER);
	HARNESS_BUG_ON(lanes < 1 || lanes > ENGINE_CPUS_MAX);
	if (engine.verdict.verdict != VERDICT_CLEAN)
		return false;
	if (engine.record && !engine.phase)
		engine.trace_of = NULL;
	engine.phase++;
	engine.sequential = lanes == 1;
	engine.listening = engine.sequential ? NULL : engine.listener;
	engine.observed = engine.record || (engine.watch && !engine.sequential);
	engine.steps_until_rare = engine.sequential ? 0 : engine.steps_max;
	engine.yielded = engine.waiting = engine.conditional = 0;
	for (unsigned i = 0; i < lanes; i++)
		engine_lane_start(i, fn, arg);
	if (lanes > 1) {
		first = engine_choose(engine.runnable, 0, false);
		HARNESS_BUG_ON(first == ENGINE_STOP);
	}
	engine_now.cpu = first;
	vehicle_switch(ENGINE_RUNNER, first);
	for (unsigned i = 0; i < ENGINE_LANES_MAX; i++)
		edge_acquire(&engine.lanes[i]);
	return engine.verdict.verdict == VERDICT_CLEAN;
}

void engine_end(void)
{
	HARNESS_BUG_ON(engine.runnable);
	if (unlikely(engine.abandon) && engine.vehicle == VEHICLE_FIBER)
		vehicle_fiber_abandoned();
	watch_end();
	engine.stats.hash = hash_mix(engine.stats.hash, engine.stats.points);
	if (verdict_is_find(engine.verdict.verdict))
		engine.stats.hash = hash_mix(engine.stats.hash,
					     hash_string(engine.verdict.invariant));
	engine.stats.hash ^= engine.stats.hash >> 32;
}

/* The lanes have nothing: each is as new when it starts. */
void engine_save(struct snapshot *s)
{
	HARNESS_BUG_ON(engine_now.cpu != ENGINE_RUNNER || engine.runnable || engine.written_due);
	HARNESS_BUG_ON(engine.verdict.verdict != VERDICT_CLEAN);
	snapshot_add(s, &engine.phase, sizeof(engine.phase));
	snapshot_add(s, &engine.kicked, sizeof(engine.kicked));
	snapshot_add(s, &engine.wait_filter, sizeof(engine.wait_filter));
	snapshot_add(s, &engine.ops_at_fair, sizeof(engine.ops_at_fair));
	snapshot_add(s, &engine.tokens, sizeof(engine.tokens));
	snapshot_add(s, &engine.last, sizeof(engine.last));
	snapshot_add(s, &engine.last_object, sizeof(engine.last_object));
	snapshot_add(s, &engine.stats, sizeof(engine.stats));
}

void engine_save_trace(struct snapshot *s)
{
	HARNESS_BUG_ON(!engine.record || engine.decision_count);
	snapshot_begin(s);
	snapshot_add(s, engine_trace_events, engine.trace_count * sizeof(engine_trace_events[0]));
	snapshot_end(s);
	engine.trace_of = s;
}

void engine_restore_trace(const struct snapshot *s)
{
	HARNESS_BUG_ON(!engine.record);
	if (engine.trace_of != s)
		snapshot_restore(s);
	engine.trace_of = s;
	engine.trace_count = (u32)(s->size / sizeof(engine_trace_events[0]));
}

static void note_operation(const struct site *site, enum event_kind kind)
{
	struct lane *l = &engine.lanes[engine_now.cpu];

	engine.stats.hash = hash_mix(engine.stats.hash,
				     site->hash ^ (engine_now.cpu | (u64)kind << 8 |
						   (u64)l->op << 16));
	if (unlikely(engine.record) && engine.trace_count < ENGINE_TRACE_MAX)
		engine_trace_events[engine.trace_count++] = (struct event){
			.site = site, .step = engine.stats.points, .op = l->op,
			.kind = (u8)kind, .cpu = (u8)engine_now.cpu, .phase = engine.phase,
		};
}

void engine_op_begin(const struct site *site, unsigned op, unsigned fail)
{
	struct lane *l = &engine.lanes[engine_now.cpu];

	l->op = l->last_op = (u16)op;
	l->op_site = site;
	l->fail = (u16)fail;
	l->asks = 0;
	if (!engine.sequential && engine.strategy->op)
		engine.strategy->op(engine.strategy, engine_now.cpu, op);
	note_operation(site, EVENT_OP_BEGIN);
	engine_note(NOTE_OP_BEGIN, NULL, (void *)(uintptr_t)fail);
}

void engine_op_end(const struct site *site)
{
	note_operation(site, EVENT_OP_END);
	engine_note(NOTE_OP_END, NULL, NULL);
	engine.stats.ops_completed++;
	engine.lanes[engine_now.cpu].op = ENGINE_NO_OP;
	engine.lanes[engine_now.cpu].fail = 0;
}

unsigned engine_fault_asks(void)
{
	return engine.lanes[engine_now.cpu].asks;
}

static bool listener_says_fail(const struct lane *l)
{
	struct engine_listener *w = engine.listening;

	return w->fault && l->op != ENGINE_NO_OP && w->fault(w, engine_now.cpu, l->op, l->asks);
}

bool engine_fault(const struct site *site)
{
	struct lane *l = &engine.lanes[engine_now.cpu];

	l->asks++;
	if (unlikely(engine.listening) && !l->fail && listener_says_fail(l))
		l->fail = l->asks;
	if (likely(l->fail != l->asks))
		return false;
	note_operation(site, EVENT_FAULT);
	return true;
}

static void set_verdict(enum verdict v, const char *invariant, const char *function,
			const char *other, const char *fmt, va_list ap)
{
	struct engine_verdict *e = &engine.verdict;
	struct text t;

	if (e->verdict != VERDICT_CLEAN)
		return;
	e->verdict = v;
	e->invariant = invariant;
	e->function = function;
	e->other = other;
	e->step = engine.stats.points;
	e->cpu = (u8)engine_now.cpu;
	text_init(&t, e->message, sizeof(e->message));
	text_vprintf(&t, fmt, ap);
}

void engine_report(enum verdict verdict, const char *invariant, const char *function,
		   const char *other, const char *fmt, ...)
{
	va_list ap;

	HARNESS_BUG_ON(engine_now.cpu != ENGINE_RUNNER);
	va_start(ap, fmt);
	set_verdict(verdict, invariant, function, other, fmt, ap);
	va_end(ap);
}

void engine_find(enum verdict verdict, const char *invariant, const char *other,
		 const char *fmt, ...)
{
	const struct lane *l = &engine.lanes[engine_now.cpu];
	const char *function = engine.last->site ? engine.last->site->function : "lane", *waiters[2];
	va_list ap;

	HARNESS_BUG_ON(engine_now.cpu == ENGINE_RUNNER);
	/* What was executed last is chance where nothing goes on. */
	if (verdict == VERDICT_LIVELOCK) {
		function = stuck_round();
		if (!function)
			function = l->op_site ? l->op_site->function : "lane";
	} else if (verdict == VERDICT_DEADLOCK) {
		stuck_waiters(waiters);
		function = waiters[0];
	}
	va_start(ap, fmt);
	set_verdict(verdict, invariant, function, other, fmt, ap);
	va_end(ap);
	/* it ends what the others were at; a deadlock or a cut is where they all stand */
	if (verdict != VERDICT_DEADLOCK && verdict != VERDICT_CUT)
		engine_touch(0, TOUCH_ALL);
	engine_abandon();
	engine.written_due = false;
	_longjmp(engine.lanes[engine_now.cpu].unwind, 1);
}

const struct engine_stats *engine_stats(void)
{
	return &engine.stats;
}

const struct engine_verdict *engine_verdict(void)
{
	return &engine.verdict;
}

const struct event *engine_last_event(void)
{
	return engine.last;
}

const struct event *engine_pending(unsigned cpu)
{
	return &engine.lanes[cpu].pending;
}

void engine_abandon(void)
{
	engine.standing = engine.sequential ? 0 : engine.runnable;
	engine.abandon = true;
}

u32 engine_standing(void)
{
	return engine.standing;
}

void engine_touch(u32 object_id, enum touch_kind how)
{
	if (unlikely(engine.listening) && engine_now.cpu != ENGINE_RUNNER)
		engine.listening->touched(engine.listening, object_id, how);
}

u32 engine_token(void)
{
	return ++engine.tokens;
}
