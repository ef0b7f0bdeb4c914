/* SPDX-License-Identifier: GPL-2.0-only */
/* Counters over executions: exact where they say so, near where they estimate, the same whoever counted. */
#include "progress.h"
#include <foliofuzz/explore.h>
#include <math.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
/* cmocka wants these before it */
#include <cmocka.h>

static struct progress p, q, parts[3];

static void note(struct progress *to, u64 interleaving, unsigned pair)
{
	struct engine_watch w = { .interleaving = interleaving };
	struct run_result r = { .switches = 3 };

	if (pair)
		w.pairs[pair / 64] |= 1ull << pair % 64;
	progress_note(to, &w, &r, 0);
}

static void clear(void)
{
	memset(&p, 0, sizeof(p));
	memset(&q, 0, sizeof(q));
	memset(parts, 0, sizeof(parts));
}

static u64 nth_hash(u64 n)
{
	struct prng r;

	prng_seed(&r, n);
	return prng_next(&r);
}

static void test_interleavings_are_counted(void **state)
{
	(void)state;
	clear();
	for (u64 i = 0; i < 1000; i++)
		note(&p, nth_hash(i % 100 + (i == 999) * 5000), (unsigned)(i % 7));
	assert_int_equal(progress_interleavings(&p), 101);
	assert_int_equal(progress_pairs(&p), 6);
	/* the last one alone was seen once */
	assert_true(fabs(progress_next_is_new(&p) - 0.001) < 1e-9);
}

static void test_many_are_estimated(void **state)
{
	enum { DISTINCT = 200000 };

	(void)state;
	clear();
	for (u64 i = 0; i < DISTINCT; i++)
		note(&p, nth_hash(i), 0);
	for (u64 i = 0; i < DISTINCT / 2; i++)
		note(&p, nth_hash(i), 0);
	assert_true(p.level > 0);
	assert_in_range(progress_interleavings(&p), DISTINCT * 95 / 100, DISTINCT * 105 / 100);
	assert_true(fabs(progress_next_is_new(&p) - 1.0 / 3) < 0.03);
}

static int by_hash(const void *a, const void *b)
{
	const struct progress_slot *x = a, *y = b;

	return x->hash < y->hash ? -1 : x->hash > y->hash;
}

/* Slots may lie in another order; what they hold may not differ. */
static void assert_same(struct progress *a, struct progress *b)
{
	qsort(a->slots, PROGRESS_SLOTS, sizeof(a->slots[0]), by_hash);
	qsort(b->slots, PROGRESS_SLOTS, sizeof(b->slots[0]), by_hash);
	assert_memory_equal(a, b, sizeof(*a));
}

static void test_who_counts_does_not_matter(void **state)
{
	(void)state;
	for (u64 executions = 500; executions < 100000; executions *= 10) {
		clear();
		for (u64 i = 0; i < executions; i++) {
			u64 hash = nth_hash(i * i % (executions * 2 / 3));

			note(&p, hash, (unsigned)(i % 400));
			note(&parts[i % 3], hash, (unsigned)(i % 400));
		}
		for (unsigned k = 3; k-- > 0;)
			progress_add(&q, &parts[k]);
		assert_same(&p, &q);
	}
}

static void test_bound_of_pct(void **state)
{
	struct engine_watch w = { .interleaving = 1 };
	struct run_result r = { .pct = { .depth = 2, .cpus = 3, .choices = 100 } };

	(void)state;
	clear();
	p.programs = 2;
	for (unsigned i = 0; i < 600; i++)
		progress_note(&p, &w, &r, i % 2);
	/* 300 executions of each program, each of which finds with 1/(3 * 100) at least */
	assert_true(fabs(progress_pct_miss(&p, 2) - pow(1 - 1.0 / 300, 300)) < 1e-9);
	assert_true(progress_pct_miss(&p, 3) == 1);
	p.programs = 0;
	assert_true(progress_pct_miss(&p, 2) == 1);
}

static void test_silence_is_a_warning(void **state)
{
	struct engine_watch w = { .interleaving = 1 };
	struct run_result alone = { .switches = 0 };

	(void)state;
	clear();
	assert_null(progress_warning(&p));
	progress_note(&p, &w, &alone, 0);
	assert_non_null(progress_warning(&p));
	note(&p, 1, 0);
	assert_non_null(progress_warning(&p));
	note(&p, 1, 9);
	assert_null(progress_warning(&p));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interleavings_are_counted), cmocka_unit_test(test_many_are_estimated),
		cmocka_unit_test(test_who_counts_does_not_matter), cmocka_unit_test(test_bound_of_pct),
		cmocka_unit_test(test_silence_is_a_warning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
