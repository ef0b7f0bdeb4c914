/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * scan.h - a cursor over one text that knows line and column and words every refusal alike.
 */
#ifndef SIM_PROG_SCAN_H
#define SIM_PROG_SCAN_H

#include <foliofuzz/prog.h>

/*
 * The cursor never leaves the current line but by scan_next_line(): text[end] is its newline, and
 * text[end] may always be read.
 */
struct scan {
	const char *text;
	size_t size, pos, start, end;
	unsigned line;
	struct prog_error *err;
};
struct word {
	const char *s;
	size_t len, pos;
};

/* False, with *err set, when the text is no sequence of sane lines; else stands before line 1. */
bool scan_begin(struct scan *s, const char *text, size_t size, struct prog_error *err);
/* False at the end of the text; then the cursor stays, for errors, at its end. */
bool scan_next_line(struct scan *s);

/* Both return false; the second appends what stands at `pos`. */
bool scan_error(struct scan *s, size_t pos, const char *fmt, ...) FORMAT_PRINTF(3, 4);
bool scan_expected(struct scan *s, size_t pos, const char *fmt, ...) FORMAT_PRINTF(3, 4);

void scan_blanks(struct scan *s);
/* After blanks: letters, digits and _; may be empty. */
struct word scan_identifier(struct scan *s);
/* Everything up to a blank, a comma or the end of the line; may be empty. */
struct word scan_value(struct scan *s);
bool word_is(struct word w, const char *s);
/* After blanks: takes c if it is there. */
bool scan_take(struct scan *s, char c);
/* The same without skipping blanks. */
bool scan_take_here(struct scan *s, char c);
bool scan_need(struct scan *s, char c);
/* Anything but a blank or the end of the line would glue two words together. */
bool scan_word_end(struct scan *s);
bool scan_line_end(struct scan *s);
/* After blanks: a decimal number; `what` words the range. */
bool scan_number(struct scan *s, unsigned min, unsigned max, const char *what, unsigned *value);
bool scan_small(struct scan *s, unsigned min, unsigned max, const char *what, u8 *value);
/* All of `w` behind its first `skip` bytes is a decimal number of at most max: it, else -1. */
int word_number(struct word w, size_t skip, unsigned max);

/* Index of w among `count` names, or -1. */
int word_find(struct word w, const char *(*name)(unsigned), unsigned count);
/* As scan_expected() at w, with the nearest of the names if one is near. */
bool scan_unknown(struct scan *s, struct word w, const char *what, const char *(*name)(unsigned),
		  unsigned count);

/* ---- one line each, the cursor behind its keyword ---- */
bool parse_world(struct scan *s, struct prog_world *w);
bool parse_lane(struct scan *s, struct prog_lane *lane, enum generation generation);
bool parse_sched(struct scan *s, struct prog *p);

#endif
