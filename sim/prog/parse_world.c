/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * parse_world.c - the `world` line: keys and their values.
 */
#include "internal.h"
#include "scan.h"

static const char *kernel_name(unsigned i)
{
	return generation_table[i].name;
}

static const char *bug_name(unsigned i)
{
	return bug_table[i].name;
}

enum world_key {
	KEY_CPUS, KEY_MEMCGS, KEY_KERNEL, KEY_MAPCOUNT, KEY_UNDERUSED, KEY_BUGS, KEY_MODEL,
	KEY_POINTS, KEY_FORMAT, KEY_COUNT
};

static const char *key_name(unsigned i)
{
	static const char *const names[KEY_COUNT] = {
		"cpus", "memcgs", "kernel", "mapcount", "underused", "bugs", "model", "points",
		"format"
	};

	return names[i];
}

static const char *mapcount_name(unsigned i)
{
	return i == MAPCOUNT_PAGE ? "page" : "no_page";
}

static bool parse_choice(struct scan *s, const char *what, const char *(*name)(unsigned),
			 unsigned count, unsigned *index)
{
	struct word w = scan_value(s);
	int i = word_find(w, name, count);

	if (i < 0)
		return scan_unknown(s, w, what, name, count);
	*index = (unsigned)i;
	return true;
}

static bool parse_only(struct scan *s, const char *only)
{
	struct word w = scan_value(s);

	return word_is(w, only) || scan_expected(s, w.pos, "%s", only);
}

/* `-` in front of an id: repaired, also where the kernel shipped it. */
static bool parse_bugs(struct scan *s, struct bug_switches *bugs)
{
	unsigned id = 0;

	do {
		size_t pos = s->pos;
		bool on = !scan_take_here(s, '-');

		if (!parse_choice(s, "the id of a bug", bug_name, BUG_COUNT, &id))
			return false;
		if (bug_set_has(&bugs->on, id) || bug_set_has(&bugs->off, id))
			return scan_error(s, pos, "expected each bug once, found '%s' again",
					  bug_name(id));
		bug_switch(bugs, id, on);
	} while (scan_take_here(s, ','));
	return true;
}

static bool parse_world_value(struct scan *s, struct prog_world *w, unsigned key)
{
	unsigned v = 0;
	bool ok = true;

	switch ((enum world_key)key) {
	case KEY_CPUS:
		return scan_small(s, 1, PROG_LANES_MAX, "a number of CPUs 1..4", &w->cpus);
	case KEY_MEMCGS:
		return scan_small(s, 0, PROG_MEMCGS_MAX - 1, "a number of cgroups 0..3",
				   &w->memcgs);
	case KEY_UNDERUSED:
		return scan_small(s, 0, 1, "0 or 1", &w->underused);
	case KEY_KERNEL:
		ok = parse_choice(s, "a kernel", kernel_name, GENERATION_COUNT, &v);
		w->generation = (u8)v;
		return ok;
	case KEY_MAPCOUNT:
		ok = parse_choice(s, "'page' or 'no_page'", mapcount_name, 2, &v);
		w->mapcount = (u8)v;
		return ok;
	case KEY_BUGS:
		return parse_bugs(s, &w->bugs);
	case KEY_MODEL:
		return parse_only(s, "sc");
	case KEY_POINTS:
		return parse_only(s, "primitives");
	case KEY_FORMAT:
		return parse_only(s, "1");
	case KEY_COUNT:
		break;
	}
	return false;
}

bool parse_world(struct scan *s, struct prog_world *w)
{
	size_t mapcount_pos = s->pos;
	unsigned seen = 0;
	struct word word;
	int key;

	for (word = scan_identifier(s); word.len; word = scan_identifier(s)) {
		key = word_find(word, key_name, KEY_COUNT);
		if (key < 0)
			return scan_unknown(s, word, "a key of world", key_name, KEY_COUNT);
		if (seen & (1u << key))
			return scan_error(s, word.pos, "expected each key once, found '%s' again",
					  key_name((unsigned)key));
		seen |= 1u << key;
		if (key == KEY_MAPCOUNT)
			mapcount_pos = word.pos;
		/* Blanks around '=' would make the value look like a key. */
		if (!scan_take_here(s, '='))
			return scan_expected(s, s->pos, "'='");
		if (!parse_world_value(s, w, (unsigned)key) || !scan_word_end(s))
			return false;
	}
	if (w->mapcount == MAPCOUNT_NO_PAGE && !prog_has_no_page_mapcount(w->generation))
		return scan_error(s, mapcount_pos, "expected mapcount=page: kernel %s has no other",
				  kernel_name(w->generation));
	return scan_line_end(s);
}
