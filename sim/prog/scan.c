/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * scan.c - the cursor of the text parser: lines, words, numbers, and errors with their place.
 */
#include "scan.h"

#include <string.h>

enum { NAME_MAX_LEN = 48, FOUND_MAX = 32 };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_word_char(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void place(struct scan *s, size_t pos)
{
	s->err->line = s->line;
	s->err->column = (unsigned)(pos - s->start) + 1;
}

static void describe(struct text *t, const struct scan *s, size_t pos)
{
	size_t n = 0;

	if (pos >= s->size) {
		text_printf(t, "the end of the text");
		return;
	}
	if (s->text[pos] == '\n') {
		text_printf(t, "the end of the line");
		return;
	}
	if (s->text[pos] < 0x20 || s->text[pos] > 0x7e) {
		text_printf(t, "byte 0x%02x", (unsigned char)s->text[pos]);
		return;
	}
	while (pos + n < s->end && n < FOUND_MAX && is_word_char(s->text[pos + n]))
		n++;
	text_printf(t, "'%.*s'", (int)(n ? n : 1), s->text + pos);
}

bool scan_error(struct scan *s, size_t pos, const char *fmt, ...)
{
	struct text t;
	va_list ap;

	place(s, pos);
	text_init(&t, s->err->message, sizeof(s->err->message));
	va_start(ap, fmt);
	text_vprintf(&t, fmt, ap);
	va_end(ap);
	return false;
}

bool scan_expected(struct scan *s, size_t pos, const char *fmt, ...)
{
	struct text t;
	va_list ap;

	place(s, pos);
	text_init(&t, s->err->message, sizeof(s->err->message));
	text_printf(&t, "expected ");
	va_start(ap, fmt);
	text_vprintf(&t, fmt, ap);
	va_end(ap);
	text_printf(&t, ", found ");
	describe(&t, s, pos);
	return false;
}

/* What no line may hold; s->start is its beginning, s->end its newline. */
static bool check_line(struct scan *s)
{
	if (s->end - s->start > PROG_LINE_MAX)
		return scan_error(s, s->start + PROG_LINE_MAX,
				  "expected a line of at most %u bytes, found %zu", PROG_LINE_MAX,
				  s->end - s->start);
	for (size_t i = s->start; i < s->end; i++) {
		unsigned char c = (unsigned char)s->text[i];

		if (c == '\r')
			return scan_error(s, i, "expected Unix line ends, found a carriage return");
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return scan_expected(s, i, "text");
	}
	return true;
}

bool scan_begin(struct scan *s, const char *text, size_t size, struct prog_error *err)
{
	*s = (struct scan){ .text = text, .size = size, .line = 1, .err = err };
	if (size > PROG_TEXT_MAX)
		return scan_error(s, 0, "expected at most %u bytes of text, found %zu",
				  PROG_TEXT_MAX, size);
	for (; s->start < size; s->line++, s->start = s->end + 1) {
		const char *newline = memchr(text + s->start, '\n', size - s->start);

		s->end = newline ? (size_t)(newline - text) : size;
		if (!check_line(s))
			return false;
		if (!newline)
			return scan_expected(s, size, "a newline at the end of the last line");
	}
	s->line = 0;
	s->start = s->pos = s->end = 0;
	return true;
}

bool scan_next_line(struct scan *s)
{
	const char *newline;

	s->start = s->pos = s->line ? s->end + 1 : 0;
	s->line++;
	s->end = s->start;
	if (s->start >= s->size)
		return false;
	newline = memchr(s->text + s->start, '\n', s->size - s->start);
	s->end = (size_t)(newline - s->text);
	return true;
}

void scan_blanks(struct scan *s)
{
	while (s->pos < s->end && is_blank(s->text[s->pos]))
		s->pos++;
}

struct word scan_identifier(struct scan *s)
{
	struct word w;

	scan_blanks(s);
	w = (struct word){ .s = s->text + s->pos, .pos = s->pos };
	while (s->pos < s->end && is_word_char(s->text[s->pos]))
		s->pos++;
	w.len = s->pos - w.pos;
	return w;
}

struct word scan_value(struct scan *s)
{
	struct word w = { .s = s->text + s->pos, .pos = s->pos };

	while (s->pos < s->end && !is_blank(s->text[s->pos]) && s->text[s->pos] != ',')
		s->pos++;
	w.len = s->pos - w.pos;
	return w;
}

bool word_is(struct word w, const char *s)
{
	return strlen(s) == w.len && !memcmp(w.s, s, w.len);
}

bool scan_take_here(struct scan *s, char c)
{
	if (s->pos >= s->end || s->text[s->pos] != c)
		return false;
	s->pos++;
	return true;
}

bool scan_take(struct scan *s, char c)
{
	scan_blanks(s);
	return scan_take_here(s, c);
}

bool scan_need(struct scan *s, char c)
{
	return scan_take(s, c) || scan_expected(s, s->pos, "'%c'", c);
}

bool scan_word_end(struct scan *s)
{
	return s->pos == s->end || is_blank(s->text[s->pos]) ||
	       scan_expected(s, s->pos, "a blank");
}

bool scan_line_end(struct scan *s)
{
	scan_blanks(s);
	return s->pos == s->end || scan_expected(s, s->pos, "the end of the line");
}

int word_number(struct word w, size_t skip, unsigned max)
{
	unsigned v = 0;

	if (w.len <= skip)
		return -1;
	for (size_t i = skip; i < w.len; i++) {
		if (!is_digit(w.s[i]))
			return -1;
		v = v * 10 + (unsigned)(w.s[i] - '0');
		if (v > max)
			return -1;
	}
	return (int)v;
}

bool scan_number(struct scan *s, unsigned min, unsigned max, const char *what, unsigned *value)
{
	struct word w = scan_identifier(s);
	int v = word_number(w, 0, max);

	if (v < (int)min)
		return scan_expected(s, w.pos, "%s", what);
	*value = (unsigned)v;
	return true;
}

bool scan_small(struct scan *s, unsigned min, unsigned max, const char *what, u8 *value)
{
	unsigned v;

	if (!scan_number(s, min, max, what, &v))
		return false;
	*value = (u8)v;
	return true;
}

int word_find(struct word w, const char *(*name)(unsigned), unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		if (word_is(w, name(i)))
			return (int)i;
	return -1;
}

/* Levenshtein's distance, one row at a time; names longer than the row are far from anything. */
static unsigned distance(struct word w, const char *name)
{
	u8 row[NAME_MAX_LEN + 1];
	size_t n = strlen(name);

	if (n > NAME_MAX_LEN || w.len > NAME_MAX_LEN)
		return NAME_MAX_LEN;
	for (size_t j = 0; j <= n; j++)
		row[j] = (u8)j;
	for (size_t i = 0; i < w.len; i++) {
		u8 diagonal = row[0];

		row[0] = (u8)(i + 1);
		for (size_t j = 0; j < n; j++) {
			u8 best = (u8)(diagonal + (w.s[i] != name[j]));

			if (row[j] + 1 < best)
				best = (u8)(row[j] + 1);
			if (row[j + 1] + 1 < best)
				best = (u8)(row[j + 1] + 1);
			diagonal = row[j + 1];
			row[j + 1] = best;
		}
	}
	return row[n];
}

bool scan_unknown(struct scan *s, struct word w, const char *what, const char *(*name)(unsigned),
		  unsigned count)
{
	const char *near = NULL;
	unsigned best = 4;

	for (unsigned i = 0; i < count; i++) {
		unsigned d = distance(w, name(i));

		if (d < best && d < w.len) {
			best = d;
			near = name(i);
		}
	}
	if (!near)
		return scan_expected(s, w.pos, "%s", what);
	return scan_error(s, w.pos, "expected %s, found '%.*s'; did you mean '%s'?", what,
			  w.len < FOUND_MAX ? (int)w.len : FOUND_MAX, w.s, near);
}
