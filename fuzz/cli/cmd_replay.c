/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cmd_replay.c - foliofuzz replay: one execution of each file, told.
 */
#include "cli.h"
#include "../report/json.h"

#include <inttypes.h>
#include <limits.h>

static const struct command command = {
	.name = "replay",
	.args = "FILE...",
	.summary =
		"Runs each program once, by its own schedule, and tells what happened. FILE is a\n"
		".prog text or a crash file of a fuzz target; - is standard input. The hash is the\n"
		"same on every machine, vehicle and build. A find that is expected and not met is\n"
		"looked for near by: deviations and failures some occurrences earlier or later.",
	.examples = "foliofuzz replay lost-update-7b21e0d4.prog\n"
		    "foliofuzz replay --kernel v7.1 --bug none crash-3f2a\n"
		    "foliofuzz replay --vehicle pthread --repeat 1000 lost-update-7b21e0d4.prog\n"
		    "foliofuzz replay --trace html x.prog > trace.html\n"
		    "foliofuzz replay --trace perfetto x.prog > trace.json\n",
	.accepts = ACCEPTS(STRATEGY) | ACCEPTS(SEED) | ACCEPTS(KERNEL) | ACCEPTS(BUG) |
		   ACCEPTS(VEHICLE) | ACCEPTS(TRACE) | ACCEPTS(STEPS) | ACCEPTS(STRICT_HWPOISON) |
		   ACCEPTS(REPEAT) | ACCEPTS(JSON),
	.files_min = 1,
	.files_max = INT_MAX,
};

struct replayed {
	struct input input;
	struct run_options options;
	struct run_result result;
	struct report_replay replay;
	struct story story;
	bool near; /* it does not show what it expects, but a program near by does: */
	u32 distance;
	struct prog nearest;
};

static int code_of(enum verdict v)
{
	if (verdict_is_find(v))
		return EXIT_FOUND;
	return v == VERDICT_CLEAN ? EXIT_CLEAN : EXIT_INCOMPLETE;
}

static bool load(struct replayed *r, const struct options *o, const char *path)
{
	const char *wrong;

	if (!input_load(&r->input, path))
		return false;
	wrong = options_apply(o, &r->input.prog, r->input.binary);
	if (wrong)
		fprintf(stderr, "%s: %s\n", path, wrong);
	return !wrong;
}

static bool run_repeatedly(struct replayed *r, u32 times)
{
	u64 hash = 0;

	for (u32 i = 1; i <= times; i++) {
		r->options.record = i == times;
		run_one(&r->input.prog, &r->options, &r->result, NULL);
		if (i > 1 && r->result.hash != hash) {
			fprintf(stderr,
				"%s: run %u has hash %016" PRIx64 ", those before have %016" PRIx64
				"\n",
				r->input.path, i, r->result.hash, hash);
			return false;
		}
		hash = r->result.hash;
	}
	return true;
}

static void describe(struct replayed *r, const struct options *o)
{
	int strategy = r->options.strategy;
	bool drawn = strategy != STRATEGY_BYTES && strategy != STRATEGY_REPLAY;

	r->replay = (struct report_replay){
		.file = r->input.path,
		.options = &r->options,
		.strategy = drawn ? strategy_name((enum strategy_id)strategy) : NULL,
		.world = o->given & (ACCEPTS(KERNEL) | ACCEPTS(BUG)) ? &r->input.prog.world : NULL,
	};
	r->story = story_of_run(&r->input.prog, &r->result);
}

static bool is_expected_find(const void *expect, const struct run_result *r)
{
	return verdict_is_find(r->verdict) && report_meets(expect, r);
}

/*
 * Only of a program as it stands: on another kernel or without its bugs it need not show what it says. After the story: it is told from
 * what the execution left behind.
 */
static void look_near(struct replayed *r, const struct options *o)
{
	const char *expect = r->input.prog.expect;
	struct run_options run = r->options;
	struct run_result result;

	r->near = false;
	if (!*expect || report_meets(expect, &r->result) || o->trace >= TRACE_PERFETTO ||
	    o->given & (ACCEPTS(KERNEL) | ACCEPTS(BUG) | ACCEPTS(STRATEGY)))
		return;
	run.record = false;
	r->nearest = r->input.prog;
	r->near = run_near(&r->nearest, &run, is_expected_find, expect, &result, &r->distance);
}

static void print_nearest(const struct replayed *r)
{
	static char text[PROG_TEXT_MAX + 1];

	prog_print(&r->nearest, text, sizeof(text));
	printf("expect: met at a distance of %u (%s), by\n%s", r->distance, r->input.prog.expect, text);
}

static void print_expect(const struct replayed *r)
{
	const char *expect = r->input.prog.expect;
	char found[RUN_TITLE_MAX];
	struct text t;

	if (!*expect)
		return;
	text_init(&t, found, sizeof(found));
	report_expect(&t, &r->result);
	if (r->near)
		print_nearest(r);
	else if (report_meets(expect, &r->result))
		printf("expect: met (%s)\n", expect);
	else
		printf("expect: DIFFERS: expected '%s', found '%s'\n", expect, found);
}

static void print_text(struct replayed *r, const struct options *o)
{
	bool find = verdict_is_find(r->result.verdict);

	fputs(find ? colour_find(stdout) : "", stdout);
	report_header(stdout, &r->replay, &r->result);
	fputs(find ? colour_off(stdout) : "", stdout);
	r->story.full = o->trace == TRACE_TEXT;
	if (find || r->story.full)
		story_print(stdout, &r->story);
	if (r->input.binary)
		printf("program: binary; foliofuzz convert shows it\n");
	if (r->result.diverged)
		printf("diverged: %u of %u deviations found no place\n", r->result.diverged,
		       r->input.prog.sched.deviation_count);
	look_near(r, o);
	print_expect(r);
}

static json_t *replayed_json(struct replayed *r, const struct options *o)
{
	const char *expect = r->input.prog.expect;
	json_t *json = result_json(&r->replay, &r->result);

	json_object_set_new(json, "form", json_string(r->input.binary ? "binary" : "text"));
	if (*expect) {
		json_object_set_new(json, "expect", json_string(expect));
		json_object_set_new(json, "met", json_boolean(report_meets(expect, &r->result)));
	}

	if (o->trace == TRACE_JSON)
		json_object_set_new(json, "trace", trace_json(&r->story));
	look_near(r, o);
	if (r->near)
		json_object_set_new(json, "near", json_integer(r->distance));
	return json;
}

/* A page, or a file for a viewer: of one execution. */
static void print_page(struct replayed *r, const struct options *o)
{
	json_t *result = replayed_json(r, o);

	if (o->trace == TRACE_HTML)
		trace_html_print(stdout, &r->story, result);
	else
		json_print(stdout, trace_perfetto(&r->story, result));
}

static int replay_file(const struct options *o, const char *path, json_t *results)
{
	static struct replayed r;

	if (!load(&r, o, path))
		return EXIT_BAD_INPUT;
	r.options = o->run;
	if (!(o->given & ACCEPTS(STRATEGY)))
		r.options.strategy = STRATEGY_REPLAY;
	if (!run_repeatedly(&r, o->repeat))
		return EXIT_HARNESS;
	describe(&r, o);
	if (o->trace >= TRACE_PERFETTO)
		print_page(&r, o);
	else if (results)
		json_array_append_new(results, replayed_json(&r, o));
	else
		print_text(&r, o);
	return r.near ? EXIT_FOUND : code_of(r.result.verdict);
}

int cmd_replay(int argc, char **argv)
{
	struct options o;
	json_t *results = NULL;
	int code = options_parse(&o, &command, argc, argv);

	if (code >= 0)
		return code;
	code = EXIT_CLEAN;
	if (o.trace >= TRACE_PERFETTO && o.file_count != 1)
		return usage_error(&command, "--trace %s: expected one file, found %d", o.trace == TRACE_HTML ? "html" : "perfetto", o.file_count);
	if (o.trace == TRACE_JSON || (o.json && o.trace < TRACE_PERFETTO))
		results = json_array();
	for (int i = 0; i < o.file_count; i++) {
		if (i && !results)
			putchar('\n');
		code = exit_worst(code, replay_file(&o, o.files[i], results));
	}
	if (results)
		json_print(stdout,
			   json_pack("{s:s, s:o}", "command", "replay", "results", results));
	return code;
}
