/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cmd_explore.c - foliofuzz explore: every schedule of a program with at most K preemptions, those with fewer first.
 */
#include "explore.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const struct command command = {
	.name = "explore",
	.args = "PROG",
	.summary = "Runs the program under every schedule with at most K preemptions (default 1), those with\n"
		   "fewer first. Ends with the number of executions, none of which violates an oracle, or\n"
		   "with a find that has the fewest preemptions. With --dpor under every schedule at all, but for\n"
		   "those that differ in the order of steps which commute. The program's own schedule is not used.",
	.examples = "foliofuzz explore corpus/litmus/partial-unmap-vs-memory-failure.prog --preemptions 2\n"
		    "foliofuzz explore x.prog --kernel v6.12 --preemptions 1 -o finds\n"
		    "foliofuzz explore corpus/litmus/w2-deferred-list-fixed.prog --dpor\n"
		    "foliofuzz explore x.prog --dpor --faults 1 --state x.state\n",
	.accepts = ACCEPTS(PREEMPTIONS) | ACCEPTS(DPOR) | ACCEPTS(FAULTS) | ACCEPTS(STATE) | ACCEPTS(BUDGET) | ACCEPTS(KERNEL) | ACCEPTS(BUG) | ACCEPTS(STEPS) |
		   ACCEPTS(STRICT_HWPOISON) | ACCEPTS(OUT) | ACCEPTS(JSON),
	.files_min = 1,
	.files_max = 1,
};

static void push_item(struct exploration *x, const struct explore_item *item)
{
	struct explore_stack *stack = &x->stacks[item->schedule.preemptions + item->again];

	if (stack->count == stack->room) {
		stack->room = stack->room ? 2 * stack->room : 1024;
		stack->items = realloc(stack->items, stack->room * sizeof(*stack->items));
		HARNESS_BUG_ON(!stack->items);
	}
	stack->items[stack->count++] = *item;
}

/* The schedules of `level` that follow from the one that has just been run. */
struct following {
	struct exploration *x;
	unsigned level;
};

static void push(void *arg, const struct bounded_schedule *s)
{
	const struct following *f = arg;

	if (s->preemptions == f->level)
		push_item(f->x, &(struct explore_item){ .schedule = *s });
}

static void expand(struct exploration *x, const struct bounded_schedule *s, unsigned level)
{
	struct following f = { x, level };

	x->all &= run_expand(s, level, push, &f);
}

/* What follows from a schedule has the same share each, and the schedule itself, too, when it has been run. */
static void share_out(struct exploration *x, const struct explore_item *item, const size_t counts[PREEMPTIONS_MAX + 1])
{
	size_t more = !item->again;
	double share = (double)item->share;

	for (unsigned n = 0; n <= PREEMPTIONS_MAX; n++)
		more += x->stacks[n].count - counts[n];
	share /= (double)(more ? more : 1);
	if (!more || !item->again)
		x->searched += share;
	for (unsigned n = 0; n <= PREEMPTIONS_MAX; n++)
		for (size_t i = counts[n]; i < x->stacks[n].count; i++)
			x->stacks[n].items[i].share = (float)share;
}

/* Returns false at a find. */
static bool run_next(struct exploration *x, struct explore_stack *stack, const struct prog *p, struct run_result *r)
{
	struct explore_item item = stack->items[--stack->count];
	unsigned level = item.schedule.preemptions;
	size_t counts[PREEMPTIONS_MAX + 1];

	for (unsigned n = 0; n <= PREEMPTIONS_MAX; n++)
		counts[n] = x->stacks[n].count;
	x->options.schedule = &item.schedule;
	run_one(p, &x->options, r, item.again ? NULL : &x->stats);
	if (verdict_is_find(r->verdict))
		return false;
	if (item.again) {
		expand(x, &item.schedule, level + 1);
	} else {
		x->inconclusive += r->verdict == VERDICT_INCONCLUSIVE;
		expand(x, &item.schedule, level);
		if (level < x->bound)
			push_item(x, &(struct explore_item){ .schedule = item.schedule, .again = 1 });
	}
	share_out(x, &item, counts);
	status_expect((double)explore_executions(x) / x->searched, x->before);
	status_tick(&x->stats);
	return true;
}

/* What is written of an exploration, and then its schedules, those with fewest preemptions first. */
struct saved {
	u64 executions, inconclusive, counts[PREEMPTIONS_MAX + 1];
	double searched;
	bool all;
};

static bool save(const struct exploration *x, const struct explore_state *state)
{
	struct saved head;
	size_t size = sizeof(head);
	u8 *data, *at;
	bool ok;

	memset(&head, 0, sizeof(head));
	head.executions = explore_executions(x);
	head.inconclusive = x->inconclusive;
	head.searched = x->searched;
	head.all = x->all;
	for (unsigned n = 0; n <= PREEMPTIONS_MAX; n++) {
		head.counts[n] = x->stacks[n].count;
		size += x->stacks[n].count * sizeof(struct explore_item);
	}
	data = at = malloc(size);
	HARNESS_BUG_ON(!data);
	memcpy(at, &head, sizeof(head));
	at += sizeof(head);
	for (unsigned n = 0; n <= PREEMPTIONS_MAX; n++) {
		size_t bytes = x->stacks[n].count * sizeof(struct explore_item);

		if (bytes)
			memcpy(at, x->stacks[n].items, bytes);
		at += bytes;
	}
	ok = explore_state_write(state, data, size);
	free(data);
	return ok;
}

static bool item_fits(const struct explore_item *item, unsigned level)
{
	const struct bounded_schedule *s = &item->schedule;

	if (item->again > 1 || s->preemptions + item->again != level || s->count > BOUNDED_TURNS_MAX)
		return false;
	for (unsigned i = 0; i < s->count; i++)
		if (s->turns[i].cpu >= ENGINE_LANES_MAX)
			return false;
	return true;
}

static bool restore(struct exploration *x, const u8 *data, size_t size)
{
	struct saved head;
	const u8 *at = data + sizeof(head), *end = data + size;

	if (size < sizeof(head))
		return false;
	memcpy(&head, data, sizeof(head));
	x->before = head.executions;
	x->inconclusive = head.inconclusive;
	x->searched = head.searched;
	x->all = head.all;
	for (unsigned n = 0; n <= x->bound; n++)
		for (u64 i = 0; i < head.counts[n]; i++, at += sizeof(struct explore_item)) {
			struct explore_item item;

			if ((size_t)(end - at) < sizeof(item))
				return false;
			memcpy(&item, at, sizeof(item));
			if (!item_fits(&item, n))
				return false;
			push_item(x, &item);
		}
	return at == end;
}

/* What the state file has, or else the one schedule that everything follows from. */
static bool begin(struct exploration *x, const struct explore_state *state)
{
	u8 *data;
	size_t size;
	bool ok = explore_state_read(state, &data, &size);

	if (ok && data) {
		ok = restore(x, data, size);
		if (!ok)
			fprintf(stderr, "%s: expected schedules, found something else\n", state->path);
		free(data);
	} else if (ok) {
		push_item(x, &(struct explore_item){ .share = 1 });
	}
	return ok;
}

static int verdict(const struct exploration *x)
{
	char why[128];

	if (!x->inconclusive && x->all)
		return explore_tell_complete(x);
	snprintf(why, sizeof(why), "%" PRIu64 " inconclusive%s", x->inconclusive,
		 x->all ? "" : ", some with more switches than can be named");
	return explore_tell_incomplete(x, why);
}

static int budget_spent(const struct exploration *x, unsigned preemptions)
{
	char why[64];

	snprintf(why, sizeof(why), "budget used up at %u preemption%s", preemptions, preemptions == 1 ? "" : "s");
	return explore_tell_incomplete(x, why);
}

static int explore_bounded(struct exploration *x, struct input *in, const struct options *o, struct explore_state *state)
{
	struct run_result r;

	for (unsigned n = 0; n <= x->bound; n++) {
		while (x->stacks[n].count) {
			bool spent = o->budget && x->stats.executions >= o->budget;

			if (((spent && state->path) || explore_state_due(state)) && !save(x, state))
				return EXIT_BAD_INPUT;
			if (spent)
				return budget_spent(x, n);
			if (!run_next(x, &x->stacks[n], &in->prog, &r)) {
				explore_state_drop(state);
				return explore_tell_find(x, in, o, &r);
			}
		}
		explore_tell_level(x, n);
	}
	explore_state_drop(state);
	return verdict(x);
}

static int explore(struct exploration *x, struct input *in, const struct options *o)
{
	struct explore_state state;
	char how[64];
	int code;

	if (o->dpor)
		return explore_dpor(x, in, o);
	snprintf(how, sizeof(how), "preemptions=%u", o->preemptions);
	explore_state_init(&state, o, &in->prog, how);
	code = begin(x, &state) ? explore_bounded(x, in, o, &state) : EXIT_BAD_INPUT;
	for (unsigned n = 0; n <= PREEMPTIONS_MAX; n++)
		free(x->stacks[n].items);
	return code;
}

int cmd_explore(int argc, char **argv)
{
	static struct exploration x;
	static struct input in;
	struct options o;
	int code = options_parse(&o, &command, argc, argv);

	if (code >= 0)
		return code;
	if (o.dpor && o.given & ACCEPTS(PREEMPTIONS))
		return usage_error(&command, "expected --preemptions or --dpor, found both");
	if (!o.dpor && o.given & ACCEPTS(FAULTS))
		return usage_error(&command, "expected --dpor with --faults, found none");
	if (!input_load_for(&in, &o))
		return EXIT_BAD_INPUT;
	x.options = o.run;
	x.options.strategy = STRATEGY_BOUNDED;
	x.options.record = x.options.snapshot = true;
	x.all = true;
	x.bound = o.preemptions;
	x.json = o.json;
	x.dpor = o.dpor;
	x.faults = o.faults;
	x.litmus = prog_is_litmus(&in.prog);
	status_begin();
	code = explore(&x, &in, &o);
	status_end(&x.stats);
	return code;
}
