/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cmd_run.c - foliofuzz run: search for finds, and archive and report the first, or one of each
 * title.
 */
#include "cli.h"
#include "../report/json.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS_OF_A_FILE = 1000 };

static const struct command command = {
	.name = "run",
	.args = "[PROG|DIR...]",
	.summary =
		"Runs random programs, or the given ones, under many schedules, until a find, or\n"
		"for --runs executions (files: 1000 each) or --time. The first find is archived as\n"
		"a file, replayed and told. Same seed and runs: same finds and counts, for any\n"
		"number of --jobs.",
	.examples =
		"foliofuzz run --bug partially-mapped-nonatomic\n"
		"foliofuzz run --runs 100000 --jobs 4\n"
		"foliofuzz run corpus/seeds --kernel v6.12 --time 10m --keep-going --out finds\n"
		"foliofuzz run --runs 10000 --seed 0 --digest\n"
		"foliofuzz run corpus/seeds --vehicle free --delay --time 60s --keep-going\n",
	.accepts = ACCEPTS(STRATEGY) | ACCEPTS(SEED) | ACCEPTS(RUNS) | ACCEPTS(TIME) |
		   ACCEPTS(KERNEL) | ACCEPTS(BUG) | ACCEPTS(VEHICLE) | ACCEPTS(DELAY) | ACCEPTS(STEPS) |
		   ACCEPTS(STRICT_HWPOISON) | ACCEPTS(JOBS) | ACCEPTS(KEEP_GOING) |
		   ACCEPTS(DIGEST) | ACCEPTS(OUT) | ACCEPTS(JSON),
	.files_max = INT_MAX,
};

/*
 * Every file is read before the first execution, so that bad input is said at once. What the kernel of the options cannot run is bad
 * input if it was named, and left out if it was found below a directory.
 */
static bool load_input(struct campaign *c, const char *path, bool named, const struct options *o)
{
	struct input *in = &c->inputs[c->input_count];
	const char *wrong;

	if (!input_load(in, path))
		return false;
	wrong = options_apply(o, &in->prog, in->binary);
	if (wrong && (named || o->generation < 0)) {
		fprintf(stderr, "%s: %s\n", path, wrong);
		return false;
	}
	if (wrong)
		fprintf(stderr, "%s: left out: %s\n", path, wrong);
	else
		c->input_count++;
	return true;
}

static bool load_inputs(struct campaign *c, const struct options *o)
{
	size_t *ends = calloc((size_t)o->file_count + 1, sizeof(*ends)), next = 0;
	bool ok = true;

	HARNESS_BUG_ON(!ends);
	for (int i = 0; i < o->file_count; i++) {
		ok = files_add(&c->files, o->files[i]) && ok;
		ends[i] = c->files.count;
	}
	c->inputs = calloc(c->files.count + 1, sizeof(*c->inputs));
	HARNESS_BUG_ON(!c->inputs);
	for (int i = 0; i < o->file_count; i++)
		for (; next < ends[i]; next++)
			ok = load_input(c, c->files.paths[next], !strcmp(c->files.paths[next], o->files[i]), o) && ok;
	free(ends);
	if (ok && c->files.count && !c->input_count) {
		fprintf(stderr, "%s: expected programs for kernel %s, found none\n", o->files[0], generation_table[o->generation].name);
		return false;
	}
	return ok;
}

static void set_limit(struct campaign *c, const struct options *o)
{
	u64 runs = o->runs;

	if (!runs && c->input_count && !o->seconds)
		runs = RUNS_OF_A_FILE;
	c->limit = UINT64_MAX;
	if (runs && !c->input_count)
		c->limit = runs;
	else if (runs && runs < UINT64_MAX / c->input_count)
		c->limit = runs * c->input_count;
}

static void tell(const struct campaign *c, const struct campaign_find *f, const struct archive *a,
		 const struct report_replay *replay)
{
	struct story story = story_of_run(&a->prog, &a->result);

	fputs(colour_find(stdout), stdout);
	report_header(stdout, replay, &a->result);
	fputs(colour_off(stdout), stdout);
	story_print(stdout, &story);
	printf("found by execution %" PRIu64 " of seed %" PRIu64, f->index, c->options->run.seed);
	if (c->options->keep_going)
		printf(", %" PRIu64 " time%s in all", f->count, f->count == 1 ? "" : "s");
	printf("\n\n");
}

static int report_find(const struct campaign *c, const struct campaign_find *f, json_t *finds)
{
	static struct archive a;
	struct report_replay replay = { .file = a.path, .options = &a.options };
	json_t *o;

	if (!archive_find(&a, c, f))
		return EXIT_HARNESS;
	replay.strategy = a.strategy;
	if (finds) {
		o = result_json(&replay, &a.result);
		json_object_set_new(o, "execution", json_integer((json_int_t)f->index));
		json_object_set_new(o, "count", json_integer((json_int_t)f->count));
		json_object_set_new(o, "faithful", json_boolean(a.faithful));
		json_array_append_new(finds, o);
	} else {
		tell(c, f, &a, &replay);
	}
	if (!a.faithful)
		return EXIT_HARNESS;
	return a.unwritten ? EXIT_BAD_INPUT : EXIT_FOUND;
}

static int report_finds(const struct campaign *c, const struct campaign_result *r, json_t *finds)
{
	int code = EXIT_CLEAN;

	for (u32 n = 0; n < r->find_count; n++)
		code = exit_worst(code, report_find(c, &r->finds[n], finds));
	if (r->finds_dropped)
		fprintf(stderr,
			"foliofuzz: %" PRIu64 " finds have titles beyond the first %d; they were "
			"counted, not archived\n",
			r->finds_dropped, CAMPAIGN_FINDS_MAX);
	return code;
}

/* After the first find nothing but its place is the same for any number of jobs. */
static bool stopped_at_find(const struct options *o, const struct campaign_result *r)
{
	return r->find_count && !o->keep_going;
}

static void print_end(const struct options *o, const struct campaign_result *r)
{
	if (stopped_at_find(o, r))
		return;
	summary_print(stdout, &r->stats, &r->progress);
	if (o->digest)
		printf("\ndigest %016" PRIx64 "\n", r->digest);
}

static void print_json(const struct options *o, const struct campaign_result *r, json_t *finds)
{
	json_t *json = json_object();

	json_object_set_new(json, "command", json_string("run"));
	json_object_set_new(json, "seed", json_integer((json_int_t)o->run.seed));
	json_object_set_new(json, "interrupted", json_boolean(r->interrupted));
	json_object_set_new(json, "finds", finds);
	if (!stopped_at_find(o, r)) {
		json_object_set_new(json, "stats", stats_json(&r->stats));
		json_object_set_new(json, "progress", progress_json(&r->progress));
		json_object_set_new(json, "digest", hash_json(r->digest));
	}
	json_print(stdout, json);
}

static int run_and_report(const struct campaign *c)
{
	static struct campaign_result result;
	json_t *finds = c->options->json ? json_array() : NULL;
	int code;

	campaign_run(c, &result);
	code = report_finds(c, &result, finds);
	if (finds)
		print_json(c->options, &result, finds);
	else
		print_end(c->options, &result);
	if (result.interrupted)
		code = exit_worst(code, EXIT_INCOMPLETE);
	return result.worker_lost ? EXIT_HARNESS : code;
}

int cmd_run(int argc, char **argv)
{
	struct options o;
	struct campaign c = { .options = &o };
	int code = options_parse(&o, &command, argc, argv);

	if (code >= 0)
		return code;
	code = free_refuses(&o, &command);
	if (code >= 0)
		return code;
	code = EXIT_BAD_INPUT;
	if (load_inputs(&c, &o)) {
		set_limit(&c, &o);
		code = o.run.vehicle == VEHICLE_FREE ? free_run_command(&c) : run_and_report(&c);
	}
	free(c.inputs);
	files_free(&c.files);
	return code;
}
