/* SPDX-License-Identifier: GPL-2.0-only */
/* The mutators' laws, whatever they run; and that a reversal of a program's execution is one. */
#include "mutators.h"

#include <foliofuzz/explore.h>
#include <foliofuzz/run.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>
/* cmocka wants these before it */
#include <cmocka.h>

#include "../targets/target.h"

enum { MAX = 4096, ROUNDS = 400 };

static size_t load(const char *path, struct prog *p, u8 *data)
{
	static char text[PROG_TEXT_MAX];
	FILE *f = fopen(path, "r");
	size_t size;

	assert_non_null(f);
	size = fread(text, 1, sizeof(text), f);
	fclose(f);
	assert_true(prog_parse(p, text, size, NULL));
	return data ? prog_encode(p, data, MAX) : 0;
}

static const char *const parents[] = { "corpus/seeds/put-vs-put.prog", "corpus/seeds/split-pmd-vs-munmap.prog",
				       "corpus/seeds/underused-pinned.prog" };

static void check_one(const u8 *data, size_t size, size_t max, u32 seed)
{
	static u8 first[MAX], second[MAX];
	static struct prog p;
	size_t n, again;

	memcpy(first, data, size);
	memcpy(second, data, size);
	n = mutate_bytes(first, size, max, seed);
	assert_in_range(n, 1, max);
	/* nothing is remembered from one call to the next */
	mutate_bytes(second, size, max, seed + 1);
	memcpy(second, data, size);
	again = mutate_bytes(second, size, max, seed);
	assert_int_equal(n, again);
	assert_memory_equal(first, second, n);
	prog_decode(&p, first, n);
	assert_null(prog_validate(&p));
}

static void same_arguments_same_result(void **state)
{
	static struct prog p;
	static u8 data[MAX];
	struct prng r;

	(void)state;
	prng_seed(&r, 1);
	for (u32 seed = 0; seed < ROUNDS; seed++) {
		size_t size = load(parents[seed % ARRAY_SIZE(parents)], &p, data);

		check_one(data, size, MAX, seed);
		check_one(data, size, size, seed);
		check_one(data, 1 + prng_below(&r, (u32)size), size, seed);
		for (size_t i = 0; i < size; i++)
			data[i] = (u8)prng_next(&r);
		check_one(data, size, MAX, seed);
	}
	assert_int_equal(mutate_bytes(data, 1, 0, 1), 0);
}

/* What is switched off is off, and the rest as it was. */
static void kinds_are_independent(void **state)
{
	static struct prog p, other;
	static u8 data[MAX], plain[MAX], all[MAX], out[MAX];
	unsigned different = 0, reversed = 0;

	(void)state;
	assert_false(mutate_set("cross,schedules"));
	for (u32 seed = 0; seed < ROUNDS; seed++) {
		size_t size = load(parents[seed % ARRAY_SIZE(parents)], &p, data), n, m;

		memcpy(plain, data, size);
		memcpy(all, data, size);
		memcpy(out, data, size);
		assert_true(mutate_set("none"));
		n = mutate_bytes(plain, size, MAX, seed);
		assert_int_equal(prog_mutate_bytes(out, size, MAX, seed), n);
		assert_memory_equal(plain, out, n);
		assert_int_equal(mutate_cross_bytes(data, size, data, size, out, MAX, seed), 0);
		assert_true(mutate_set("cross,reverse"));
		m = mutate_bytes(all, size, MAX, seed);
		assert_true(mutate_cross_bytes(data, size, data, size, out, MAX, seed) > 0);
		if (n == m && !memcmp(plain, all, n))
			continue;
		different++;
		/* a reversal leaves the operations alone */
		prog_decode(&other, all, m);
		other.sched = p.sched;
		reversed += prog_equal(&p, &other);
	}
	assert_in_range(different, ROUNDS / 8, ROUNDS / 2);
	assert_int_equal(reversed, different);
}

struct access {
	const struct site *site;
	unsigned cpu, op, nth;
};

static bool is_access(const struct event *ev, const struct access *a)
{
	return ev->site == a->site && ev->cpu == a->cpu && ev->op == a->op && ev->phase == 2;
}

static struct access access_of(u32 at)
{
	u32 count;
	const struct event *ev = run_trace(&count);
	struct access a = { ev[at].site, ev[at].cpu, ev[at].op, 0 };

	for (u32 i = 0; i <= at; i++)
		a.nth += is_access(&ev[i], &a);
	return a;
}

static u32 place_of(const struct access *a)
{
	u32 count;
	const struct event *ev = run_trace(&count);
	unsigned n = 0;

	for (u32 i = 0; i < count; i++)
		if (is_access(&ev[i], a) && ++n == a->nth)
			return i;
	return UINT32_MAX;
}

/* Of the accesses that were drawn the second comes first, if both come at all. */
static void reversals_come_about(void **state)
{
	static struct prog p;
	unsigned reversed = 0, drawn = 0;
	struct run_options o;

	(void)state;
	run_options_init(&o);
	o.record = true;
	o.strategy = STRATEGY_BYTES;
	for (u32 seed = 0; seed < ROUNDS; seed++) {
		struct access first, second;
		struct run_result result;
		struct reversal what;
		struct prng r;

		load(parents[seed % ARRAY_SIZE(parents)], &p, NULL);
		memset(&p.sched, 0, sizeof(p.sched));
		p.sched.kind = SCHED_BYTES;
		prng_seed(&r, seed);
		/* the second time from where the first one led */
		for (unsigned i = 0; i < 2; i++) {
			run_one(&p, &o, &result, NULL);
			if (!run_reversed(&p.sched, &what, &r))
				break;
			drawn++;
			first = access_of(what.first);
			second = access_of(what.second);
			run_one(&p, &o, &result, NULL);
			reversed += place_of(&second) < place_of(&first);
		}
	}
	print_message("%u of %u reversals came about\n", reversed, drawn);
	assert_true(drawn > ROUNDS);
	assert_true(reversed >= drawn * 8 / 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_arguments_same_result),
		cmocka_unit_test(kinds_are_independent),
		cmocka_unit_test(reversals_come_about),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
