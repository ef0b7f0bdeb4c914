/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * explore_report.c - what foliofuzz explore ends with: how many executions there were and what they prove, or the find; as text or as JSON.
 */
#include "explore.h"
#include "../report/json.h"

#include <inttypes.h>
#include <string.h>

static const char *complete(const struct exploration *x)
{
	return x->litmus ? "complete" : "complete up to the plain accesses that are no points";
}

static const char *plural(u32 n)
{
	return n == 1 ? "" : "s";
}

static const char *held_fixed(const struct exploration *x)
{
	return x->dpor ? "sequential consistency, the program's failures, setup and teardown" :
			 "sequential consistency, the program's failures (fail=)";
}

static json_t *levels_json(const struct exploration *x)
{
	json_t *levels = json_array();

	for (unsigned n = 0; n < x->levels; n++)
		json_array_append_new(levels, json_integer((json_int_t)x->level[n]));
	return levels;
}

/* verdict: "complete...", "incomplete", "find". */
static json_t *exploration_json(const struct exploration *x, const char *verdict)
{
	json_t *json = json_pack("{s:s, s:s, s:I, s:I}", "command", "explore", "verdict", verdict, "executions",
				 (json_int_t)explore_executions(x), "inconclusive", (json_int_t)x->inconclusive);

	if (x->dpor) {
		json_object_set_new(json, "bound", json_pack("{s:s, s:i}", "reduction", "dpor", "faults", (int)x->faults));
		json_object_set_new(json, "complete", json_integer((json_int_t)x->ended));
		json_object_set_new(json, "cut", json_integer((json_int_t)x->cut));
	} else {
		json_object_set_new(json, "bound", json_pack("{s:i}", "preemptions", (int)x->bound));
		json_object_set_new(json, "executions_by_preemptions", levels_json(x));
	}
	json_object_set_new(json, "held_fixed", json_string(held_fixed(x)));
	return json;
}

void explore_tell_level(struct exploration *x, unsigned preemptions)
{
	x->level[preemptions] = explore_executions(x);
	x->levels = preemptions + 1;
	if (!x->json)
		printf("%u preemption%s: %" PRIu64 " executions so far, no find\n", preemptions, plural(preemptions), explore_executions(x));
}

int explore_tell_incomplete(const struct exploration *x, const char *why)
{
	json_t *json;

	if (!x->json) {
		printf("incomplete: %" PRIu64 " executions, %s\n", explore_executions(x), why);
		return EXIT_INCOMPLETE;
	}
	json = exploration_json(x, "incomplete");
	json_object_set_new(json, "why", json_string(why));
	json_print(stdout, json);
	return EXIT_INCOMPLETE;
}

static void print_complete(const struct exploration *x)
{
	if (!x->dpor) {
		printf("%s: %" PRIu64 " executions with at most %u preemption%s, none violates an oracle\n", complete(x),
		       explore_executions(x), x->bound, plural(x->bound));
	} else {
		printf("%s: %" PRIu64 " executions, none violates an oracle\n", complete(x), x->ended);
		if (x->cut)
			printf("cut when nothing new was left in them: %" PRIu64 "\n", x->cut);
		printf("bounded: %u failure%s besides the program's own (fail=)\n", x->faults, plural(x->faults));
	}
	printf("held fixed: %s\n", held_fixed(x));
	if (x->dpor)
		printf("seen in one order alone: steps that touch nothing in common\n");
}

int explore_tell_complete(const struct exploration *x)
{
	if (x->json)
		json_print(stdout, exploration_json(x, complete(x)));
	else
		print_complete(x);
	return EXIT_CLEAN;
}

static void print_find(const struct exploration *x, const struct input *in, const struct report_replay *replay, const struct run_result *r)
{
	struct story story;

	report_header(stdout, replay, r);
	story = story_of_run(&in->prog, r);
	story_print(stdout, &story);
	printf("execution %" PRIu64 "%s\n", explore_executions(x), x->dpor ? "" : "; no schedule with fewer preemptions shows a find");
}

int explore_tell_find(struct exploration *x, struct input *in, const struct options *o, struct run_result *r)
{
	struct report_replay replay = { .options = &x->options };
	char path[4096];
	struct text t;
	json_t *json;

	if (run_deviations(&in->prog.sched)) {
		x->options.strategy = STRATEGY_REPLAY;
		run_one(&in->prog, &x->options, r, NULL);
	}
	text_init(&t, in->prog.expect, sizeof(in->prog.expect));
	report_expect(&t, r);
	text_init(&t, path, sizeof(path));
	if (o->out)
		text_printf(&t, "%s/", o->out);
	report_file_name(&t, r);
	if (!prog_write_text(path, &in->prog))
		return EXIT_BAD_INPUT;
	replay.file = path;
	if (!x->json) {
		print_find(x, in, &replay, r);
		return EXIT_FOUND;
	}
	json = exploration_json(x, "find");
	json_object_set_new(json, "find", result_json(&replay, r));
	json_print(stdout, json);
	return EXIT_FOUND;
}
