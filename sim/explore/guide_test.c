/* SPDX-License-Identifier: GPL-2.0-only */
/* What guides a fuzzer, on toys: what is shown, once, and what is not. */
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
	spinlock_t lock, second;
};
#define toy ((struct toy_state *)(arena_memory + KERN_BYTES))

static struct guide guide;
static struct random_strategy walk;

/* Stays where it is but at the choices of the list. */
static struct {
	struct strategy strategy;
	const u8 *to; /* for each choice, from the first on: a CPU */
	unsigned count, at;
} fixed;

static void fixed_begin(struct strategy *s, u64 seed)
{
	(void)s;
	(void)seed;
	fixed.at = 0;
}

static unsigned fixed_next(struct strategy *s, u32 enabled, unsigned current)
{
	unsigned stay = enabled >> current & 1 ? current : (unsigned)__builtin_ctz(enabled), to;

	(void)s;
	to = fixed.at < fixed.count ? fixed.to[fixed.at] : stay;
	fixed.at++;
	return enabled >> to & 1 ? to : stay;
}

static u64 run(struct strategy *s, u64 seed, lane_fn fn, bool guided)
{
	struct engine_config c = { .seed = seed, .steps_max = 5000, .strategy = s, .listener = guided ? &guide.listener : NULL };

	kern_reset();
	memset(toy, 0, sizeof(*toy));
	spin_lock_init(&toy->lock);
	spin_lock_init(&toy->second);
	engine_begin(&c);
	engine_phase(2, fn, NULL);
	engine_end();
	return engine_stats()->hash;
}

static void run_fixed(lane_fn fn, const u8 *to, unsigned count)
{
	fixed.strategy = (struct strategy){ "fixed", fixed_begin, fixed_next, NULL };
	fixed.to = to;
	fixed.count = count;
	run(&fixed.strategy, 0, fn, true);
}

static unsigned shown(enum guide_kind kind)
{
	static const struct {
		u32 first, cells;
	} rows[] = {
#define GUIDE(id, name, first, cells, on, help) { first, cells },
#include <foliofuzz/guide.def>
#undef GUIDE
	};
	unsigned n = 0;

	for (u32 i = 0; i < guide.count; i++)
		n += guide.shown[i] - rows[kind].first < rows[kind].cells;
	return n;
}

static void cells_are_apart(void **state)
{
	u32 end = 0;

	(void)state;
#define GUIDE(id, name, first, cells, on, help)                                \
	assert_int_equal(first, end);                                          \
	end += cells;                                                          \
	assert_int_equal(guide_find(name), GUIDE_##id);
#include <foliofuzz/guide.def>
#undef GUIDE
	assert_int_equal(end, GUIDE_CELLS);
	assert_int_equal(guide_find("edges"), -1);
}

static void writer_lane(void *arg, unsigned cpu)
{
	(void)arg;
	if (cpu == 0) {
		atomic_set(&toy->word, 1);
		atomic_inc(&toy->word);
	} else {
		atomic_read(&toy->word);
		atomic_set(&toy->other, 1);
	}
}

static void read_sees_last_write(void **state)
{
	static const u8 before[] = { 1 }, between[] = { 0, 0, 1 };
	u16 first, second;

	(void)state;
	guide_init(&guide, 1 << GUIDE_RF);
	run_fixed(writer_lane, before, 1);
	assert_int_equal(guide.count, 0);
	run_fixed(writer_lane, NULL, 0);
	assert_int_equal(shown(GUIDE_RF), 1);
	first = guide.shown[0];
	run_fixed(writer_lane, between, 3);
	assert_int_equal(shown(GUIDE_RF), 1);
	second = guide.shown[0];
	assert_int_not_equal(first, second);
	/* the same again, and in each execution anew */
	run_fixed(writer_lane, NULL, 0);
	assert_int_equal(guide.count, 1);
	assert_int_equal(guide.shown[0], first);
}

/* Stores see nothing, and what one's own CPU wrote is no news. */
static void store_lane(void *arg, unsigned cpu)
{
	(void)arg;
	atomic_set(&toy->word, 1);
	if (cpu == 0)
		atomic_read(&toy->word);
}

static void stores_see_nothing(void **state)
{
	(void)state;
	guide_init(&guide, guide_default() | 1 << GUIDE_RF);
	run_fixed(store_lane, NULL, 0);
	assert_int_equal(guide.count, 0);
}

static void lock_lane(void *arg, unsigned cpu)
{
	(void)arg;
	if (cpu == 0) {
		spin_lock(&toy->lock);
		atomic_read(&toy->noise[0]);
		spin_unlock(&toy->lock);
	} else {
		spin_lock(&toy->lock);
		atomic_read(&toy->noise[1]);
		spin_unlock(&toy->lock);
	}
	spin_lock(&toy->second);
	spin_unlock(&toy->second);
}

/* CPU 0 starts, takes the lock and is left in its section; CPU 1 starts, and has to wait. */
static void sections_meet(void **state)
{
	static const u8 inside[] = { 0, 0, 0, 1 };
	u16 adjacent[2];

	(void)state;
	guide_init(&guide, 1 << GUIDE_LOCKS);
	run_fixed(lock_lane, NULL, 0);
	assert_int_equal(shown(GUIDE_LOCKS), 2); /* both locks, nobody waits */
	adjacent[0] = guide.shown[0];
	adjacent[1] = guide.shown[1];
	run_fixed(lock_lane, inside, 4);
	assert_int_equal(shown(GUIDE_LOCKS), 2);
	assert_int_not_equal(guide.shown[0], adjacent[0]);
	assert_int_equal(guide.shown[1], adjacent[1]);
}

static void try_lane(void *arg, unsigned cpu)
{
	(void)arg;
	if (cpu == 0) {
		spin_lock(&toy->lock);
		atomic_read(&toy->noise[0]);
		spin_unlock(&toy->lock);
	} else if (spin_trylock(&toy->lock)) {
		spin_unlock(&toy->lock);
	}
}

static void failed_try_meets(void **state)
{
	static const u8 inside[] = { 0, 0, 0, 1 };
	u16 got;

	(void)state;
	guide_init(&guide, 1 << GUIDE_LOCKS);
	run_fixed(try_lane, NULL, 0);
	assert_int_equal(guide.count, 1);
	got = guide.shown[0];
	run_fixed(try_lane, inside, 4);
	assert_int_equal(guide.count, 1);
	assert_int_not_equal(guide.shown[0], got);
}

static void states_are_shown_once(void **state)
{
	(void)state;
	guide_init(&guide, 1 << GUIDE_STATE);
	run_fixed(lock_lane, NULL, 0);
	assert_int_equal(guide.count, 0);
	guide_state(&guide, 7);
	guide_state(&guide, 7);
	guide_state(&guide, 8);
	assert_int_equal(shown(GUIDE_STATE), 2);
	guide_init(&guide, 1 << GUIDE_RF);
	run_fixed(lock_lane, NULL, 0);
	guide_state(&guide, 7);
	assert_int_equal(guide.count, 0);
}

static void guide_decides_nothing(void **state)
{
	(void)state;
	guide_init(&guide, ~0u);
	for (u64 seed = 0; seed < 200; seed++)
		assert_true(run(&walk.strategy, seed, lock_lane, true) == run(&walk.strategy, seed, lock_lane, false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cells_are_apart),     cmocka_unit_test(read_sees_last_write), cmocka_unit_test(stores_see_nothing),
		cmocka_unit_test(sections_meet),       cmocka_unit_test(failed_try_meets),     cmocka_unit_test(states_are_shown_once),
		cmocka_unit_test(guide_decides_nothing),
	};

	engine_init();
	kern_init();
	random_strategy_init(&walk);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
