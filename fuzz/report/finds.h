/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * finds.h - many finds, sorted by title: as a page for people, and as SARIF and JUnit for what reads the results of a build. No time, no
 * path of this machine and no order of a folder is in them: the same finds give the same bytes.
 */
#ifndef FUZZ_REPORT_FINDS_H
#define FUZZ_REPORT_FINDS_H

#include "json.h"

/* The files that show one title, of one known bug where such a bug is on. Below finds/SLUG/ stand min.prog, report.txt, trace.html and perfetto.json. */
struct find_group {
	const char *slug;
	struct run_result result;    /* of min.prog */
	unsigned operations, deviations;
	char *report;		     /* report.txt, NUL at its end */
	const char *const *files;    /* printable ASCII, in the order of their names */
	u32 file_count;
	const char *known;	     /* "known bug: ..."; "": there is nothing to say */
	const char *bug;	     /* its id, or NULL */
	const char *note;	     /* why min.prog is not minimal; NULL: it is */
};
/* A file that shows no find, and what it does instead. */
struct find_dropped {
	const char *file, *why;
};
struct find_index {
	const struct find_group *groups; /* in the order of their titles */
	u32 group_count;
	const struct find_dropped *dropped;
	u32 dropped_count, file_count;
};

/* ---- finds_html.c: a page that loads nothing ---- */
void finds_html_print(FILE *out, const struct find_index *x);
/* For HTML and XML; what is no printable ASCII, tab or newline becomes '?'. */
void finds_escape(FILE *out, const char *s);

/* ---- finds_sarif.c: SARIF 2.1.0 ---- */
json_t *finds_sarif(const struct find_index *x);

/* ---- finds_junit.c: a title is a failed test, a file that was dropped a skipped one ---- */
void finds_junit_print(FILE *out, const struct find_index *x);

#endif
