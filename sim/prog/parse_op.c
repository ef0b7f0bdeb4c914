/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * parse_op.c - operations, and the lines that are made of them.
 */
#include "internal.h"
#include "scan.h"

#include <string.h>

static const char *op_name(unsigned i)
{
	return prog_op_table[i].name;
}

static bool set_arg(struct scan *s, struct prog_op *op, unsigned i, struct word w)
{
	const struct prog_arg_row *row = prog_arg_row(op, i);
	bool named = row->prefix && w.len && w.s[0] == row->prefix;
	int v = -1;

	if (!row->prefix || named)
		v = word_number(w, named, row->min + row->count - 1u);
	if (v < row->min)
		return scan_expected(s, w.pos, "%s", row->expect);
	op->args[i] = (u8)v;
	return true;
}

static bool parse_args(struct scan *s, struct prog_op *op)
{
	const struct prog_op_row *row = &prog_op_table[op->id];
	unsigned first = prog_op_has_result(op->id);

	if (!scan_need(s, '('))
		return false;
	for (unsigned i = first; i < row->arg_count; i++) {
		if (i > first && !scan_take(s, ','))
			return scan_expected(s, s->pos, "',' and %s", prog_arg_row(op, i)->expect);
		if (!set_arg(s, op, i, scan_identifier(s)))
			return false;
	}
	if (scan_take(s, ')'))
		return true;
	return scan_expected(s, s->pos, "')': %s takes %u arguments", row->name,
			     row->arg_count - first);
}

static bool parse_fail(struct scan *s, struct prog_op *op)
{
	struct word w;

	if (!scan_take(s, '('))
		return true;
	w = scan_identifier(s);
	if (!word_is(w, "fail"))
		return scan_expected(s, w.pos, "fail=");
	return scan_need(s, '=') &&
	       scan_small(s, 1, PROG_FAIL_MAX, "a number of a failing point 1..63", &op->fail) &&
	       scan_need(s, ')');
}

static bool parse_op(struct scan *s, struct prog_op *op, enum generation generation)
{
	struct word w = scan_identifier(s), result = { 0 };
	int id;

	memset(op, 0, sizeof(*op));
	if (w.len && scan_take(s, '=')) {
		result = w;
		w = scan_identifier(s);
	}
	id = word_find(w, op_name, OP_COUNT);
	if (id < 0)
		return scan_unknown(s, w, "an operation", op_name, OP_COUNT);
	op->id = (u8)id;
	if (prog_generation_lacks(generation, op->id))
		return scan_error(s, w.pos, "expected an operation that %s knows, found '%s', which needs %s or later",
				  generation_table[generation].name, op_name(op->id), prog_op_since(op->id));
	if (result.len && !prog_op_has_result(op->id))
		return scan_error(s, result.pos, "expected an operation with a result, found '%s'",
				  op_name(op->id));
	if (!result.len && prog_op_has_result(op->id))
		return scan_expected(s, w.pos, "%s = %s(...)", prog_arg_row(op, 0)->expect,
				     op_name(op->id));
	if (result.len && !set_arg(s, op, 0, result))
		return false;
	return parse_args(s, op) && parse_fail(s, op);
}

bool parse_lane(struct scan *s, struct prog_lane *lane, enum generation generation)
{
	struct prog_op op;

	do {
		scan_blanks(s);
		if (s->pos == s->end)
			return true;
		if (lane->count == PROG_OPS_MAX)
			return scan_expected(s, s->pos, "at most %u operations in a lane",
					     PROG_OPS_MAX);
		if (!parse_op(s, &op, generation))
			return false;
		lane->ops[lane->count++] = op;
	} while (scan_take(s, ';'));
	return s->pos == s->end || scan_expected(s, s->pos, "';' or the end of the line");
}
