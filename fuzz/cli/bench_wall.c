/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bench_wall.c - foliofuzz bench detect --wall: in how many seconds each tool of bench_tools.c finds a bug from its free.prog. Seconds depend on the
 * machine and on what else it does: the table compares tools, on one machine, and nothing is stored of it.
 */
#include "cli.h"
#include "../report/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SECONDS = 60, SEEDS = 3, PER_CLASS = 3, CLASSES = 4 };
#define RULE                                                                                                                       \
	"of each class, which is by the verdict that min.prog expects, the first three by id whose min.prog needs a preemption and that " \
	"have a free.prog"

static const char *const class_names[CLASSES] = {
	"flags and queues", "references", "mappings, state and content", "assertions, locks and progress",
};
static const struct {
	enum verdict verdict;
	u8 class;
} classes[] = {
	{ VERDICT_LOST_UPDATE, 0 },   { VERDICT_LIST_CORRUPTION, 0 }, { VERDICT_LOST_QUEUE, 0 },    { VERDICT_USE_AFTER_FREE, 1 },
	{ VERDICT_BAD_REFERENCE, 1 }, { VERDICT_BAD_PAGE, 1 },	      { VERDICT_BAD_RMAP, 2 },	    { VERDICT_BAD_STATE, 2 },
	{ VERDICT_BAD_CONTENT, 2 },   { VERDICT_KERNEL_BUG, 3 },      { VERDICT_LOCK_RULE, 3 },	    { VERDICT_DEADLOCK, 3 },
	{ VERDICT_LIVELOCK, 3 },
};

/* What a search came to; zero: it has not been made. */
struct outcome {
	u8 result; /* enum wall_result */
	u32 ms;
};
struct row {
	unsigned bug;
	int class; /* -1: it has none */
	struct input in;
	char path[256];
};
struct wall {
	const struct options *options;
	u32 seconds, seeds, rows, pending;
	bool tools[WALL_TOOLS];
	struct row row[BUG_COUNT];
	u32 *cells; /* that are still to be measured */
	struct outcome *outcomes; /* rows x WALL_TOOLS x seeds; shared by the processes */
};

static struct outcome *outcome_at(const struct wall *w, u32 row, u32 tool, u32 seed)
{
	return &w->outcomes[(row * WALL_TOOLS + tool) * w->seeds + seed];
}

/* ---- which bugs ---- */

static int class_of(const char *expect)
{
	for (unsigned i = 0; i < ARRAY_SIZE(classes); i++) {
		const char *name = verdict_name(classes[i].verdict);
		size_t n = strlen(name);

		if (!strncmp(expect, name, n) && (!expect[n] || expect[n] == ' '))
			return classes[i].class;
	}
	return -1;
}

static bool add_row(struct wall *w, unsigned bug, int class)
{
	struct row *r = &w->row[w->rows];

	if (!bug_file_path(r->path, sizeof(r->path), bug, "free.prog") || !input_load(&r->in, r->path))
		return false;
	r->bug = bug;
	r->class = class;
	w->rows++;
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(bug_table[*(const unsigned *)a].name, bug_table[*(const unsigned *)b].name);
}

static void choose_fixed(struct wall *w)
{
	unsigned ids[BUG_COUNT], taken[CLASSES];

	for (unsigned i = 0; i < BUG_COUNT; i++)
		ids[i] = i;
	qsort(ids, BUG_COUNT, sizeof(ids[0]), by_name);
	for (int class = 0; class < CLASSES; class++) {
		taken[class] = 0;
		for (unsigned i = 0; i < BUG_COUNT && taken[class] < PER_CLASS; i++) {
			struct bug_folder b;

			if (bug_folder_load(&b, ids[i]) && b.preemptions && class_of(b.expect) == class)
				taken[class] += add_row(w, ids[i], class);
		}
	}
}

static int choose(struct wall *w, const struct command *c)
{
	const struct options *o = w->options;

	if (!o->file_count)
		choose_fixed(w);
	for (int i = 0; i < o->file_count; i++) {
		int id = bug_find(o->files[i]);
		struct bug_folder b;

		if (id < 0)
			return usage_error(c, "expected the id of a bug, found '%s'", o->files[i]);
		if (!bug_folder_load(&b, (unsigned)id) || !add_row(w, (unsigned)id, class_of(b.expect))) {
			fprintf(stderr, "foliofuzz bench detect: %s: expected a min.prog and a free.prog, found none\n", o->files[i]);
			return EXIT_BAD_INPUT;
		}
	}
	return EXIT_CLEAN;
}

/* ---- rows of the file: "bug<TAB>tool<TAB>seed<TAB>limit<TAB>milliseconds, or missed" ---- */

static void keep(const struct wall *w, const char *bug, const char *tool, u32 seed, const char *what)
{
	for (u32 r = 0; r < w->rows; r++)
		for (u32 t = 0; t < WALL_TOOLS; t++) {
			struct outcome *x;

			if (strcmp(bug_table[w->row[r].bug].name, bug) || strcmp(wall_tools[t].name, tool) || !seed || seed > w->seeds)
				continue;
			x = outcome_at(w, r, t, seed - 1);
			x->result = strcmp(what, "missed") ? WALL_FOUND : WALL_MISSED;
			x->ms = (u32)strtoul(what, NULL, 10);
		}
}

/* What an earlier call has measured with the same limit. */
static void read_rows(const struct wall *w)
{
	FILE *f = w->options->out ? fopen(w->options->out, "r") : NULL;
	char line[256], bug[100], tool[32], what[32];
	unsigned seed, seconds;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%99[^\t]\t%31[^\t]\t%u\t%u\t%31s", bug, tool, &seed, &seconds, what) == 5 && seconds == w->seconds)
			keep(w, bug, tool, seed, what);
	if (f)
		fclose(f);
}

static void write_row(const struct wall *w, u32 row, u32 tool, u32 seed, const struct outcome *x)
{
	FILE *f = w->options->out ? fopen(w->options->out, "a") : NULL;
	char what[16] = "missed";

	if (!f || x->result == WALL_FAILED) {
		if (f)
			fclose(f);
		return;
	}
	if (x->result == WALL_FOUND)
		snprintf(what, sizeof(what), "%u", x->ms);
	fprintf(f, "%s\t%s\t%u\t%u\t%s\n", bug_table[w->row[row].bug].name, wall_tools[tool].name, seed + 1, w->seconds, what);
	fclose(f);
}

/* ---- measuring ---- */

static void measure(void *arg, u32 i)
{
	const struct wall *w = arg;
	u32 cell = w->cells[i], seed = cell % w->seeds, tool = cell / w->seeds % WALL_TOOLS, row = cell / w->seeds / WALL_TOOLS;
	const struct wall_search search = { .prog = &w->row[row].in.prog, .path = w->row[row].path, .seed = seed + 1, .seconds = w->seconds };
	struct outcome *x = outcome_at(w, row, tool, seed);
	u32 ms = 0;

	x->result = (u8)wall_tools[tool].search(&search, &ms);
	x->ms = ms;
	write_row(w, row, tool, seed, x);
}

static void collect(struct wall *w)
{
	w->cells = calloc((size_t)w->rows * WALL_TOOLS * w->seeds + 1, sizeof(*w->cells));
	HARNESS_BUG_ON(!w->cells);
	for (u32 r = 0; r < w->rows; r++)
		for (u32 t = 0; t < WALL_TOOLS; t++)
			for (u32 s = 0; s < w->seeds; s++)
				if (w->tools[t] && !outcome_at(w, r, t, s)->result)
					w->cells[w->pending++] = (r * WALL_TOOLS + t) * w->seeds + s;
}

/* False when a search could not be made. */
static bool measure_all(struct wall *w, bool *interrupted)
{
	struct pool pool = { .verb = "searches made", .jobs = w->options->jobs, .pieces = w->pending, .work = measure, .arg = w };
	bool good = true;

	pool.state = pool_memory(w->pending + 1);
	fprintf(stderr, "%u searches of at most %u s: at most %u min with %u process%s; a find ends a search\n", w->pending, w->seconds,
		(w->pending * w->seconds / w->options->jobs + 59) / 60, w->options->jobs, w->options->jobs == 1 ? "" : "es");
	interrupt_catch();
	*interrupted = !pool_run(&pool);
	interrupt_release();
	for (u32 i = 0; i < w->pending; i++)
		good = good && (pool.state[i] == PIECE_DONE || *interrupted) && w->outcomes[w->cells[i]].result != WALL_FAILED;
	return good;
}

/* ---- what it says ---- */

/* Of one bug and one tool. */
struct summary {
	u32 made, missed, median, worst; /* milliseconds, UINT32_MAX: not within the limit */
};

static int by_number(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return x < y ? -1 : x > y;
}

static struct summary sum_up(const struct wall *w, u32 row, u32 tool)
{
	struct summary sum = { .made = 0 };
	u32 ms[WALL_SEEDS_MAX];

	for (u32 s = 0; s < w->seeds; s++) {
		const struct outcome *x = outcome_at(w, row, tool, s);

		if (x->result != WALL_FOUND && x->result != WALL_MISSED)
			continue;
		sum.missed += x->result == WALL_MISSED;
		ms[sum.made++] = x->result == WALL_FOUND ? x->ms : UINT32_MAX;
	}
	if (!sum.made)
		return sum;
	qsort(ms, sum.made, sizeof(ms[0]), by_number);
	sum.median = ms[sum.made / 2];
	sum.worst = ms[sum.made - 1];
	return sum;
}

static void print_seconds(struct text *t, u32 ms)
{
	if (ms == UINT32_MAX)
		text_printf(t, "-");
	else
		text_printf(t, "%.3f", (double)ms / 1000);
}

static void print_cell(const struct summary *s)
{
	char buf[40];
	struct text t;

	text_init(&t, buf, sizeof(buf));
	if (s->made) {
		print_seconds(&t, s->median);
		text_printf(&t, "/");
		print_seconds(&t, s->worst);
		if (s->missed)
			text_printf(&t, " -%u", s->missed);
	} else {
		text_printf(&t, "?");
	}
	printf(" %16s", buf);
}

static void print_rows(const struct wall *w)
{
	int class = -2;

	for (u32 r = 0; r < w->rows; r++) {
		if (w->row[r].class != class && w->row[r].class >= 0)
			printf("(%s)\n", class_names[w->row[r].class]);
		class = w->row[r].class;
		printf("%-42s", bug_table[w->row[r].bug].name);
		for (u32 t = 0; t < WALL_TOOLS; t++) {
			struct summary s = sum_up(w, r, t);

			if (w->tools[t])
				print_cell(&s);
		}
		printf("\n");
	}
}

static void print_table(const struct wall *w)
{
	printf("median/worst seconds to the first find over %u seeds, limit %u s; -n: seeds that did not find it\n"
	       "on free threads a hang is one only after %u s more\n", w->seeds, w->seconds, FREE_HANG_MS / 1000);
	if (!w->options->file_count)
		printf("bugs: %s\n", RULE);
	printf("%-42s", "bug");
	for (u32 t = 0; t < WALL_TOOLS; t++)
		if (w->tools[t])
			printf(" %16s", wall_tools[t].name);
	printf("\n");
	print_rows(w);
	printf("%-42s", "searches without a find");
	for (u32 t = 0; t < WALL_TOOLS; t++) {
		u32 missed = 0, made = 0;
		char buf[40];

		for (u32 r = 0; r < w->rows; r++) {
			struct summary s = sum_up(w, r, t);

			missed += s.missed;
			made += s.made;
		}
		snprintf(buf, sizeof(buf), "%u of %u", missed, made);
		if (w->tools[t])
			printf(" %16s", buf);
	}
	printf("\n");
}

static json_t *ms_json(u32 ms)
{
	return ms == UINT32_MAX ? json_null() : json_integer((json_int_t)ms);
}

static void print_json(const struct wall *w)
{
	json_t *bugs = json_object();

	for (u32 r = 0; r < w->rows; r++) {
		json_t *row = json_object();

		for (u32 t = 0; t < WALL_TOOLS; t++) {
			struct summary s = sum_up(w, r, t);

			if (s.made)
				json_object_set_new(row, wall_tools[t].name,
						    json_pack("{s:o, s:o, s:i, s:i}", "median_ms", ms_json(s.median), "worst_ms",
							      ms_json(s.worst), "missed", (int)s.missed, "seeds", (int)s.made));
		}
		json_object_set_new(bugs, bug_table[w->row[r].bug].name, row);
	}
	json_print(stdout, json_pack("{s:s, s:b, s:i, s:i, s:s, s:o}", "command", "bench detect", "wall", 1, "seeds", (int)w->seeds, "seconds",
				     (int)w->seconds, "rule", w->options->file_count ? "" : RULE, "bugs", bugs));
}

static void find_tools(struct wall *w)
{
	for (u32 t = 0; t < WALL_TOOLS; t++) {
		w->tools[t] = wall_tools[t].is_there();
		if (!w->tools[t])
			fprintf(stderr, "%s: left out: no such target with libFuzzer beside this program or in ../fuzz; build the preset `fuzz`\n",
				wall_tools[t].name);
	}
}

int bench_wall(const struct options *o, const struct command *c)
{
	static struct wall w;
	bool interrupted = false, good;
	int code;

	if (o->given & (ACCEPTS(STRATEGY) | ACCEPTS(QUICK) | ACCEPTS(BUDGET)))
		return usage_error(c, "--wall: expected neither --strategy nor --quick nor --budget with it");
	w = (struct wall){ .options = o, .seconds = o->wall_seconds ? o->wall_seconds : SECONDS, .seeds = o->seeds ? o->seeds : SEEDS };
	if (!bugs_folders_are_there("wall"))
		return EXIT_BAD_INPUT;
	code = choose(&w, c);
	if (code != EXIT_CLEAN)
		return code;
	find_tools(&w);
	w.outcomes = pool_memory((size_t)w.rows * WALL_TOOLS * w.seeds * sizeof(*w.outcomes) + 1);
	read_rows(&w);
	collect(&w);
	good = measure_all(&w, &interrupted);
	if (o->json)
		print_json(&w);
	else
		print_table(&w);
	free(w.cells);
	if (!good)
		fprintf(stderr, "foliofuzz bench detect: a search could not be made\n");
	return !good ? EXIT_HARNESS : interrupted ? EXIT_INCOMPLETE : EXIT_CLEAN;
}
