/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * engine_internal.h - the engine's one object and the interface of a vehicle. Private to sim/engine.
 */
#ifndef ENGINE_INTERNAL_H
#define ENGINE_INTERNAL_H

#include "fiber.h"
#include <foliofuzz/engine.h>
#include <setjmp.h>

#define ENGINE_RUNNER ENGINE_LANES_MAX /* context index of engine_phase()'s caller */
#define ENGINE_CONTEXTS (ENGINE_LANES_MAX + 1)
#define STACK_OBJECTS_MAX 16
/* After steps_max points the engine schedules round robin for so many more at least; and, if no operation ends meanwhile, until one does: */
#define ENGINE_FAIR_STEPS 20000u
/* at most for so many. CPUs that compact a full machine at the same time, and stand in each other's way, need some 70,000. */
#define ENGINE_STUCK_STEPS 200000u

struct lane {
	struct event pending;
	lane_fn fn;
	void *arg;
	/* engine_wait(): enabled iff ready(ready_arg); NULL when the pending event is unconditional */
	bool (*ready)(const volatile void *);
	const volatile void *ready_arg;
	u16 op;
	u16 last_op; /* begun last */
	const struct site *op_site; /* of the operation begun last; NULL: none yet */
	const struct site *round; /* in the fair tail: what it takes while it holds the fewest locks; NULL: nothing yet */
	unsigned round_locks;
	u16 fail, asks; /* engine_fault() */
	u8 started;     /* has frames on its stack */
	u8 stack_object_count;
	struct stack_object stack_objects[STACK_OBJECTS_MAX];
	u32 stack_object_ids[STACK_OBJECTS_MAX];
	jmp_buf unwind;
};

struct engine {
	struct lane lanes[ENGINE_CONTEXTS];
	struct strategy *strategy;
	const struct engine_hooks *hooks;
	struct engine_listener *listener;
	enum vehicle vehicle;
	bool direct; /* fibers that no runtime wants to hear of: a switch is fiber_switch() */
	struct engine_listener *listening; /* listener, in a phase of several lanes */
	/* masks of lanes */
	u32 standing;    /* runnable when the execution was abandoned */
	u32 runnable;    /* begun and not ended */
	u32 waiting;     /* their pending event cannot happen now */
	u32 conditional; /* have a ready() */
	u32 yielded;     /* let others go first */
	u64 wait_filter; /* a bit for each object that a conditional lane waits for */
	bool sequential; /* phase of one lane: the strategy is not asked */
	bool kicked;     /* re-evaluate every ready() */
	bool abandon;    /* every lane unwinds */
	bool written_due; /* hooks->written(last) has not been called yet */
	bool record;
	bool watch;
	bool observed; /* events are to be recorded, or watched in this phase */
	u8 phase;
	u32 steps_max;
	u32 steps_until_rare; /* steps_max; 0 in a phase of one lane: then choices are not the strategy's */
	u32 ops_at_fair; /* operations completed when the fair tail began */
	u32 tokens;
	u32 serial;      /* of the execution, for conflict[] */
	const struct event *last; /* pending of the lane that executed last; never NULL */
	const volatile void *last_object;
	struct engine_stats stats;
	struct engine_verdict verdict;
	u32 trace_count, decision_count;
	const struct snapshot *trace_of; /* its events are the first ones of the trace, whoever ran since; NULL: unknown */
};
extern struct engine engine;
extern struct event engine_trace_events[ENGINE_TRACE_MAX];
extern struct decision engine_decision_log[ENGINE_DECISIONS_MAX];

/* ---- stuck.c: the functions of a title when nothing goes on ---- */
void stuck_begin(void);
/* In the fair tail: a lane is about to do what it has pending. */
void stuck_note(struct lane *l, unsigned cpu);
/* The function round which lanes go; NULL: none takes anything. */
const char *stuck_round(void);
/* The functions in which lanes wait for each other; the second may be NULL. */
void stuck_waiters(const char *functions[2]);

/* ---- vehicles ---- */
/* Makes sure that contexts exist for all lanes; called by engine_begin(). */
extern struct fiber vehicle_fibers[ENGINE_CONTEXTS];
/* Returns whether fiber_switch() on them is all there is to a switch. */
bool vehicle_fiber_prepare(void);
void vehicle_fiber_abandoned(void);
void vehicle_fiber_switch(unsigned from, unsigned to);
void vehicle_pthread_prepare(void);
void vehicle_pthread_switch(unsigned from, unsigned to);
static inline void vehicle_switch(unsigned from, unsigned to)
{
	if (likely(engine.direct))
		fiber_switch(&vehicle_fibers[from], &vehicle_fibers[to]);
	else if (engine.vehicle == VEHICLE_FIBER)
		vehicle_fiber_switch(from, to);
	else
		vehicle_pthread_switch(from, to);
}
/* Body of every lane on either vehicle; never returns. */
_Noreturn void lane_main(unsigned cpu);

/* point.c: which of several enabled lanes goes on; ENGINE_STOP only when !in_lane */
unsigned engine_choose(u32 enabled, unsigned cpu, bool in_lane);
/* From here on every lane unwinds. */
void engine_abandon(void);

/* ---- edges for TSan around a lane's life; weak, so they vanish elsewhere ---- */
void edge_release(void *p);
void edge_acquire(void *p);

/* ---- watch.c ---- */
void watch_begin(struct engine_watch *out);
void watch_event(const struct event *ev, unsigned cpu);
void watch_end(void);

/* ---- sites ---- */
/* A site of the engine itself, outside any function. */
#define SITE_AT_FILE_SCOPE(name, fn, prim)                                     \
	struct site __attribute__((section("foliofuzz_sites"), used)) name = { \
		.function = (fn), .primitive = (prim), .detail = "", .expr = "" \
	}
void sites_init(void);
void oops_init(void);

/* ---- stack objects ---- */
u32 stack_object_id(const volatile void *object);

/* Where libFuzzer keeps the lowest stack address it has seen, or NULL; a strong definition comes with the
 * fuzz targets, since the symbol exists only in an engine's runtime. */
uintptr_t *engine_sancov_lowest_stack(void) __attribute__((weak));

#endif
