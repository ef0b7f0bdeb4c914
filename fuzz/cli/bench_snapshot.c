/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bench_snapshot.c - executions per second of processor time with setup kept, over those with setup executed each time: where it is half of
 * an execution's points, where it is four fifths, and where there is next to none. The schedules are those of a search; both sides run the
 * same ones, in turns.
 */
#include "cli.h"

#include <foliofuzz/search.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 7, SCHEDULES_MAX = 4096 };
#define ROUND_SECONDS 0.1

#define LANES "cpu0 dontneed(m0, 0, 1)\ncpu1 write(m0, 0)\n"
#define MOVES " move_pages(m0, 0, 1, 0); move_pages(m0, 0, 1, 1)"
static const struct {
	const char *name, *text;
	double bar;
} programs[] = {
	{ "no setup", "world cpus=2\ncpu0 store(x0, 1); r0 = load(x1)\ncpu1 store(x1, 1); r0 = load(x0)\n", 0 },
	{ "setup 1/2", "world cpus=2\nsetup m0 = mm(); write(m0, 0); move_pages(m0, 0, 1, 1); write(m0, 1)\n" LANES, 1.7 },
	{ "setup 4/5", "world cpus=2\nsetup m0 = mm(); write(m0, 0); move_pages(m0, 0, 1, 1);" MOVES ";" MOVES "; write(m0, 1)\n" LANES, 3 },
};

/* One kind of search over and over. */
struct side {
	const struct prog *prog;
	struct run_options options;
	u64 executions, points, restored;
	u32 at;
};

static struct {
	struct bounded_schedule all[SCHEDULES_MAX];
	u32 count;
} bounded;
static struct search *search;

static void bounded_add_one(void *arg, const struct bounded_schedule *s)
{
	(void)arg;
	if (bounded.count < SCHEDULES_MAX)
		bounded.all[bounded.count++] = *s;
}

static void drop(void *arg, const struct bounded_schedule *s)
{
	(void)arg;
	(void)s;
}

static void bounded_list(const struct prog *prog)
{
	struct run_options o;
	struct run_result r;

	run_options_init(&o);
	o.strategy = STRATEGY_BOUNDED;
	o.record = true;
	bounded.count = 0;
	bounded_add_one(NULL, &(struct bounded_schedule){ .count = 0 });
	for (u32 i = 0; i < bounded.count; i++) {
		o.schedule = &bounded.all[i];
		run_one(prog, &o, &r, NULL);
		run_expand(o.schedule, 1, bounded_add_one, NULL);
	}
}

static void run_random(struct side *s, struct run_result *r)
{
	s->options.seed = s->executions;
	run_one(s->prog, &s->options, r, NULL);
}

static void run_bounded(struct side *s, struct run_result *r)
{
	s->options.strategy = STRATEGY_BOUNDED;
	s->options.record = true;
	s->options.schedule = &bounded.all[s->at++ % bounded.count];
	run_one(s->prog, &s->options, r, NULL);
	run_expand(s->options.schedule, 1, drop, NULL);
}

/* The search ends with each turn, so that the other side begins at the same place. */
static void run_dpor(struct side *s, struct run_result *r)
{
	s->options.search = search;
	if (!s->at++)
		search_init(search, SEARCH_DPOR, 0);
	run_one(s->prog, &s->options, r, NULL);
	if (!search_next(search))
		s->at = 0;
}

static const struct {
	const char *name;
	void (*run)(struct side *s, struct run_result *r);
} searches[] = {
	{ "run", run_random },
	{ "explore", run_bounded },
	{ "explore --dpor", run_dpor },
};

/* Of the processor: what else the machine does counts for neither side. */
static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double turn(struct side *s, void (*run)(struct side *s, struct run_result *r))
{
	double start = cpu_seconds(), time;
	struct run_result r;
	u64 before = s->executions;

	s->at = 0;
	do {
		for (unsigned i = 0; i < 16; i++, s->executions++) {
			run(s, &r);
			s->points += r.points;
			s->restored += r.restored;
		}
		time = cpu_seconds() - start;
	} while (time < ROUND_SECONDS);
	return (double)(s->executions - before) / time;
}

static void compare(const char *name, double bar, const struct prog *prog, unsigned how)
{
	struct side without = { .prog = prog }, with = { .prog = prog };
	double ratios[ROUNDS], a = 0, b = 0;

	run_options_init(&without.options);
	with.options = without.options;
	with.options.snapshot = true;
	for (unsigned i = 0; i < ROUNDS; i++) {
		a = turn(&without, searches[how].run);
		b = turn(&with, searches[how].run);
		ratios[i] = b / a;
	}
	printf("%-10s %-15s %10.0f %10.0f %7.2f  setup is %.2f of the points", name, searches[how].name, a, b, bench_median(ratios, ROUNDS),
	       (double)with.restored / (double)with.points);
	if (searches[how].run == run_bounded && bar > 0)
		printf(", bar %.1f", bar);
	printf("\n");
}

int bench_snapshot(void)
{
	static struct prog prog;

	search = malloc(sizeof(*search));
	HARNESS_BUG_ON(!search);
	printf("%-10s %-15s %10s %10s %7s\n", "program", "search", "without", "with", "ratio");
	for (unsigned i = 0; i < ARRAY_SIZE(programs); i++) {
		HARNESS_BUG_ON(!prog_parse(&prog, programs[i].text, strlen(programs[i].text), NULL));
		bounded_list(&prog);
		for (unsigned how = 0; how < ARRAY_SIZE(searches); how++)
			compare(programs[i].name, programs[i].bar, &prog, how);
	}
	free(search);
	return EXIT_CLEAN;
}
