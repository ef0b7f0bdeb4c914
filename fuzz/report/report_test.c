/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * report_test.c - the printed reports, which scripts and services parse, on traces made by hand.
 */
#include "report.h"

#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- a door without a simulator behind it ---- */

static struct event trace[256];
static u32 trace_count;
static u64 flags_word, lock_word, private_word;

const struct event *run_trace(u32 *count)
{
	*count = trace_count;
	return trace;
}

void run_object_name(struct text *t, const struct event *ev)
{
	if (ev->object == &flags_word)
		text_printf(t, "f0.page1.flags");
}

void run_op_name(struct text *t, const struct prog *prog, const struct event *ev)
{
	(void)prog;
	if (ev->op != ENGINE_NO_OP)
		text_printf(t, "cpu%u op %u: op%u()", ev->cpu, ev->op, ev->op);
}

const char *benign_name(enum benign b)
{
	(void)b;
	return "";
}

/* ---- sites and events ---- */

/* In the section of all sites, as those of SITE() are: the engine links only where there are some. */
#define TEST_SITE(name, fn, prim, det, member)                                                     \
	static struct site __attribute__((section("foliofuzz_sites"), used)) name = {              \
		.function = fn, .primitive = prim, .detail = det, .expr = "", .field = member,     \
	}
TEST_SITE(load, "deferred_split_folio", "__set_bit load", "PG_partially_mapped", "flags");
TEST_SITE(store, "deferred_split_folio", "__set_bit store", "PG_partially_mapped", "flags");
TEST_SITE(set, "memory_failure", "set_bit", "PG_has_hwpoisoned", "flags");
TEST_SITE(look, "walk", "READ_ONCE", "", "private");
TEST_SITE(lock, "deferred_split_folio", "spin_lock", "", "lock");
TEST_SITE(unlock, "deferred_split_folio", "spin_unlock", "", "lock");

static void reset(void)
{
	memset(trace, 0, sizeof(trace));
	trace_count = 0;
}

static struct event *add(unsigned cpu, const struct site *site, enum event_kind kind, u64 *object)
{
	struct event *ev = &trace[trace_count++];

	*ev = (struct event){
		.site = site,
		.object = object,
		.object_id = object == &flags_word ? 64 : object == &lock_word ? 128 : object ? 192 + cpu * 8 : 0,
		.step = trace_count,
		.op = ENGINE_NO_OP,
		.kind = (u8)kind,
		.cpu = (u8)cpu,
		.phase = PHASE_PARALLEL,
	};
	return ev;
}

static void add_reads(unsigned cpu, unsigned n)
{
	while (n--)
		add(cpu, &look, EVENT_READ, &private_word);
}

/* The lost update of the design document. */
static void add_lost_update(void)
{
	add(0, &load, EVENT_BIT_LOAD, &flags_word);
	add(1, &set, EVENT_BIT_RMW, &flags_word);
	add(0, &store, EVENT_BIT_STORE, &flags_word);
}

static struct run_result lost_update(void)
{
	struct run_result r = {
		.verdict = VERDICT_LOST_UPDATE,
		.hash = 0x7b21e0d4c3aa9012ull,
		.points = 47,
		.preemptions = 2,
		.title = "lost-update: PG_has_hwpoisoned in deferred_split_folio / memory_failure",
		.invariant = "PG_has_hwpoisoned",
		.function = "deferred_split_folio",
		.other = "memory_failure",
		.step = trace_count,
		.message = "loses PG_has_hwpoisoned",
	};

	return r;
}

static void check_story(const struct run_result *r, bool full, const char *expected)
{
	struct prog prog;
	struct story s;
	char *printed;
	size_t size;
	FILE *f = open_memstream(&printed, &size);

	prog_init(&prog);
	s = story_of_run(&prog, r);
	s.full = full;
	story_print(f, &s);
	fclose(f);
	assert_string_equal(printed, expected);
	free(printed);
}

/* ---- stories ---- */

static void test_columns(void **state)
{
	struct run_result r;

	(void)state;
	reset();
	add_lost_update();
	r = lost_update();
	check_story(&r, false,
		    "        cpu0                                            cpu1\n"
		    "        deferred_split_folio\n"
		    "   1      __set_bit(PG_partially_mapped) load f0.page1.flags\n"
		    "                                                        memory_failure\n"
		    "   2                                                      set_bit(PG_has_hwpoisoned) f0.page1.flags\n"
		    "   3      __set_bit(PG_partially_mapped) store f0.page1.flags    <- loses PG_has_hwpoisoned\n");
}

static void test_private_events_are_left_out(void **state)
{
	struct run_result r;

	(void)state;
	reset();
	add_reads(1, 5);
	add(0, &lock, EVENT_LOCK, &lock_word);
	add_reads(0, 2);
	add_lost_update();
	r = lost_update();
	add(0, &unlock, EVENT_UNLOCK, &lock_word);
	add_reads(1, 50);
	check_story(&r, false,
		    "        cpu0                                            cpu1\n"
		    " ...    5 points\n"
		    "        deferred_split_folio\n"
		    "   6      spin_lock lock\n"
		    "        walk\n"
		    "   7      READ_ONCE private\n"
		    "   8      READ_ONCE private\n"
		    "        deferred_split_folio\n"
		    "   9      __set_bit(PG_partially_mapped) load f0.page1.flags\n"
		    "                                                        memory_failure\n"
		    "  10                                                      set_bit(PG_has_hwpoisoned) f0.page1.flags\n"
		    "  11      __set_bit(PG_partially_mapped) store f0.page1.flags    <- loses PG_has_hwpoisoned\n"
		    "  12      spin_unlock lock\n"
		    " ...    50 points\n");
}

static void test_full_story_shows_phases_and_operations(void **state)
{
	struct run_result r = { .verdict = VERDICT_CLEAN, .invariant = "" };

	(void)state;
	reset();
	add(0, &look, EVENT_READ, &private_word)->phase = PHASE_SETUP;
	add(0, &look, EVENT_OP_BEGIN, NULL);
	add(0, &look, EVENT_READ, &private_word)->op = 3;
	add(ENGINE_LANE_RCU, &set, EVENT_BIT_RMW, &flags_word);
	check_story(&r, true,
		    "        cpu0                    rcu\n"
		    "        -- setup\n"
		    "        walk\n"
		    "   1      READ_ONCE private\n"
		    "        -- parallel\n"
		    "        op3()\n"
		    "        walk\n"
		    "   3      READ_ONCE private\n"
		    "                                memory_failure\n"
		    "   4                              set_bit(PG_has_hwpoisoned) f0.page1.flags\n");
}

static void test_find_behind_the_last_event(void **state)
{
	struct run_result r;

	(void)state;
	reset();
	add_lost_update();
	r = lost_update();
	r.cpu = ENGINE_LANES_MAX;
	strcpy(r.message, "f0: 1 reference\nexplained: 0\n");
	check_story(&r, false,
		    "        cpu0                                            cpu1\n"
		    "        deferred_split_folio\n"
		    "   1      __set_bit(PG_partially_mapped) load f0.page1.flags\n"
		    "                                                        memory_failure\n"
		    "   2                                                      set_bit(PG_has_hwpoisoned) f0.page1.flags\n"
		    "   3      __set_bit(PG_partially_mapped) store f0.page1.flags\n"
		    "        after the last point    <- f0: 1 reference\n"
		    "        explained: 0\n");
}

static void test_no_events(void **state)
{
	struct run_result r;

	(void)state;
	reset();
	r = lost_update();
	check_story(&r, false, "        \n        after the last point    <- loses PG_has_hwpoisoned\n");
	r.verdict = VERDICT_CLEAN;
	r.message[0] = '\0';
	check_story(&r, true, "        \n");
}

static void test_long_stories_keep_their_end(void **state)
{
	struct run_result r;
	struct story s;
	u8 keep[ARRAY_SIZE(trace)] = { 0 };
	unsigned kept = 0;

	(void)state;
	reset();
	for (unsigned i = 0; i < ARRAY_SIZE(trace); i++)
		add(i & 1, &set, EVENT_BIT_RMW, &flags_word);
	r = lost_update();
	s = story_of_run(NULL, &r);
	story_select(&s, keep);
	for (unsigned i = 0; i < ARRAY_SIZE(trace); i++)
		kept += keep[i];
	assert_int_equal(kept, 24);
	assert_int_equal(keep[0], 0);
	assert_int_equal(keep[ARRAY_SIZE(trace) - 1], 1);
	assert_int_equal(story_find_event(&s), ARRAY_SIZE(trace) - 1);
}

/* ---- head ---- */

static void check_command(const struct report_replay *replay, const char *expected)
{
	char buf[512];
	struct text t;

	text_init(&t, buf, sizeof(buf));
	report_command(&t, replay);
	assert_string_equal(buf, expected);
}

static void test_command(void **state)
{
	struct run_options o = { .seed = 7, .steps_max = RUN_STEPS_DEFAULT };
	struct report_replay replay = { .file = "x.prog", .options = &o };
	struct prog p;

	(void)state;
	prog_init(&p);
	check_command(&replay, "foliofuzz replay x.prog");
	replay.strategy = "random";
	o.steps_max = 500;
	o.strict_hwpoison = true;
	replay.file = "it's here";
	check_command(&replay, "foliofuzz replay --strategy random --seed 7 --steps 500 --strict-hwpoison "
			       "'it'\\''s here'");
	replay = (struct report_replay){ .file = "-x", .options = &(struct run_options){ 0 } };
	replay.world = &p.world;
	prog_set_generation(&p, GENERATION_V7_1);
	bug_switch(&p.world.bugs, BUG_partially_mapped_nonatomic, true);
	check_command(&replay, "foliofuzz replay --kernel v7.1 --bug none --bug partially-mapped-nonatomic -- -x");
	bug_switch(&p.world.bugs, BUG_partially_mapped_nonatomic, false);
	check_command(&replay, "foliofuzz replay --kernel v7.1 --bug none --bug -partially-mapped-nonatomic -- -x");
}

static void test_header(void **state)
{
	struct run_options o = { 0 };
	struct report_replay replay = { .file = "lost-update-7b21e0d4.prog", .options = &o };
	struct run_result r = lost_update();
	char *printed;
	size_t size;
	FILE *f = open_memstream(&printed, &size);

	(void)state;
	report_header(f, &replay, &r);
	fclose(f);
	assert_string_equal(printed,
		"replay: foliofuzz replay lost-update-7b21e0d4.prog        47 points, 2 preemptions, "
		"hash 7b21e0d4c3aa9012\n"
		"BUG: lost-update: PG_has_hwpoisoned in deferred_split_folio / memory_failure\n");
	free(printed);
}

static void test_file_name_and_expect(void **state)
{
	struct run_result r = lost_update(), clean = { .invariant = "" };
	char buf[128];
	struct text t;

	(void)state;
	text_init(&t, buf, sizeof(buf));
	report_file_name(&t, &r);
	assert_string_equal(buf, "lost-update-7b21e0d4.prog");
	text_init(&t, buf, sizeof(buf));
	report_expect(&t, &r);
	assert_string_equal(buf, "lost-update PG_has_hwpoisoned");
	assert_true(report_meets("lost-update", &r));
	assert_true(report_meets("lost-update PG_has_hwpoisoned", &r));
	assert_true(report_meets(r.title, &r));
	assert_false(report_meets("lost-update PG_other", &r));
	assert_false(report_meets("clean", &r));
	assert_true(report_meets("clean", &clean));
	assert_false(report_meets("", &clean));
}

/* ---- crash ---- */

static void test_crash_lines(void **state)
{
	struct run_result r = lost_update();
	char buf[128];
	struct text t;

	(void)state;
	text_init(&t, buf, sizeof(buf));
	crash_title(&t, &r);
	assert_string_equal(buf, "ASSERTION FAILED: lost-update/PG_has_hwpoisoned in deferred_split_folio");
	r.invariant = "refcount underflow";
	text_init(&t, buf, sizeof(buf));
	crash_token(&t, &r);
	assert_string_equal(buf, "DEDUP_TOKEN: refcount-underflow--deferred_split_folio");
}

static _Noreturn void crash_into(int fd, const struct run_result *r)
{
	struct run_options o = { 0 };
	struct report_replay replay = { .file = "CRASH-FILE", .options = &o };
	struct prog p;

	/* cmocka would take the trap for a failure of its own */
	signal(SIGILL, SIG_DFL);
	signal(SIGTRAP, SIG_DFL);
	dup2(fd, STDERR_FILENO);
	prog_init(&p);
	crash_assert_clean(&replay, &p, r);
}

static void test_crash_traps_behind_its_report(void **state)
{
	static char printed[8192];
	struct run_result r;
	size_t size = 0;
	ssize_t n;
	int fds[2], status;
	pid_t pid;

	(void)state;
	reset();
	add_lost_update();
	r = lost_update();
	assert_int_equal(pipe(fds), 0);
	pid = fork();
	if (!pid)
		crash_into(fds[1], &r);
	close(fds[1]);
	while ((n = read(fds[0], printed + size, sizeof(printed) - 1 - size)) > 0)
		size += (size_t)n;
	close(fds[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_ptr_equal(strstr(printed, "ASSERTION FAILED: lost-update/PG_has_hwpoisoned in "
					 "deferred_split_folio\nDEDUP_TOKEN: "), printed);
	assert_non_null(strstr(printed, "\nreplay: foliofuzz replay CRASH-FILE "));
	assert_non_null(strstr(printed, "<- loses PG_has_hwpoisoned\n"));
	assert_non_null(strstr(printed, "\nworld   cpus=1 "));
}

/* cpu1 sets a bit between cpu0's load and store, both under cpu0's lock; cpu1's trylock fails, its own taking later does not. */
static void test_links(void **state)
{
	struct story_link links[8];
	struct story s;

	(void)state;
	reset();
	add(0, &lock, EVENT_LOCK, &lock_word);
	add(0, &load, EVENT_BIT_LOAD, &flags_word);
	add(1, &lock, EVENT_TRYLOCK, &lock_word);
	add(1, &set, EVENT_BIT_RMW, &flags_word);
	add(0, &store, EVENT_BIT_STORE, &flags_word);
	add(0, &unlock, EVENT_UNLOCK, &lock_word);
	add(1, &lock, EVENT_LOCK, &lock_word);
	add(1, &load, EVENT_BIT_LOAD, &flags_word);
	s = (struct story){ .trace = trace, .count = trace_count };
	story_links(&s, links);
	assert_int_equal(links[0].until, 6);
	assert_int_equal(links[2].until, 0);
	assert_int_equal(links[6].until, 8); /* held to the end */
	assert_int_equal(links[1].meets, 0);
	assert_int_equal(links[3].meets, 2);
	assert_int_equal(links[4].meets, 4);
	assert_int_equal(links[7].meets, 5); /* a read meets the last write */
	assert_int_equal(links[7].until, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_columns),
		cmocka_unit_test(test_private_events_are_left_out),
		cmocka_unit_test(test_full_story_shows_phases_and_operations),
		cmocka_unit_test(test_find_behind_the_last_event),
		cmocka_unit_test(test_no_events),
		cmocka_unit_test(test_long_stories_keep_their_end),
		cmocka_unit_test(test_links),
		cmocka_unit_test(test_command),
		cmocka_unit_test(test_header),
		cmocka_unit_test(test_file_name_and_expect),
		cmocka_unit_test(test_crash_lines),
		cmocka_unit_test(test_crash_traps_behind_its_report),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
