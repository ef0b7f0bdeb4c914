/* SPDX-License-Identifier: GPL-2.0-only */
/* A stored program, for the tests that walk a folder of them. */
#ifndef RUN_LOAD_TEST_H
#define RUN_LOAD_TEST_H

#include <foliofuzz/prog.h>
#include <stdio.h>

/* False: no file, or no program; stderr says which and where. */
static inline bool load(struct prog *p, const char *path)
{
	static char text[PROG_TEXT_MAX];
	struct prog_error error;
	FILE *f = fopen(path, "r");
	size_t n;

	if (!f) {
		perror(path);
		return false;
	}
	n = fread(text, 1, sizeof(text), f);
	fclose(f);
	if (prog_parse(p, text, n, &error))
		return true;
	fprintf(stderr, "%s:%u:%u: %s\n", path, error.line, error.column, error.message);
	return false;
}

#endif
