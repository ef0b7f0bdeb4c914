/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cmd_explore.c - foliofuzz explore: every schedule of a program with at most K preemptions, those with fewer first.
 */
#include "cli.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct command command = {
	.name = "explore",
	.args = "PROG",
	.summary = "Runs the program under every schedule with at most K preemptions (default 1), those with\n"
		   "fewer first. Ends with the number of executions, none of which violates an oracle, or\n"
		   "with a find that has the fewest preemptions. The program's own schedule is not used.",
	.examples = "foliofuzz explore corpus/litmus/partial-unmap-vs-memory-failure.prog --preemptions 2\n"
		    "foliofuzz explore x.prog --kernel v6.12 --preemptions 1 -o finds\n",
	.accepts = ACCEPTS(PREEMPTIONS) | ACCEPTS(BUDGET) | ACCEPTS(KERNEL) | ACCEPTS(BUG) | ACCEPTS(STEPS) |
		   ACCEPTS(STRICT_HWPOISON) | ACCEPTS(OUT) | ACCEPTS(JSON),
	.files_min = 1,
	.files_max = 1,
};

/* Schedules that wait to be run, those with n preemptions in stack n. */
struct stack {
	struct bounded_schedule *items;
	size_t count, room;
};
struct exploration {
	struct stack stacks[PREEMPTIONS_MAX + 1];
	struct run_options options;
	struct run_stats stats;
	u64 inconclusive;
	bool all; /* nothing had to be left out */
};

static void push(void *arg, const struct bounded_schedule *s)
{
	struct exploration *x = arg;
	struct stack *stack = &x->stacks[s->preemptions];

	if (stack->count == stack->room) {
		stack->room = stack->room ? 2 * stack->room : 1024;
		stack->items = realloc(stack->items, stack->room * sizeof(*stack->items));
		HARNESS_BUG_ON(!stack->items);
	}
	stack->items[stack->count++] = *s;
}

/* Returns false at a find. */
static bool run_next(struct exploration *x, struct stack *stack, const struct prog *p, unsigned bound,
		     struct bounded_schedule *s, struct run_result *r)
{
	*s = stack->items[--stack->count];
	x->options.schedule = s;
	run_one(p, &x->options, r, &x->stats);
	if (verdict_is_find(r->verdict))
		return false;
	x->inconclusive += r->verdict == VERDICT_INCONCLUSIVE;
	x->all &= run_expand(s, bound, push, x);
	status_tick(&x->stats);
	return true;
}

static int tell_find(struct exploration *x, struct input *in, const struct options *o, struct run_result *r)
{
	struct report_replay replay = { .options = &x->options };
	char path[4096];
	struct story story;
	struct text t;

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
	report_header(stdout, &replay, r);
	story = story_of_run(&in->prog, r);
	story_print(stdout, &story);
	printf("execution %" PRIu64 "; no schedule with fewer preemptions shows a find\n", x->stats.executions);
	return EXIT_FOUND;
}

static int explore(struct exploration *x, struct input *in, const struct options *o, unsigned bound)
{
	struct bounded_schedule s = { .count = 0 };
	struct run_result r;

	push(x, &s);
	for (unsigned n = 0; n <= bound; n++) {
		while (x->stacks[n].count) {
			if (o->budget && x->stats.executions >= o->budget) {
				printf("incomplete: %" PRIu64 " executions, budget used up at %u preemptions\n",
				       x->stats.executions, n);
				return EXIT_INCOMPLETE;
			}
			if (!run_next(x, &x->stacks[n], &in->prog, bound, &s, &r))
				return tell_find(x, in, o, &r);
		}
		printf("%u preemption%s: %" PRIu64 " executions so far, no find\n", n, n == 1 ? "" : "s", x->stats.executions);
	}
	if (x->inconclusive || !x->all) {
		printf("incomplete: %" PRIu64 " executions, %" PRIu64 " inconclusive%s\n", x->stats.executions, x->inconclusive,
		       x->all ? "" : ", some with more switches than can be named");
		return EXIT_INCOMPLETE;
	}
	printf("complete up to the plain accesses that are no points: %" PRIu64
	       " executions with at most %u preemption%s, none violates an oracle\n"
	       "held fixed: sequential consistency, the program's failures (fail=)\n",
	       x->stats.executions, bound, bound == 1 ? "" : "s");
	return EXIT_CLEAN;
}

int cmd_explore(int argc, char **argv)
{
	static struct exploration x;
	static struct input in;
	struct options o;
	int code = options_parse(&o, &command, argc, argv);

	if (code >= 0)
		return code;
	if (!input_load_for(&in, &o))
		return EXIT_BAD_INPUT;
	x.options = o.run;
	x.options.strategy = STRATEGY_BOUNDED;
	x.options.record = true;
	x.all = true;
	status_begin();
	code = explore(&x, &in, &o, o.preemptions);
	status_end(&x.stats);
	for (unsigned n = 0; n <= PREEMPTIONS_MAX; n++)
		free(x.stacks[n].items);
	return code;
}
