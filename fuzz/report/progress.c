/* SPDX-License-Identifier: GPL-2.0-only */
/* progress.c - interleavings, pairs and bounds over many executions. */
#include "progress.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

static bool is_sampled(const struct progress *p, u64 hash)
{
	return !(hash & ((1ull << p->level) - 1));
}

static void insert(struct progress *p, u64 hash, u32 times)
{
	u64 at = hash >> 40;

	for (u32 i = 0; i < PROGRESS_SLOTS; i++) {
		struct progress_slot *s = &p->slots[(at + i) % PROGRESS_SLOTS];

		if (s->hash && s->hash != hash)
			continue;
		p->count += !s->hash;
		s->hash = hash;
		s->times = s->times + times > 1 ? 2 : 1;
		return;
	}
}

static void raise_level(struct progress *p)
{
	static struct progress_slot old[PROGRESS_SLOTS];

	memcpy(old, p->slots, sizeof(old));
	memset(p->slots, 0, sizeof(p->slots));
	p->count = 0;
	p->level++;
	for (u32 i = 0; i < PROGRESS_SLOTS; i++)
		if (old[i].hash && is_sampled(p, old[i].hash))
			insert(p, old[i].hash, old[i].times);
}

static void note_interleaving(struct progress *p, u64 hash, u32 times)
{
	if (!is_sampled(p, hash))
		return;
	insert(p, hash, times);
	while (p->count > PROGRESS_SLOTS / 2)
		raise_level(p);
}

void progress_note(struct progress *p, const struct engine_watch *w, const struct run_result *r, u64 program)
{
	/* mixed once more, since the low bits decide what is kept */
	u64 hash = hash_mix(hash_mix(program, w->interleaving), 0x5bd1e995);

	p->executions++;
	p->switches += r->switches;
	p->preemptions += r->preemptions;
	for (unsigned i = 0; i < WATCH_WORDS; i++)
		p->pairs[i] |= w->pairs[i];
	note_interleaving(p, hash ? hash : ~0ull, 1);
	if (!r->pct.depth)
		return;
	p->pct_runs[r->pct.depth % PROGRESS_DEPTHS]++;
	p->pct_choices = r->pct.choices > p->pct_choices ? r->pct.choices : p->pct_choices;
	p->pct_cpus = r->pct.cpus > p->pct_cpus ? r->pct.cpus : p->pct_cpus;
}

void progress_add(struct progress *to, const struct progress *from)
{
	while (to->level < from->level)
		raise_level(to);
	for (u32 i = 0; i < PROGRESS_SLOTS; i++)
		if (from->slots[i].hash)
			note_interleaving(to, from->slots[i].hash, from->slots[i].times);
	to->executions += from->executions;
	to->switches += from->switches;
	to->preemptions += from->preemptions;
	for (unsigned i = 0; i < WATCH_WORDS; i++)
		to->pairs[i] |= from->pairs[i];
	for (unsigned d = 0; d < PROGRESS_DEPTHS; d++)
		to->pct_runs[d] += from->pct_runs[d];
	to->pct_choices = from->pct_choices > to->pct_choices ? from->pct_choices : to->pct_choices;
	to->pct_cpus = from->pct_cpus > to->pct_cpus ? from->pct_cpus : to->pct_cpus;
}

u64 progress_interleavings(const struct progress *p)
{
	return (u64)p->count << p->level;
}

double progress_next_is_new(const struct progress *p)
{
	u64 once = 0;

	for (u32 i = 0; i < PROGRESS_SLOTS; i++)
		once += p->slots[i].hash && p->slots[i].times == 1;
	once <<= p->level;
	if (!p->executions)
		return 1;
	return once < p->executions ? (double)once / (double)p->executions : 1;
}

unsigned progress_pairs(const struct progress *p)
{
	unsigned n = 0;

	for (unsigned i = 0; i < WATCH_WORDS; i++)
		n += (unsigned)__builtin_popcountll(p->pairs[i]);
	return n;
}

double progress_pct_miss(const struct progress *p, unsigned depth)
{
	double chance, runs;

	if (!p->programs || depth >= PROGRESS_DEPTHS || !p->pct_runs[depth])
		return 1;
	runs = floor((double)p->pct_runs[depth] / (double)p->programs);
	chance = 1 / (p->pct_cpus * pow(p->pct_choices, depth - 1));
	return exp(runs * log1p(-chance));
}

const char *progress_warning(const struct progress *p)
{
	if (!p->executions)
		return NULL;
	if (!p->switches)
		return "no execution ever switched between CPUs: nothing was interleaved";
	if (!progress_pairs(p))
		return "no two CPUs ever touched one object with a write between them: nothing was interleaved that could matter";
	return NULL;
}

static void print_pct(FILE *out, const struct progress *p)
{
	for (unsigned d = 0; d < PROGRESS_DEPTHS; d++)
		if (progress_pct_miss(p, d) < 1)
			fprintf(out, "a bug of depth %u was missed with probability %.4f at most (%" PRIu64 " executions of PCT, %u CPUs, %u choices)\n",
				d, progress_pct_miss(p, d), p->pct_runs[d], p->pct_cpus, p->pct_choices);
}

void progress_print(FILE *out, const struct progress *p)
{
	const char *warning = progress_warning(p);

	if (!p->executions)
		return;
	fprintf(out, "%s%" PRIu64 " distinct interleavings in %" PRIu64 " executions; the next one shows a new one with probability %.4f\n",
		p->level ? "about " : "", progress_interleavings(p), p->executions, progress_next_is_new(p));
	fprintf(out, "%u contended pairs of sites; %.1f switches and %.1f preemptions an execution\n", progress_pairs(p),
		(double)p->switches / (double)p->executions, (double)p->preemptions / (double)p->executions);
	print_pct(out, p);
	if (warning)
		fprintf(out, "WARNING: %s\n", warning);
}
