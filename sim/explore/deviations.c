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

static void write_down(struct prog_deviation *d, const struct decision *log, u32 i)
{
	d->cpu = log[i].cpu;
	d->op = (u8)log[i].op;
	d->to = log[i].chosen;
	d->occurrence = occurrence(log, i);
	anchor_of(d->anchor, sizeof(d->anchor), log[i].site);
}

unsigned deviations_from_run(struct prog_deviation *out, unsigned max)
{
	u32 count;
	const struct decision *log = engine_decisions(&count);
	unsigned n = 0;

	for (u32 i = 0; i < count; i++) {
		if (log[i].chosen == log[i].normal)
			continue;
		if (n < max)
			write_down(&out[n], log, i);
		n++;
	}
	return n;
}
