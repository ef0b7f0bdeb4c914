/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * result_json.c - results and counters as JSON.
 */
#include "json.h"

#include <inttypes.h>

json_t *hash_json(u64 hash)
{
	return json_sprintf("%016" PRIx64, hash);
}

static void set_find(json_t *o, const struct run_result *r)
{
	json_t *functions = json_array();

	if (r->function[0])
		json_array_append_new(functions, json_string(r->function));
	if (r->other[0])
		json_array_append_new(functions, json_string(r->other));
	json_object_set_new(o, "title", json_string(r->title));
	json_object_set_new(o, "functions", functions);
	json_object_set_new(o, "step", json_integer(r->step));
}

json_t *result_json(const struct report_replay *replay, const struct run_result *r)
{
	json_t *o = json_object();
	char command[1024];
	struct text t;

	text_init(&t, command, sizeof(command));
	report_command(&t, replay);
	json_object_set_new(o, "file", json_string(replay->file));
	json_object_set_new(o, "replay", json_string(command));
	json_object_set_new(o, "verdict", json_string(verdict_name(r->verdict)));
	json_object_set_new(o, "invariant", json_string(r->invariant));
	json_object_set_new(o, "message", json_string(r->message));
	if (verdict_is_find(r->verdict))
		set_find(o, r);
	json_object_set_new(o, "hash", hash_json(r->hash));
	json_object_set_new(o, "points", json_integer(r->points));
	json_object_set_new(o, "switches", json_integer(r->switches));
	json_object_set_new(o, "preemptions", json_integer(r->preemptions));
	json_object_set_new(o, "conflicts", json_integer(r->conflicts));
	json_object_set_new(o, "diverged", json_integer(r->diverged));
	return o;
}

static json_t *number(u64 n)
{
	return json_integer((json_int_t)n);
}

static json_t *operations_json(const struct run_stats *s)
{
	json_t *o = json_object();

	for (unsigned id = 0; id < OP_COUNT; id++)
		json_object_set_new(o, prog_op_table[id].name,
				    json_pack("{s:o, s:o}", "tried", number(s->op_tried[id]),
					      "done", number(s->op_done[id])));
	return o;
}

json_t *stats_json(const struct run_stats *s)
{
	json_t *o = json_object(), *races = json_object();

	for (unsigned i = 0; i < BENIGN_COUNT; i++)
		json_object_set_new(races, benign_name(i), number(s->benign[i]));
	json_object_set_new(o, "executions", number(s->executions));
	json_object_set_new(o, "points", number(s->points));
	json_object_set_new(o, "finds", number(s->finds));
	json_object_set_new(o, "inconclusive", number(s->inconclusive));
	json_object_set_new(o, "conflicting", number(s->conflicting));
	json_object_set_new(o, "faults", number(s->fault_fired));
	json_object_set_new(o, "operations", operations_json(s));
	json_object_set_new(o, "accepted_races", races);
	return o;
}

json_t *progress_json(const struct progress *p)
{
	double runs = p->executions ? (double)p->executions : 1;
	json_t *o = json_pack("{s:o, s:o, s:b, s:f, s:i, s:f, s:f}", "executions", number(p->executions), "interleavings",
			      number(progress_interleavings(p)), "estimated", p->level > 0,
			      "next_is_new", progress_next_is_new(p), "contended_pairs", (int)progress_pairs(p), "switches",
			      (double)p->switches / runs, "preemptions", (double)p->preemptions / runs);
	json_t *pct = json_object();

	for (unsigned d = 0; d < PROGRESS_DEPTHS; d++)
		if (progress_pct_miss(p, d) < 1) {
			char depth[12];

			snprintf(depth, sizeof(depth), "%u", d);
			json_object_set_new(pct, depth, json_real(progress_pct_miss(p, d)));
		}
	json_object_set_new(o, "pct_missed_depth", pct);
	json_object_set_new(o, "warning", progress_warning(p) ? json_string(progress_warning(p)) : json_null());
	return o;
}

void json_print(FILE *out, json_t *json)
{
	HARNESS_BUG_ON(!json);
	json_dumpf(json, out, JSON_INDENT(2));
	fputc('\n', out);
	json_decref(json);
}
