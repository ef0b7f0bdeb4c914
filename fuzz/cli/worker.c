/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * worker.c - one process's share of a campaign: executions k, k + jobs, k + 2 jobs, ... Each is a
 * function of its index alone, so sums over all workers do not depend on how many there are.
 */
#include "cli.h"

#include <sched.h>
#include <string.h>

/* Random programs show few things twice, so one in so many tells as much as all of them. */
enum { TICK_EXECUTIONS = 32, WATCH_EVERY = 16 };

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

static void note_find(struct worker *w, u64 i, const char *title, const struct run_options *o)
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
	f->strategy = o->strategy;
	f->seed = o->seed;
	memcpy(f->title, title, sizeof(f->title));
}

static void run_execution(const struct campaign *c, struct campaign_shared *s, struct worker *w,
			  u64 i)
{
	static struct engine_watch watch;
	static struct prog prog;
	struct run_options o;
	struct run_result r;
	struct portfolio *p = NULL;
	unsigned arm = 0;

	w->current = i;
	campaign_execution(c, i, &prog, &o);
	o.watch = c->input_count || o.strategy == STRATEGY_PORTFOLIO || i % WATCH_EVERY == 0 ? &watch : NULL;
	if (o.strategy == STRATEGY_PORTFOLIO) {
		p = &s->portfolios[c->input_count ? i % c->input_count : 0];
		o.seed = c->options->run.seed;
		arm = run_choose(p, i / campaign_programs(c), &o);
	}
	run_one(&prog, &o, &r, &w->stats);
	if (o.watch)
		progress_note(&w->progress, &watch, &r, c->input_count ? i % c->input_count : 0);
	if (p)
		portfolio_note(p, arm, &watch);
	w->digest += hash_mix(r.hash, i);
	if (!verdict_is_find(r.verdict))
		return;
	note_find(w, i, r.title, &o);
	if (!c->options->keep_going)
		lower_first_find(s, i);
}

static u64 epoch_of(const struct campaign *c, u64 i)
{
	return i / campaign_programs(c) / PORTFOLIO_EPOCH;
}

/* Everybody has made what was theirs of the epochs before `epoch`. */
static bool all_have_reached(const struct campaign_shared *s, u64 epoch)
{
	for (u32 k = 0; k < s->jobs; k++)
		if (__atomic_load_n(&s->workers[k].epoch, __ATOMIC_ACQUIRE) < epoch)
			return false;
	return true;
}

/* Whoever comes first turns the portfolios over, one epoch after the other; nobody else looks at them meanwhile. */
static void turn_epoch(const struct campaign *c, struct campaign_shared *s, u64 epoch)
{
	u64 before = epoch - 1;

	if (!__atomic_compare_exchange_n(&s->epoch_claimed, &before, epoch, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED))
		return;
	for (u64 n = 0; n < campaign_programs(c); n++)
		portfolio_epoch(&s->portfolios[n]);
	__atomic_store_n(&s->epoch, epoch, __ATOMIC_RELEASE);
}

/*
 * Before execution i of a portfolio: its choice depends on sums over all executions of the epochs before. False: there is no need for i
 * any more.
 */
static bool reach_epoch(const struct campaign *c, struct campaign_shared *s, u32 k, u64 i, void (*tick)(struct campaign_shared *s))
{
	u64 epoch = epoch_of(c, i);

	__atomic_store_n(&s->workers[k].epoch, epoch, __ATOMIC_RELEASE);
	for (u64 now; (now = __atomic_load_n(&s->epoch, __ATOMIC_ACQUIRE)) < epoch;) {
		if (campaign_is_stopped(s) || first_find(s) <= i)
			return false;
		if (all_have_reached(s, now + 1)) {
			turn_epoch(c, s, now + 1);
		} else {
			tick(s);
			sched_yield();
		}
	}
	return true;
}

void worker_run(const struct campaign *c, struct campaign_shared *s, u32 k,
		void (*tick)(struct campaign_shared *s))
{
	bool epochs = c->options->run.strategy == STRATEGY_PORTFOLIO;
	u32 until_tick = 1;

	/* A find stops whoever is past it; the others go on, lest they hold an earlier one. */
	for (u64 i = k; i < c->limit && i < first_find(s) && !campaign_is_stopped(s);) {
		if (epochs && !reach_epoch(c, s, k, i, tick))
			break;
		run_execution(c, s, &s->workers[k], i);
		if (--until_tick == 0) {
			until_tick = TICK_EXECUTIONS;
			tick(s);
		}
		if (c->limit - i <= s->jobs)
			break;
		i += s->jobs;
	}
	__atomic_store_n(&s->workers[k].epoch, UINT64_MAX, __ATOMIC_RELEASE);
}
