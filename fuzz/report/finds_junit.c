/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * finds_junit.c - finds in the XML that build services read as the results of tests.
 */
#include "finds.h"

static void open_suite(FILE *out, const char *element, const char *name, const struct find_index *x, u32 tests)
{
	fprintf(out, "<%s name=\"%s\" tests=\"%u\" failures=\"%u\" errors=\"0\" skipped=\"%u\">\n", element, name, tests, x->group_count,
		x->dropped_count);
}

static void print_group(FILE *out, const struct find_group *g)
{
	fprintf(out, "<testcase classname=\"%s\" name=\"", verdict_name(g->result.verdict));
	finds_escape(out, g->result.title);
	if (g->bug)
		fprintf(out, " [%s]", g->bug);
	fprintf(out, "\">\n<failure type=\"%s\" message=\"", verdict_name(g->result.verdict));
	finds_escape(out, g->result.title);
	fprintf(out, " (%u file%s)\">", g->file_count, g->file_count == 1 ? "" : "s");
	finds_escape(out, g->report);
	fputs("</failure>\n</testcase>\n", out);
}

static void print_dropped(FILE *out, const struct find_dropped *d)
{
	fputs("<testcase classname=\"dropped\" name=\"", out);
	finds_escape(out, d->file);
	fputs("\">\n<skipped message=\"", out);
	finds_escape(out, d->why);
	fputs("\"/>\n</testcase>\n", out);
}

/* Services take a report without a test for a build that was not tested. */
void finds_junit_print(FILE *out, const struct find_index *x)
{
	u32 tests = x->group_count + x->dropped_count + !x->group_count;

	fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", out);
	open_suite(out, "testsuites", "foliofuzz", x, tests);
	open_suite(out, "testsuite", "triage", x, tests);
	if (!x->group_count)
		fputs("<testcase classname=\"triage\" name=\"no find\"/>\n", out);
	for (u32 i = 0; i < x->group_count; i++)
		print_group(out, &x->groups[i]);
	for (u32 i = 0; i < x->dropped_count; i++)
		print_dropped(out, &x->dropped[i]);
	fputs("</testsuite>\n</testsuites>\n", out);
}
