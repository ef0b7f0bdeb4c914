/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * One execution of one program, from boot to the end oracles: the door between fuzz/ and the simulator.
 */
#include <foliofuzz/explore.h>
#include <foliofuzz/kernel.h>
#include <foliofuzz/ops.h>
#include <foliofuzz/oracle.h>
#include <foliofuzz/run.h>
#include <foliofuzz/search.h>
#include "run_internal.h"
#include <string.h>

_Static_assert(PROG_OPS_MAX <= 32, "struct op_counts has a bit for each");

static void count_op(struct execution *x, const struct prog_lane *lane, unsigned i, bool done, bool fired)
{
	if (x->sequential && !x->teardown) {
		x->setup.done |= (u32)done << i;
		x->setup.fault_fired |= (u32)fired << i;
	}
	if (x->stats) {
		x->stats->op_tried[lane->ops[i].id]++;
		x->stats->op_done[lane->ops[i].id] += done;
		x->stats->fault_fired += fired;
	}
}

/* Of a setup that was not executed. */
static void count_setup(struct execution *x)
{
	const struct op_counts counts = x->setup;

	for (unsigned i = 0; i < x->prog->setup.count; i++)
		count_op(x, &x->prog->setup, i, counts.done >> i & 1, counts.fault_fired >> i & 1);
}

static void run_ops(struct execution *x, const struct prog_lane *lane)
{
	for (unsigned i = 0; i < lane->count; i++) {
		const struct prog_op *op = &lane->ops[i];
		const struct site *site = run_op_site(op->id);
		int err;

		engine_op_begin(site, i, op->fail);
		err = ops_run(op);
		if (!prog_op_table[op->id].litmus || i + 1 == lane->count)
			kern_check_idle(prog_op_table[op->id].name);
		if (!x->sequential && x->watched)
			x->outcome[engine_cpu()] = hash_mix(x->outcome[engine_cpu()], (u64)err);
		count_op(x, lane, i, err == 0, op->fail && engine_fault_asks() >= op->fail);
		engine_op_end(site);
	}
}

static void lane_main_fn(void *arg, unsigned cpu)
{
	struct execution *x = arg;

	run_ops(x, x->sequential ? x->sequential : &x->prog->lanes[cpu]);
	if (x->teardown)
		ops_teardown();
}

void run_options_init(struct run_options *o)
{
	memset(o, 0, sizeof(*o));
	o->strategy = STRATEGY_RANDOM;
	o->generation = -1;
}

static void init_once(void)
{
	static bool done;

	if (done)
		return;
	done = true;
	engine_init();
	kern_init();
	arena_world(KERN_BYTES + machine_size());
}

static void boot(const struct prog_world *world, const struct run_options *o)
{
	run_boot(world, o->generation, &o->bugs, o->strict_hwpoison);
}

/*
 * What the lanes left behind: what each operation returned, and registers, words and locks of primitives (sim/ops/litmus.c).
 */
static u64 state_of(const struct execution *x)
{
	u64 state = ops_state();

	for (unsigned i = 0; i < PROG_LANES_MAX; i++)
		state = hash_mix(state, x->outcome[i]);
	return state | 1;
}

static void see_state(void *arg, u64 state)
{
	guide_state(arg, state);
}

/* Oracles look, and whoever guides a fuzzer. */
static bool is_right(const struct execution *x)
{
	if (!oracle_quiescent())
		return false;
	if (x->guide)
		oracle_folio_states(see_state, x->guide);
	return true;
}

static bool run_setup(struct execution *x)
{
	x->sequential = &x->prog->setup;
	return engine_phase(1, lane_main_fn, x) && is_right(x);
}

/* The parallel part and the sequential one after it; oracles after each. */
static void run_phases(struct execution *x)
{
	x->sequential = NULL;
	if (!engine_phase(x->prog->world.cpus, lane_main_fn, x))
		return;
	if (x->watched)
		x->state = state_of(x);
	if (!is_right(x))
		return;
	x->sequential = &x->prog->teardown;
	x->teardown = true;
	if (engine_phase(1, lane_main_fn, x))
		oracle_end();
}

static void fill_result(struct run_result *r, const struct engine_verdict *v, const struct engine_stats *s)
{
	memset(r, 0, offsetof(struct run_result, title));
	r->title[0] = r->function[0] = r->other[0] = r->message[0] = 0;
	r->invariant = "";
	r->verdict = v->verdict;
	r->hash = s->hash;
	r->points = s->points;
	r->switches = s->switches;
	r->preemptions = s->preemptions;
	r->decisions = s->decisions;
	r->conflicts = s->conflicts;
	r->step = v->step;
	r->cpu = v->cpu;
	if (v->verdict == VERDICT_CLEAN)
		return;
	r->invariant = v->invariant;
	memcpy(r->message, v->message, sizeof(r->message));
	if (verdict_is_find(v->verdict))
		run_title(v, r->title, r->function, r->other);
}

static void count_run(struct run_stats *stats, const struct run_result *r)
{
	stats->executions++;
	stats->points += r->points;
	stats->restored += r->restored;
	stats->finds += verdict_is_find(r->verdict);
	stats->inconclusive += r->verdict == VERDICT_INCONCLUSIVE;
	stats->conflicting += r->conflicts > 0;
	for (unsigned i = 0; i < BENIGN_COUNT; i++)
		stats->benign[i] += oracle_benign(i);
}

/* The strategies' state is large, and one execution runs at a time. */
static union {
	struct random_strategy random;
	struct pos_strategy pos;
	struct bounded_strategy bounded;
	struct bytes_strategy bytes;
	struct replay_strategy replay;
} strategies;

void run_execute(struct execution *x, const struct run_options *o, struct engine_config *config)
{
	config->vehicle = o->vehicle;
	config->steps_max = o->steps_max ? o->steps_max : RUN_STEPS_DEFAULT;
	config->hooks = &oracle_hooks;
	init_once();
	if (o->snapshot && setup_kept(x->prog, o, config->record)) {
		engine_begin(config);
		setup_restore(x, config->record);
		count_setup(x);
		run_phases(x);
	} else {
		boot(&x->prog->world, o);
		engine_begin(config);
		if (run_setup(x)) {
			if (o->snapshot)
				setup_keep(x, o, config->record);
			run_phases(x);
		}
	}
	engine_end();
}

static struct strategy *strategy_of(const struct prog *prog, const struct run_options *o)
{
	struct strategy *drawn;

	if (o->search && o->search->mode != SEARCH_WATCH)
		return &o->search->strategy;
	drawn = run_guided(prog, o);
	if (drawn)
		return drawn;
	switch (o->strategy) {
	case STRATEGY_BOUNDED:
		bounded_strategy_init(&strategies.bounded, o->schedule);
		return &strategies.bounded.strategy;
	case STRATEGY_POS:
		pos_strategy_init(&strategies.pos);
		return &strategies.pos.strategy;
	case STRATEGY_RANDOM:
		random_strategy_init(&strategies.random);
		return &strategies.random.strategy;
	case STRATEGY_BYTES:
		bytes_strategy_init(&strategies.bytes, &prog->sched);
		return &strategies.bytes.strategy;
	default:
		if (o->deviations) {
			replay_strategy_init_list(&strategies.replay, o->deviations);
			return &strategies.replay.strategy;
		}
		if (prog->sched.kind == SCHED_NONE) {
			random_strategy_init(&strategies.random);
			return &strategies.random.strategy;
		}
		replay_strategy_init(&strategies.replay, &prog->sched);
		return &strategies.replay.strategy;
	}
}

/*
 * A program without a schedule is replayed by a random walk that its own content seeds: the same bytes, the same execution, and a
 * fuzzer's input that has no schedule yet still interleaves.
 */
static u64 seed_of(const struct prog *prog, const struct run_options *o)
{
	static u8 binary[PROG_BINARY_MAX];

	if (o->strategy != STRATEGY_REPLAY || prog->sched.kind != SCHED_NONE)
		return o->seed;
	return hash_bytes(binary, prog_encode(prog, binary, sizeof(binary)));
}

static void run_drawn(const struct prog *prog, const struct run_options *o, struct run_result *result, struct run_stats *stats)
{
	struct execution x = { .prog = prog, .stats = stats, .guide = o->guide, .watched = o->search != NULL };
	struct engine_config config = {
		.seed = seed_of(prog, o),
		.record = o->record,
		.watch = o->watch,
		.listener = o->search ? &o->search->listener : o->guide ? &o->guide->listener : NULL,
	};

	config.strategy = strategy_of(prog, o);
	run_execute(&x, o, &config);
	fill_result(result, engine_verdict(), engine_stats());
	result->restored = x.restored;
	result->state = x.state;
	result->profiled = run_profiled();
	if (o->strategy == STRATEGY_PCT)
		result->pct = run_pct(prog);
	if (o->strategy == STRATEGY_REPLAY && prog->sched.kind == SCHED_DEVIATIONS)
		result->diverged = prog->sched.deviation_count - strategies.replay.applied;
	if (stats)
		count_run(stats, result);
}

void run_one(const struct prog *prog, const struct run_options *o, struct run_result *result,
	     struct run_stats *stats)
{
	struct run_options chosen = *o;
	static struct portfolio even;

	if (o->strategy == STRATEGY_PORTFOLIO) {
		portfolio_begin(&even);
		chosen.seed = 0;
		run_choose(&even, o->seed, &chosen);
	}
	run_drawn(prog, &chosen, result, stats);
}

static void sequence_lane(void *arg, unsigned cpu)
{
	struct prog_lane one = { .count = 1, .ops = { *(const struct prog_op *)arg } };
	struct execution x = { .prog = NULL };

	(void)cpu;
	run_ops(&x, &one);
}

static void sequence_teardown(void *arg, unsigned cpu)
{
	(void)arg;
	(void)cpu;
	ops_teardown();
}

/* Each operation is a phase of its own: between two of them nothing is in flight. */
static void run_sequence_phases(const struct prog_op *ops, size_t count, size_t *done)
{
	for (*done = 0; *done < count; ++*done) {
		struct prog_op op = ops[*done];

		if (!engine_phase(1, sequence_lane, &op) || !oracle_quiescent() || !oracle_contents())
			return;
	}
	if (engine_phase(1, sequence_teardown, NULL))
		oracle_end();
}

void run_sequence(const struct prog_world *world, const struct prog_op *ops, size_t count,
		  const struct run_options *o, struct run_result *result, size_t *done)
{
	struct engine_config config = {
		.vehicle = o->vehicle,
		.seed = o->seed,
		.steps_max = o->steps_max ? o->steps_max : RUN_STEPS_DEFAULT,
		.hooks = &oracle_hooks,
	};

	random_strategy_init(&strategies.random);
	config.strategy = &strategies.random.strategy;
	init_once();
	boot(world, o);
	engine_begin(&config);
	run_sequence_phases(ops, count, done);
	engine_end();
	fill_result(result, engine_verdict(), engine_stats());
}

const struct event *run_trace(u32 *count)
{
	return engine_trace(count);
}

bool run_expand(const struct bounded_schedule *s, unsigned preemptions,
		void (*add)(void *arg, const struct bounded_schedule *s), void *arg)
{
	return bounded_expand(s, preemptions, add, arg);
}

bool run_deviations(struct prog_sched *out)
{
	unsigned count;

	memset(out, 0, sizeof(*out));
	out->kind = SCHED_DEVIATIONS;
	count = deviations_from_run(out->deviations, PROG_DEVIATIONS_MAX);
	out->deviation_count = (u16)(count < PROG_DEVIATIONS_MAX ? count : PROG_DEVIATIONS_MAX);
	return count <= PROG_DEVIATIONS_MAX;
}

unsigned run_deviation_list(struct prog_deviation *out, unsigned max)
{
	return deviations_from_run(out, max);
}

bool run_reversed(struct prog_sched *out, struct reversal *what, struct prng *r)
{
	return reverse_from_run(out, what, PHASE_PARALLEL, r);
}

void run_object_name(struct text *t, const struct event *ev)
{
	if (!ops_object_name(t, ev->object))
		oracle_object_name(t, ev);
}

void run_op_name(struct text *t, const struct prog *prog, const struct event *ev)
{
	const struct prog_lane *lane = ev->phase == 1 ? &prog->setup :
				       ev->phase == 2 ? &prog->lanes[ev->cpu & 3] : &prog->teardown;

	if (ev->op == ENGINE_NO_OP || ev->op >= lane->count)
		return;
	text_printf(t, "cpu%u op %u: ", ev->cpu, ev->op);
	prog_format_op(t, &lane->ops[ev->op]);
}

static const char *const benign_names[BENIGN_COUNT] = {
#define BENIGN(id, name, where) name,
#include <foliofuzz/benign.def>
#undef BENIGN
};

const char *benign_name(enum benign b)
{
	return benign_names[b];
}

void run_stats_add(struct run_stats *to, const struct run_stats *from)
{
	u64 *t = (u64 *)to;
	const u64 *f = (const u64 *)from;

	for (size_t i = 0; i < sizeof(*to) / sizeof(u64); i++)
		t[i] += f[i];
}
