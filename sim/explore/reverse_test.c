/* SPDX-License-Identifier: GPL-2.0-only */
/* Reversals on toys: what is drawn conflicts and is not ordered otherwise, and the schedule that comes out has it in the other order. */
#include <foliofuzz/explore.h>
#include <foliofuzz/kernel.h>
#include <linux/atomic.h>
#include <linux/spinlock.h>
#include <setjmp.h>
#include <string.h>
/* cmocka wants these before it */
#include <cmocka.h>

/* Toys race on purpose. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "report_bugs=0";
}

struct toy_state {
	atomic_t word, other, noise[2];
	spinlock_t lock;
	int seen;
};
#define toy ((struct toy_state *)(arena_memory + KERN_BYTES))

static struct bytes_strategy bytes;
static struct random_strategy walk;
static lane_fn body;

/* Each lane is one operation. */
static void lane(void *arg, unsigned cpu)
{
	const struct site *site = SITE("op", "", "");

	engine_op_begin(site, 0, 0);
	body(arg, cpu);
	engine_op_end(site);
}

static u64 run(struct strategy *s, u64 seed, unsigned lanes, lane_fn fn)
{
	struct engine_config c = { .seed = seed, .steps_max = 5000, .strategy = s, .record = true };

	kern_reset();
	memset(toy, 0, sizeof(*toy));
	spin_lock_init(&toy->lock);
	body = fn;
	engine_begin(&c);
	engine_phase(lanes, lane, NULL);
	engine_end();
	assert_int_equal(engine_verdict()->verdict, VERDICT_CLEAN);
	return engine_stats()->hash;
}

static u64 run_bytes(const struct prog_sched *s, unsigned lanes, lane_fn fn)
{
	bytes_strategy_init(&bytes, s);
	return run(&bytes.strategy, 0, lanes, fn);
}

static const struct prog_sched stay = { .kind = SCHED_BYTES };

static void two_lane(void *arg, unsigned cpu)
{
	(void)arg;
	atomic_inc(&toy->noise[cpu]);
	if (cpu == 0)
		atomic_set(&toy->word, 1);
	else
		toy->seen = atomic_read(&toy->word);
	atomic_inc(&toy->noise[cpu]);
}

/* There is one conflict. */
static void two_accesses_change_places(void **state)
{
	struct prog_sched there, back;
	struct reversal what;
	unsigned goes_on = 0;

	(void)state;
	for (u64 seed = 0; seed < 20; seed++) {
		struct prng r;

		prng_seed(&r, seed);
		run_bytes(&stay, 2, two_lane);
		assert_int_equal(toy->seen, 1);
		assert_true(reverse_from_run(&there, &what, 1, &r));
		run_bytes(&there, 2, two_lane);
		assert_int_equal(toy->seen, 0);
		assert_true(reverse_from_run(&back, &what, 1, &r));
		run_bytes(&back, 2, two_lane);
		assert_int_equal(toy->seen, 1);
		goes_on += !what.back;
	}
	assert_in_range(goes_on, 1, 19);
}

static void locked_lane(void *arg, unsigned cpu)
{
	(void)arg;
	spin_lock(&toy->lock);
	toy->seen = toy->seen * 2 + (int)cpu + 1;
	atomic_inc(&toy->word);
	spin_unlock(&toy->lock);
}

/* What stands in sections of one lock is ordered by it: the sections change places, from the lock on. */
static void sections_change_places(void **state)
{
	struct prog_sched s;
	struct reversal what;

	(void)state;
	for (u64 seed = 0; seed < 20; seed++) {
		struct prng r;
		u32 count;

		prng_seed(&r, seed);
		run_bytes(&stay, 2, locked_lane);
		assert_int_equal(toy->seen, 4); /* cpu0, then cpu1 */
		assert_true(reverse_from_run(&s, &what, 1, &r));
		assert_int_equal(engine_trace(&count)[what.first].kind, EVENT_LOCK);
		assert_int_equal(engine_trace(&count)[what.second].kind, EVENT_LOCK);
		run_bytes(&s, 2, locked_lane);
		assert_int_equal(toy->seen, 5);
	}
}

static void apart_lane(void *arg, unsigned cpu)
{
	(void)arg;
	atomic_inc(&toy->noise[cpu]);
	atomic_read(&toy->word);
}

static void nothing_to_reverse(void **state)
{
	struct prog_sched s;
	struct reversal what;
	struct prng r;

	(void)state;
	prng_seed(&r, 1);
	run_bytes(&stay, 2, apart_lane);
	assert_false(reverse_from_run(&s, &what, 1, &r));
}

static void busy_lane(void *arg, unsigned cpu)
{
	(void)arg;
	for (unsigned i = 0; i < 6; i++) {
		atomic_inc(cpu & 1 ? &toy->word : &toy->other);
		atomic_read(&toy->word);
		if (i % 3 == cpu) {
			spin_lock(&toy->lock);
			atomic_inc(&toy->other);
			spin_unlock(&toy->lock);
		}
	}
}

struct access {
	const struct site *site;
	unsigned cpu, nth;
};

static struct access access_of(u32 at)
{
	u32 count;
	const struct event *ev = engine_trace(&count);
	struct access a = { ev[at].site, ev[at].cpu, 0 };

	for (u32 i = 0; i <= at; i++)
		a.nth += ev[i].site == a.site && ev[i].cpu == a.cpu;
	return a;
}

static u32 place_of(const struct access *a)
{
	u32 count;
	const struct event *ev = engine_trace(&count);
	unsigned n = 0;

	for (u32 i = 0; i < count; i++)
		if (ev[i].site == a->site && ev[i].cpu == a->cpu && ++n == a->nth)
			return i;
	return UINT32_MAX;
}

static bool comes_about(const struct reversal *what, const struct prog_sched *s)
{
	struct access first = access_of(what->first), second = access_of(what->second);

	assert_true(what->first < what->second && first.cpu != second.cpu);
	run_bytes(s, 3, busy_lane);
	return place_of(&second) < place_of(&first);
}

/* From one execution to the next, and from a random walk's, whose beginning bytes cannot always say; the same draw says the same. */
static void most_reversals_come_about(void **state)
{
	enum { RUNS = 100, STEPS = 6 };
	struct prog_sched s, again;
	struct reversal what, same;
	unsigned reversed = 0, of_walks = 0;

	(void)state;
	for (u64 seed = 0; seed < RUNS; seed++) {
		struct prng r, copy;

		prng_seed(&r, seed);
		run_bytes(&stay, 3, busy_lane);
		for (unsigned i = 0; i < STEPS; i++) {
			copy = r;
			assert_true(reverse_from_run(&s, &what, 1, &r));
			assert_true(reverse_from_run(&again, &same, 1, &copy));
			assert_memory_equal(&s, &again, sizeof(s));
			reversed += comes_about(&what, &s);
		}
		run(&walk.strategy, seed, 3, busy_lane);
		assert_true(reverse_from_run(&s, &what, 1, &r));
		of_walks += comes_about(&what, &s);
	}
	print_message("%u of %u, of random walks %u of %u\n", reversed, RUNS * STEPS, of_walks, RUNS);
	assert_in_range(reversed, RUNS * STEPS * 8 / 10, RUNS * STEPS);
	assert_in_range(of_walks, RUNS * 4 / 10, RUNS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_accesses_change_places), cmocka_unit_test(sections_change_places), cmocka_unit_test(nothing_to_reverse),
		cmocka_unit_test(most_reversals_come_about),
	};

	engine_init();
	kern_init();
	random_strategy_init(&walk);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
