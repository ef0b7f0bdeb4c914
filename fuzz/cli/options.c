/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * options.c - from a command line to struct options, by the table option.def.
 */
#include "cli.h"

#include <string.h>

static int expected(const struct command *c, enum option_id id, const char *what, const char *found)
{
	return usage_error(c, "%s: expected %s, found '%s'", option_flag(id), what, found);
}

static int set_number(const struct command *c, enum option_id id, const char *s, u64 max,
		      u64 *value)
{
	u64 min = id == OPTION_SEED ? 0 : 1;
	char what[64];
	struct text t;

	if (number_parse(s, min, max, value))
		return -1;
	text_init(&t, what, sizeof(what));
	text_printf(&t, "a number from %u", (unsigned)min);
	if (max != UINT64_MAX)
		text_printf(&t, " to %llu", (unsigned long long)max);
	return expected(c, id, what, s);
}

static int set_small(const struct command *c, enum option_id id, const char *s, u32 max, u32 *value)
{
	u64 v = 0;
	int code = set_number(c, id, s, max, &v);

	*value = (u32)v;
	return code;
}

static int set_vehicle(struct options *o, const struct command *c, const char *s)
{
	static const char *const names[] = { [VEHICLE_FIBER] = "fiber", [VEHICLE_PTHREAD] = "pthread", [VEHICLE_FREE] = "free" };
	bool free = c->accepts & ACCEPTS(DELAY);

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(s, names[i])) {
			o->run.vehicle = (enum vehicle)i;
			if (i != VEHICLE_FREE || free)
				return -1;
			return usage_error(c, "--vehicle: free threads have no schedule to go by; only foliofuzz run takes them");
		}
	return expected(c, OPTION_VEHICLE, free ? "fiber, pthread or free" : "fiber or pthread", s);
}

/* Which of two words; `first` is the value of the first. */
static int set_word(const struct command *c, enum option_id id, const char *s, const char *a,
		    const char *b, unsigned first, unsigned *value)
{
	char what[64];
	struct text t;

	*value = first + (strcmp(s, a) != 0);
	if (!strcmp(s, a) || !strcmp(s, b))
		return -1;
	text_init(&t, what, sizeof(what));
	text_printf(&t, "%s or %s", a, b);
	return expected(c, id, what, s);
}

static int set_strategy(struct options *o, const struct command *c, const char *s)
{
	o->run.strategy = strategy_find(s);
	if (o->run.strategy >= 0 && o->run.strategy != STRATEGY_BOUNDED)
		return -1;
	return expected(c, OPTION_STRATEGY, "random, pct, pos, surw, rf, race, portfolio, bytes or replay", s);
}

static int set_kernel(struct options *o, const struct command *c, const char *s)
{
	o->generation = generation_find(s);
	return o->generation >= 0
		       ? -1
		       : expected(c, OPTION_KERNEL, "a name out of foliofuzz generations", s);
}

static int set_bug(struct options *o, const struct command *c, const char *s)
{
	if (!strcmp(s, "none"))
		o->forget_bugs = true;
	else if (!bug_switch_word(&o->bugs, s))
		return expected(c, OPTION_BUG, "an id out of foliofuzz bugs", s);
	return -1;
}

static int set_time(struct options *o, const struct command *c, const char *s)
{
	return duration_parse(s, &o->seconds)
		       ? -1
		       : expected(c, OPTION_TIME, "a time such as 30s, 10m or 2h", s);
}

static int set_preemptions(struct options *o, const struct command *c, const char *s)
{
	u64 value;

	if (!number_parse(s, 0, PREEMPTIONS_MAX, &value))
		return expected(c, OPTION_PREEMPTIONS, "a number from 0 to 8", s);
	o->preemptions = (u32)value;
	return -1;
}

static int set_faults(struct options *o, const struct command *c, const char *s)
{
	u64 value;

	if (!number_parse(s, 0, FAULTS_MAX, &value))
		return expected(c, OPTION_FAULTS, "a number from 0 to 8", s);
	o->faults = (u32)value;
	return -1;
}

static int set_trace(struct options *o, const struct command *c, const char *s)
{
	static const char *const names[] = { NULL, "text", "json", "perfetto", "html" };

	for (unsigned i = TRACE_TEXT; i < ARRAY_SIZE(names); i++)
		if (!strcmp(s, names[i])) {
			o->trace = (enum trace_form)i;
			return -1;
		}
	return expected(c, OPTION_TRACE, "text, json, perfetto or html", s);
}

static int set_engine(struct options *o, const struct command *c, const char *s)
{
	static const char *const names[] = { "random", "libfuzzer", "afl" };

	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(s, names[i])) {
			o->engine = (enum fuzz_engine)i;
			return -1;
		}
	return expected(c, OPTION_ENGINE, "random, libfuzzer or afl", s);
}

static int set_form(struct options *o, const struct command *c, enum option_id id, const char *s)
{
	unsigned value = 0;
	int code;

	switch (id) {
	case OPTION_VEHICLE:
		return set_vehicle(o, c, s);
	case OPTION_TRACE:
		return set_trace(o, c, s);
	case OPTION_ENGINE:
		return set_engine(o, c, s);
	default:
		code = set_word(c, id, s, "text", "binary", FORM_TEXT, &value);
		o->to = (enum prog_form)value;
		return code;
	}
}

static void set_flag(struct options *o, enum option_id id)
{
	o->run.strict_hwpoison |= id == OPTION_STRICT_HWPOISON;
	o->json |= id == OPTION_JSON;
	o->keep_going |= id == OPTION_KEEP_GOING;
	o->digest |= id == OPTION_DIGEST;
	o->dpor |= id == OPTION_DPOR;
	o->quick |= id == OPTION_QUICK;
	o->anchor |= id == OPTION_ANCHOR;
	o->delay |= id == OPTION_DELAY;
	o->wall |= id == OPTION_WALL;
}

static int set_option(struct options *o, const struct command *c, enum option_id id, const char *s)
{
	o->given |= 1u << id;
	switch (id) {
	case OPTION_STRATEGY:
		return set_strategy(o, c, s);
	case OPTION_SEED:
		return set_number(c, id, s, UINT64_MAX, &o->run.seed);
	case OPTION_RUNS:
		return set_number(c, id, s, UINT64_MAX, &o->runs);
	case OPTION_TIME:
		return set_time(o, c, s);
	case OPTION_KERNEL:
		return set_kernel(o, c, s);
	case OPTION_BUG:
		return set_bug(o, c, s);
	case OPTION_VEHICLE:
	case OPTION_TRACE:
	case OPTION_ENGINE:
	case OPTION_TO:
		return set_form(o, c, id, s);
	case OPTION_STEPS:
		return set_small(c, id, s, 1000000, &o->run.steps_max);
	case OPTION_REPEAT:
		return set_small(c, id, s, 1000000000, &o->repeat);
	case OPTION_JOBS:
		return set_small(c, id, s, CAMPAIGN_JOBS_MAX, &o->jobs);
	case OPTION_SEEDS:
		return set_small(c, id, s, WALL_SEEDS_MAX, &o->seeds);
	case OPTION_SECONDS:
		return set_small(c, id, s, 100000, &o->wall_seconds);
	case OPTION_PREEMPTIONS:
		return set_preemptions(o, c, s);
	case OPTION_FAULTS:
		return set_faults(o, c, s);
	case OPTION_STATE:
		o->state = s;
		break;
	case OPTION_BUDGET:
		return set_number(c, id, s, UINT64_MAX, &o->budget);
	case OPTION_OUT:
		o->out = s;
		break;
	default:
		set_flag(o, id);
		break;
	}
	return -1;
}

/* The option that `word` begins with, up to '=' or the end; *value is what stands behind '='. */
static int find_option(const struct command *c, const char *word, const char **value)
{
	size_t len = strcspn(word, "=");

	*value = word[len] ? word + len + 1 : NULL;
	if (!strcmp(word, "-o"))
		return c->accepts & ACCEPTS(OUT) ? OPTION_OUT : -1;
	for (unsigned id = 0; id < OPTION_COUNT; id++)
		if ((c->accepts & (1u << id)) && strlen(option_flag(id)) == len &&
		    !strncmp(word, option_flag(id), len))
			return (int)id;
	return -1;
}

/* Takes argv[*i], and the next one where the option has a value there. */
static int take_option(struct options *o, const struct command *c, int argc, char **argv, int *i)
{
	const char *value;
	int id = find_option(c, argv[*i], &value);

	if (id < 0)
		return usage_error(c, "expected an option, found '%s'", argv[*i]);
	if (!option_takes_value((enum option_id)id)) {
		if (value)
			return usage_error(c, "%s: expected no value, found '%s'", option_flag(id),
					   value);
		return set_option(o, c, (enum option_id)id, NULL);
	}
	if (!value) {
		if (*i + 1 >= argc)
			return usage_error(c, "%s: expected a value, found the end",
					   option_flag(id));
		value = argv[++*i];
	}
	return set_option(o, c, (enum option_id)id, value);
}

static int check_files(const struct options *o, const struct command *c)
{
	if (o->file_count < c->files_min)
		return usage_error(c, "expected %s, found nothing", c->args);
	if (o->file_count > c->files_max)
		return usage_error(c, "expected no more arguments, found '%s'",
				   o->files[c->files_max]);
	return -1;
}

int options_parse(struct options *o, const struct command *c, int argc, char **argv)
{
	bool only_files = false;
	int code;

	*o = (struct options){ .generation = -1, .repeat = 1, .jobs = 1, .preemptions = 1, .files = argv };
	run_options_init(&o->run);
	o->run.seed = 1;
	for (int i = 1; i < argc; i++) {
		char *word = argv[i];

		if (only_files || word[0] != '-' || !word[1]) {
			o->files[o->file_count++] = word;
		} else if (!strcmp(word, "--")) {
			only_files = true;
		} else if (!strcmp(word, "--help") || !strcmp(word, "-h")) {
			usage_print(stdout, c);
			return EXIT_CLEAN;
		} else {
			code = take_option(o, c, argc, argv, &i);
			if (code >= 0)
				return code;
		}
	}
	return check_files(o, c);
}

void bug_switches_option(struct text *t, const struct bug_switches *bugs)
{
	const char *comma = "";

	text_printf(t, "--bug=");
	for (unsigned id = 0; id < BUG_COUNT; id++) {
		bool on = bug_set_has(&bugs->on, id), off = bug_set_has(&bugs->off, id);

		if (on || off)
			text_printf(t, "%s%s%s", comma, off ? "-" : "", bug_table[id].name);
		comma = on || off || comma[0] ? "," : "";
	}
}

const char *options_apply(const struct options *o, struct prog *p, bool lenient)
{
	if (o->forget_bugs)
		p->world.bugs = (struct bug_switches){ .on = { { 0 } } };
	bug_switches_add(&p->world.bugs, &o->bugs);
	if (o->generation < 0)
		return NULL;
	if (lenient)
		prog_set_generation(p, (enum generation)o->generation);
	p->world.generation = (u8)o->generation;
	return prog_validate(p);
}
