/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Strategies that know the program: its serial executions, CPU after CPU from either end, are run first, and kept for the programs that
 * were asked for last. They are a function of the program alone, so what is kept and what is run again changes nothing but the time it takes.
 */
#include "run_internal.h"
#include <string.h>

enum { KEPT = 64 };

static union {
	struct pct_strategy pct;
	struct surw_strategy surw;
	struct rf_strategy rf;
	struct race_strategy race;
} strategies;

static struct known {
	u64 key; /* of the program; 0: none */
	struct profile profile;
} kept[KEPT];
static u32 profiled; /* executions, by the last call */

/* CPU after CPU; `down`: from the last one on. */
struct serial_strategy {
	struct strategy strategy;
	bool down;
};

static unsigned serial_next(struct strategy *s, u32 enabled, unsigned current)
{
	if (((struct serial_strategy *)s)->down)
		return 31u - (unsigned)__builtin_clz(enabled);
	return enabled >> current & 1 ? current : (unsigned)__builtin_ctz(enabled);
}

static void run_serially(struct profile *p, const struct prog *prog, const struct run_options *o)
{
	struct serial_strategy serial = { .strategy = { "serial", NULL, serial_next, NULL }, .down = p->runs > 0 };
	struct engine_config config = { .strategy = &serial.strategy, .record = true };
	struct execution x = { .prog = prog };
	struct run_options plain = *o;

	plain.vehicle = VEHICLE_FIBER;
	plain.steps_max = 0;
	run_execute(&x, &plain, &config);
	profile_add(p, PHASE_PARALLEL, engine_stats()->decisions);
	profiled++;
}

static u64 key_of(const struct prog *prog, const struct run_options *o)
{
	static u8 binary[PROG_BINARY_MAX];
	u64 key = hash_bytes(binary, prog_encode(prog, binary, sizeof(binary))) ^ (u64)(o->generation + 1) * 0x9e3779b97f4a7c15ull ^
		  hash_bytes(&o->bugs, sizeof(o->bugs));

	return key ? key : 1;
}

/* The first `runs` serial executions. PCT, which wants a length, is content with one. */
static const struct profile *profile_of(const struct prog *prog, const struct run_options *o, unsigned runs)
{
	u64 key = key_of(prog, o);
	struct known *k = &kept[key % KEPT];

	if (key != k->key)
		profile_clear(&k->profile);
	k->key = key;
	while (k->profile.runs < runs)
		run_serially(&k->profile, prog, o);
	return &k->profile;
}

void run_forget(void)
{
	for (unsigned i = 0; i < KEPT; i++)
		kept[i].key = 0;
	setup_forget();
}

u32 run_profiled(void)
{
	return profiled;
}

struct strategy *run_guided(const struct prog *prog, const struct run_options *o)
{
	profiled = 0;
	switch (o->strategy) {
	case STRATEGY_PCT:
		pct_strategy_init(&strategies.pct, profile_of(prog, o, 1)->length);
		return &strategies.pct.strategy;
	case STRATEGY_SURW:
		surw_strategy_init(&strategies.surw, profile_of(prog, o, 2));
		return &strategies.surw.strategy;
	case STRATEGY_RF:
		rf_strategy_init(&strategies.rf, profile_of(prog, o, 2));
		return &strategies.rf.strategy;
	case STRATEGY_RACE:
		race_strategy_init(&strategies.race, profile_of(prog, o, 2));
		return &strategies.race.strategy;
	default:
		return NULL;
	}
}

/* The pseudo-CPU of grace periods has a priority like any other. */
struct run_pct run_pct(const struct prog *prog)
{
	return (struct run_pct){ strategies.pct.changes + 1, prog->world.cpus + 1u, pct_choices(&strategies.pct) };
}

unsigned run_choose(const struct portfolio *p, u64 n, struct run_options *o)
{
	struct portfolio_choice c = portfolio_choose(p, n);

	o->strategy = c.strategy;
	o->seed += c.execution;
	return c.arm;
}
