/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * engine.h - controlled CPUs: lanes on two vehicles, one stream of choices, events and their
 * hash, blocking, deadlock and livelock. Sees addresses and sites, never a folio.
 *
 * One engine per process (its state is the object `engine` of engine_internal.h). An execution is
 *   engine_begin(); engine_phase() ...; engine_end()
 * and is a function of the lanes' code, the strategy's answers and the configuration alone.
 */
#ifndef FOLIOFUZZ_ENGINE_H
#define FOLIOFUZZ_ENGINE_H

#include <foliofuzz/point.h>

#define ENGINE_CPUS_MAX 4   /* simulated CPUs */
#define ENGINE_LANES_MAX 5  /* and the pseudo-CPU that runs grace periods */
#define ENGINE_LANE_RCU 4
#define ENGINE_STACK_SIZE (256u << 10) /* bytes per lane, without the guard page */
#define ENGINE_TRACE_MAX 65536 /* recorded events; later ones are counted, not kept */

/* FREE: threads that nobody controls, and no engine's: foliofuzz/free.h. It is a vehicle of command lines alone. */
enum vehicle { VEHICLE_FIBER, VEHICLE_PTHREAD, VEHICLE_FREE };

struct event {
	const struct site *site;
	const volatile void *object;
	u32 object_id; /* arena offset, or ENGINE_STACK_ID | ..., 0 if none */
	u32 step;      /* 1-based point number within the execution */
	u16 op;        /* operation of the lane's program, ENGINE_NO_OP outside */
	u8 kind;       /* enum event_kind */
	u8 cpu;
	u8 phase;
	u8 switched;  /* this CPU was switched to for this event */
	u8 preempted; /* ... away from a CPU that could have gone on */
	u8 depth;
	unsigned long clear, set; /* engine_point_bits() */
	u64 value;    /* content of the object after the event, when recorded */
};
#define ENGINE_STACK_ID 0x80000000u
#define ENGINE_NO_OP 0xffff

/*
 * A strategy decides; it sees CPUs and accesses. next(): one CPU out of the mask `enabled` (never empty, at
 * least two bits set); `current` is the CPU that reached the point, its bit is clear
 * if it waits or has ended. op(): lane `cpu` begins its operation `op`.
 */
struct strategy {
	const char *name;
	void (*begin)(struct strategy *s, u64 seed);
	unsigned (*next)(struct strategy *s, u32 enabled, unsigned current);
	void (*op)(struct strategy *s, unsigned cpu, unsigned op);
};
/* The event that `cpu` will execute next; valid inside strategy->next(). It has no object_id yet. */
const struct event *engine_pending(unsigned cpu);
/* What next() may return instead of a CPU, not at the first choice of a phase: the execution ends with VERDICT_CUT. */
#define ENGINE_STOP 0xffu
/*
 * After an execution that was abandoned in a phase of several lanes: the lanes that had not ended, each before engine_pending().
 */
u32 engine_standing(void);
/* The object_id of an event that has not been executed; ENGINE_STACK_ID for what is on the stack of a lane that has ended. */
u32 engine_object_id(const volatile void *object);

/*
 * Who wants to know what steps there are and what they touch; in phases of several lanes only. A step is an event and all that its lane
 * does up to its next one: touched() is about the step of the last executed(). fault(): does this ask of the operation `op` of `cpu`
 * fail (engine_fault())? Not asked where the program says so itself. May be NULL.
 */
struct engine_listener {
	void (*begin)(struct engine_listener *w); /* of an execution */
	void (*executed)(struct engine_listener *w, const struct event *ev, bool conditional);
	void (*touched)(struct engine_listener *w, u32 object_id, enum touch_kind how);
	bool (*fault)(struct engine_listener *w, unsigned cpu, unsigned op, unsigned ask);
};

/* One choice of a recorded execution. */
struct decision {
	const struct site *site; /* what `cpu` was about to do; NULL when it waited or had ended */
	u32 step;                /* of the last event, which was of `cpu` but for the phase's first choice: at most one choice a step */
	u16 op;                  /* last operation that `cpu` began */
	u8 cpu;
	u8 enabled; /* mask of the CPUs that could go on */
	u8 normal; /* the CPU that "keep running; else the lowest enabled" would have taken */
	u8 chosen;
};
#define ENGINE_DECISIONS_MAX 65536
/* The recorded choices of the parallel phases, in order. */
const struct decision *engine_decisions(u32 *count);

struct engine_hooks {
	/* after an event that writes (EV_W) or is to be shown (EV_H), before any other event; in CPU context */
	void (*written)(const struct event *ev);
	/* before an access to an object whose arena_state is not 0; in CPU context */
	void (*dead)(const struct event *ev, u8 state);
	/* engine_note() */
	void (*note)(enum note note, const volatile void *a, const volatile void *b);
	/* name of an object for people, into t */
	void (*name)(struct text *t, const struct event *ev);
	/* how many locks a CPU holds; of the titles of livelocks and deadlocks. NULL: none */
	unsigned (*locks_held)(unsigned cpu);
};

/*
 * watch.c: what the execution showed. A bit for each pair of sites whose accesses of different CPUs to one object followed each other, one of them
 * a write, and for each write that an access of another CPU saw: by a hash, so that pairs may share one.
 */
#define WATCH_WORDS 256
struct engine_watch {
	u64 interleaving; /* the same for executions that differ in the order of independent events alone */
	u64 pairs[WATCH_WORDS];
};

struct engine_config {
	enum vehicle vehicle;
	struct strategy *strategy;
	u64 seed;
	u32 steps_max;  /* points before the engine turns fair; > 0 */
	bool record;    /* keep the trace */
	struct engine_listener *listener; /* may be NULL */
	struct engine_watch *watch; /* filled in; or NULL, which costs nothing */
	const struct engine_hooks *hooks; /* may be NULL */
};

struct engine_stats {
	u64 hash;
	u32 points, switches, preemptions;
	u32 decisions;   /* points at which more than one CPU was enabled */
	u32 conflicts;   /* accesses to an object last touched by another CPU, one of them a write */
	u32 ops_completed;
	u32 diverged; /* set by replaying strategies */
};

/* What ended the execution; title parts are literal strings. */
struct engine_verdict {
	enum verdict verdict;
	const char *invariant;
	const char *function, *other; /* of the title, unsorted; other may be NULL */
	u32 step;                     /* point at which it was found */
	u8 cpu;
	char message[512];
};

typedef void (*lane_fn)(void *arg, unsigned cpu);

/* Once per process; idempotent. */
void engine_init(void);
void engine_begin(const struct engine_config *config);
/*
 * Runs fn(arg, cpu) on CPUs 0..lanes-1 until all have ended, interleaved as the strategy
 * says; with one lane, straight through. Returns false when the execution
 * has a verdict other than VERDICT_CLEAN (then no further phase may start).
 */
bool engine_phase(unsigned lanes, lane_fn fn, void *arg);
/* Another lane from inside a phase (pseudo-CPU); it ends by returning. No-op while it is running. */
void engine_lane_start(unsigned lane, lane_fn fn, void *arg);
bool engine_lane_running(unsigned lane);
void engine_end(void);
/*
 * Between two phases of an execution without a verdict, when no lane has a frame: adds to *s what the engine carries from one phase to the
 * next. After engine_begin() of another execution and snapshot_restore() the next engine_phase() is the one that would have followed.
 * Strategy, seed, listener and watch are the other execution's own: a phase of one lane asks none of them.
 */
void engine_save(struct snapshot *s);
/* The recorded events so far are all that *s has; they are put back in an execution that records, too. Both do, or it is a harness defect. */
void engine_save_trace(struct snapshot *s);
void engine_restore_trace(const struct snapshot *s);

/* From a lane: marks operations, for the trace, substreams, faults and progress. fail: 0 or the ordinal of the ask that fails. */
void engine_op_begin(const struct site *site, unsigned op, unsigned fail);
void engine_op_end(const struct site *site);
/* How often the current operation asked engine_fault() so far. */
unsigned engine_fault_asks(void);

/* A verdict found outside of any lane (quiescent and end oracles); first one wins. */
void engine_report(enum verdict verdict, const char *invariant, const char *function,
		   const char *other, const char *fmt, ...) FORMAT_PRINTF(5, 6);

const struct engine_stats *engine_stats(void);
const struct engine_verdict *engine_verdict(void);
/* The recorded events, in order; *count at most ENGINE_TRACE_MAX. */
const struct event *engine_trace(u32 *count);
/* The last executed event (never NULL; kind EVENT_NONE before the first). */
const struct event *engine_last_event(void);
/* Why each unfinished CPU waits, one line each: for deadlock reports. */
void engine_describe_waiters(struct text *t);

const char *verdict_name(enum verdict v);
bool verdict_is_find(enum verdict v);
const char *event_verb(enum event_kind k);
unsigned event_flags(enum event_kind k);
/* "function:primitive(detail field)" - the anchor form of a site, stable over rebuilds. */
void site_anchor(struct text *t, const struct site *site);

#endif
