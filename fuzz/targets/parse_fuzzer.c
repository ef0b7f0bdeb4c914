/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * parse_fuzzer.c - this target checks that any text is either a program, which printing and parsing
 * keep, or refused at a place. It executes none.
 */
#include "target.h"

#include <string.h>

static void check_refusal(const struct prog_error *err)
{
	HARNESS_BUG_ON(err->line < 1);
	HARNESS_BUG_ON(err->column < 1);
	HARNESS_BUG_ON(!err->message[0]);
}

static void check_print(const struct prog *p)
{
	static char first[PROG_TEXT_MAX * 2], second[PROG_TEXT_MAX * 2];
	static struct prog again;
	size_t size = prog_print(p, first, sizeof(first));
	struct prog_error err;

	HARNESS_BUG_ON(size > PROG_TEXT_MAX);
	HARNESS_BUG_ON(!prog_parse(&again, first, size, &err));
	HARNESS_BUG_ON(!prog_equal(p, &again));
	HARNESS_BUG_ON(strcmp(p->comment, again.comment));
	HARNESS_BUG_ON(strcmp(p->expect, again.expect));
	HARNESS_BUG_ON(prog_print(&again, second, sizeof(second)) != size);
	HARNESS_BUG_ON(memcmp(first, second, size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct prog prog;
	struct prog_error err;

	if (!prog_parse(&prog, (const char *)data, size, &err)) {
		check_refusal(&err);
		return 0;
	}
	HARNESS_BUG_ON(prog_validate(&prog) != NULL);
	check_print(&prog);
	return 0;
}
