/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * text.c - a bounded text buffer: always terminated, never overflown, remembers truncation.
 */
#include <foliofuzz/base.h>

#include <stdio.h>

void text_init(struct text *t, char *buf, size_t size)
{
	*t = (struct text){ .buf = buf, .size = size };
	if (size)
		buf[0] = '\0';
}

void text_vprintf(struct text *t, const char *fmt, va_list ap)
{
	size_t room = t->size - t->len;
	int wanted;

	/* What comes behind a cut must not be glued to what stands before it. */
	if (t->truncated)
		return;
	wanted = vsnprintf(room ? t->buf + t->len : NULL, room, fmt, ap);
	HARNESS_BUG_ON(wanted < 0);
	if ((size_t)wanted < room) {
		t->len += (size_t)wanted;
		return;
	}
	t->truncated = true;
	if (room)
		t->len = t->size - 1;
}

void text_printf(struct text *t, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	text_vprintf(t, fmt, ap);
	va_end(ap);
}

void text_pad_to(struct text *t, size_t line_start, size_t column)
{
	size_t used = t->len > line_start ? t->len - line_start : 0;

	if (used < column)
		text_printf(t, "%*s", (int)(column - used), "");
}
