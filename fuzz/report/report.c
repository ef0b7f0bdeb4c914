/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * report.c - the head of every report: how to see the execution again, and the stable title.
 */
#include "report.h"

#include <inttypes.h>
#include <string.h>

static bool shell_safe(const char *s)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				   "_-./+,:@%=";

	return *s && s[strspn(s, safe)] == '\0';
}

static void put_word(struct text *t, const char *s)
{
	if (shell_safe(s)) {
		text_printf(t, " %s", s);
		return;
	}
	text_printf(t, " '");
	for (; *s; s++) {
		if (*s == '\'')
			text_printf(t, "'\\''");
		else
			text_printf(t, "%c", *s);
	}
	text_printf(t, "'");
}

static void put_world(struct text *t, const struct prog_world *w)
{
	text_printf(t, " --kernel %s --bug none", generation_table[w->generation].name);
	for (unsigned id = 0; id < BUG_COUNT; id++)
		if (bug_set_has(&w->bugs.on, id))
			text_printf(t, " --bug %s", bug_table[id].name);
		else if (bug_set_has(&w->bugs.off, id))
			text_printf(t, " --bug -%s", bug_table[id].name);
}

void report_command(struct text *t, const struct report_replay *replay)
{
	const struct run_options *o = replay->options;

	text_printf(t, "foliofuzz replay");
	if (replay->world)
		put_world(t, replay->world);
	if (replay->strategy)
		text_printf(t, " --strategy %s --seed %" PRIu64, replay->strategy, o->seed);
	if (o->steps_max && o->steps_max != RUN_STEPS_DEFAULT)
		text_printf(t, " --steps %u", o->steps_max);
	if (o->strict_hwpoison)
		text_printf(t, " --strict-hwpoison");
	if (replay->file[0] == '-' && replay->file[1])
		text_printf(t, " --");
	put_word(t, replay->file);
}

static const char *plural(u32 n)
{
	return n == 1 ? "" : "s";
}

static void print_title(FILE *out, const struct run_result *r)
{
	if (verdict_is_find(r->verdict))
		fprintf(out, "BUG: %s\n", r->title);
	else if (r->verdict == VERDICT_CLEAN)
		fprintf(out, "CLEAN: no invariant was broken\n");
	else
		fprintf(out, "INCONCLUSIVE: %s (%s)\n", r->invariant, r->message);
}

void report_header(FILE *out, const struct report_replay *replay, const struct run_result *r)
{
	char command[1024];
	struct text t;

	text_init(&t, command, sizeof(command));
	report_command(&t, replay);
	fprintf(out, "replay: %s        %u point%s, %u preemption%s, hash %016" PRIx64 "\n",
		command, r->points, plural(r->points), r->preemptions, plural(r->preemptions),
		r->hash);
	print_title(out, r);
}

void report_file_name(struct text *t, const struct run_result *r)
{
	text_printf(t, "%s-%08x.prog", verdict_name(r->verdict), (u32)(r->hash >> 32));
}

void report_expect(struct text *t, const struct run_result *r)
{
	text_printf(t, "%s%s%s", verdict_name(r->verdict), r->invariant[0] ? " " : "",
		    r->invariant);
}

bool report_meets(const char *expect, const struct run_result *r)
{
	char words[RUN_TITLE_MAX];
	struct text t;

	text_init(&t, words, sizeof(words));
	report_expect(&t, r);
	return !strcmp(expect, verdict_name(r->verdict)) || !strcmp(expect, words) ||
	       (r->title[0] && !strcmp(expect, r->title));
}
