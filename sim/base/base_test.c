/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * base_test.c - streams, hashes and buffers: values that no build may change, and their edges.
 */
#include <foliofuzz/base.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static void test_prng_is_stable(void **state)
{
	struct prng a, b;

	(void)state;
	prng_seed(&a, 1);
	prng_seed(&b, 1);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(prng_next(&a), prng_next(&b));
	prng_seed(&a, 42);
	assert_true(prng_next(&a) == 0xe88af6caef1d3c23ull);
	assert_true(prng_next(&a) == 0x54a303b2a5a54931ull);
	prng_seed(&a, 0);
	prng_seed(&b, 1);
	assert_true(prng_next(&a) != prng_next(&b));
}

static void test_prng_below_is_uniform(void **state)
{
	unsigned count[7] = { 0 };
	struct prng r;

	(void)state;
	prng_seed(&r, 7);
	for (unsigned i = 0; i < 70000; i++) {
		u32 v = prng_below(&r, 7);

		assert_true(v < 7);
		count[v]++;
	}
	for (unsigned i = 0; i < 7; i++)
		assert_in_range(count[i], 9500, 10500);
	for (unsigned i = 0; i < 1000; i++)
		assert_int_equal(prng_below(&r, 1), 0);
}

static void test_prng_chance(void **state)
{
	unsigned hits = 0;
	struct prng r;

	(void)state;
	prng_seed(&r, 9);
	for (unsigned i = 0; i < 16000; i++) {
		hits += prng_chance(&r, 1, 16);
		assert_false(prng_chance(&r, 0, 3));
		assert_true(prng_chance(&r, 3, 3));
	}
	assert_in_range(hits, 850, 1150);
}

static void test_hash_is_xxh64(void **state)
{
	(void)state;
	assert_true(hash_bytes("", 0) == 0xef46db3751d8e999ull);
	assert_true(hash_string("abc") == 0x44bc2cf5ad770999ull);
	assert_true(hash_bytes("abcd", 3) == hash_string("abc"));
	assert_true(hash_mix(hash_mix(0, 1), 2) != hash_mix(hash_mix(0, 2), 1));
}

static void test_text_truncates_and_remembers(void **state)
{
	char buf[8];
	struct text t;

	(void)state;
	text_init(&t, buf, sizeof(buf));
	text_printf(&t, "abc");
	assert_false(t.truncated);
	text_printf(&t, "%d", 1234);
	assert_false(t.truncated);
	assert_string_equal(buf, "abc1234");
	text_printf(&t, "%s", "");
	assert_false(t.truncated);
	text_printf(&t, "x");
	assert_true(t.truncated);
	assert_string_equal(buf, "abc1234");
	assert_int_equal(t.len, 7);

	text_init(&t, buf, sizeof(buf));
	text_printf(&t, "0123456789");
	assert_true(t.truncated);
	assert_string_equal(buf, "0123456");
	text_printf(&t, "y");
	assert_string_equal(buf, "0123456");

	text_init(&t, NULL, 0);
	text_printf(&t, "a");
	assert_true(t.truncated);
	assert_int_equal(t.len, 0);
}

static void test_text_pads(void **state)
{
	char buf[32];
	struct text t;

	(void)state;
	text_init(&t, buf, sizeof(buf));
	text_printf(&t, "one\nab");
	text_pad_to(&t, 4, 5);
	text_printf(&t, "|");
	assert_string_equal(buf, "one\nab   |");
	text_pad_to(&t, 4, 2);
	assert_string_equal(buf, "one\nab   |");
	text_pad_to(&t, 0, 500);
	assert_true(t.truncated);
	assert_int_equal(strlen(buf), sizeof(buf) - 1);
}

static void test_bytes(void **state)
{
	u8 data[5] = { 0 };
	struct bytes_writer w = { .data = data, .size = sizeof(data) };
	struct bytes_reader r = { .data = data, .size = sizeof(data) };

	(void)state;
	bytes_put_u8(&w, 7);
	bytes_put_u16(&w, 0xabcd);
	bytes_put(&w, "xyz", 3);
	assert_true(w.overflow);
	assert_int_equal(w.pos, 3);
	bytes_put_u8(&w, 1); /* what follows an overflow would stand in the wrong place */
	assert_int_equal(w.pos, 3);
	assert_int_equal(data[1], 0xcd);
	assert_int_equal(bytes_u8(&r), 7);
	assert_int_equal(bytes_u16(&r), 0xabcd);
	assert_int_equal(bytes_left(&r), 2);
	data[4] = 9;
	bytes_u8(&r);
	assert_int_equal(bytes_u16(&r), 9);
	assert_int_equal(bytes_u16(&r), 0);
	assert_int_equal(bytes_left(&r), 0);
}

static void test_defect_exits_with_4(void **state)
{
	char said[256] = { 0 };
	int fds[2], status;
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (!pid) {
		dup2(fds[1], 2);
		harness_defect("file.c", 12, "worth %d", 3);
	}
	close(fds[1]);
	assert_true(read(fds[0], said, sizeof(said) - 1) > 0);
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 4);
	assert_non_null(strstr(said, "FOLIOFUZZ DEFECT: file.c:12: "));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prng_is_stable),
		cmocka_unit_test(test_prng_below_is_uniform),
		cmocka_unit_test(test_prng_chance),
		cmocka_unit_test(test_hash_is_xxh64),
		cmocka_unit_test(test_text_truncates_and_remembers),
		cmocka_unit_test(test_text_pads),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_defect_exits_with_4),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
