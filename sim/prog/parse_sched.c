/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * parse_sched.c - the forms of a `sched` line: bytes, runs, anchored deviations, default.
 */
#include "internal.h"
#include "scan.h"

#include <string.h>

static bool cpu_of_word(const struct prog *p, struct word w, u8 *cpu)
{
	int n;

	*cpu = PROG_CPU_RCU;
	if (word_is(w, "rcu"))
		return true;
	if (w.len < 4 || memcmp(w.s, "cpu", 3))
		return false;
	n = word_number(w, 3, p->world.cpus - 1u);
	*cpu = (u8)n;
	return n >= 0;
}

static bool parse_cpu(struct scan *s, const struct prog *p, u8 *cpu)
{
	struct word w = scan_identifier(s);

	if (cpu_of_word(p, w, cpu))
		return true;
	return scan_expected(s, w.pos, p->world.cpus > 1 ? "cpu0..cpu%u or rcu" : "cpu%u or rcu",
			     p->world.cpus - 1);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_hex(struct scan *s, u8 *bytes, u8 *len)
{
	size_t first = s->pos;

	for (*len = 0; s->pos < s->end && hex_digit(s->text[s->pos]) >= 0; s->pos += 2) {
		int low = hex_digit(s->text[s->pos + 1]);

		if (low < 0)
			return scan_expected(s, s->pos + 1, "two hexadecimal digits a byte");
		if (*len == PROG_STREAM_MAX)
			return scan_expected(s, s->pos, "at most %u bytes for an operation",
					     PROG_STREAM_MAX);
		bytes[(*len)++] = (u8)(hex_digit(s->text[s->pos]) << 4 | low);
	}
	if (s->pos == first)
		return scan_expected(s, s->pos, "hexadecimal digits 0-9a-f");
	return s->pos == s->end || s->text[s->pos] == ' ' || s->text[s->pos] == '\t' ||
	       scan_expected(s, s->pos, "a hexadecimal digit 0-9a-f or a blank");
}

static bool parse_stream(struct scan *s, struct prog *p)
{
	struct word w = scan_identifier(s);
	unsigned op;
	u8 cpu;

	if (!cpu_of_word(p, w, &cpu) || cpu == PROG_CPU_RCU)
		return scan_expected(s, w.pos, "a stream cpu<n>.<op>:<hex> of cpu0..cpu%u",
				     p->world.cpus - 1);
	if (!scan_need(s, '.'))
		return false;
	scan_blanks(s);
	w.pos = s->pos;
	if (!scan_number(s, 0, PROG_OPS_MAX - 1, "the number of an operation 0..15", &op))
		return false;
	if (op >= p->lanes[cpu].count)
		return scan_expected(s, w.pos, "an operation below %u, as many as cpu%u has",
				     p->lanes[cpu].count, cpu);
	if (p->sched.stream_len[cpu][op])
		return scan_error(s, w.pos, "expected each stream once, found cpu%u.%u again", cpu,
				  op);
	return scan_need(s, ':') &&
	       parse_hex(s, p->sched.stream[cpu][op], &p->sched.stream_len[cpu][op]);
}

static bool parse_streams(struct scan *s, struct prog *p)
{
	for (scan_blanks(s); s->pos < s->end; scan_blanks(s))
		if (!parse_stream(s, p))
			return false;
	return true;
}

static bool parse_run(struct scan *s, struct prog *p)
{
	struct prog_run *run = &p->sched.runs[p->sched.run_count];
	unsigned points = SCHED_RUN_ALL;

	if (p->sched.run_count == PROG_DEVIATIONS_MAX)
		return scan_expected(s, s->pos, "at most %u runs", PROG_DEVIATIONS_MAX);
	if (!parse_cpu(s, p, &run->cpu))
		return false;
	if (!scan_take(s, '*') &&
	    !scan_number(s, 1, SCHED_RUN_ALL - 1, "a number of points 1..65534 or '*'", &points))
		return false;
	run->points = (u16)points;
	p->sched.run_count++;
	return true;
}

static bool parse_runs(struct scan *s, struct prog *p)
{
	do {
		scan_blanks(s);
		if (!parse_run(s, p))
			return false;
	} while (scan_take(s, ','));
	return s->pos == s->end || scan_expected(s, s->pos, "',' or the end of the line");
}

/* "op2": the cursor behind the CPU. */
static bool parse_op_index(struct scan *s, u8 *op)
{
	struct word w = scan_identifier(s);
	int n = w.len > 2 && !memcmp(w.s, "op", 2) ? word_number(w, 2, PROG_OPS_MAX - 1) : -1;

	if (n < 0)
		return scan_expected(s, w.pos, "an operation op0..op15");
	*op = (u8)n;
	return true;
}

static bool parse_anchor(struct scan *s, char *anchor)
{
	const char *mark;
	size_t len;

	scan_blanks(s);
	mark = memchr(s->text + s->pos, '#', s->end - s->pos);
	if (!mark)
		return scan_expected(s, s->end, "'#' and a number behind the anchor");
	len = (size_t)(mark - s->text) - s->pos;
	if (!len || len >= PROG_ANCHOR_MAX)
		return scan_expected(s, s->pos, "an anchor of 1..%u bytes", PROG_ANCHOR_MAX - 1);
	for (size_t i = 0; i < len; i++)
		if (!prog_anchor_char((unsigned char)s->text[s->pos + i]))
			return scan_expected(s, s->pos + i, "a printable character");
	if (mark[-1] == ' ')
		return scan_error(s, s->pos + len - 1,
				  "expected '#' close behind the anchor, found a blank");
	memcpy(anchor, s->text + s->pos, len);
	anchor[len] = '\0';
	s->pos += len + 1;
	return true;
}

static bool parse_deviation(struct scan *s, struct prog *p)
{
	struct prog_deviation *d = &p->sched.deviations[p->sched.deviation_count];
	unsigned occurrence;

	if (p->sched.deviation_count == PROG_DEVIATIONS_MAX)
		return scan_error(s, s->start, "expected at most %u deviations, found another",
				  PROG_DEVIATIONS_MAX);
	if (!parse_cpu(s, p, &d->cpu) || !parse_op_index(s, &d->op) || !parse_anchor(s, d->anchor) ||
	    !scan_number(s, 1, 0xffff, "an occurrence 1..65535", &occurrence))
		return false;
	d->occurrence = (u16)occurrence;
	scan_blanks(s);
	if (!scan_take_here(s, '-') || !scan_take_here(s, '>'))
		return scan_expected(s, s->pos, "'->'");
	if (!parse_cpu(s, p, &d->to))
		return false;
	p->sched.deviation_count++;
	return scan_line_end(s);
}

/* Looks past the CPU; leaves the cursor alone. */
static enum prog_sched_kind kind_of_line(struct scan *s, bool *is_default)
{
	size_t pos = s->pos;
	struct word first = scan_identifier(s), second = scan_identifier(s);

	*is_default = word_is(first, "default");
	if (word_is(first, "bytes")) {
		s->pos = first.pos + first.len;
		return SCHED_BYTES;
	}
	s->pos = *is_default ? first.pos + first.len : pos;
	return *is_default || (second.len >= 2 && !memcmp(second.s, "op", 2)) ? SCHED_DEVIATIONS :
										SCHED_RUNS;
}

bool parse_sched(struct scan *s, struct prog *p)
{
	size_t first;
	bool is_default;
	unsigned kind;

	scan_blanks(s);
	first = s->pos;
	if (first == s->end)
		return scan_expected(s, first, "bytes, default or a CPU");
	kind = kind_of_line(s, &is_default);
	if (p->sched.kind != SCHED_NONE && (p->sched.kind != kind || is_default))
		return scan_error(s, first, "expected sched lines of one kind only, found another");
	p->sched.kind = (u8)kind;
	if (kind == SCHED_BYTES)
		return parse_streams(s, p);
	if (kind == SCHED_RUNS)
		return parse_runs(s, p);
	return is_default ? scan_line_end(s) : parse_deviation(s, p);
}
