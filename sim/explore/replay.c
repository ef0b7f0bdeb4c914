/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The program's own schedule. Deviations are anchored to (cpu, operation, site, occurrence), so they find
 * their place again after a rebuild or an unrelated edit; one that finds none is counted and the run goes on.
 */
#include <foliofuzz/explore.h>
#include <string.h>

static unsigned stay(u32 enabled, unsigned current)
{
	return enabled & (1u << current) ? current : (unsigned)__builtin_ctz(enabled);
}

static void replay_begin(struct strategy *s, u64 seed)
{
	struct replay_strategy *r = (struct replay_strategy *)s;

	bytes_strategy_init(&r->bytes, r->sched);
	r->bytes.strategy.begin(&r->bytes.strategy, seed);
	r->applied = r->missed = 0;
	r->run = 0;
	r->run_left = r->sched->run_count ? r->sched->runs[0].points : 0;
	for (unsigned i = 0; i < r->list.count; i++) {
		r->reached[i] = 0;
		r->done[i] = false;
		r->anchor_hash[i] = hash_string(r->list.at[i].anchor);
	}
}

static void replay_op(struct strategy *s, unsigned cpu, unsigned op)
{
	struct replay_strategy *r = (struct replay_strategy *)s;

	r->bytes.strategy.op(&r->bytes.strategy, cpu, op);
	for (unsigned i = 0; i < r->list.count; i++)
		if (r->list.at[i].cpu == cpu)
			r->reached[i] = 0;
}

/* "cpu0 41, cpu1 *": counted from the start; when the named CPU cannot run its turn is over. */
static unsigned next_of_runs(struct replay_strategy *r, u32 enabled, unsigned current)
{
	while (r->run < r->sched->run_count) {
		const struct prog_run *run = &r->sched->runs[r->run];

		if (r->run_left && (enabled & (1u << run->cpu))) {
			if (run->points != SCHED_RUN_ALL)
				r->run_left--;
			return run->cpu;
		}
		r->run++;
		if (r->run < r->sched->run_count)
			r->run_left = r->sched->runs[r->run].points;
	}
	return stay(enabled, current);
}

static unsigned next_of_deviations(struct replay_strategy *r, u32 enabled, unsigned current)
{
	const struct event *pending = engine_pending(current);
	bool can_stay = enabled & (1u << current);
	u64 hash = can_stay ? pending->site->hash : hash_string("end");
	unsigned to = stay(enabled, current);

	for (unsigned i = 0; i < r->list.count; i++) {
		const struct prog_deviation *d = &r->list.at[i];

		if (r->done[i] || d->cpu != current || r->anchor_hash[i] != hash ||
		    d->op != r->bytes.op[current])
			continue;
		if (++r->reached[i] != d->occurrence)
			continue;
		r->done[i] = true;
		if (enabled & (1u << d->to)) {
			r->applied++;
			to = d->to;
		}
	}
	return to;
}

static unsigned replay_next(struct strategy *s, u32 enabled, unsigned current)
{
	struct replay_strategy *r = (struct replay_strategy *)s;

	switch (r->sched->kind) {
	case SCHED_BYTES:
		return r->bytes.strategy.next(&r->bytes.strategy, enabled, current);
	case SCHED_RUNS:
		return next_of_runs(r, enabled, current);
	case SCHED_DEVIATIONS:
		return next_of_deviations(r, enabled, current);
	default:
		return stay(enabled, current);
	}
}

void replay_strategy_init(struct replay_strategy *r, const struct prog_sched *sched)
{
	r->strategy = (struct strategy){ "replay", replay_begin, replay_next, replay_op };
	r->sched = sched;
	r->list = (struct deviation_list){ sched->deviation_count, sched->deviations };
	if (sched->kind != SCHED_DEVIATIONS)
		r->list.count = 0;
}

void replay_strategy_init_list(struct replay_strategy *r, const struct deviation_list *list)
{
	static const struct prog_sched none = { .kind = SCHED_DEVIATIONS };

	replay_strategy_init(r, &none);
	r->list = *list;
}
