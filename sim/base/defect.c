/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * defect.c - the end of the process when the harness itself is wrong: exit code 4, no find.
 */
#include <foliofuzz/base.h>

#include <stdio.h>
#include <stdlib.h>

void harness_defect(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "FOLIOFUZZ DEFECT: %s:%d: ", file, line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	if (harness_defect_trap)
		harness_defect_trap();
	exit(4);
}
