/* SPDX-License-Identifier: GPL-2.0-only */
/* The title of a find: verdict, invariant, and the functions involved, in the order of their names. */
#include "run_internal.h"
#include <stdio.h>
#include <string.h>

void run_title(const struct engine_verdict *v, char *title, char *function, char *other)
{
	const char *a = v->function ? v->function : "", *b = v->other ? v->other : "";

	if (b[0] && (strcmp(a, b) > 0 || !a[0])) {
		const char *t = a;

		a = b;
		b = t;
	}
	if (!strcmp(a, b))
		b = "";
	snprintf(function, RUN_FUNCTION_MAX, "%s", a);
	snprintf(other, RUN_FUNCTION_MAX, "%s", b);
	snprintf(title, RUN_TITLE_MAX, "%s: %s%s%s%s%s", verdict_name(v->verdict), v->invariant, a[0] ? " in " : "", function,
		 b[0] ? " / " : "", other);
}
