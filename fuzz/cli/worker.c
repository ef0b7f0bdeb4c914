/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * worker.c - one process's share of a campaign: executions k, k + jobs, k + 2 jobs, ... Each is a
 * function of its index alone, so sums over all workers do not depend on how many there are.
 */
#include "cli.h"

#include <string.h>

enum { TICK_EXECUTIONS = 32 };

bool campaign_is_stopped(const struct campaign_shared *s)
{
	return __atomic_load_n(&s->stop, __ATOMIC_RELAXED);
}

void campaign_stop(struct campaign_shared *s)
{
	__atomic_store_n(&s->stop, true, __ATOMIC_RELAXED);
}

static u64 first_find(const struct campaign_shared *s)
{
	return __atomic_load_n(&s->first_find, __ATOMIC_RELAXED);
}

static void lower_first_find(struct campaign_shared *s, u64 i)
{
	u64 old = first_find(s);

	while (i < old && !__atomic_compare_exchange_n(&s->first_find, &old, i, false,
						       __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
}

static void note_find(struct worker *w, u64 i, const char *title)
{
	struct campaign_find *f;

	for (u32 n = 0; n < w->find_count; n++)
		if (!strcmp(w->finds[n].title, title)) {
			w->finds[n].count++;
			return;
		}
	if (w->find_count == CAMPAIGN_FINDS_MAX) {
		w->finds_dropped++;
		return;
	}
	f = &w->finds[w->find_count++];
	f->index = i;
	f->count = 1;
	memcpy(f->title, title, sizeof(f->title));
}

static void run_execution(const struct campaign *c, struct campaign_shared *s, struct worker *w,
			  u64 i)
{
	static struct prog prog;
	struct run_options o;
	struct run_result r;

	w->current = i;
	campaign_execution(c, i, &prog, &o);
	run_one(&prog, &o, &r, &w->stats);
	w->digest += hash_mix(r.hash, i);
	if (!verdict_is_find(r.verdict))
		return;
	note_find(w, i, r.title);
	if (!c->options->keep_going)
		lower_first_find(s, i);
}

void worker_run(const struct campaign *c, struct campaign_shared *s, u32 k,
		void (*tick)(struct campaign_shared *s))
{
	u32 until_tick = 1;

	/* A find stops whoever is past it; the others go on, lest they hold an earlier one. */
	for (u64 i = k; i < c->limit && i < first_find(s) && !campaign_is_stopped(s);) {
		run_execution(c, s, &s->workers[k], i);
		if (--until_tick == 0) {
			until_tick = TICK_EXECUTIONS;
			tick(s);
		}
		if (c->limit - i <= s->jobs)
			break;
		i += s->jobs;
	}
}
