/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * crash.c - how a fuzz target tells an engine and a fuzzing service of a find: two lines that they
 * parse to know one bug from another, our report behind them, and a trap. The same under every
 * sanitizer and under none.
 */
#include "report.h"

#include <string.h>

enum { LINE_MAX_BYTES = 80 };

void crash_title(struct text *t, const struct run_result *r)
{
	text_printf(t, "ASSERTION FAILED: %s/%s", verdict_name(r->verdict), r->invariant);
	if (r->function[0])
		text_printf(t, " in %s", r->function);
}

static void put_dashed(struct text *t, const char *s)
{
	for (; *s; s++)
		text_printf(t, "%c", *s == ' ' ? '-' : *s);
}

void crash_token(struct text *t, const struct run_result *r)
{
	text_printf(t, "DEDUP_TOKEN: ");
	put_dashed(t, r->invariant);
	text_printf(t, "--");
	put_dashed(t, r->function);
}

static void print_contract(const struct run_result *r)
{
	char title[LINE_MAX_BYTES + 1], token[256];
	struct text t;

	text_init(&t, title, sizeof(title));
	crash_title(&t, r);
	text_init(&t, token, sizeof(token));
	crash_token(&t, r);
	fprintf(stderr, "%s\n%s\n", title, token);
}

/* The input alone does not say which kernel and which bugs the target was built for; this text
 * does. */
static void print_program(const struct prog *prog)
{
	static char text[PROG_TEXT_MAX + 1];

	prog_print(prog, text, sizeof(text));
	fprintf(stderr, "---- the program, fit for a .prog file ----\n%s----\n", text);
}

/*
 * Services leave functions called an assertion out of a bug's identity. Every frame between an
 * engine's entry point and the trap is one, since two different finds have these frames in common.
 */
static _Noreturn __attribute__((noinline)) void crash_assert_failed(void)
{
	__builtin_trap();
}

void crash_assert_clean(const struct report_replay *replay, const struct prog *prog,
			const struct run_result *r)
{
	struct story story = story_of_run(prog, r);

	print_contract(r);
	report_header(stderr, replay, r);
	story_print(stderr, &story);
	print_program(prog);
	fflush(stderr);
	crash_assert_failed();
}

/* A run of operations is too long for a .prog file: it is listed, and the crash file is what replays. */
void crash_assert_sequence_clean(const struct prog_world *world, const struct prog_op *ops, size_t count,
				 const struct run_result *r)
{
	char line[128];
	struct text t;

	print_contract(r);
	fprintf(stderr, "replay: sequential_fuzzer CRASH-FILE        %zu operations, memcgs=%u%s%s, %s\n", count, world->memcgs,
		world->mapcount == MAPCOUNT_NO_PAGE ? " mapcount=no_page" : "", world->underused ? " underused=1" : "",
		generation_table[world->generation].name);
	fprintf(stderr, "BUG: %s\n%s\n", r->title, r->message);
	for (size_t i = 0; i < count; i++) {
		text_init(&t, line, sizeof(line));
		prog_format_op(&t, &ops[i]);
		fprintf(stderr, "%5zu  %s\n", i, line);
	}
	fflush(stderr);
	crash_assert_failed();
}
