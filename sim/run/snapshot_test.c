/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * snapshot_test.c - an execution behind a setup that was put back is the one behind a setup that was executed: hash, result, events, names, the
 * arena's states, and a sanitizer's poison. For every strategy, on both vehicles, recorded or not, with executions of another program between.
 *
 * usage: snapshot_test [PROGRAM...]; without one, random programs, and counts of what was executed.
 */
#include <foliofuzz/run.h>
#include "load_test.h"
#include <foliofuzz/explore.h>
#include <foliofuzz/search.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int __asan_address_is_poisoned(void const volatile *addr) __attribute__((weak));

enum { EXECUTIONS = 4, RANDOM_PROGRAMS = 200 };

/* Litmus programs race, and a find may be a race. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "report_bugs=0";
}

struct shown {
	u64 hash, state, search, events, memory, text;
	u32 numbers[10];
};
struct way {
	const char *name;
	int strategy;
	enum search_mode mode;
	bool search, record, pthread;
};
static const struct way ways[] = {
	{ "random", STRATEGY_RANDOM, .record = true, .pthread = true },
	{ "random unrecorded", STRATEGY_RANDOM, .pthread = true },
	{ "pct", STRATEGY_PCT, .record = true },
	{ "pos", STRATEGY_POS, .record = true },
	{ "surw", STRATEGY_SURW, .record = true },
	{ "rf", STRATEGY_RF, .record = true },
	{ "race", STRATEGY_RACE, .record = true },
	{ "portfolio", STRATEGY_PORTFOLIO, .record = true },
	{ "replay", STRATEGY_REPLAY, .record = true, .pthread = true },
	{ "bounded", STRATEGY_BOUNDED, SEARCH_WATCH, .search = true, .record = true },
	{ "dpor", STRATEGY_RANDOM, SEARCH_DPOR, .search = true },
	{ "dpor recorded", STRATEGY_RANDOM, SEARCH_DPOR, .search = true, .record = true, .pthread = true },
};

static struct search *search;
static struct prog other;
static struct run_stats stats;

static u64 events_hash(void)
{
	u32 count;
	const struct event *ev = run_trace(&count);
	u64 h = count;

	for (u32 i = 0; i < count; i++) {
		struct event plain = ev[i];
		char name[128];
		struct text t;

		plain.object = NULL; /* which may be on a stack of ASan's */
		h = hash_mix(h, hash_bytes(&plain, sizeof(plain)));
		text_init(&t, name, sizeof(name));
		run_object_name(&t, &ev[i]);
		h = hash_mix(h, hash_string(name));
	}
	return h;
}

static u64 memory_hash(void)
{
	u64 h = hash_mix(arena_used(), hash_bytes(arena_state, sizeof(arena_state)));

	for (u32 i = 0; __asan_address_is_poisoned && i < ARENA_SIZE; i += 8)
		h = hash_mix(h, (u64)__asan_address_is_poisoned(arena_memory + i));
	return h;
}

static void show(struct shown *s, const struct prog *p, const struct run_options *o)
{
	struct run_result r;

	run_one(p, o, &r, &stats);
	memset(s, 0, sizeof(*s));
	s->hash = r.hash;
	s->state = r.state;
	s->search = o->search ? o->search->trace : 0;
	s->events = events_hash();
	s->memory = memory_hash();
	s->text = hash_mix(hash_mix(hash_string(r.title), hash_string(r.message)), hash_string(r.invariant));
	memcpy(s->numbers, (u32[]){ r.verdict, r.points, r.switches, r.preemptions, r.decisions, r.conflicts, r.diverged, r.step, r.cpu },
	       9 * sizeof(u32));
}

static void disturb(void)
{
	struct run_options o;
	struct run_result r;

	run_options_init(&o);
	run_one(&other, &o, &r, NULL);
}

static bool show_all(struct shown s[EXECUTIONS], const struct prog *p, const struct way *w, enum vehicle vehicle, bool snapshot)
{
	static const struct bounded_schedule one = { .count = 1, .turns = { { .choice = 3, .cpu = 1 } } };
	struct run_options o;

	run_options_init(&o);
	o.strategy = w->strategy;
	o.vehicle = vehicle;
	o.record = w->record;
	o.snapshot = snapshot;
	o.schedule = &one;
	if (w->search) {
		search_init(search, w->mode, 1);
		o.search = search;
	}
	memset(&stats, 0, sizeof(stats));
	for (unsigned i = 0; i < EXECUTIONS; i++) {
		o.seed = i + 1;
		show(&s[i], p, &o);
		if (w->search && !search_next(search) && w->mode != SEARCH_WATCH)
			search_init(search, w->mode, 1);
		if (snapshot && i % 2)
			disturb();
	}
	return stats.restored != 0;
}

/* With one failure allowed a search's schedules fail allocations and trylocks; never those of setup. */
static bool same(const char *path, const struct prog *p, const struct way *w, enum vehicle vehicle)
{
	struct shown without[EXECUTIONS], with[EXECUTIONS];
	struct run_stats before;

	run_forget();
	show_all(without, p, w, vehicle, false);
	before = stats;
	run_forget();
	show_all(with, p, w, vehicle, true);
	stats.restored = 0;
	if (!memcmp(without, with, sizeof(with)) && !memcmp(&before, &stats, sizeof(stats)))
		return true;
	printf("%s: %s on %s is not the same behind a snapshot\n", path, w->name, vehicle ? "pthreads" : "fibers");
	for (unsigned i = 0; i < EXECUTIONS; i++)
		printf("  %u:%s%s%s%s%s%s%s\n", i, without[i].hash == with[i].hash ? "" : " hash", without[i].state == with[i].state ? "" : " state",
		       without[i].search == with[i].search ? "" : " trace", without[i].events == with[i].events ? "" : " events",
		       without[i].memory == with[i].memory ? "" : " memory", without[i].text == with[i].text ? "" : " text",
		       memcmp(without[i].numbers, with[i].numbers, sizeof(with[i].numbers)) ? " numbers" : "");
	return false;
}

static bool same_all(const char *path, const struct prog *p)
{
	bool ok = true;

	for (unsigned i = 0; i < ARRAY_SIZE(ways); i++) {
		ok &= same(path, p, &ways[i], VEHICLE_FIBER);
		if (ways[i].pthread)
			ok &= same(path, p, &ways[i], VEHICLE_PTHREAD);
	}
	return ok;
}

static bool parse(struct prog *p, const char *text)
{
	return prog_parse(p, text, strlen(text), NULL);
}

/* ---- what is executed ---- */

/* Setup's points are executed once in as many executions as there are; what differs in setup or switches has its own. */
static bool counts(void)
{
	static struct prog p;
	struct run_options o;
	struct run_result r;
	u32 setup = 0;
	bool ok;

	ok = parse(&p, "world cpus=2\nsetup m0 = mm(); fault_huge(m0, 0); fault_huge(m0, 8)\ncpu0 dontneed(m0, 1, 1)\ncpu1 write(m0, 9)\n");
	run_options_init(&o);
	o.snapshot = true;
	memset(&stats, 0, sizeof(stats));
	for (o.seed = 1; ok && o.seed <= 10; o.seed++) {
		run_one(&p, &o, &r, &stats);
		setup = o.seed == 2 ? r.restored : setup;
		ok &= r.restored == (o.seed == 1 ? 0 : setup);
	}
	ok &= setup > 100 && stats.restored == 9ull * setup;
	o.strict_hwpoison = true;
	run_one(&p, &o, &r, NULL);
	ok &= !r.restored;
	bug_switch(&o.bugs, 0, true);
	run_one(&p, &o, &r, NULL);
	ok &= !r.restored;
	run_one(&p, &o, &r, NULL);
	ok &= r.restored == setup;
	p.setup.ops[1].args[1] = 16;
	run_one(&p, &o, &r, NULL);
	ok &= !r.restored;
	p.lanes[0].count = 0;
	run_one(&p, &o, &r, NULL);
	ok &= r.restored == setup;
	run_forget();
	run_one(&p, &o, &r, NULL);
	ok &= !r.restored;
	if (!ok)
		printf("setup is executed more than once, or not where it must be\n");
	return ok;
}

static bool random_programs(void)
{
	static struct prog p;
	static char text[PROG_TEXT_MAX];
	struct prng prng;
	bool ok = true;

	prng_seed(&prng, 1);
	for (unsigned i = 0; i < RANDOM_PROGRAMS; i++) {
		const struct way *w = &ways[i % ARRAY_SIZE(ways)];
		char name[32];

		prog_generate(&p, &prng);
		snprintf(name, sizeof(name), "random %u", i);
		if (same(name, &p, w, VEHICLE_FIBER))
			continue;
		ok = false;
		prog_print(&p, text, sizeof(text));
		printf("%s", text);
	}
	return ok;
}

int main(int argc, char **argv)
{
	static struct prog p;
	bool ok;

	search = calloc(1, sizeof(*search));
	ok = search && parse(&other, "world cpus=2 memcgs=2\nsetup m0 = mm(); fault_huge(m0, 8); mmap_file(m0, 0, 4, f0)\n"
				     "cpu0 m1 = fork(m0); write(m0, 9); exit(m1)\ncpu1 dontneed(m0, 8, 3); write(m0, 0); exit(m0)\n");
	if (!ok)
		printf("the other program does not parse\n");
	if (argc < 2)
		ok = ok && counts() && random_programs();
	for (int i = 1; i < argc; i++)
		ok = load(&p, argv[i]) && same_all(argv[i], &p) && ok;
	free(search);
	return !ok;
}
