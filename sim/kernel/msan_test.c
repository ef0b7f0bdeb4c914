/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What MSan knows of two lanes' stacks and of what they share, on both vehicles: a switch makes nothing written that is not, and nothing
 * unwritten that is. Without MSan everything counts as written.
 */
#include <foliofuzz/explore.h>
#include <foliofuzz/kernel.h>
#include <linux/atomic.h>
#include <setjmp.h>
#include <string.h>
/* cmocka wants these before it */
#include <cmocka.h>

/* Not about the replica's races: its lanes count what they saw. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "report_bugs=0";
}

/* The first unwritten byte, -1 if there is none. */
intptr_t __msan_test_shadow(const volatile void *p, size_t size) __attribute__((weak));

enum { STEPS = 8, BYTES = 16 };
struct toy_state {
	int word;
	char written[2][BYTES], unwritten[2][BYTES];
};
#define toy ((struct toy_state *)(arena_memory + KERN_BYTES))

static unsigned looked, unwritten_stack, unwritten_shared, wrong;

static unsigned is_unwritten(const void *p)
{
	return __msan_test_shadow && __msan_test_shadow(p, BYTES) >= 0;
}

/* memcpy() copies what is known of the bytes, too, and asks nothing. */
static void lane(void *arg, unsigned cpu)
{
	char written[BYTES], unwritten[BYTES];

	(void)arg;
	memset(written, (int)cpu, sizeof(written));
	__asm__ volatile("" : : "r"(written), "r"(unwritten) : "memory");
	memcpy(toy->written[cpu], written, BYTES);
	memcpy(toy->unwritten[cpu], unwritten, BYTES);
	for (int i = 0; i < STEPS; i++) {
		WRITE_ONCE(toy->word, i);
		looked++;
		unwritten_stack += is_unwritten(unwritten);
		unwritten_shared += is_unwritten(toy->unwritten[cpu]);
		wrong += is_unwritten(written) || is_unwritten(toy->written[0]) || is_unwritten(toy->written[1]);
	}
}

static struct random_strategy random_walk;

static void check(enum vehicle vehicle)
{
	struct engine_config c = {
		.vehicle = vehicle, .steps_max = 1000, .strategy = &random_walk.strategy,
	};

	looked = unwritten_stack = unwritten_shared = wrong = 0;
	for (c.seed = 0; c.seed < 20; c.seed++) {
		kern_reset();
		memset(toy, 0, sizeof(*toy));
		engine_begin(&c);
		engine_phase(2, lane, NULL);
		engine_end();
	}
	assert_int_equal(looked, 20 * 2 * STEPS);
	assert_int_equal(wrong, 0);
	assert_int_equal(unwritten_stack, __msan_test_shadow ? looked : 0);
	assert_int_equal(unwritten_shared, __msan_test_shadow ? looked : 0);
}

static void test_on_each_vehicle(void **state)
{
	(void)state;
	check(VEHICLE_FIBER);
	check(VEHICLE_PTHREAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_on_each_vehicle),
	};

	engine_init();
	kern_init();
	random_strategy_init(&random_walk);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
