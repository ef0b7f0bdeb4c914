/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * From a recorded execution to its schedule in normal form (algorithms.md 4.11): the choices that deviate from
 * "keep running this CPU; when it waits or has ended, the lowest enabled one", each anchored to what the CPU it
 * was taken from was about to do, and to how often its operation had come to that site before.
 */
#include <foliofuzz/explore.h>
#include <string.h>

static bool same_place(const struct decision *a, const struct decision *b)
{
	u64 ha = a->site ? a->site->hash : 0, hb = b->site ? b->site->hash : 0;

	return a->cpu == b->cpu && a->op == b->op && ha == hb;
}

static u16 occurrence(const struct decision *log, u32 at)
{
	u16 n = 0;

	for (u32 i = 0; i <= at; i++)
		n = (u16)(n + same_place(&log[i], &log[at]));
	return n;
}

static void anchor_of(char *buf, size_t size, const struct site *site)
{
	struct text t;

	text_init(&t, buf, size);
	if (site)
		site_anchor(&t, site);
	else
		text_printf(&t, "end");
}

bool deviations_from_run(struct prog_sched *out)
{
	u32 count;
	const struct decision *log = engine_decisions(&count);

	memset(out, 0, sizeof(*out));
	out->kind = SCHED_DEVIATIONS;
	for (u32 i = 0; i < count; i++) {
		struct prog_deviation *d = &out->deviations[out->deviation_count];

		if (log[i].chosen == log[i].normal)
			continue;
		if (out->deviation_count == PROG_DEVIATIONS_MAX)
			return false;
		d->cpu = log[i].cpu;
		d->op = (u8)log[i].op;
		d->to = log[i].chosen;
		d->occurrence = occurrence(log, i);
		anchor_of(d->anchor, sizeof(d->anchor), log[i].site);
		out->deviation_count++;
	}
	return true;
}
