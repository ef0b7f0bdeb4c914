/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * story.c - an execution as columns of text, one for each CPU that takes part: the diagram of a
 * kernel changelog. Walked twice, first to learn how wide the columns are.
 */
#include "report.h"

#include <stdlib.h>
#include <string.h>

enum { MARGIN = 8, COLUMN_MIN = 24, COLUMN_MAX = 48, COLUMN_GAP = 2, CELL_MAX = 200 };

struct writer {
	const struct story *story;
	FILE *out; /* NULL while columns are measured */
	u32 find;
	bool present[ENGINE_LANES_MAX];
	size_t width[ENGINE_LANES_MAX], start[ENGINE_LANES_MAX];
	/* where each CPU was when it was last heard of */
	const char *function[ENGINE_LANES_MAX];
	u32 op[ENGINE_LANES_MAX];
	u8 phase;
};

struct story story_of_run(const struct prog *prog, const struct run_result *result)
{
	struct story s = { .prog = prog, .result = result };

	s.trace = run_trace(&s.count);
	return s;
}

static void blanks(FILE *out, size_t n)
{
	fprintf(out, "%*s", (int)n, "");
}

/* The start of a row: its number if it has one, and the cell in the CPU's column. No newline. */
static void cell(struct writer *w, u32 step, unsigned cpu, const char *s)
{
	size_t len = strlen(s);

	if (!w->out) {
		w->present[cpu] = true;
		if (len > w->width[cpu])
			w->width[cpu] = len;
		return;
	}
	if (step)
		fprintf(w->out, "%4u%*s", step, step > 9999 ? 3 : 4, "");
	else
		blanks(w->out, MARGIN);
	blanks(w->out, w->start[cpu]);
	fputs(s, w->out);
}

static void end_row(struct writer *w, const char *mark, size_t mark_len)
{
	if (!w->out)
		return;
	if (mark)
		fprintf(w->out, "    <- %.*s", (int)mark_len, mark);
	fputc('\n', w->out);
}

static void phase_row(struct writer *w, u8 phase)
{
	static const char *const names[] = { "", "setup", "parallel", "teardown" };

	if (w->out)
		fprintf(w->out, "%*s-- %s\n", MARGIN, "",
			phase < ARRAY_SIZE(names) ? names[phase] : "");
	w->phase = phase;
	memset(w->function, 0, sizeof(w->function));
	memset(w->op, 0, sizeof(w->op));
}

/* "cpu0 op 2: dontneed(m0, 1, 1)" without what the column says already. */
static void op_row(struct writer *w, const struct event *ev)
{
	char name[CELL_MAX];
	const char *call;
	struct text t;

	text_init(&t, name, sizeof(name));
	run_op_name(&t, w->story->prog, ev);
	call = strstr(name, ": ");
	if (!t.len)
		return;
	cell(w, 0, ev->cpu, call ? call + 2 : name);
	end_row(w, NULL, 0);
}

static void function_rows(struct writer *w, const struct event *ev)
{
	if (w->op[ev->cpu] != ev->op + 1u) {
		w->op[ev->cpu] = ev->op + 1u;
		w->function[ev->cpu] = NULL;
		op_row(w, ev);
	}
	if (!w->function[ev->cpu] || strcmp(w->function[ev->cpu], ev->site->function)) {
		w->function[ev->cpu] = ev->site->function;
		cell(w, 0, ev->cpu, ev->site->function);
		end_row(w, NULL, 0);
	}
}

void story_event(struct text *t, const struct event *ev)
{
	const struct site *site = ev->site;
	int head = (int)strcspn(site->primitive, " ");
	size_t before;

	text_printf(t, "%.*s", head, site->primitive);
	if (site->detail[0])
		text_printf(t, "(%s)", site->detail);
	text_printf(t, "%s", site->primitive + head);
	if (ev->kind == EVENT_FAULT)
		text_printf(t, " is made to fail");
	if (!ev->object)
		return;
	text_printf(t, " ");
	before = t->len;
	run_object_name(t, ev);
	if (t->len == before)
		text_printf(t, "%s", site->field);
}

static void find_mark(struct writer *w)
{
	const char *message = w->story->result->message;

	end_row(w, message, strcspn(message, "\n"));
}

static void event_row(struct writer *w, u32 i)
{
	const struct event *ev = &w->story->trace[i];
	char line[CELL_MAX];
	struct text t;

	if (ev->phase != w->phase)
		phase_row(w, ev->phase);
	function_rows(w, ev);
	text_init(&t, line, sizeof(line));
	text_printf(&t, "  ");
	story_event(&t, ev);
	cell(w, ev->kind == EVENT_FAULT ? 0 : ev->step, ev->cpu, line);
	if (i == w->find)
		find_mark(w);
	else
		end_row(w, NULL, 0);
}

static void gap_row(struct writer *w, u32 hidden)
{
	if (w->out && hidden)
		fprintf(w->out, " ...%*s%u point%s\n", MARGIN - 4, "", hidden,
			hidden == 1 ? "" : "s");
}

/* Beginnings and ends are no points; points of setup before a story of the parallel phase go
 * without saying. */
static bool is_hidden_point(const struct writer *w, const struct event *ev)
{
	return ev->kind != EVENT_OP_BEGIN && ev->kind != EVENT_OP_END && ev->kind != EVENT_START &&
	       ev->kind != EVENT_FAULT && (ev->phase >= PHASE_PARALLEL || w->phase == PHASE_SETUP);
}

static void walk(struct writer *w, const u8 *keep)
{
	u32 hidden = 0;

	w->phase = PHASE_PARALLEL;
	memset(w->function, 0, sizeof(w->function));
	memset(w->op, 0, sizeof(w->op));
	for (u32 i = 0; i < w->story->count; i++) {
		if (!keep[i]) {
			hidden += is_hidden_point(w, &w->story->trace[i]);
			continue;
		}
		gap_row(w, hidden);
		hidden = 0;
		event_row(w, i);
	}
	gap_row(w, hidden);
}

static void place_columns(struct writer *w)
{
	size_t start = 0;

	for (unsigned cpu = 0; cpu < ENGINE_LANES_MAX; cpu++) {
		size_t width = w->width[cpu] + COLUMN_GAP;

		if (!w->present[cpu])
			continue;
		w->start[cpu] = start;
		if (width < COLUMN_MIN)
			width = COLUMN_MIN;
		start += width < COLUMN_MAX ? width : COLUMN_MAX;
	}
}

static void head_row(struct writer *w)
{
	size_t at = 0;

	blanks(w->out, MARGIN);
	for (unsigned cpu = 0; cpu < ENGINE_LANES_MAX; cpu++) {
		if (!w->present[cpu])
			continue;
		blanks(w->out, w->start[cpu] - at);
		at = w->start[cpu];
		at += (size_t)(cpu == ENGINE_LANE_RCU ? fprintf(w->out, "rcu")
						      : fprintf(w->out, "cpu%u", cpu));
	}
	fputc('\n', w->out);
}

/* What no row could carry: a find behind the last event, and the further lines of a message. */
static void print_rest(struct writer *w)
{
	const char *line = w->story->result->message;
	const char *end = line + strcspn(line, "\n");

	if (w->find == w->story->count && *line) {
		blanks(w->out, MARGIN);
		fputs("after the last point", w->out);
		find_mark(w);
	}
	while (*end && *(line = end + 1)) {
		end = line + strcspn(line, "\n");
		fprintf(w->out, "%*s%.*s\n", MARGIN, "", (int)(end - line), line);
	}
}

void story_print(FILE *out, const struct story *s)
{
	struct writer w = { .story = s, .find = s->count + 1 };
	u8 *keep = calloc(s->count + 1, 1);

	HARNESS_BUG_ON(!keep);
	if (verdict_is_find(s->result->verdict))
		w.find = story_find_event(s);
	story_select(s, keep);
	walk(&w, keep);
	place_columns(&w);
	w.out = out;
	head_row(&w);
	walk(&w, keep);
	print_rest(&w);
	free(keep);
}
