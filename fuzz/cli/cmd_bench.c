/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * foliofuzz bench: the engine beside the bare loop, as ratios of one run. Rounds of the two alternate, and the median
 * of the rounds' ratios is printed, because a shared machine's speed drifts.
 */
#include <foliofuzz/bench.h>
#include <foliofuzz/explore.h>
#include <foliofuzz/kernel.h>
#include <foliofuzz/run.h>
#include "cli.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROUNDS 7
#define ROUND_SECONDS 0.15
#define DEMO_SWITCHES 600 /* bare switches in which the demonstration must run once */

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

struct rate {
	double executions, points, switches; /* per second */
};
struct bench_case {
	struct rate (*measure)(const struct bench_case *c);
	const struct toy_workload *toy;
	enum vehicle vehicle;
	const struct prog *prog;
};

static struct rate rate_of(double executions, double points, double switches, double time)
{
	return (struct rate){ executions / time, points / time, switches / time };
}

static struct rate measure_bare(const struct toy_workload *w)
{
	double start = seconds(), time;
	u64 executions = 0, switches = 0, batch = 1 + 4000 / w->steps;
	u32 steps = (w->steps + w->lanes - 1) / w->lanes;

	do {
		switches += bare_loop(w->lanes, steps, batch, executions);
		executions += batch;
		time = seconds() - start;
	} while (time < ROUND_SECONDS);
	return rate_of((double)executions, (double)executions * w->steps, (double)switches, time);
}

static struct rate measure_toy(const struct bench_case *c)
{
	static struct random_strategy walk;
	struct engine_config config = { .vehicle = c->vehicle, .steps_max = 100000, .strategy = &walk.strategy };
	double start = seconds(), time, points = 0, switches = 0;
	u64 executions = 0;

	random_strategy_init(&walk);
	do {
		for (unsigned i = 0; i < 64; i++) {
			config.seed = executions++;
			c->toy->boot();
			engine_begin(&config);
			engine_phase(c->toy->lanes, c->toy->lane, NULL);
			engine_end();
			points += engine_stats()->points;
			switches += engine_stats()->switches;
		}
		time = seconds() - start;
	} while (time < ROUND_SECONDS);
	return rate_of((double)executions, points, switches, time);
}

static struct rate measure_prog(const struct bench_case *c)
{
	struct run_options o;
	struct run_result r;
	double start = seconds(), time, points = 0, switches = 0;
	u64 executions = 0;

	run_options_init(&o);
	o.strategy = STRATEGY_RANDOM;
	o.vehicle = c->vehicle;
	do {
		for (unsigned i = 0; i < 16; i++) {
			o.seed = executions++;
			run_one(c->prog, &o, &r, NULL);
			points += r.points;
			switches += r.switches;
		}
		time = seconds() - start;
	} while (time < ROUND_SECONDS);
	return rate_of((double)executions, points, switches, time);
}

/* ---- a point without a switch: the strategy draws, and stays ---- */
static unsigned stay_next(struct strategy *s, u32 enabled, unsigned current)
{
	struct random_strategy *r = (struct random_strategy *)s;

	(void)prng_below(&r->prng, (u32)__builtin_popcount(enabled));
	return enabled & (1u << current) ? current : (unsigned)__builtin_ctz(enabled);
}

#define STAY_POINTS 5000
static void stay_lane(void *arg, unsigned cpu)
{
	(void)cpu;
	for (int i = 0; i < STAY_POINTS; i++)
		engine_point(SITE("stay", "", ""), arg, EVENT_READ);
}

static double measure_stay(void)
{
	static struct random_strategy stay;
	struct engine_config config = { .vehicle = VEHICLE_FIBER, .steps_max = 100000, .strategy = &stay.strategy };
	double start = seconds(), time, points = 0;

	random_strategy_init(&stay);
	stay.strategy.next = stay_next;
	do {
		engine_begin(&config);
		engine_phase(2, stay_lane, arena_memory + ARENA_SIZE - 4096);
		engine_end();
		points += engine_stats()->points;
		time = seconds() - start;
	} while (time < ROUND_SECONDS);
	return time / points;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double bench_median(double *v, unsigned count)
{
	qsort(v, count, sizeof(*v), by_value);
	return v[count / 2];
}

static void print_row(const char *name, const char *vehicle, struct rate r, double ratio, const char *bar)
{
	printf("%-14s %-8s %12.0f %14.0f %14.0f %8.3f  %s\n", name, vehicle, r.executions, r.points, r.switches,
	       ratio, bar);
}

static void bench_toy(const struct toy_workload *w)
{
	const char *const vehicles[] = { "fiber", "pthread" };
	struct rate last = { 0 }, bare = { 0 };

	for (int v = 0; v < 2; v++) {
		struct bench_case c = { .toy = w, .vehicle = (enum vehicle)v };
		double ratios[ROUNDS];
		char bar[64];

		for (int i = 0; i < ROUNDS; i++) {
			bare = measure_bare(w);
			last = measure_toy(&c);
			ratios[i] = last.executions / bare.executions;
		}
		if (v == 0)
			print_row(w->name, "bare", bare, 1.0, w->help);
		bar[0] = '\0';
		if (v == 0)
			snprintf(bar, sizeof(bar), "best peer %.3f%s", w->peer_ratio,
				 w->steps == 400 ? ", bar 0.5" : "");
		print_row(w->name, vehicles[v], last, bench_median(ratios, ROUNDS), bar);
	}
}

static void bench_demo(const struct prog *prog)
{
	const char *const vehicles[] = { "fiber", "pthread" };

	for (int v = 0; v < 2; v++) {
		struct bench_case c = { .prog = prog, .vehicle = (enum vehicle)v };
		struct rate demo = { 0 };
		double ratios[ROUNDS];

		for (int i = 0; i < ROUNDS; i++) {
			struct rate bare = measure_bare(&toy_workloads[2]);

			demo = measure_prog(&c);
			ratios[i] = demo.executions * DEMO_SWITCHES / bare.switches;
		}
		print_row("demonstration", vehicles[v], demo, bench_median(ratios, ROUNDS),
			  v ? "" : "executions per 600 bare switches, bar 1");
	}
}

static void bench_stay(void)
{
	double ratios[ROUNDS], stay = 0;

	for (int i = 0; i < ROUNDS; i++) {
		struct rate bare = measure_bare(&toy_workloads[2]);

		stay = measure_stay();
		ratios[i] = stay * bare.points;
	}
	printf("a point without a switch: %.1f ns, %.3f of a step of the bare loop (bar 0.5)\n", stay * 1e9,
	       bench_median(ratios, ROUNDS));
}

static const struct command command = {
	.name = "bench",
	.args = "[throughput | snapshot | detect [ID...]]",
	.summary = "Measures executions, points and switches per second beside a loop that only switches stacks. Compare two builds in turn on one\n"
		   "machine: the times alone say little. snapshot, which is also the end of throughput: executions per second where setup is kept,\n"
		   "over those where it is executed each time. detect: how soon each strategy finds each bug; foliofuzz bench detect --help says more.",
	.examples = "foliofuzz bench\n"
		    "foliofuzz bench snapshot\n"
		    "foliofuzz bench detect --quick --jobs 2\n",
};

int cmd_bench(int argc, char **argv)
{
	static struct prog prog;
	const char *error;

	if (argc > 1 && !strcmp(argv[1], "detect"))
		return bench_detect(argc - 1, argv + 1);
	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))) {
		usage_print(stdout, &command);
		return EXIT_CLEAN;
	}
	if (argc > 1 && !strcmp(argv[1], "snapshot"))
		return bench_snapshot();
	if (argc > 1 && strcmp(argv[1], "throughput")) {
		fprintf(stderr, "foliofuzz bench: expected throughput, snapshot or detect, found %s\n", argv[1]);
		return 1;
	}
	engine_init();
	kern_init();
	error = bench_demo_program(&prog);
	if (error) {
		fprintf(stderr, "foliofuzz bench: %s\n", error);
		return 4;
	}
	printf("%-14s %-8s %12s %14s %14s %8s\n", "workload", "", "executions/s", "points/s", "switches/s", "ratio");
	for (unsigned i = 0; i < toy_workload_count; i++)
		bench_toy(&toy_workloads[i]);
	bench_demo(&prog);
	bench_stay();
	printf("\n");
	return bench_snapshot();
}
