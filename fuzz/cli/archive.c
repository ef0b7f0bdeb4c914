/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * archive.c - a find becomes a file: text, with the schedule as anchored deviations, and proved by
 * replaying it.
 */
#include "cli.h"

#include <inttypes.h>
#include <string.h>

enum { PREEMPTIONS_READABLE = 3 };

static char text[PROG_TEXT_MAX + 1];

bool prog_write_text(const char *path, const struct prog *p)
{
	size_t len = prog_print(p, text, sizeof(text));

	HARNESS_BUG_ON(len >= sizeof(text));
	return write_file(path, text, len);
}

/* A comment is printable; a path may hold anything. */
static void put_printable(struct text *t, const char *s)
{
	for (; *s; s++)
		text_printf(t, "%c", *s >= 0x20 && *s <= 0x7e ? *s : '?');
}

static void describe(struct archive *a, const struct campaign *c, u64 i)
{
	struct text t;

	text_init(&t, a->prog.comment, sizeof(a->prog.comment));
	text_printf(&t, "%s\nFound by foliofuzz run, seed %" PRIu64, a->result.title,
		    a->options.seed);
	if (c->input_count) {
		text_printf(&t, ", from ");
		put_printable(&t, c->inputs[i % c->input_count].path);
	}
	text_init(&t, a->prog.expect, sizeof(a->prog.expect));
	report_expect(&t, &a->result);
	if (t.truncated)
		a->prog.expect[0] = '\0';
}

/* The schedule of the find in the form that is archived, or else how to draw it again. */
static void settle_schedule(struct archive *a)
{
	static struct prog_sched sched;
	bool drawn = strategy_draws((enum strategy_id)a->options.strategy);
	const char *strategy = strategy_name((enum strategy_id)a->options.strategy);

	if (drawn && a->result.preemptions > PREEMPTIONS_READABLE &&
	    calm_schedule(&a->prog, &a->options, &a->result)) {
		a->options.strategy = STRATEGY_BYTES;
		drawn = false;
	} else if (drawn && a->result.preemptions > PREEMPTIONS_READABLE && thin_schedule(&a->prog, &a->options, &a->result)) {
		a->options.strategy = STRATEGY_REPLAY;
		drawn = false;
	}
	a->options.record = true;
	run_one(&a->prog, &a->options, &a->result, NULL);
	if (run_deviations(&sched)) {
		a->prog.sched = sched;
		a->options.strategy = STRATEGY_REPLAY;
	} else if (drawn) {
		a->strategy = strategy;
		fprintf(stderr,
			"foliofuzz: the schedule needs more than %d deviations; the file holds the "
			"program alone and the replay line the seed\n",
			PROG_DEVIATIONS_MAX);
	}
}

static bool choose_path(struct archive *a, const char *dir)
{
	struct text t;

	text_init(&t, a->path, sizeof(a->path));
	if (dir)
		text_printf(&t, "%s/", dir);
	report_file_name(&t, &a->result);
	if (t.truncated)
		return false;
	return !dir || folder_make(dir);
}

/* Reads the archived text back and runs that; nothing else proves a file. */
static bool replay_archived(struct archive *a, const char *title)
{
	static struct prog read_back;
	size_t len = prog_print(&a->prog, text, sizeof(text));
	struct prog_error err;

	if (len >= sizeof(text) || !prog_parse(&read_back, text, len, &err))
		return false;
	run_one(&read_back, &a->options, &a->result, NULL);
	return !strcmp(a->result.title, title);
}

bool archive_find(struct archive *a, const struct campaign *c, const struct campaign_find *f)
{
	u64 i = f->index;
	char title[RUN_TITLE_MAX];

	a->strategy = NULL;
	campaign_execution(c, i, &a->prog, &a->options);
	a->options.strategy = f->strategy;
	a->options.seed = f->seed;
	run_one(&a->prog, &a->options, &a->result, NULL);
	if (!verdict_is_find(a->result.verdict)) {
		fprintf(stderr,
			"foliofuzz: execution %" PRIu64 " was a find, and run again it is %s\n", i,
			verdict_name(a->result.verdict));
		return false;
	}
	memcpy(title, a->result.title, sizeof(title));
	settle_schedule(a);
	describe(a, c, i);
	a->faithful = replay_archived(a, title);
	if (!a->faithful)
		fprintf(stderr,
			"foliofuzz: WARNING: the archived schedule does not show the find again: "
			"expected '%s', found '%s'\n",
			title, a->result.title);
	a->unwritten = !choose_path(a, c->options->out) || !prog_write_text(a->path, &a->prog);
	return true;
}
