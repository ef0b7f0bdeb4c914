/* SPDX-License-Identifier: GPL-2.0-only */
/* The portfolio's book-keeping: every share is given out, budget moves to what yields, and who notes when does not matter. */
#include <foliofuzz/explore.h>
#include <setjmp.h>
#include <string.h>
/* cmocka wants these before it */
#include <cmocka.h>

static struct portfolio p, q;

static struct engine_watch shows(unsigned bit)
{
	struct engine_watch w = { .interleaving = 0 };

	w.pairs[bit / 64] |= 1ull << bit % 64;
	return w;
}

/* Each arm gets the slots of its share, and its executions are numbered without a gap. */
static void test_an_epoch_is_given_out(void **state)
{
	u64 next[PORTFOLIO_ARMS] = { 0 };

	(void)state;
	portfolio_begin(&p);
	for (u64 n = 0; n < 10 * PORTFOLIO_EPOCH; n++) {
		struct portfolio_choice c = portfolio_choose(&p, n);
		struct engine_watch w = shows((unsigned)(n * 7 + c.arm * 31) % 2000);

		assert_true(c.execution == next[c.arm]);
		next[c.arm]++;
		portfolio_note(&p, c.arm, &w);
		if (n % PORTFOLIO_EPOCH != PORTFOLIO_EPOCH - 1)
			continue;
		portfolio_epoch(&p);
		for (unsigned i = 0, sum = 0; i < PORTFOLIO_ARMS; i++) {
			assert_true(p.share[i] > 0);
			assert_true(p.given[i] == next[i]);
			sum += p.share[i];
			assert_true(i + 1 < PORTFOLIO_ARMS || sum == PORTFOLIO_EPOCH);
		}
	}
}

static void test_budget_moves_to_what_yields(void **state)
{
	unsigned bit = 0;

	(void)state;
	portfolio_begin(&p);
	for (u64 n = 0; n < 5 * PORTFOLIO_EPOCH; n++) {
		struct portfolio_choice c = portfolio_choose(&p, n);
		struct engine_watch w = shows(c.arm == 3 ? ++bit : 0);

		portfolio_note(&p, c.arm, &w);
		if (n % PORTFOLIO_EPOCH == PORTFOLIO_EPOCH - 1)
			portfolio_epoch(&p);
	}
	for (unsigned i = 0; i < PORTFOLIO_ARMS; i++)
		assert_true(i == 3 || p.share[i] * 4 < p.share[3]);
}

static void test_order_of_notes_does_not_matter(void **state)
{
	(void)state;
	portfolio_begin(&p);
	portfolio_begin(&q);
	for (unsigned epoch = 0; epoch < 6; epoch++) {
		for (unsigned i = 0; i < PORTFOLIO_EPOCH; i++) {
			u64 n = epoch * PORTFOLIO_EPOCH + i, m = epoch * PORTFOLIO_EPOCH + (PORTFOLIO_EPOCH - 1 - i);
			struct engine_watch w = shows((unsigned)(n * n % 1999)), v = shows((unsigned)(m * m % 1999));

			portfolio_note(&p, portfolio_choose(&p, n).arm, &w);
			portfolio_note(&q, portfolio_choose(&q, m).arm, &v);
		}
		portfolio_epoch(&p);
		portfolio_epoch(&q);
		assert_memory_equal(&p, &q, sizeof(p));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_an_epoch_is_given_out),
		cmocka_unit_test(test_budget_moves_to_what_yields),
		cmocka_unit_test(test_order_of_notes_does_not_matter),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
