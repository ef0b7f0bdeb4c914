/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * explore.h - strategies, each an implementation of struct strategy (engine.h). They see CPUs and pending
 * accesses, never a folio.
 */
#ifndef FOLIOFUZZ_EXPLORE_H
#define FOLIOFUZZ_EXPLORE_H

#include <foliofuzz/engine.h>
#include <foliofuzz/prog.h>

enum strategy_id {
#define STRATEGY(id, name, help) STRATEGY_##id,
#include <foliofuzz/strategy.def>
#undef STRATEGY
	STRATEGY_COUNT
};
const char *strategy_name(enum strategy_id id);
int strategy_find(const char *name); /* -1 if there is none */
/* Whether it draws schedules from a seed; the others are told which. */
bool strategy_draws(enum strategy_id id);

/*
 * profile.c: what the serial executions of a program showed. Those accesses that race: two CPUs, one object, one of them writes.
 */
#define PROFILE_OBJECTS 2048
#define PROFILE_ACCESSES 2048 /* more are left out */
struct profile_object {
	u32 id;              /* as in struct event; 0: none */
	u8 readers, writers; /* masks of CPUs */
	u16 accesses; /* the last of them, one too high */
	u16 events[ENGINE_CPUS_MAX]; /* of the first execution, unlocks not counted */
};
struct profile_access { /* to an object that races; it may itself have no rival */
	const struct site *site;
	u32 id;
	u16 nth;    /* time that the CPU comes to the site, from 1 */
	u16 rivals; /* accesses that race with it */
	u16 next;   /* an earlier one to this object */
	u8 cpu, writes;
};
struct profile {
	u32 runs, length; /* choices of the first */
	u32 access_count, pairs; /* ordered pairs of accesses that race */
	struct profile_access accesses[PROFILE_ACCESSES];
	struct profile_object objects[PROFILE_OBJECTS];
};
void profile_clear(struct profile *p);
/* Adds the execution that the engine has just recorded, of which `phase` is the parallel one. */
void profile_add(struct profile *p, unsigned phase, u32 choices);
/* NULL: nobody touched it. */
const struct profile_object *profile_object(const struct profile *p, u32 id);
bool profile_races(const struct profile_object *o);
/* The n-th pair, n < p->pairs: *a, and a rival of it. */
void profile_pair(const struct profile *p, u32 n, const struct profile_access **a, const struct profile_access **b);
/* Whether the kind of event takes part in races. */
bool event_counts(unsigned kind);
/* How often each CPU came to each site. All zero: never. */
#define SITE_COUNTS 1024
struct site_counts {
	const struct site *site[SITE_COUNTS];
	u16 count[SITE_COUNTS];
	u8 cpu[SITE_COUNTS];
};
/* Counts this time; 0 when there is no room. */
unsigned site_count_next(struct site_counts *c, const struct site *site, unsigned cpu);

/* random.c: algorithms.md 4.1. */
struct random_strategy {
	struct strategy strategy;
	struct prng prng;
};
void random_strategy_init(struct random_strategy *r);

/* pct.c: algorithms.md 4.2. `length`: choices of a typical execution of the program. */
#define PCT_CHANGES_MAX 8
struct pct_strategy {
	struct strategy strategy;
	struct prng prng;
	u32 length, step;
	unsigned changes;
	u32 change[PCT_CHANGES_MAX]; /* choices, from 1 on, at which the running CPU falls */
	s32 priority[ENGINE_LANES_MAX], lowest;
};
void pct_strategy_init(struct pct_strategy *p, u32 length);
/* The k of the paper's bound: changes are drawn among so many choices. */
u32 pct_choices(const struct pct_strategy *p);

/* pos.c: algorithms.md 4.3. */
struct pos_strategy {
	struct strategy strategy;
	struct prng prng;
	u32 known; /* CPUs whose pending event has a priority */
	u64 priority[ENGINE_LANES_MAX];
	struct event event[ENGINE_LANES_MAX];
};
void pos_strategy_init(struct pos_strategy *p);

/* surw.c: algorithms.md 4.4. */
struct surw_strategy {
	struct strategy strategy;
	struct prng prng;
	const struct profile *profile;
	u32 chosen;   /* object of the subset; 0: none */
	u32 intended; /* CPU that makes the next access to it */
	u32 weight[ENGINE_LANES_MAX];
	u64 priority[ENGINE_LANES_MAX];
};
void surw_strategy_init(struct surw_strategy *s, const struct profile *profile);

/* rf.c: algorithms.md 4.5. */
#define RF_OBLIGATIONS_MAX 3
struct rf_obligation {
	const struct site *write, *read;
	const volatile void *object; /* that was written; NULL: not yet */
	bool wanted; /* read shall see write; else it shall not */
	bool done;
};
struct rf_strategy {
	struct strategy strategy;
	struct prng prng;
	const struct profile *profile;
	unsigned count;
	struct rf_obligation obligations[RF_OBLIGATIONS_MAX];
	u32 known; /* CPUs whose pending event has a priority */
	u64 priority[ENGINE_LANES_MAX];
};
void rf_strategy_init(struct rf_strategy *r, const struct profile *profile);

/* race.c. Executions with consecutive seeds try different races, for as long as there are any. */
#define RACE_TURNS_MAX 2
struct race_turn {
	const struct profile_access *stop; /* its CPU falls behind before it */
	const struct profile_access *until; /* the rival's CPU falls behind after it; NULL: runs to its end */
};
struct race_strategy {
	struct strategy strategy;
	struct prng prng;
	const struct profile *profile;
	unsigned turn_count, turn, state;
	struct race_turn turns[RACE_TURNS_MAX];
	s32 priority[ENGINE_LANES_MAX], lowest;
	struct site_counts seen;
};
void race_strategy_init(struct race_strategy *r, const struct profile *profile);

/*
 * portfolio.c: which strategy each execution of a search is for. portfolio_choose() is a function of *p as the last portfolio_epoch() left it and
 * of n, the execution's number; portfolio_note() may be called by several processes that share *p; portfolio_epoch() by one of them, when all
 * PORTFOLIO_EPOCH executions of the epoch have been noted.
 */
#define PORTFOLIO_ARMS 6
#define PORTFOLIO_EPOCH 64
struct portfolio {
	u8 share[PORTFOLIO_ARMS]; /* of the epoch */
	u64 given[PORTFOLIO_ARMS]; /* executions before it */
	u32 yield[PORTFOLIO_ARMS], effort[PORTFOLIO_ARMS];
	u64 known[WATCH_WORDS], shown[PORTFOLIO_ARMS][WATCH_WORDS];
};
struct portfolio_choice {
	unsigned arm;
	int strategy;
	u64 execution;  /* number among those of the arm */
};
void portfolio_begin(struct portfolio *p);
struct portfolio_choice portfolio_choose(const struct portfolio *p, u64 n);
void portfolio_note(struct portfolio *p, unsigned arm, const struct engine_watch *w);
void portfolio_epoch(struct portfolio *p);

/*
 * bounded.c: the default schedule (keep running this CPU; when it waits or has ended, the lowest enabled one) but for a few choices,
 * which are numbered from 0. Their list names a schedule, and each schedule has one.
 */
#define BOUNDED_TURNS_MAX 24
struct bounded_schedule {
	u8 count, preemptions;
	struct {
		u16 choice; /* below ENGINE_DECISIONS_MAX */
		u8 cpu;
	} turns[BOUNDED_TURNS_MAX]; /* small: millions of schedules wait */
};
struct bounded_strategy {
	struct strategy strategy;
	const struct bounded_schedule *schedule;
	u32 choice;
	u8 next;
};
void bounded_strategy_init(struct bounded_strategy *b, const struct bounded_schedule *schedule);
/* The schedules that have one turn more than `s`, behind its last, and at most `preemptions` preemptions in all: to be done by `add`. */
typedef void bounded_add(void *arg, const struct bounded_schedule *s);
/* After s has been run with `record`. False: some have too many turns to be named. */
bool bounded_expand(const struct bounded_schedule *s, unsigned preemptions, bounded_add *add, void *arg);

/* bytes.c: `sched` must outlive the run and be of kind SCHED_BYTES (else: always stay). */
struct bytes_strategy {
	struct strategy strategy;
	const struct prog_sched *sched;
	u8 op[ENGINE_LANES_MAX];
	u8 pos[ENGINE_LANES_MAX];
	u8 stay[ENGINE_LANES_MAX]; /* choices left for which to stay */
};
void bytes_strategy_init(struct bytes_strategy *b, const struct prog_sched *sched);

/*
 * replay.c: any kind of schedule. Deviations whose anchor does not come up in the run are skipped; `missed` and
 * `applied` say how far the replay diverged. `list`: a schedule of deviations alone, longer than a program can hold.
 */
struct deviation_list {
	unsigned count; /* at most DEVIATION_LIST_MAX */
	const struct prog_deviation *at;
};
#define DEVIATION_LIST_MAX 4096
struct replay_strategy {
	struct strategy strategy;
	const struct prog_sched *sched;
	struct deviation_list list;
	struct bytes_strategy bytes;
	u32 applied, missed;
	u32 run, run_left; /* SCHED_RUNS */
	u16 reached[DEVIATION_LIST_MAX]; /* occurrences seen of each deviation's site */
	u64 anchor_hash[DEVIATION_LIST_MAX];
	bool done[DEVIATION_LIST_MAX];
};
void replay_strategy_init(struct replay_strategy *r, const struct prog_sched *sched);
void replay_strategy_init_list(struct replay_strategy *r, const struct deviation_list *list);

/*
 * guide.c: what an execution showed, as numbers of cells, each at most once: for a fuzzer that keeps the inputs which show a cell that none before
 * has shown. A listener, which decides nothing, and a place for the states that the caller sees when nothing is in flight. Each kind has
 * cells of its own; two features may share one.
 */
#define GUIDE_CELLS 32768u /* a power of two; libFuzzer goes through all of them after each execution */
#define GUIDE_LOCKS_MAX 512
enum guide_kind {
#define GUIDE(id, name, first, cells, on, help) GUIDE_##id,
#include <foliofuzz/guide.def>
#undef GUIDE
	GUIDE_KIND_COUNT
};
const char *guide_name(enum guide_kind kind);
int guide_find(const char *name); /* -1 if there is none */
u32 guide_default(void);	  /* mask of the kinds that pay */
struct guide {
	struct engine_listener listener;
	u32 kinds; /* mask of 1 << enum guide_kind */
	u32 count;
	u16 shown[GUIDE_CELLS]; /* the cells, in the order in which they were shown first */
	/* of the running execution */
	u32 serial;
	u32 marked[GUIDE_CELLS]; /* serial of the execution that has shown it last */
	struct guide_writer {
		u32 serial, site; /* the upper half of its hash */
		u8 cpu;
	} writers[ARENA_SIZE / 4];
	struct guide_lock {
		u32 serial, object, section, released; /* step, 0: not yet */
		u8 cpu;
	} locks[GUIDE_LOCKS_MAX];
	struct guide_cpu {
		struct guide_lock *entered; /* by the last event; NULL: that was no acquisition */
		u32 site;
		u32 met;       /* section of another CPU that was the last there; 0: none */
		bool contended;
		u32 last;      /* step of its last event */
	} cpus[ENGINE_LANES_MAX];
};
/* All zero but for kinds: ready for the first execution. */
void guide_init(struct guide *g, u32 kinds);
/* `state`: a digest of one thing, such that what is equal to people is equal. */
void guide_state(struct guide *g, u64 state);

/*
 * deviations.c: writes down, as anchored deviations, the first `max` of those that the recorded execution took. Returns how many
 * there are.
 */
unsigned deviations_from_run(struct prog_deviation *out, unsigned max);

/*
 * reverse.c: of the execution that the engine has just recorded, whose parallel phase is `phase`: its schedule as bytes, but that two conflicting
 * accesses of two CPUs come in the other order. Which two is drawn from *r, and whether the second one's CPU goes on behind its access or the
 * first one's comes at once. False: there are none, or the schedule has no room.
 */
struct reversal {
	u32 first, second; /* the accesses, in engine_trace(): first is to come behind second */
	bool back;
};
bool reverse_from_run(struct prog_sched *out, struct reversal *what, unsigned phase, struct prng *r);

#endif
