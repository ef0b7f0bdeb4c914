/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bug_test.c - names are unique and found again; a release switches on what it shipped with; the last word counts.
 */
#include <foliofuzz/bug.h>

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void test_names(void **state)
{
	(void)state;
	for (int i = 0; i < BUG_COUNT; i++) {
		assert_int_equal(bug_find(bug_table[i].name), i);
		assert_true(strlen(bug_table[i].name) < 64);
		assert_null(strpbrk(bug_table[i].name, " ,_\t#"));
		assert_int_not_equal(bug_table[i].name[0], '-');
		assert_int_equal(bug_table[i].generations >> GENERATION_COUNT, 0);
	}
	for (int i = 0; i < GENERATION_COUNT; i++) {
		assert_int_equal(generation_find(generation_table[i].name), i);
		assert_null(strpbrk(generation_table[i].name, " ,\t#"));
	}
	assert_int_equal(bug_find(""), -1);
	assert_int_equal(bug_find("no-such-bug"), -1);
	assert_int_equal(generation_find("v2.6.12"), -1);
}

static void test_default_is_clean(void **state)
{
	struct bug_switches none = { .on = { { 0 } } };

	(void)state;
	bug_state_set(GENERATION_DEFAULT, &none);
	for (unsigned i = 0; i < BUG_COUNT; i++)
		assert_false(bug_set_has(&bug_state.on, i));
	assert_true(generation_is(GENERATION_V7_1_REPAIRED));
	assert_true(generation_at_least(GENERATION_V7_1));
}

static void test_release_brings_its_bugs(void **state)
{
	struct bug_switches extra = { .on = { { 0 } } };

	(void)state;
	for (unsigned g = 0; g < GENERATION_COUNT; g++) {
		bug_state_set((enum generation)g, NULL);
		for (unsigned i = 0; i < BUG_COUNT; i++)
			assert_int_equal(bug_set_has(&bug_state.on, i),
					 bug_table[i].generations >> g & 1);
	}
	bug_switch(&extra, BUG_partially_mapped_nonatomic, true);
	bug_state_set(GENERATION_DEFAULT, &extra);
	assert_true(bug_set_has(&bug_state.on, BUG_partially_mapped_nonatomic));
	assert_false(bug_set_has(&bug_state.on, BUG_shrinker_trylock_drops_underused));
#ifdef FOLIOFUZZ_NO_BUGS
	assert_false(bug_enabled(partially_mapped_nonatomic));
#else
	assert_true(bug_enabled(partially_mapped_nonatomic));
#endif
	assert_false(generation_is(GENERATION_V6_12));
}

static void test_release_with_a_repair(void **state)
{
	struct bug_switches s = { .on = { { 0 } } };

	(void)state;
	assert_true(bug_switch_word(&s, "-partially-mapped-nonatomic"));
	assert_false(bug_switch_word(&s, "-no-such-bug"));
	assert_false(bug_switch_word(&s, "-"));
	assert_false(bug_switch_word(&s, "--partially-mapped-nonatomic"));
	bug_state_set(GENERATION_V6_12, &s);
	for (unsigned i = 0; i < BUG_COUNT; i++)
		assert_int_equal(bug_set_has(&bug_state.on, i),
				 i != BUG_partially_mapped_nonatomic &&
					 (bug_table[i].generations & GEN_V6_12));
}

static void test_last_word_counts(void **state)
{
	struct bug_switches s = { .on = { { 0 } } }, more = { .on = { { 0 } } };

	(void)state;
	bug_switch(&s, 1, true);
	bug_switch(&s, 2, false);
	bug_switch(&s, 3, true);
	bug_switch(&s, 3, false);
	assert_true(bug_set_has(&s.off, 3) && !bug_set_has(&s.on, 3));
	bug_switch(&more, 1, false);
	bug_switch(&more, 2, true);
	bug_switches_add(&s, &more);
	assert_true(bug_set_has(&s.off, 1) && !bug_set_has(&s.on, 1));
	assert_true(bug_set_has(&s.on, 2) && !bug_set_has(&s.off, 2));
	assert_true(bug_set_has(&s.off, 3));
}

static void test_set_holds_128(void **state)
{
	struct bug_set s = { { 0 } };

	(void)state;
	bug_set_add(&s, 127);
	bug_set_add(&s, 64);
	assert_true(bug_set_has(&s, 127) && bug_set_has(&s, 64));
	assert_false(bug_set_has(&s, 63) || bug_set_has(&s, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_default_is_clean),
		cmocka_unit_test(test_release_brings_its_bugs),
		cmocka_unit_test(test_release_with_a_repair),
		cmocka_unit_test(test_last_word_counts),
		cmocka_unit_test(test_set_holds_128),
	};

	return cmocka_run_group_tests_name("bugs", tests, NULL, NULL);
}
