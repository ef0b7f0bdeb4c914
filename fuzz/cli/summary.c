/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * summary.c - what a campaign did, so that silence can be judged: operations that never succeed and
 * races that were never met prove nothing.
 */
#include "cli.h"

#include <inttypes.h>

static double percent(u64 part, u64 whole)
{
	return whole ? 100.0 * (double)part / (double)whole : 0;
}

void summary_print(FILE *out, const struct run_stats *s, const struct progress *progress)
{
	fprintf(out,
		"%" PRIu64 " executions, %" PRIu64 " points, %.1f%% with a cross-CPU conflict, "
		"%" PRIu64 " inconclusive, %" PRIu64 " faults, %" PRIu64 " finds\n",
		s->executions, s->points, percent(s->conflicting, s->executions), s->inconclusive,
		s->fault_fired, s->finds);
	progress_print(out, progress);
	fprintf(out, "\n%-26s %14s %14s\n", "operation", "succeeded", "tried");
	for (unsigned id = 0; id < OP_COUNT; id++) /* those of litmus programs only where there were some */
		if (id < OP_MM_COUNT || s->op_tried[id])
			fprintf(out, "%-26s %14" PRIu64 " %14" PRIu64 " %6.1f%%\n", prog_op_table[id].name,
			s->op_done[id], s->op_tried[id], percent(s->op_done[id], s->op_tried[id]));
	fprintf(out, "\n%-26s %14s\n", "accepted race", "met");
	for (unsigned i = 0; i < BENIGN_COUNT; i++)
		fprintf(out, "%-26s %14" PRIu64 "\n", benign_name(i), s->benign[i]);
}
