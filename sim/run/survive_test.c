/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Schedules survive edits of the replica: every archived program still ends as it expects when scheduling points have come to where there were
 * none, when one that a deviation is anchored to comes twice, and when there is an allocation more. The edits are made here, around
 * engine_point() and its like, which this file has in place of the library's.
 *
 *   survive_test [-v]      prints a line for each edit, with the distance; -v: each program that ends otherwise
 */
#define engine_point engine_point_of_point_c
#define engine_point_bits engine_point_bits_of_point_c
#define engine_wait engine_wait_of_point_c
#define engine_wait_bits engine_wait_bits_of_point_c
#include "../engine/point.c"
#undef engine_point
#undef engine_point_bits
#undef engine_wait
#undef engine_wait_bits
void engine_point(const struct site *site, const volatile void *object, enum event_kind kind);
void engine_point_bits(const struct site *site, const volatile void *object, enum event_kind kind, unsigned long clear, unsigned long set);
void engine_wait(const struct site *site, const volatile void *object, enum event_kind kind, bool (*ready)(const volatile void *),
		 const volatile void *arg);
void engine_wait_bits(const struct site *site, const volatile void *object, enum event_kind kind, bool (*ready)(const volatile void *),
		      const volatile void *arg, unsigned long clear, unsigned long set);

#include "../../fuzz/report/report.h"
#include "load_test.h"
#include <foliofuzz/explore.h>
#include <foliofuzz/run.h>
#include <linux/slab.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

/* Not about the replica's races: it changes what a point does. */
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "report_bugs=0";
}

/* ---- the edits ---- */
static struct {
	const char *primitive, *function; /* before which a point is new: how it begins; or whose */
	u64 again;			  /* the hash of a site that comes twice */
	bool allocation;
	u32 made; /* of them, in this execution */
} edit;

/* A new site beside another, in the same function. */
static const struct site *new_site(const struct site *beside)
{
	static struct site sites[4096];
	static const struct site *known[4096];
	u32 i = (u32)(beside->hash % 4096);
	char anchor[256];
	struct text t;

	while (known[i] && known[i] != beside)
		i = (i + 1) % 4096;
	if (known[i])
		return &sites[i];
	known[i] = beside;
	sites[i] = *beside;
	sites[i].primitive = "new";
	text_init(&t, anchor, sizeof(anchor));
	site_anchor(&t, &sites[i]);
	sites[i].hash = hash_string(anchor);
	return &sites[i];
}

/* An object more of the same kind, that goes again at once. */
static void allocate(const struct site *site, struct kmem_cache *c)
{
	void *more = kmem_cache_alloc_at(site, c, GFP_ATOMIC);

	if (more)
		kmem_cache_free_at(site, c, more);
	edit.made++;
}

/* What is edited in, before the point at `site`. A new point looks, and does nothing. */
static void edited(const struct site *site, const volatile void *object)
{
	bool starts = edit.primitive && !strncmp(site->primitive, edit.primitive, strlen(edit.primitive));

	if (edit.allocation && !strcmp(site->primitive, "kmem_cache_alloc") && !((const struct kmem_cache *)object)->pool)
		return allocate(new_site(site), (struct kmem_cache *)(uintptr_t)object);
	if (edit.again && site->hash == edit.again)
		engine_point_of_point_c(site, NULL, EVENT_READ);
	else if (starts || (edit.function && !strcmp(site->function, edit.function)))
		engine_point_of_point_c(new_site(site), NULL, EVENT_READ);
	else
		return;
	edit.made++;
}

void engine_point(const struct site *site, const volatile void *object, enum event_kind kind)
{
	edited(site, object);
	engine_point_of_point_c(site, object, kind);
}

void engine_point_bits(const struct site *site, const volatile void *object, enum event_kind kind, unsigned long clear, unsigned long set)
{
	edited(site, object);
	engine_point_bits_of_point_c(site, object, kind, clear, set);
}

void engine_wait(const struct site *site, const volatile void *object, enum event_kind kind, bool (*ready)(const volatile void *),
		 const volatile void *arg)
{
	edited(site, object);
	engine_wait_of_point_c(site, object, kind, ready, arg);
}

void engine_wait_bits(const struct site *site, const volatile void *object, enum event_kind kind, bool (*ready)(const volatile void *),
		      const volatile void *arg, unsigned long clear, unsigned long set)
{
	edited(site, object);
	engine_wait_bits_of_point_c(site, object, kind, ready, arg, clear, set);
}

/* ---- the programs ---- */
struct archived {
	char *path;
	char bug[64]; /* of corpus/bugs; or "" */
	struct prog prog;
};
static struct archived *archive;
static unsigned archived_count;
static bool verbose;

static bool load_archived(struct archived *a, const char *path)
{
	a->path = strdup(path);
	if (sscanf(path, "corpus/bugs/%63[^/]", a->bug) != 1)
		a->bug[0] = 0;
	return load(&a->prog, path);
}

static bool load_all(void)
{
	glob_t files = { 0 };
	bool ok = true;

	glob("corpus/bugs/*/min.prog", 0, NULL, &files);
	glob("corpus/regressions/*.prog", GLOB_APPEND, NULL, &files);
	archive = calloc(files.gl_pathc, sizeof(*archive));
	for (size_t i = 0; i < files.gl_pathc; i++)
		ok = load_archived(&archive[archived_count++], files.gl_pathv[i]) && ok;
	globfree(&files);
	return ok && archived_count;
}

/* ---- what became of them ---- */
struct tally {
	u32 programs, edited, exact, near; /* edited: the edit was come to; exact: the schedule as it stands does it; near: run_near() */
	u32 distance; /* of those */
	u32 diverged; /* deviations without a place, as it stands */
};

static bool is_expected(const void *expect, const struct run_result *r)
{
	return report_meets(expect, r);
}

static void replay(struct tally *t, const struct archived *a)
{
	const char *expect = a->prog.expect[0] ? a->prog.expect : "clean";
	struct prog near = a->prog;
	struct run_options o;
	struct run_result r;
	u32 distance;
	bool found;

	run_options_init(&o);
	o.strategy = STRATEGY_REPLAY;
	edit.made = 0;
	run_one(&a->prog, &o, &r, NULL);
	t->programs++;
	t->edited += edit.made != 0;
	t->diverged += r.diverged;
	if (report_meets(expect, &r)) {
		t->exact++;
		return;
	}
	if (verbose)
		printf("  %s: %s (%s), %u deviations without a place", a->path, r.title[0] ? r.title : verdict_name(r.verdict), expect, r.diverged);
	found = run_near(&near, &o, is_expected, expect, &r, &distance);
	t->near += found;
	t->distance += found ? distance : 0;
	if (verbose)
		printf(found ? ", found at distance %u\n" : ", not found near\n", distance);
}

/* Whether so many of a hundred show it. */
static bool tell(const char *name, const struct tally *t, unsigned percent)
{
	bool good = t->programs && (t->exact + t->near) * 100 >= t->programs * percent;

	printf("%-24s %u of %u programs show what they expect, %u of them as they stand, %u near by, at a distance of %u in all; %u came to the edit, "
	       "%u deviations found no place%s\n",
	       name, t->exact + t->near, t->programs, t->exact, t->near, t->distance, t->edited, t->diverged, good ? "" : ": too few");
	return good;
}

static bool try_all(const char *name, unsigned percent)
{
	struct tally t = { 0 };

	for (unsigned i = 0; i < archived_count; i++)
		replay(&t, &archive[i]);
	return tell(name, &t, percent);
}

/* Each site that a program's schedule names comes twice, one after the other. */
static bool try_again(void)
{
	struct tally t = { 0 };

	for (unsigned i = 0; i < archived_count; i++) {
		const struct prog_sched *s = &archive[i].prog.sched;

		for (unsigned d = 0; s->kind == SCHED_DEVIATIONS && d < s->deviation_count; d++) {
			edit.again = hash_string(s->deviations[d].anchor);
			replay(&t, &archive[i]);
		}
	}
	edit.again = 0;
	return tell("an anchor comes twice", &t, 95);
}

/* What is near is still the bug's: with the bug off nothing is found there. */
static bool try_repaired(void)
{
	u32 programs = 0, shown = 0;

	for (unsigned i = 0; i < archived_count; i++) {
		struct prog p = archive[i].prog;
		struct run_options o;
		struct run_result r;
		u32 distance;

		if (!archive[i].bug[0])
			continue;
		programs++;
		bug_switch(&p.world.bugs, (unsigned)bug_find(archive[i].bug), false);
		run_options_init(&o);
		o.strategy = STRATEGY_REPLAY;
		if (!run_near(&p, &o, is_expected, p.expect, &r, &distance))
			continue;
		shown++;
		printf("  %s: shown with the bug off, at distance %u\n", archive[i].path, distance);
	}
	printf("%-24s %u of %u programs show it near by\n", "the bug is off", shown, programs);
	return programs && !shown;
}

int main(int argc, char **argv)
{
	bool good = true;

	verbose = argc > 1 && !strcmp(argv[1], "-v");
	if (!load_all())
		return 1;
	good &= try_all("as it is", 100);
	edit.primitive = "spin_lock";
	good &= try_all("new: spin_lock", 100);
	edit.primitive = "set_bit";
	good &= try_all("new: set_bit", 100);
	edit.primitive = NULL;
	edit.function = "folio_put_testzero";
	good &= try_all("new: folio_put", 100);
	edit.function = NULL;
	edit.primitive = "";
	good &= try_all("new: everywhere", 100);
	edit.primitive = NULL;
	edit.allocation = true;
	good &= try_all("new: an allocation", 100);
	edit.allocation = false;
	good &= try_again();
	good &= try_repaired();
	return !good;
}
