/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * triage_cause.c - is a find one of the bugs of the catalogue? Where a program runs with some of them on, by its own wish or because its
 * kernel shipped them, two may show one title. The program itself tells them apart: it is run with one bug on at a time, and then with one off.
 */
#include "cli.h"

#include <string.h>

static bool shows(const struct prog *p, const struct run_options *o, const char *title, const struct bug_switches *bugs)
{
	static struct prog copy;
	struct run_result r;

	copy = *p;
	copy.world.bugs = *bugs;
	run_one(&copy, o, &r, NULL);
	return verdict_is_find(r.verdict) && !strcmp(r.title, title);
}

/* The one that alone is enough; that fails where the others, repaired, move the schedule. */
static int only_with(const struct prog *p, const struct run_options *o, const char *title, const struct bug_set *on)
{
	for (unsigned id = 0; id < BUG_COUNT; id++) {
		struct bug_switches bugs = { .off = *on };

		if (!bug_set_has(on, id))
			continue;
		bug_switch(&bugs, id, true);
		if (shows(p, o, title, &bugs))
			return (int)id;
	}
	return CAUSE_UNCLEAR;
}

/* The only one without which it has gone. */
static int gone_without(const struct prog *p, const struct run_options *o, const char *title, const struct bug_set *on)
{
	int found = CAUSE_UNCLEAR;

	for (unsigned id = 0; id < BUG_COUNT; id++) {
		struct bug_switches bugs = p->world.bugs;

		if (!bug_set_has(on, id))
			continue;
		bug_switch(&bugs, id, false);
		if (shows(p, o, title, &bugs))
			continue;
		if (found != CAUSE_UNCLEAR)
			return CAUSE_UNCLEAR;
		found = (int)id;
	}
	return found;
}

int triage_cause(const struct prog *p, const struct run_options *o, const char *title)
{
	const struct bug_set none = { { 0 } };
	struct bug_set on;
	int cause;

	bug_state_set(p->world.generation, &p->world.bugs);
	on = bug_state.on;
	if (!memcmp(&on, &none, sizeof(on)))
		return CAUSE_UNASKED;
	if (shows(p, o, title, &(struct bug_switches){ .off = on }))
		return CAUSE_NEW;
	cause = only_with(p, o, title, &on);
	return cause != CAUSE_UNCLEAR ? cause : gone_without(p, o, title, &on);
}

void triage_tell_cause(struct text *t, int cause)
{
	if (cause >= 0)
		text_printf(t, "known bug: %s; fix: %s", bug_table[cause].name, bug_table[cause].commit);
	else if (cause == CAUSE_NEW)
		text_printf(t, "known bug: none; it is shown with all of them repaired, too");
	else if (cause == CAUSE_UNCLEAR)
		text_printf(t, "known bug: unclear; none of those that are on decides alone");
}
