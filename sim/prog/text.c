/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * text.c - programs as text, the form that is archived and read: printing. Grammar: README.md.
 */
#include "internal.h"

#include <string.h>

enum { WRAP = 100 };

/* Counts what does not fit, so that a caller can ask for the size. */
struct out {
	char *buf;
	size_t size, len, line_start;
};

static void put(struct out *o, const char *s)
{
	for (; *s; s++, o->len++) {
		if (o->len + 1 < o->size)
			o->buf[o->len] = *s;
		if (*s == '\n')
			o->line_start = o->len + 1;
	}
}

static void FORMAT_PRINTF(2, 3) putf(struct out *o, const char *fmt, ...)
{
	char piece[256];
	struct text t;
	va_list ap;

	text_init(&t, piece, sizeof(piece));
	va_start(ap, fmt);
	text_vprintf(&t, fmt, ap);
	va_end(ap);
	HARNESS_BUG_ON(t.truncated);
	put(o, piece);
}

static size_t column(const struct out *o)
{
	return o->len - o->line_start;
}

/* One more item of a line that may be continued by another of the same keyword. */
static void put_item(struct out *o, const char *keyword, bool first, const char *separator,
		     const char *item)
{
	if (!first && column(o) + strlen(separator) + strlen(item) <= WRAP)
		putf(o, "%s%s", separator, item);
	else
		putf(o, "%s%-7s %s", first ? "" : "\n", keyword, item);
}

static void format_name(struct text *t, unsigned kind, unsigned value)
{
	if (prog_arg_table[kind].prefix)
		text_printf(t, "%c", prog_arg_table[kind].prefix);
	text_printf(t, "%u", value);
}

void prog_format_op(struct text *t, const struct prog_op *op)
{
	const struct prog_op_row *row = &prog_op_table[op->id];
	unsigned first = prog_op_has_result(op->id);

	if (first) {
		format_name(t, row->args[0], op->args[0]);
		text_printf(t, " = ");
	}
	text_printf(t, "%s(", row->name);
	for (unsigned i = first; i < row->arg_count; i++) {
		if (i > first)
			text_printf(t, ", ");
		format_name(t, row->args[i], op->args[i]);
	}
	text_printf(t, ")");
	if (op->fail)
		text_printf(t, " (fail=%u)", op->fail);
}

void prog_format_signature(struct text *t, enum prog_op_id id)
{
	const struct prog_op_row *row = &prog_op_table[id];
	unsigned first = prog_op_has_result(id);

	if (first)
		text_printf(t, "%s = ", prog_arg_table[row->args[0]].name);
	text_printf(t, "%s(", row->name);
	for (unsigned i = first; i < row->arg_count; i++)
		text_printf(t, "%s%s", i > first ? ", " : "", prog_arg_table[row->args[i]].name);
	text_printf(t, ")");
}

static void print_comment(struct out *o, const char *s)
{
	char one[2] = { 0 };

	if (!*s)
		return;
	put(o, *s == '\n' ? "#" : "# ");
	for (; *s; s++) {
		one[0] = *s;
		put(o, one);
		if (*s == '\n')
			put(o, s[1] == '\n' || !s[1] ? "#" : "# ");
	}
	put(o, "\n");
}

static void print_world(struct out *o, const struct prog_world *w)
{
	const char *separator = " bugs=";

	putf(o, "%-7s cpus=%u memcgs=%u kernel=%s", "world", w->cpus, w->memcgs,
	     generation_table[w->generation].name);
	if (w->mapcount == MAPCOUNT_NO_PAGE)
		put(o, " mapcount=no_page");
	if (w->underused)
		put(o, " underused=1");
	for (unsigned id = 0; id < BUG_COUNT; id++)
		if (bug_set_has(&w->bugs.on, id) || bug_set_has(&w->bugs.off, id)) {
			putf(o, "%s%s%s", separator, bug_set_has(&w->bugs.off, id) ? "-" : "",
			     bug_table[id].name);
			separator = ",";
		}
	put(o, " format=1\n");
}

static void print_lane(struct out *o, const char *keyword, const struct prog_lane *lane)
{
	char item[128];
	struct text t;

	for (unsigned i = 0; i < lane->count; i++) {
		text_init(&t, item, sizeof(item));
		prog_format_op(&t, &lane->ops[i]);
		put_item(o, keyword, i == 0, "; ", item);
	}
	if (lane->count)
		put(o, "\n");
}

static void format_cpu(struct text *t, unsigned cpu)
{
	if (cpu == PROG_CPU_RCU)
		text_printf(t, "rcu");
	else
		text_printf(t, "cpu%u", cpu);
}

static void print_streams(struct out *o, const struct prog *p)
{
	char item[2 * PROG_STREAM_MAX + 16];
	bool first = true;
	struct text t;

	for (unsigned l = 0; l < p->world.cpus; l++)
		for (unsigned i = 0; i < p->lanes[l].count; i++) {
			if (!p->sched.stream_len[l][i])
				continue;
			text_init(&t, item, sizeof(item));
			text_printf(&t, "cpu%u.%u:", l, i);
			for (unsigned k = 0; k < p->sched.stream_len[l][i]; k++)
				text_printf(&t, "%02x", p->sched.stream[l][i][k]);
			put_item(o, "sched   bytes", first, " ", item);
			first = false;
		}
	put(o, first ? "sched   bytes\n" : "\n");
}

static void print_runs(struct out *o, const struct prog_sched *s)
{
	char item[32];
	struct text t;

	for (unsigned i = 0; i < s->run_count; i++) {
		text_init(&t, item, sizeof(item));
		format_cpu(&t, s->runs[i].cpu);
		if (s->runs[i].points == SCHED_RUN_ALL)
			text_printf(&t, " *");
		else
			text_printf(&t, " %u", s->runs[i].points);
		put_item(o, "sched", i == 0, ", ", item);
	}
	put(o, "\n");
}

static void print_deviations(struct out *o, const struct prog_sched *s)
{
	char line[PROG_ANCHOR_MAX + 64];
	struct text t;

	if (!s->deviation_count)
		put(o, "sched   default\n");
	for (unsigned i = 0; i < s->deviation_count; i++) {
		const struct prog_deviation *d = &s->deviations[i];

		text_init(&t, line, sizeof(line));
		text_printf(&t, "sched   ");
		format_cpu(&t, d->cpu);
		text_printf(&t, " op%u %s#%u -> ", d->op, d->anchor, d->occurrence);
		format_cpu(&t, d->to);
		putf(o, "%s\n", line);
	}
}

size_t prog_print(const struct prog *p, char *buf, size_t size)
{
	struct out o = { .buf = buf, .size = size };
	char keyword[8] = "cpu0";

	print_comment(&o, p->comment);
	print_world(&o, &p->world);
	print_lane(&o, "setup", &p->setup);
	for (unsigned l = 0; l < p->world.cpus; l++) {
		keyword[3] = (char)('0' + l);
		print_lane(&o, keyword, &p->lanes[l]);
	}
	print_lane(&o, "teardown", &p->teardown);
	if (p->sched.kind == SCHED_BYTES)
		print_streams(&o, p);
	else if (p->sched.kind == SCHED_RUNS)
		print_runs(&o, &p->sched);
	else if (p->sched.kind == SCHED_DEVIATIONS)
		print_deviations(&o, &p->sched);
	if (p->expect[0])
		putf(&o, "%-7s %s\n", "expect", p->expect);
	if (size)
		buf[o.len < size ? o.len : size - 1] = '\0';
	return o.len;
}
