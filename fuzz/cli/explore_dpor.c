/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * explore_dpor.c - foliofuzz explore --dpor: every execution of a program up to the order of steps that commute.
 */
#include "explore.h"

#include <foliofuzz/search.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* The search, and how many executions did not come to an end of their own. */
static bool save(const struct exploration *x, const struct search *s, const struct explore_state *state)
{
	size_t size = SEARCH_STATE_MAX + 2 * sizeof(u64), n;
	const u64 counts[] = { explore_executions(x), x->inconclusive };
	u8 *data = malloc(size);
	bool ok;

	HARNESS_BUG_ON(!data);
	memcpy(data, counts, sizeof(counts));
	n = search_save(s, data + sizeof(counts), size - sizeof(counts));
	HARNESS_BUG_ON(!n);
	ok = explore_state_write(state, data, n + sizeof(counts));
	free(data);
	return ok;
}

static bool load(struct exploration *x, struct search *s, const struct explore_state *state)
{
	u64 counts[2];
	u8 *data;
	size_t size;
	bool ok = explore_state_read(state, &data, &size);

	if (!ok || !data)
		return ok;
	ok = size > sizeof(counts) && search_load(s, data + sizeof(counts), size - sizeof(counts));
	if (ok) {
		memcpy(counts, data, sizeof(counts));
		x->before = counts[0];
		x->ended = s->complete;
		x->cut = s->cut;
		x->inconclusive = counts[1];
	} else {
		fprintf(stderr, "%s: expected a search, found something else\n", state->path);
	}
	free(data);
	return ok;
}

/* Which of the program's operations fail, so that its file shows the find. */
static void write_faults(struct prog *p, const struct search *s)
{
	for (unsigned i = 0; i < s->fault_count; i++)
		p->lanes[s->fault[i].cpu].ops[s->fault[i].op].fail = s->fault[i].ask;
}

static int found(struct exploration *x, struct search *s, struct input *in, const struct options *o, struct run_result *r)
{
	x->options.record = true;
	search_again(s);
	run_one(&in->prog, &x->options, r, NULL);
	write_faults(&in->prog, s);
	x->options.search = NULL;
	return explore_tell_find(x, in, o, r);
}

static int verdict(const struct exploration *x, const struct search *s)
{
	char why[128];

	if (!x->inconclusive && !s->incomplete)
		return explore_tell_complete(x);
	snprintf(why, sizeof(why), "%" PRIu64 " inconclusive%s", x->inconclusive,
		 s->incomplete ? ", some with more steps than can be told apart" : "");
	return explore_tell_incomplete(x, why);
}

static bool next(struct exploration *x, struct search *s)
{
	bool more = search_next(s);

	x->ended = s->complete;
	x->cut = s->cut;
	return more;
}

static int search_on(struct exploration *x, struct search *s, struct input *in, const struct options *o, struct explore_state *state)
{
	struct run_result r;

	do {
		if (explore_state_due(state) && !save(x, s, state))
			return EXIT_BAD_INPUT;
		if (o->budget && x->stats.executions >= o->budget) {
			if (state->path && !save(x, s, state))
				return EXIT_BAD_INPUT;
			return explore_tell_incomplete(x, "budget used up");
		}
		run_one(&in->prog, &x->options, &r, &x->stats);
		if (verdict_is_find(r.verdict)) {
			explore_state_drop(state);
			return found(x, s, in, o, &r);
		}
		x->inconclusive += r.verdict == VERDICT_INCONCLUSIVE;
		status_expect((double)explore_executions(x) / search_progress(s), x->before);
		status_tick(&x->stats);
	} while (next(x, s));
	explore_state_drop(state);
	return verdict(x, s);
}

int explore_dpor(struct exploration *x, struct input *in, const struct options *o)
{
	struct search *s = malloc(sizeof(*s));
	struct explore_state state;
	char how[64];
	int code;

	HARNESS_BUG_ON(!s);
	snprintf(how, sizeof(how), "dpor faults=%u", o->faults);
	explore_state_init(&state, o, &in->prog, how);
	search_init(s, SEARCH_DPOR, o->faults);
	x->options.record = false;
	x->options.search = s;
	code = load(x, s, &state) ? search_on(x, s, in, o, &state) : EXIT_BAD_INPUT;
	free(s);
	return code;
}
