/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * parse.c - programs from text: comments and lines, each by its keyword. Grammar: README.md.
 */
#include "internal.h"
#include "scan.h"

#include <string.h>

enum seen { SEEN_WORLD = 1, SEEN_SCHED = 2, SEEN_EXPECT = 4 };

enum keyword {
	WORD_WORLD, WORD_SETUP, WORD_TEARDOWN, WORD_SCHED, WORD_EXPECT, WORD_CPU0, WORD_CPU1,
	WORD_CPU2, WORD_CPU3, WORD_COUNT
};

static const char *keyword_name(unsigned i)
{
	static const char *const names[WORD_COUNT] = {
		"world", "setup", "teardown", "sched", "expect", "cpu0", "cpu1", "cpu2", "cpu3"
	};

	return names[i];
}

static bool parse_expect(struct scan *s, struct prog *p, unsigned *seen)
{
	size_t len;

	if (*seen & SEEN_EXPECT)
		return scan_error(s, s->start, "expected one expect line, found another");
	*seen |= SEEN_EXPECT;
	scan_blanks(s);
	len = s->end - s->pos;
	while (len && (s->text[s->pos + len - 1] == ' ' || s->text[s->pos + len - 1] == '\t'))
		len--;
	if (!len)
		return scan_expected(s, s->pos, "a verdict");
	if (len >= sizeof(p->expect))
		return scan_error(s, s->pos, "expected at most %zu bytes, found %zu",
				  sizeof(p->expect) - 1, len);
	memcpy(p->expect, s->text + s->pos, len);
	p->expect[len] = '\0';
	return true;
}

static bool parse_lane_line(struct scan *s, struct prog *p, unsigned word, unsigned seen)
{
	unsigned cpu = word - WORD_CPU0;

	if (seen & SEEN_SCHED)
		return scan_expected(s, s->start, "sched or expect: lanes stand before sched");
	if (word == WORD_SETUP)
		return parse_lane(s, &p->setup, p->world.generation);
	if (word == WORD_TEARDOWN)
		return parse_lane(s, &p->teardown, p->world.generation);
	if (cpu >= p->world.cpus)
		return scan_error(s, s->start, "expected a CPU below cpus=%u, found 'cpu%u'",
				  p->world.cpus, cpu);
	return parse_lane(s, &p->lanes[cpu], p->world.generation);
}

static bool parse_line(struct scan *s, struct prog *p, unsigned *seen)
{
	struct word w = scan_identifier(s);
	int word = word_find(w, keyword_name, WORD_COUNT);

	if (!(*seen & SEEN_WORLD)) {
		if (word != WORD_WORLD)
			return scan_unknown(s, w, "world", keyword_name, 1);
		*seen |= SEEN_WORLD;
		return scan_word_end(s) && parse_world(s, &p->world);
	}
	if (word < 0)
		return scan_unknown(s, w, "setup, cpu0..cpu3, teardown, sched or expect",
				    keyword_name, WORD_COUNT);
	if (!scan_word_end(s))
		return false;
	if (word == WORD_WORLD)
		return scan_error(s, w.pos, "expected one world line, found another");
	if (word == WORD_EXPECT)
		return parse_expect(s, p, seen);
	if (word == WORD_SCHED) {
		*seen |= SEEN_SCHED;
		return parse_sched(s, p);
	}
	return parse_lane_line(s, p, (unsigned)word, *seen);
}

/* The cursor stands behind '#'. *lines: comment lines so far. */
static bool parse_comment(struct scan *s, struct prog *p, unsigned *lines)
{
	size_t used = strlen(p->comment), len, glue = *lines > 0;

	if (s->pos < s->end && s->text[s->pos] == ' ')
		s->pos++;
	len = s->end - s->pos;
	if (used + glue + len >= sizeof(p->comment))
		return scan_error(s, s->start, "expected at most %zu bytes of leading comment",
				  sizeof(p->comment) - 1);
	if (glue)
		p->comment[used++] = '\n';
	memcpy(p->comment + used, s->text + s->pos, len);
	p->comment[used + len] = '\0';
	(*lines)++;
	return true;
}

static bool parse_text(struct scan *s, struct prog *p)
{
	unsigned seen = 0, comments = 0;
	bool leading = true;

	while (scan_next_line(s)) {
		scan_blanks(s);
		if (s->pos == s->end) {
			leading = leading && !comments;
		} else if (scan_take(s, '#')) {
			if (leading && !parse_comment(s, p, &comments))
				return false;
		} else {
			leading = false;
			if (!parse_line(s, p, &seen))
				return false;
		}
	}
	return (seen & SEEN_WORLD) || scan_expected(s, s->pos, "world");
}

bool prog_parse(struct prog *p, const char *text, size_t size, struct prog_error *err)
{
	struct prog_error unread;
	struct scan s;

	if (!err)
		err = &unread;
	*err = (struct prog_error){ 0 };
	prog_init(p);
	if (scan_begin(&s, text, size, err) && parse_text(&s, p))
		return true;
	prog_init(p);
	return false;
}
