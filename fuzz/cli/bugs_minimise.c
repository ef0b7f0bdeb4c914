/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bugs_minimise.c - foliofuzz bugs minimise: is min.prog what minimise makes of a find? It must leave min.prog as it is; and what it makes of a
 * fresh find, the first that the search from free.prog draws, should have no more operations and no more deviations.
 */
#include "cli.h"
#include "../report/json.h"

#include <string.h>

enum { WITHIN_PERCENT = 90, PREEMPTIONS_READABLE = 3 };

struct length {
	u32 operations, deviations;
};
struct minimised {
	bool tried, unchanged;
	bool has_search, found; /* has_search: there is a free.prog; found: and its find was made small */
	struct length stored, again, fresh; /* min.prog, what is made of it, and of the find */
	char title[RUN_TITLE_MAX]; /* of the find */
};
struct work {
	const u8 *ids; /* of each piece */
	struct minimised *results;
};

static struct length length_of(const struct prog *p)
{
	return (struct length){ operations_of(p), p->sched.kind == SCHED_DEVIATIONS ? p->sched.deviation_count : PROG_DEVIATIONS_MAX + 1 };
}

static bool as_long_at_most(const struct length *a, const struct length *b)
{
	return a->operations <= b->operations && a->deviations <= b->deviations;
}

static bool same_text(const struct prog *a, const struct prog *b)
{
	static char texts[2][PROG_TEXT_MAX + 1];

	prog_print(a, texts[0], sizeof(texts[0]));
	prog_print(b, texts[1], sizeof(texts[1]));
	return !strcmp(texts[0], texts[1]);
}

static void minimise_stored(struct minimised *m, unsigned id)
{
	static struct input in;
	struct prog was;
	struct run_options o;
	struct run_result r;

	if (!bug_prog_load(&in, id, "min.prog"))
		return;
	was = in.prog;
	run_options_init(&o);
	m->stored = length_of(&in.prog);
	m->unchanged = minimise(&in.prog, &o, NULL, &r) && same_text(&was, &in.prog);
	m->again = length_of(&in.prog);
}

/* As `foliofuzz run` archives it. */
static bool write_down(struct prog *p, const struct run_options *o, const struct run_result *found)
{
	static struct prog_sched sched;
	struct run_options run = *o;
	struct run_result r;

	if (found->preemptions > PREEMPTIONS_READABLE && (calm_schedule(p, o, found) || thin_schedule(p, o, found)))
		return true;
	run.record = true;
	run_one(p, &run, &r, NULL);
	if (!run_deviations(&sched))
		return minimise_drawn(p, o, found);
	p->sched = sched;
	return true;
}

static void minimise_fresh(struct minimised *m, unsigned id)
{
	static struct input in;
	struct bug_budget budget;
	struct run_options o;
	struct run_result r;

	if (!bug_prog_load(&in, id, "free.prog") || !bug_budget_read(&budget, in.prog.comment))
		return;
	m->has_search = true;
	run_options_init(&o);
	o.strategy = strategy_find(budget.strategy);
	for (o.seed = 0; o.seed < budget.schedules; o.seed++) {
		run_one(&in.prog, &o, &r, NULL);
		if (verdict_is_find(r.verdict))
			break;
	}
	if (!verdict_is_find(r.verdict) || !write_down(&in.prog, &o, &r))
		return;
	run_options_init(&o);
	m->found = minimise(&in.prog, &o, NULL, &r);
	m->fresh = length_of(&in.prog);
	memcpy(m->title, r.title, sizeof(m->title));
}

static void piece(void *arg, u32 i)
{
	const struct work *w = arg;

	minimise_stored(&w->results[i], w->ids[i]);
	minimise_fresh(&w->results[i], w->ids[i]);
	w->results[i].tried = true;
}

static bool is_short(const struct minimised *m)
{
	return m->found && as_long_at_most(&m->fresh, &m->stored);
}

static void print_row(unsigned id, const struct minimised *m)
{
	char fresh[32] = "-", changed[48] = "unchanged";

	if (m->has_search)
		snprintf(fresh, sizeof(fresh), m->found ? "%u, %u%s" : "none", m->fresh.operations, m->fresh.deviations,
			 is_short(m) ? "" : " LONGER");
	if (!m->tried)
		snprintf(changed, sizeof(changed), "LOST: the process died");
	else if (!m->unchanged)
		snprintf(changed, sizeof(changed), "CHANGED to %u, %u", m->again.operations, m->again.deviations);
	printf("%-42s %2u, %u  %-20s %-14s %s\n", bug_table[id].name, m->stored.operations, m->stored.deviations, changed, fresh, m->title);
}

static json_t *length_json(const struct length *l)
{
	return json_pack("{s:i, s:i}", "operations", (int)l->operations, "deviations", (int)l->deviations);
}

static json_t *row_json(unsigned id, const struct minimised *m)
{
	json_t *row = json_pack("{s:s, s:b, s:o}", "bug", bug_table[id].name, "unchanged", m->unchanged, "stored", length_json(&m->stored));

	if (m->found)
		json_object_set_new(row, "fresh", length_json(&m->fresh));
	if (m->found)
		json_object_set_new(row, "title", json_string(m->title));
	return row;
}

/* An exit code. */
static int report(const struct options *o, const struct work *w, u32 count)
{
	u32 unchanged = 0, searched = 0, is_as_short = 0;
	json_t *rows = json_array();

	if (!o->json)
		printf("%-42s %-5s  %-20s %-14s %s\n", "bug: operations and deviations of", "min", "minimised again", "a fresh find", "its title");
	for (u32 i = 0; i < count; i++) {
		const struct minimised *m = &w->results[i];

		unchanged += m->unchanged;
		searched += m->has_search;
		is_as_short += is_short(m);
		if (o->json)
			json_array_append_new(rows, row_json(w->ids[i], m));
		else
			print_row(w->ids[i], m);
	}
	if (o->json)
		json_print(stdout, json_pack("{s:s, s:i, s:i, s:i, s:i, s:o}", "command", "bugs minimise", "all", (int)count, "unchanged",
					     (int)unchanged, "searched", (int)searched, "short", (int)is_as_short, "bugs", json_incref(rows)));
	else
		printf("%u of %u min.prog unchanged; %u of %u fresh finds no longer than min.prog\n", unchanged, count, is_as_short, searched);
	json_decref(rows);
	return unchanged == count && is_as_short * 100 >= searched * WITHIN_PERCENT ? EXIT_CLEAN : EXIT_HARNESS;
}

int bugs_minimise(const struct options *o, const bool *wanted)
{
	static u8 ids[BUG_COUNT];
	u32 count = 0;
	struct work w = { .ids = ids };
	struct pool pool = { .verb = "minimised", .jobs = o->jobs, .work = piece, .arg = &w };
	bool whole;

	if (!bugs_folders_are_there("minimise"))
		return EXIT_BAD_INPUT;
	for (unsigned id = 0; id < BUG_COUNT; id++)
		if (wanted[id])
			ids[count++] = (u8)id;
	w.results = pool_memory(count * sizeof(*w.results));
	pool.pieces = count;
	pool.state = pool_memory(count);
	fflush(stdout);
	interrupt_catch();
	whole = pool_run(&pool);
	interrupt_release();
	return whole ? report(o, &w, count) : EXIT_INCOMPLETE;
}
