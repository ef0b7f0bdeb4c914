/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Wrong reductions are silent, so every way to search is held against the others: no reduction at all, preemption bounding that is never
 * out of preemptions, sleep sets, source sets. They must see the same traces, final states and finds.
 *
 *   search_test                    the same on random litmus programs
 *   search_test counts FILE...     executions of each way, a line a program
 *   search_test sets FILE...       what each way sees; exit 1 where two differ
 */
#include "load_test.h"
#include <foliofuzz/explore.h>
#include <foliofuzz/run.h>
#include <foliofuzz/search.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Litmus programs race, and their lost updates are what is looked for. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "report_bugs=0";
}

/* A way that needs more executions than this is left out: "-". Programs on the replica are longer; hardly one can be enumerated. */
enum { LITMUS_MAX = 50000, RANDOM_MAX = 5000, REPLICA_MAX = 20000, REPLICA_UNREDUCED_MAX = 3000 };
static u64 executions_max, litmus_max = LITMUS_MAX;

struct set {
	u64 *at;
	size_t count, room;
};
struct seen {
	const char *way;
	struct set traces, states, finds;
	u64 complete, cut;
	bool feasible, twice; /* a trace was run twice */
};

static void set_add(struct set *s, u64 v)
{
	if (s->count == s->room) {
		s->room = s->room ? 2 * s->room : 256;
		s->at = realloc(s->at, s->room * sizeof(*s->at));
	}
	s->at[s->count++] = v;
}

static int compare(const void *a, const void *b)
{
	u64 x = *(const u64 *)a, y = *(const u64 *)b;

	return x < y ? -1 : x > y;
}

/* Sorts and drops what is there twice; whether there was any. */
static bool set_close(struct set *s)
{
	size_t n = 0;

	if (s->count)
		qsort(s->at, s->count, sizeof(*s->at), compare);
	for (size_t i = 0; i < s->count; i++)
		if (!n || s->at[n - 1] != s->at[i])
			s->at[n++] = s->at[i];
	if (n == s->count)
		return false;
	s->count = n;
	return true;
}

static bool set_equal(const struct set *a, const struct set *b)
{
	return a->count == b->count && (!a->count || !memcmp(a->at, b->at, a->count * sizeof(*a->at)));
}

static void note(struct seen *seen, const struct search *s, const struct run_result *r)
{
	set_add(&seen->traces, s->trace);
	if (r->state)
		set_add(&seen->states, r->state);
	if (verdict_is_find(r->verdict))
		set_add(&seen->finds, hash_mix(r->verdict, hash_string(r->invariant)));
}

static void seen_close(struct seen *seen)
{
	seen->twice = set_close(&seen->traces);
	set_close(&seen->states);
	set_close(&seen->finds);
}

static void seen_free(struct seen *seen)
{
	free(seen->traces.at);
	free(seen->states.at);
	free(seen->finds.at);
}

static struct search *search;

static void search_all(struct seen *seen, enum search_mode mode, const struct prog *p, unsigned faults)
{
	struct run_options o;
	struct run_result r;
	bool more;

	run_options_init(&o);
	o.search = search;
	search_init(search, mode, faults);
	do {
		u64 cut = search->cut;

		run_one(p, &o, &r, NULL);
		more = search_next(search);
		if (search->cut == cut)
			note(seen, search, &r);
	} while (more && search->complete + search->cut < executions_max);
	seen->feasible = !more;
	seen->complete = search->complete;
	seen->cut = search->cut;
	seen_close(seen);
}

static struct {
	struct bounded_schedule *at;
	size_t count, room;
} waiting;

static void push(void *arg, const struct bounded_schedule *s)
{
	(void)arg;
	if (waiting.count == waiting.room) {
		waiting.room = waiting.room ? 2 * waiting.room : 1024;
		waiting.at = realloc(waiting.at, waiting.room * sizeof(*waiting.at));
	}
	waiting.at[waiting.count++] = *s;
}

static void bounded_all(struct seen *seen, const struct prog *p, unsigned preemptions)
{
	struct bounded_schedule s = { .count = 0 };
	struct run_options o;
	struct run_result r;
	bool all = true;

	run_options_init(&o);
	o.strategy = STRATEGY_BOUNDED;
	o.schedule = &s;
	o.search = search;
	o.record = true;
	search_init(search, SEARCH_WATCH, 0);
	waiting.count = 0;
	push(NULL, &s);
	while (waiting.count && all && search->complete < executions_max) {
		s = waiting.at[--waiting.count];
		run_one(p, &o, &r, NULL);
		search_next(search);
		note(seen, search, &r);
		all = run_expand(&s, preemptions, push, NULL);
	}
	seen->feasible = all && !waiting.count;
	seen->complete = search->complete;
	seen_close(seen);
}

enum { ALL, SLEEP, DPOR, BOUNDED, BOUNDED_1, BOUNDED_2, WAYS };
/* Bounding knows no failures. */
static void run_ways(struct seen seen[WAYS], const struct prog *p, unsigned faults)
{
	static const char *const names[WAYS] = { "all", "sleep", "dpor", "bounded", "bounded-1", "bounded-2" };

	memset(seen, 0, WAYS * sizeof(*seen));
	for (unsigned i = 0; i < WAYS; i++)
		seen[i].way = names[i];
	executions_max = prog_is_litmus(p) ? litmus_max : REPLICA_MAX;
	search_all(&seen[SLEEP], SEARCH_SLEEP, p, faults);
	search_all(&seen[DPOR], SEARCH_DPOR, p, faults);
	executions_max = prog_is_litmus(p) ? litmus_max : REPLICA_UNREDUCED_MAX;
	search_all(&seen[ALL], SEARCH_ALL, p, faults);
	if (faults)
		return;
	bounded_all(&seen[BOUNDED], p, 255);
	bounded_all(&seen[BOUNDED_1], p, 1);
	bounded_all(&seen[BOUNDED_2], p, 2);
}

static void print_count(const struct seen *s, bool with_cut)
{
	if (!s->feasible)
		printf(" %s -", s->way);
	else if (with_cut)
		printf(" %s %" PRIu64 "+%" PRIu64, s->way, s->complete, s->cut);
	else
		printf(" %s %" PRIu64, s->way, s->complete);
}

static void print_counts(const char *path, const struct seen seen[WAYS])
{
	printf("%s:", path);
	for (unsigned i = 0; i < WAYS; i++)
		print_count(&seen[i], i == SLEEP || i == DPOR);
	printf(" traces %zu states %zu finds %zu\n", seen[DPOR].traces.count, seen[DPOR].states.count, seen[DPOR].finds.count);
}

/* Against dpor, each that came to its end. */
static bool sets_agree(const char *path, const struct seen seen[WAYS])
{
	bool agree = seen[DPOR].feasible && !seen[DPOR].twice && !seen[SLEEP].twice;

	if (!seen[DPOR].feasible && litmus_max == RANDOM_MAX)
		return true;
	if (!agree)
		printf("%s: %s\n", path, seen[DPOR].feasible ? "a trace was run twice" : "dpor came to no end");
	for (unsigned i = 0; i <= BOUNDED; i++) {
		const struct seen *s = &seen[i];

		if (!s->feasible)
			continue;
		if (set_equal(&s->traces, &seen[DPOR].traces) && set_equal(&s->states, &seen[DPOR].states) &&
		    set_equal(&s->finds, &seen[DPOR].finds))
			continue;
		printf("%s: %s sees %zu traces, %zu states, %zu finds; dpor %zu, %zu, %zu\n", path, s->way, s->traces.count,
		       s->states.count, s->finds.count, seen[DPOR].traces.count, seen[DPOR].states.count, seen[DPOR].finds.count);
		agree = false;
	}
	return agree;
}

static bool look_at(const char *path, const struct prog *p, bool counts, unsigned faults)
{
	struct seen seen[WAYS];
	bool ok = true;

	run_ways(seen, p, faults);
	if (counts)
		print_counts(path, seen);
	else
		ok = sets_agree(path, seen);
	for (unsigned i = 0; i < WAYS; i++)
		seen_free(&seen[i]);
	return ok;
}

/* ---- random litmus programs ---- */
static void random_op(struct prog_lane *lane, struct prng *r)
{
	static const u8 ids[] = { OP_load, OP_load, OP_store, OP_store_reg, OP_fetch_add, OP_plain_set_bit, OP_cmpxchg, OP_trylock,
				  OP_lock, OP_lock, OP_unlock, OP_rcu_lock, OP_rcu_unlock, OP_rcu_sync, OP_rcu_store, OP_when,
				  OP_assert_reg };
	struct prog_op *op = &lane->ops[lane->count++];

	*op = (struct prog_op){ .id = ids[prng_below(r, sizeof(ids))] };
	for (unsigned i = 0; i < prog_op_table[op->id].arg_count; i++)
		op->args[i] = (u8)prng_below(r, 2);
}

static void random_program(struct prog *p, struct prng *r)
{
	prog_init(p);
	p->world.cpus = (u8)(2 + prng_below(r, 2));
	for (unsigned l = 0; l < p->world.cpus; l++) {
		struct prog_lane *lane = &p->lanes[l];
		unsigned count = 1 + prng_below(r, p->world.cpus == 2 ? 5 : 3);

		while (lane->count < count)
			random_op(lane, r);
	}
}

static int random_programs(unsigned count)
{
	static struct prog p;
	static char text[PROG_TEXT_MAX];
	struct prng r;
	int bad = 0;

	litmus_max = RANDOM_MAX;
	prng_seed(&r, 1);
	for (unsigned i = 0; i < count; i++) {
		char name[32];

		random_program(&p, &r);
		snprintf(name, sizeof(name), "random %u", i);
		if (look_at(name, &p, false, i % 4 == 3 ? 2 : 0))
			continue;
		bad = 1;
		prog_print(&p, text, sizeof(text));
		printf("%s", text);
	}
	return bad;
}

int main(int argc, char **argv)
{
	static struct prog p;
	bool counts = argc > 1 && !strcmp(argv[1], "counts");
	int bad = 0;

	search = calloc(1, sizeof(*search));
	if (argc < 3)
		return random_programs(argc > 1 ? (unsigned)atoi(argv[1]) : 600);
	for (int i = 2; i < argc; i++)
		if (!load(&p, argv[i]) || !look_at(argv[i], &p, counts, 0))
			bad = 1;
	free(search);
	free(waiting.at);
	return bad;
}
