/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * decode_fuzzer.c - this target checks that any bytes are a program and that binary and text forms
 * lose nothing. It executes none.
 */
#include "target.h"

#include <string.h>

static void check_binary(const struct prog *p)
{
	static u8 first[PROG_BINARY_MAX], second[PROG_BINARY_MAX];
	static struct prog again;
	size_t size = prog_encode(p, first, sizeof(first));

	HARNESS_BUG_ON(!size);
	prog_decode(&again, first, size);
	HARNESS_BUG_ON(!prog_equal(p, &again));
	HARNESS_BUG_ON(prog_encode(&again, second, sizeof(second)) != size);
	HARNESS_BUG_ON(memcmp(first, second, size));
}

static void check_text(const struct prog *p)
{
	static char text[PROG_TEXT_MAX + 1];
	static struct prog again;
	struct prog_error err;
	size_t size = prog_print(p, text, sizeof(text));

	HARNESS_BUG_ON(size >= sizeof(text));
	HARNESS_BUG_ON(!prog_parse(&again, text, size, &err));
	HARNESS_BUG_ON(!prog_equal(p, &again));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct prog prog;

	prog_decode(&prog, data, size);
	HARNESS_BUG_ON(prog_validate(&prog) != NULL);
	check_binary(&prog);
	check_text(&prog);
	return 0;
}
