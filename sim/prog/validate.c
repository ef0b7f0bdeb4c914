/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * validate.c - is every count, id and argument of a program in range? What validation accepts,
 * the simulator runs and both codecs keep.
 */
#include "internal.h"

#include <string.h>

static const char *check_world(const struct prog_world *w)
{
	if (w->cpus < 1 || w->cpus > PROG_LANES_MAX)
		return "world: cpus is not 1..4";
	if (w->memcgs >= PROG_MEMCGS_MAX)
		return "world: memcgs is not 0..3";
	if (w->mapcount > MAPCOUNT_NO_PAGE)
		return "world: mapcount is no mode";
	if (w->underused > 1)
		return "world: underused is not 0 or 1";
	if (w->generation >= GENERATION_COUNT)
		return "world: kernel is no generation";
	if (w->mapcount == MAPCOUNT_NO_PAGE && !prog_has_no_page_mapcount(w->generation))
		return "world: this kernel has no mapcount=no_page";
	for (unsigned id = BUG_COUNT; id < BUG_SET_MAX; id++)
		if (bug_set_has(&w->bugs.on, id) || bug_set_has(&w->bugs.off, id))
			return "world: bugs holds an id that is no bug";
	for (unsigned id = 0; id < BUG_COUNT; id++)
		if (bug_set_has(&w->bugs.on, id) && bug_set_has(&w->bugs.off, id))
			return "world: a bug is switched on and off";
	return NULL;
}

static const char *check_op(const struct prog_op *op, enum generation generation)
{
	if (op->id >= OP_COUNT)
		return "operation: id is no operation";
	if (prog_generation_lacks(generation, op->id))
		return "operation: this kernel does not know it";
	if (op->fail > PROG_FAIL_MAX)
		return "operation: fail is not 0..63";
	for (unsigned i = 0; i < PROG_ARGS_MAX; i++) {
		const struct prog_arg_row *row = prog_arg_row(op, i);

		if (op->args[i] < row->min || op->args[i] - row->min >= row->count)
			return "operation: an argument is out of range";
	}
	return NULL;
}

static const char *check_lane(const struct prog_lane *lane, enum generation generation)
{
	const char *wrong = NULL;

	if (lane->count > PROG_OPS_MAX)
		return "lane: more than 16 operations";
	for (unsigned i = 0; !wrong && i < lane->count; i++)
		wrong = check_op(&lane->ops[i], generation);
	return wrong;
}

static const char *check_streams(const struct prog *p)
{
	for (unsigned l = 0; l < PROG_LANES_MAX; l++)
		for (unsigned i = 0; i < PROG_OPS_MAX; i++) {
			if (p->sched.stream_len[l][i] > PROG_STREAM_MAX)
				return "sched: a stream is longer than 64 bytes";
			if (p->sched.stream_len[l][i] && i >= p->lanes[l].count)
				return "sched: a stream without its operation";
		}
	return NULL;
}

static const char *check_runs(const struct prog *p)
{
	if (p->sched.run_count < 1 || p->sched.run_count > PROG_DEVIATIONS_MAX)
		return "sched: the number of runs is not 1..64";
	for (unsigned i = 0; i < p->sched.run_count; i++) {
		if (!prog_cpu_valid(p, p->sched.runs[i].cpu))
			return "sched: a run on a CPU that the program has not";
		if (!p->sched.runs[i].points)
			return "sched: a run of no points";
	}
	return NULL;
}

static bool anchor_valid(const char *anchor)
{
	size_t len = strnlen(anchor, PROG_ANCHOR_MAX);

	if (!len || len == PROG_ANCHOR_MAX || anchor[0] == ' ' || anchor[len - 1] == ' ')
		return false;
	for (size_t i = 0; i < len; i++)
		if (!prog_anchor_char((unsigned char)anchor[i]))
			return false;
	return true;
}

static const char *check_deviations(const struct prog *p)
{
	if (p->sched.deviation_count > PROG_DEVIATIONS_MAX)
		return "sched: more than 64 deviations";
	for (unsigned i = 0; i < p->sched.deviation_count; i++) {
		const struct prog_deviation *d = &p->sched.deviations[i];

		if (!prog_cpu_valid(p, d->cpu) || !prog_cpu_valid(p, d->to))
			return "sched: a deviation of a CPU that the program has not";
		if (d->op >= PROG_OPS_MAX)
			return "sched: a deviation in an operation beyond the 16th";
		if (!d->occurrence)
			return "sched: occurrences count from 1";
		if (!anchor_valid(d->anchor))
			return "sched: an anchor is empty, too long or not printable";
	}
	return NULL;
}

static const char *check_sched(const struct prog *p)
{
	switch (p->sched.kind) {
	case SCHED_NONE:
		return NULL;
	case SCHED_BYTES:
		return check_streams(p);
	case SCHED_RUNS:
		return check_runs(p);
	case SCHED_DEVIATIONS:
		return check_deviations(p);
	}
	return "sched: no such kind";
}

static bool words_valid(const char *s, size_t size, bool lines)
{
	size_t len = strnlen(s, size);

	if (len == size)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if ((c < 0x20 && c != '\t' && !(lines && c == '\n')) || c == 0x7f)
			return false;
	}
	return lines || !len || (s[0] != ' ' && s[0] != '\t' && s[len - 1] != ' ' &&
				 s[len - 1] != '\t');
}

const char *prog_validate(const struct prog *p)
{
	const char *wrong = check_world(&p->world);

	if (!wrong)
		wrong = check_lane(&p->setup, p->world.generation);
	if (!wrong)
		wrong = check_lane(&p->teardown, p->world.generation);
	for (unsigned l = 0; !wrong && l < PROG_LANES_MAX; l++) {
		wrong = check_lane(&p->lanes[l], p->world.generation);
		if (!wrong && l >= p->world.cpus && p->lanes[l].count)
			wrong = "lane: operations on a CPU that the world has not";
	}
	if (!wrong)
		wrong = check_sched(p);
	if (!wrong && !words_valid(p->comment, sizeof(p->comment), true))
		wrong = "comment: too long, or a control character";
	if (!wrong && !words_valid(p->expect, sizeof(p->expect), false))
		wrong = "expect: too long, a control character, or blanks around it";
	return wrong;
}
