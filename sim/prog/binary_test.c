/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * binary_test.c - decode(encode(p)) = p, and any bytes at all are a valid program.
 */
#include "sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static struct prog p, q;
static u8 bytes[PROG_BINARY_MAX], again[PROG_BINARY_MAX];

static void check_valid(const struct prog *prog)
{
	const char *wrong = prog_validate(prog);

	if (wrong)
		fail_msg("%s", wrong);
}

/* What is decoded is valid, and its encoding is a fixed point. */
static void check_bytes(const u8 *data, size_t size)
{
	size_t first, second;

	prog_decode(&p, data, size);
	check_valid(&p);
	first = prog_encode(&p, bytes, sizeof(bytes));
	assert_true(first > 0);
	prog_decode(&q, bytes, first);
	assert_true(prog_equal(&p, &q));
	second = prog_encode(&q, again, sizeof(again));
	assert_int_equal(first, second);
	assert_memory_equal(bytes, again, first);
}

static void test_round_trip(void **state)
{
	struct prng r;

	(void)state;
	prng_seed(&r, 1);
	for (unsigned i = 0; i < 20000; i++) {
		size_t size;

		sample_prog(&p, &r);
		check_valid(&p);
		size = prog_encode(&p, bytes, sizeof(bytes));
		assert_true(size > 0);
		prog_decode(&q, bytes, size);
		check_valid(&q);
		assert_true(prog_equal(&p, &q));
		assert_true(prog_equal(&q, &p));
	}
}

static void check_same_ops(const struct prog_lane *lane, const struct prog_op *ops, size_t *at)
{
	for (unsigned i = 0; i < lane->count; i++, (*at)++) {
		assert_int_equal(lane->ops[i].id, ops[*at].id);
		assert_int_equal(lane->ops[i].fail, ops[*at].fail);
		for (unsigned k = 0; k < prog_op_table[lane->ops[i].id].arg_count; k++)
			assert_int_equal(lane->ops[i].args[k], ops[*at].args[k]);
	}
}

static void test_operations_round_trip(void **state)
{
	static struct prog_op ops[PROG_OPS_MAX * (PROG_LANES_MAX + 2)];
	struct prog_world w;
	struct prng r;

	(void)state;
	prng_seed(&r, 3);
	for (unsigned i = 0; i < 2000; i++) {
		size_t size, at = 0, count;

		sample_prog(&p, &r);
		size = prog_encode_ops(&p, bytes, sizeof(bytes));
		assert_int_equal(prog_encode_ops(&p, again, size - 1), 0);
		count = prog_decode_ops(&w, bytes, size, ops, ARRAY_SIZE(ops));
		assert_int_equal(w.memcgs, p.world.memcgs);
		assert_int_equal(w.mapcount, p.world.mapcount);
		assert_int_equal(w.underused, p.world.underused);
		check_same_ops(&p.setup, ops, &at);
		for (unsigned l = 0; l < p.world.cpus; l++)
			check_same_ops(&p.lanes[l], ops, &at);
		check_same_ops(&p.teardown, ops, &at);
		assert_int_equal(at, count);
	}
}

static void test_generated_are_small(void **state)
{
	size_t total = 0;
	struct prng r;

	(void)state;
	prng_seed(&r, 2);
	for (unsigned i = 0; i < 1000; i++) {
		prog_generate(&p, &r);
		for (unsigned k = 0; k < 8; k++)
			prog_mutate(&p, &r);
		total += prog_encode(&p, bytes, sizeof(bytes));
	}
	assert_in_range(total / 1000, 30, 200);
}

static void test_random_bytes(void **state)
{
	u8 data[600];
	struct prng r;

	(void)state;
	prng_seed(&r, 3);
	for (unsigned i = 0; i < 20000; i++) {
		size_t size = prng_below(&r, prng_chance(&r, 1, 2) ? 40 : sizeof(data) + 1);

		for (size_t k = 0; k < size; k++)
			data[k] = (u8)prng_next(&r);
		if (size > 4 && prng_chance(&r, 1, 2))
			data[3] = (u8)prng_below(&r, SCHED_KIND_COUNT);
		check_bytes(data, size);
	}
}

static void test_every_truncation(void **state)
{
	static u8 whole[PROG_BINARY_MAX];
	struct prng r;

	(void)state;
	prng_seed(&r, 4);
	for (unsigned i = 0; i < 60; i++) {
		size_t size;

		sample_prog(&p, &r);
		size = prog_encode(&p, whole, sizeof(whole));
		for (size_t cut = 0; cut <= size; cut++)
			check_bytes(whole, cut);
	}
}

static void test_too_little_room(void **state)
{
	struct prng r;

	(void)state;
	prng_seed(&r, 5);
	for (unsigned i = 0; i < 60; i++) {
		size_t size;

		sample_prog(&p, &r);
		size = prog_encode(&p, bytes, sizeof(bytes));
		for (size_t room = 0; room < size; room++)
			assert_int_equal(prog_encode(&p, again, room), 0);
		assert_int_equal(prog_encode(&p, again, size), size);
	}
}

static void test_extremes(void **state)
{
	size_t size = 1u << 20;
	u8 *big = malloc(size);

	(void)state;
	assert_non_null(big);
	check_bytes(NULL, 0);
	prog_init(&q);
	prog_decode(&p, NULL, 0);
	assert_true(prog_equal(&p, &q));
	for (unsigned v = 0; v < 256; v++) {
		memset(big, (int)v, 2000);
		check_bytes(big, 2000);
	}
	memset(big, 0x5a, size);
	check_bytes(big, size);
	memset(big, 0xff, size);
	check_bytes(big, size);
	free(big);
}

/* The largest program of each kind of schedule. */
static void test_largest_fits(void **state)
{
	struct prng r;

	(void)state;
	prng_seed(&r, 6);
	for (unsigned kind = 0; kind < SCHED_KIND_COUNT; kind++) {
		const struct prog_op op = { OP_munmap, PROG_FAIL_MAX, { 2, 31, 32 } };

		prog_init(&p);
		edit_set_cpus(&p, PROG_LANES_MAX);
		for (unsigned l = 0; l < LANE_COUNT; l++)
			while (edit_insert(&p, l, 0, &op))
				;
		for (unsigned id = 0; id < BUG_COUNT; id++)
			bug_switch(&p.world.bugs, id, id & 1);
		p.sched.kind = (u8)kind;
		p.sched.run_count = p.sched.deviation_count = PROG_DEVIATIONS_MAX;
		for (unsigned i = 0; i < PROG_DEVIATIONS_MAX; i++) {
			p.sched.runs[i] = (struct prog_run){ 3, SCHED_RUN_ALL };
			p.sched.deviations[i] = (struct prog_deviation){ 4, 15, 4, 65535, "" };
			memset(p.sched.deviations[i].anchor, 'y', PROG_ANCHOR_MAX - 1);
		}
		memset(p.sched.stream_len, PROG_STREAM_MAX, sizeof(p.sched.stream_len));
		memset(p.sched.stream, 0x81, sizeof(p.sched.stream));
		check_valid(&p);
		check_bytes(bytes, prog_encode(&p, bytes, sizeof(bytes)));
	}
}

/* A byte names a release for good, wherever its row moves to. */
static void test_generation_codes_are_distinct(void **state)
{
	u8 code[GENERATION_COUNT];

	(void)state;
	for (unsigned g = 0; g < GENERATION_COUNT; g++) {
		prog_init(&p);
		prog_set_generation(&p, (enum generation)g);
		prog_encode(&p, bytes, sizeof(bytes));
		code[g] = bytes[1];
		for (unsigned k = 0; k < g; k++)
			assert_int_not_equal(code[g], code[k]);
	}
	assert_int_equal(code[GENERATION_DEFAULT], 0);
	assert_int_equal(code[GENERATION_V6_12], (u8)hash_string("v6.12"));
}

/* The archive of encoded programs (corpora, OSS-Fuzz) must keep its meaning. */
static void test_layout_is_stable(void **state)
{
	static const u8 expected[] = {
		0x05, 0, 2, 1, 2, 1, 1, 0, /* cpus, memcgs; kernel; bugs; bytes; counts */
		0, 0, 8, 0, 0,		   /* mm, fault_huge */
		9, 0, 1, 0,		   /* dontneed; nr 1 is 0 */
		13 | 0x80, 3, 0, 2,	   /* memory_failure, fail=3 */
		2, 0x00, 0x81, 0,	   /* streams */
		0, 1 | 0x80,		   /* bugs: on; off */
	};
	static const char text[] = "world cpus=2 memcgs=1 "
				   "bugs=-shrinker-trylock-drops-underused,partially-mapped-nonatomic\n"
				   "setup m0 = mm(); fault_huge(m0, 0)\n"
				   "cpu0 dontneed(m0, 1, 1)\n"
				   "cpu1 memory_failure(m0, 2) (fail=3)\n"
				   "sched bytes cpu0.0:0081\n";
	struct prog_error err;
	size_t size;

	(void)state;
	if (!prog_parse(&p, text, sizeof(text) - 1, &err))
		fail_msg("%u:%u: %s", err.line, err.column, err.message);
	size = prog_encode(&p, bytes, sizeof(bytes));
	assert_int_equal(size, sizeof(expected));
	assert_memory_equal(bytes, expected, size);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_operations_round_trip),
		cmocka_unit_test(test_generated_are_small),
		cmocka_unit_test(test_random_bytes),
		cmocka_unit_test(test_every_truncation),
		cmocka_unit_test(test_too_little_room),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_largest_fits),
		cmocka_unit_test(test_generation_codes_are_distinct),
		cmocka_unit_test(test_layout_is_stable),
	};

	return cmocka_run_group_tests_name("prog_binary", tests, NULL, NULL);
}
