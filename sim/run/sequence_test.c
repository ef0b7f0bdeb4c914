/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sequence_test.c - run_sequence(): what pages hold after each operation is what was stored there, wherever they are; a page that holds
 * something else is found where it lies, before anybody reads it.
 */
#include <foliofuzz/run.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct run_result run(const char *text, size_t *done)
{
	struct run_options o;
	struct run_result r;
	struct prog_error error = { .message = "" };
	struct prog p;

	run_options_init(&o);
	if (!prog_parse(&p, text, strlen(text), &error))
		print_error("%u:%u: %s\n", error.line, error.column, error.message);
	assert_string_equal(error.message, "");
	run_sequence(&p.world, p.setup.ops, p.setup.count, &o, &r, done);
	return r;
}

static void assert_clean(const char *ops)
{
	char text[512];
	size_t done;

	snprintf(text, sizeof(text), "world   cpus=1 format=1\nsetup   %s\nsched   default\n", ops);
	assert_string_equal(run(text, &done).title, "");
}

/* A pin stays where it was through what fails, is nobody's after what succeeds, and then its store is not judged. */
static void test_pin(void **state)
{
	(void)state;
	assert_clean("m1 = mm(); g0 = pin_fast(m1, 0); dma_write(g0); read(m1, 0)");
	assert_clean("m1 = mm(); g0 = pin_fast(m1, 0); mremap_dontunmap(m1, 0, 1, 0); dma_write(g0); read(m1, 0)");
	assert_clean("m1 = mm(); g0 = pin_fast(m1, 0); mremap(m1, 0, 1, 8); dma_write(g0); read(m1, 8)");
	assert_clean("m1 = mm(); g0 = pin_fast(m1, 0); dontneed(m1, 0, 1); dma_write(g0); read(m1, 0)");
	/* the second page lies behind a hole: taken, or maybe not */
	assert_clean("m1 = mm(); munmap(m1, 1, 1); g0 = pin_fast(m1, 2); dontneed(m1, 0, 4); dma_write(g0); read(m1, 2)");
}

/* A hole in a file keeps what lay there in swap; the page comes back with it, and no operation reads it. */
static void test_at_rest(void **state)
{
	const char *text = "world   cpus=1 %sformat=1\n"
			   "setup   file_write(f1, 8, 1); kswapd(0, 1, 0); m0 = mm(); mmap_shared(m0, 0, 16, f1)\n"
			   "setup   punch(f1, 6, 3) (fail=1); fault_file(m0, 8, 0, 0); relax()\nsched   default\n";
	char with[512];
	size_t done;

	(void)state;
	snprintf(with, sizeof(with), text, "");
	assert_string_equal(run(with, &done).title, "");
	assert_int_equal(done, 7);
#ifndef FOLIOFUZZ_NO_BUGS
	snprintf(with, sizeof(with), text, "bugs=shmem-punch-skips-unread-swap ");
	assert_string_equal(run(with, &done).title, "bad-content: stale or foreign data at rest in quiescence");
	assert_int_equal(done, 5);
#endif
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pin),
		cmocka_unit_test(test_at_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
