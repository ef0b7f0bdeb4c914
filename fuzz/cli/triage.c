/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * triage.c - crash files sorted: each replayed, what shows no find left out, the others grouped by title (and known bug, where some
 * are on), and the smallest of each group minimised. The result is a function of the files; how many processes share the work does not matter.
 */
#include "cli.h"

#include <stdlib.h>
#include <string.h>

/* So many of a group are tried for one whose schedule can be written down. */
enum { CANDIDATES = 3 };

/*
 * A text says on which kernel and with which bugs it runs. Of a fuzzer's input that part is not meant: targets take it from their
 * build and command line, as this does from the options.
 */
static const char *settle_world(const struct options *o, struct input *in)
{
	if (!in->binary)
		return options_apply(o, &in->prog, false);
	in->prog.world.bugs = (struct bug_switches){ .on = { { 0 } } };
	prog_set_generation(&in->prog, GENERATION_DEFAULT);
	return options_apply(o, &in->prog, true);
}

static bool load(const struct triage *t, u32 i, struct input *in, struct text *why)
{
	const char *wrong;

	if (!input_read(in, t->paths.paths[i], true, why))
		return false;
	wrong = settle_world(t->options, in);
	if (wrong)
		text_printf(why, ": %s", wrong);
	return !wrong;
}

static struct run_options replay_options(const struct triage *t)
{
	struct run_options o = t->options->run;

	o.strategy = STRATEGY_REPLAY;
	return o;
}

static void replay_file(void *arg, u32 i)
{
	static struct input in;
	const struct triage *t = arg;
	struct triage_file *f = &t->files[i];
	struct run_options o = replay_options(t);
	struct run_result r, again;
	struct text why;

	text_init(&why, f->why, sizeof(f->why));
	if (!load(t, i, &in, &why)) {
		f->unreadable = true;
		return;
	}
	run_one(&in.prog, &o, &r, NULL);
	run_one(&in.prog, &o, &again, NULL);
	f->differs = r.hash != again.hash;
	f->verdict = r.verdict;
	f->operations = operations_of(&in.prog);
	f->preemptions = r.preemptions;
	f->points = r.points;
	if (f->differs)
		text_printf(&why, ": two replays differ");
	else if (!verdict_is_find(r.verdict))
		text_printf(&why, ": %s%s%s", verdict_name(r.verdict), r.message[0] ? ": " : "", r.message);
	if (why.len)
		return;
	f->cause = triage_cause(&in.prog, &o, r.title);
	memcpy(f->title, r.title, sizeof(f->title));
}

static const struct triage *sorted;

static int by_title_and_size(const void *a, const void *b)
{
	const u32 x = *(const u32 *)a, y = *(const u32 *)b;
	const struct triage_file *f = &sorted->files[x], *g = &sorted->files[y];
	int order = strcmp(f->title, g->title);

	if (order)
		return order;
	if (f->cause != g->cause)
		return f->cause < g->cause ? -1 : 1;
	if (f->operations != g->operations)
		return f->operations < g->operations ? -1 : 1;
	if (f->preemptions != g->preemptions)
		return f->preemptions < g->preemptions ? -1 : 1;
	if (f->points != g->points)
		return f->points < g->points ? -1 : 1;
	return x < y ? -1 : 1;
}

static bool same_group(const struct triage *t, u32 n, u32 m)
{
	const struct triage_file *f = &t->files[t->order[n]], *g = &t->files[t->order[m]];

	return f->cause == g->cause && !strcmp(f->title, g->title);
}

static void group(struct triage *t)
{
	u32 count = 0;

	t->order = calloc(t->paths.count + 1, sizeof(*t->order));
	HARNESS_BUG_ON(!t->order);
	for (u32 i = 0; i < t->paths.count; i++)
		if (t->files[i].title[0])
			t->order[t->find_count++] = i;
	sorted = t;
	qsort(t->order, t->find_count, sizeof(*t->order), by_title_and_size);
	for (u32 n = 0; n < t->find_count; n++)
		count += !n || !same_group(t, n, n - 1);
	t->groups = pool_memory(count * sizeof(*t->groups));
	for (u32 n = 0; n < t->find_count; n++) {
		if (!n || !same_group(t, n, n - 1))
			t->groups[t->group_count++].first = n;
		t->groups[t->group_count - 1].count++;
	}
}

static void minimise_group(void *arg, u32 i)
{
	static struct input in;
	const struct triage *t = arg;
	struct triage_group *g = &t->groups[i];
	struct run_options o = replay_options(t);
	struct run_result r;
	char complaint[256];
	struct text why;

	for (u32 n = 0; n < g->count && n < CANDIDATES; n++) {
		text_init(&why, complaint, sizeof(complaint));
		if (load(t, t->order[g->first + n], &in, &why) && minimise(&in.prog, &o, NULL, &r) &&
		    triage_cause(&in.prog, &o, r.title) == t->files[t->order[g->first]].cause) {
			g->prog = in.prog;
			g->note = NULL;
			return;
		}
	}
	g->note = "not minimised: its schedule has more switches than can be written down, or what is left is another bug";
}

/* The smallest as it is, should nothing come of it. */
static void load_smallest(struct triage *t)
{
	static struct input in;
	char complaint[256];
	struct text why;

	for (u32 i = 0; i < t->group_count; i++) {
		text_init(&why, complaint, sizeof(complaint));
		if (load(t, t->order[t->groups[i].first], &in, &why))
			t->groups[i].prog = in.prog;
		t->groups[i].note = "not minimised: the process that was at it died";
	}
}

/* Names are printed, and stand in XML and JSON. */
static char *printable(const char *s)
{
	size_t room = 4 * strlen(s) + 1;
	char *name = malloc(room);
	struct text t;

	HARNESS_BUG_ON(!name);
	text_init(&t, name, room);
	for (; *s; s++)
		text_printf(&t, *s >= 0x20 && *s <= 0x7e && *s != '\\' ? "%c" : "\\x%02x", (unsigned char)*s);
	return name;
}

static bool run_pieces(struct triage *t, const char *verb, u32 pieces, void (*work)(void *arg, u32 i), u8 **state)
{
	struct pool pool = { .verb = verb, .jobs = t->options->jobs, .pieces = pieces, .work = work, .arg = t };

	pool.state = *state = pool_memory(pieces);
	return pool_run(&pool);
}

bool triage_run(struct triage *t, const char *folder)
{
	u8 *state;

	t->files = pool_memory(t->paths.count * sizeof(*t->files));
	for (u32 i = 0; i < t->paths.count; i++)
		t->files[i].name = printable(t->paths.paths[i] + strlen(folder) + 1);
	if (!run_pieces(t, "replayed", (u32)t->paths.count, replay_file, &state))
		return false;
	for (u32 i = 0; i < t->paths.count; i++)
		if (state[i] == PIECE_LOST) {
			struct text why;

			text_init(&why, t->files[i].why, sizeof(t->files[i].why));
			text_printf(&why, ": the process that replayed it died");
			t->worker_lost = true;
			t->files[i].title[0] = '\0';
		}
	group(t);
	load_smallest(t);
	if (!run_pieces(t, "minimised", t->group_count, minimise_group, &state))
		return false;
	for (u32 i = 0; i < t->group_count; i++)
		t->worker_lost |= state[i] == PIECE_LOST;
	return true;
}

void triage_free(struct triage *t)
{
	for (u32 i = 0; t->files && i < t->paths.count; i++)
		free(t->files[i].name);
	files_free(&t->paths);
	free(t->order);
}
