/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * mutate_test.c - mutators are pure, keep programs valid and stay within their room; what is
 * generated is worth running.
 */
#include "sample.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

enum { ROOM = 2048 };

static struct prog p, q;
static u8 a[ROOM], b[ROOM], out[ROOM];

static void check_valid(const struct prog *prog)
{
	const char *wrong = prog_validate(prog);

	if (wrong)
		fail_msg("%s", wrong);
}

static size_t random_input(u8 *data, size_t max, struct prng *r)
{
	size_t size = prng_below(r, (u32)max + 1);

	if (prng_chance(r, 1, 2)) {
		sample_prog(&p, r);
		return prog_encode_fitting(&p, data, max);
	}
	for (size_t i = 0; i < size; i++)
		data[i] = (u8)prng_next(r);
	return size;
}

static void test_generate_is_valid_and_meets(void **state)
{
	unsigned two = 0, empty = 0, fails = 0, ops = 0;
	struct prng r;

	(void)state;
	prng_seed(&r, 1);
	for (unsigned i = 0; i < 20000; i++) {
		prog_generate(&p, &r);
		check_valid(&p);
		assert_int_equal(p.world.generation, GENERATION_DEFAULT);
		assert_memory_equal(&p.world.bugs, &(struct bug_switches){ 0 }, sizeof(p.world.bugs));
		assert_int_equal(p.setup.ops[0].id, OP_mm);
		assert_true(p.world.cpus >= 2);
		two += p.world.cpus == 2;
		for (unsigned l = 0; l < p.world.cpus; l++) {
			empty += !p.lanes[l].count;
			ops += p.lanes[l].count;
			for (unsigned k = 0; k < p.lanes[l].count; k++)
				fails += p.lanes[l].ops[k].fail > 0;
		}
	}
	assert_int_equal(empty, 0);
	assert_in_range(two, 14000, 16000);
	assert_in_range(fails * 16, ops * 9 / 10, ops * 11 / 10);
}

static void test_every_operation_is_generated(void **state)
{
	unsigned count[OP_COUNT] = { 0 };
	struct prng r;

	(void)state;
	prng_seed(&r, 2);
	for (unsigned i = 0; i < 5000; i++) {
		prog_generate(&p, &r);
		for (unsigned l = 0; l < p.world.cpus; l++)
			for (unsigned k = 0; k < p.lanes[l].count; k++)
				count[p.lanes[l].ops[k].id]++;
	}
	for (unsigned id = 0; id < OP_COUNT; id++)
		assert_true(count[id] > 0);
	assert_true(count[OP_exit] * 4 < count[OP_dontneed]);
}

static void test_mutate_keeps_valid(void **state)
{
	struct prng r;

	(void)state;
	prng_seed(&r, 3);
	for (unsigned i = 0; i < 2000; i++) {
		sample_prog(&p, &r);
		for (unsigned k = 0; k < 50; k++) {
			u8 generation = p.world.generation;
			struct bug_switches bugs = p.world.bugs;

			prog_mutate(&p, &r);
			check_valid(&p);
			assert_int_equal(p.world.generation, generation);
			assert_memory_equal(&p.world.bugs, &bugs, sizeof(bugs));
		}
	}
}

static void test_mutate_changes(void **state)
{
	unsigned same = 0;
	struct prng r;

	(void)state;
	prng_seed(&r, 4);
	for (unsigned i = 0; i < 5000; i++) {
		sample_prog(&p, &r);
		q = p;
		prog_mutate(&p, &r);
		same += prog_equal(&p, &q);
	}
	assert_in_range(same, 0, 5000 / 5);
}

static void test_splice_keeps_valid(void **state)
{
	struct prng r;

	(void)state;
	prng_seed(&r, 5);
	for (unsigned i = 0; i < 20000; i++) {
		sample_prog(&p, &r);
		sample_prog(&q, &r);
		prog_splice(&p, &q, &r);
		check_valid(&p);
	}
}

static void test_mutate_bytes_is_pure(void **state)
{
	struct prng r;

	(void)state;
	prng_seed(&r, 6);
	for (u32 i = 0; i < 20000; i++) {
		size_t max = 1 + prng_below(&r, i % 2 ? 64 : ROOM), size, n;

		size = random_input(a, max, &r);
		memcpy(b, a, size);
		memset(b + size, 0xee, ROOM - size);
		n = prog_mutate_bytes(a, size, max, i);
		assert_in_range(n, 1, max);
		assert_int_equal(prog_mutate_bytes(b, size, max, i), n);
		assert_memory_equal(a, b, n);
		for (size_t k = max; k < ROOM; k++)
			assert_int_equal(b[k], 0xee);
	}
}

static void test_mutate_bytes_from_nothing(void **state)
{
	(void)state;
	for (u32 seed = 0; seed < 2000; seed++)
		for (size_t max = 1; max < 12; max++)
			assert_in_range(prog_mutate_bytes(a, 0, max, seed), 1, max);
	assert_int_equal(prog_mutate_bytes(a, 0, 0, 1), 0);
}

static void test_cross_bytes(void **state)
{
	static u8 second[ROOM];
	struct prng r;

	(void)state;
	prng_seed(&r, 7);
	for (u32 i = 0; i < 20000; i++) {
		size_t max = 1 + prng_below(&r, i % 2 ? 64 : ROOM), n;
		size_t a_size = random_input(a, ROOM, &r), b_size = random_input(b, ROOM, &r);

		memset(out, 0xee, ROOM);
		n = prog_cross_bytes(a, a_size, b, b_size, out, max, i);
		assert_in_range(n, 1, max);
		for (size_t k = max; k < ROOM; k++)
			assert_int_equal(out[k], 0xee);
		assert_int_equal(prog_cross_bytes(a, a_size, b, b_size, second, max, i), n);
		assert_memory_equal(out, second, n);
	}
}

static void test_fitting_keeps_setup_longest(void **state)
{
	struct prng r;

	(void)state;
	prng_seed(&r, 8);
	for (unsigned i = 0; i < 200; i++) {
		sample_prog(&p, &r);
		p.world.bugs = (struct bug_switches){ .on = { { 0 } } };
		for (size_t max = 1; max < 64; max++) {
			size_t n;

			q = p;
			n = prog_encode_fitting(&q, out, max);
			assert_in_range(n, 1, max);
			if (q.setup.count < p.setup.count)
				assert_int_equal(q.lanes[0].count + q.teardown.count, 0);
		}
	}
}

/* The streams of untouched operations move with them. */
static void test_edits_keep_streams(void **state)
{
	const struct prog_op op = { .id = OP_relax };

	(void)state;
	prog_init(&p);
	edit_set_cpus(&p, 2);
	for (unsigned i = 0; i < 3; i++)
		edit_insert(&p, 0, i, &op);
	edit_sched_to_bytes(&p);
	p.sched.stream_len[0][1] = 1;
	p.sched.stream[0][1][0] = 0x81;
	edit_insert(&p, 0, 0, &op);
	assert_int_equal(p.sched.stream_len[0][1], 0);
	assert_int_equal(p.sched.stream_len[0][2], 1);
	assert_int_equal(p.sched.stream[0][2][0], 0x81);
	edit_swap_lanes(&p, 0, 1);
	assert_int_equal(p.sched.stream_len[1][2], 1);
	edit_delete(&p, 1, 0);
	edit_delete(&p, 1, 0);
	assert_int_equal(p.sched.stream_len[1][0], 1);
	edit_delete(&p, 1, 0);
	assert_int_equal(p.sched.stream_len[1][0], 0);
	check_valid(&p);
}

static void test_edits_keep_deviations(void **state)
{
	const struct prog_op op = { .id = OP_relax };

	(void)state;
	prog_init(&p);
	edit_set_cpus(&p, 3);
	edit_insert(&p, 0, 0, &op);
	p.sched.kind = SCHED_DEVIATIONS;
	p.sched.deviation_count = 3;
	p.sched.deviations[0] = (struct prog_deviation){ 0, 0, 1, 1, "end" };
	p.sched.deviations[1] = (struct prog_deviation){ 0, 15, 1, 1, "end" };
	p.sched.deviations[2] = (struct prog_deviation){ 2, 0, 1, 1, "end" };
	edit_insert(&p, 0, 0, &op);
	assert_int_equal(p.sched.deviation_count, 2);
	assert_int_equal(p.sched.deviations[0].op, 1);
	edit_set_cpus(&p, 2);
	assert_int_equal(p.sched.deviation_count, 1);
	edit_delete(&p, 0, 1);
	assert_int_equal(p.sched.deviation_count, 0);
	check_valid(&p);
}

static void test_other_release_is_valid(void **state)
{
	(void)state;
	prog_init(&p);
	p.world.mapcount = MAPCOUNT_NO_PAGE;
	check_valid(&p);
	p.world.generation = GENERATION_V6_12;
	assert_non_null(prog_validate(&p));
	prog_set_generation(&p, GENERATION_V6_12);
	check_valid(&p);
}

/* In every lane, by text, by number and by change of release. */
static void test_operation_that_a_release_lacks(void **state)
{
	struct prog_error err;
	char text[256];

	(void)state;
	for (unsigned g = 0; g < GENERATION_COUNT; g++)
		for (unsigned id = 0; id < OP_COUNT; id++) {
			struct prog_op op = { .id = (u8)id };
			bool lacks = prog_generation_lacks((enum generation)g, id);

			for (unsigned i = 0; i < PROG_ARGS_MAX; i++)
				op.args[i] = prog_arg_row(&op, i)->min;
			prog_init(&p);
			edit_insert(&p, LANE_SETUP, 0, &op);
			edit_insert(&p, 0, 0, &op);
			edit_insert(&p, LANE_TEARDOWN, 0, &op);
			p.world.generation = (u8)g;
			assert_true(!prog_validate(&p) == !lacks);
			assert_true(prog_print(&p, text, sizeof(text)) < sizeof(text));
			assert_true(prog_parse(&q, text, strlen(text), &err) == !lacks);
			if (lacks)
				assert_non_null(strstr(err.message, prog_op_since(id)));
			prog_set_generation(&p, (enum generation)g);
			check_valid(&p);
			assert_int_equal(p.setup.count, !lacks);
			assert_int_equal(p.lanes[0].count, !lacks);
			assert_int_equal(p.teardown.count, !lacks);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_generate_is_valid_and_meets),
		cmocka_unit_test(test_every_operation_is_generated),
		cmocka_unit_test(test_mutate_keeps_valid),
		cmocka_unit_test(test_mutate_changes),
		cmocka_unit_test(test_splice_keeps_valid),
		cmocka_unit_test(test_mutate_bytes_is_pure),
		cmocka_unit_test(test_mutate_bytes_from_nothing),
		cmocka_unit_test(test_cross_bytes),
		cmocka_unit_test(test_fitting_keeps_setup_longest),
		cmocka_unit_test(test_edits_keep_streams),
		cmocka_unit_test(test_edits_keep_deviations),
		cmocka_unit_test(test_other_release_is_valid),
		cmocka_unit_test(test_operation_that_a_release_lacks),
	};

	return cmocka_run_group_tests_name("prog_mutate", tests, NULL, NULL);
}
