/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bench_detect.c - foliofuzz bench detect: in how many executions each strategy finds each bug of corpus/bugs from its free.prog, which has
 * no schedule. An execution that a strategy needs to get to know the program counts like any other.
 */
#include "cli.h"
#include "../report/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define FOLDER "corpus/bugs"
#define STORED "corpus/medians.tsv"
enum {
	SEEDS = 20, BUDGET = 20000,
	QUICK_SEEDS = 7, QUICK_BUDGET = 2000,
	SEED_DISTANCE = 1000000,
	HARD = 50, /* executions of the random walk from which on a bug says something about a strategy */
	RISE = 3,
	NOISE = 20, /* a rise to fewer executions than RISE * NOISE is none */
};

static const struct command command = {
	.name = "bench detect",
	.args = "[ID...]",
	.summary = "Runs the unscheduled program of every bug of corpus/bugs, or of the named ones, with every\n"
		   "strategy over 20 seeds, at most 20000 executions each, and prints how many it took to the\n"
		   "first find. --quick takes fewer seeds, and fails (exit 4) when the executions that a strategy\n"
		   "needs rose threefold over those that " STORED " holds. --wall measures seconds instead;\n"
		   "with -o FILE a search that has a row there is not made again.",
	.examples = "foliofuzz bench detect --jobs 2\n"
		    "foliofuzz bench detect --quick --jobs 2\n"
		    "foliofuzz bench detect --wall -o wall.tsv\n"
		    "foliofuzz bench detect --strategy portfolio partially-mapped-nonatomic\n"
		    "foliofuzz bench detect --quick -o " STORED "\n",
	.accepts = ACCEPTS(STRATEGY) | ACCEPTS(JOBS) | ACCEPTS(JSON) | ACCEPTS(QUICK) | ACCEPTS(BUDGET) | ACCEPTS(OUT) | ACCEPTS(WALL) |
		   ACCEPTS(SECONDS) | ACCEPTS(SEEDS),
	.files_max = BUG_COUNT,
};

/* Those that draw: the others are told what to do. */
static const u8 measured[] = { STRATEGY_RANDOM, STRATEGY_PCT, STRATEGY_POS, STRATEGY_SURW, STRATEGY_RF, STRATEGY_RACE, STRATEGY_PORTFOLIO };
enum { COLUMNS = ARRAY_SIZE(measured), COLUMN_RANDOM = 0, COLUMN_PORTFOLIO = COLUMNS - 1 };

struct cell {
	bool done;
	u32 missed;		/* seeds */
	u32 executions[SEEDS];	/* sorted; a miss counts as the budget */
};

struct detect {
	const struct options *options;
	u32 seeds, budget;
	bool columns[COLUMNS], rows[BUG_COUNT];
	/* shared by all processes */
	struct detect_shared {
		u32 next; /* cell to be measured; atomic */
		struct cell cells[BUG_COUNT][COLUMNS];
	} *shared;
	/* what STORED says; 0: nothing */
	struct { u32 median, worst; } stored[BUG_COUNT][COLUMNS];
};

static u32 median_of(const struct detect *d, const struct cell *c)
{
	return c->executions[d->seeds / 2];
}

static u32 worst_of(const struct detect *d, const struct cell *c)
{
	return c->executions[d->seeds - 1];
}

/* ---- measuring ---- */

void bench_run_next(const struct prog *p, int strategy, u64 seed, u32 i, struct run_result *r)
{
	static struct portfolio portfolio;
	static struct engine_watch watch;
	struct run_options o;
	unsigned arm = 0;

	run_options_init(&o);
	o.snapshot = true;
	o.strategy = strategy;
	o.seed = seed * SEED_DISTANCE + (strategy == STRATEGY_PORTFOLIO ? 0 : i);
	if (strategy == STRATEGY_PORTFOLIO) {
		if (!i)
			portfolio_begin(&portfolio);
		else if (i % PORTFOLIO_EPOCH == 0)
			portfolio_epoch(&portfolio);
		arm = run_choose(&portfolio, i, &o);
		o.watch = &watch;
	}
	run_one(p, &o, r, NULL);
	if (strategy == STRATEGY_PORTFOLIO)
		portfolio_note(&portfolio, arm, &watch);
}

/* Executions until the first find; 0: none within the budget. */
static u32 search(const struct prog *p, const struct detect *d, int strategy, u64 seed)
{
	struct run_result r;
	u32 n = 0;

	run_forget();
	for (u32 i = 0; n < d->budget; i++) {
		bench_run_next(p, strategy, seed, i, &r);
		n += 1 + r.profiled;
		if (verdict_is_find(r.verdict))
			return n <= d->budget ? n : 0;
	}
	return 0;
}

static int by_number(const void *a, const void *b)
{
	u32 x = *(const u32 *)a, y = *(const u32 *)b;

	return x < y ? -1 : x > y;
}

static void measure(const struct detect *d, struct cell *c, const struct prog *p, int strategy)
{
	for (u32 s = 0; s < d->seeds; s++) {
		u32 n = search(p, d, strategy, s + 1);

		c->executions[s] = n ? n : d->budget;
		c->missed += !n;
	}
	qsort(c->executions, d->seeds, sizeof(c->executions[0]), by_number);
	c->done = true;
}

static void measure_cells(const struct detect *d)
{
	static struct input in;
	u32 n;

	while ((n = __atomic_fetch_add(&d->shared->next, 1, __ATOMIC_RELAXED)) < BUG_COUNT * COLUMNS) {
		unsigned bug = n / COLUMNS, column = n % COLUMNS;
		char path[256];

		if (!d->rows[bug] || !d->columns[column])
			continue;
		snprintf(path, sizeof(path), FOLDER "/%s/free.prog", bug_table[bug].name);
		if (input_load(&in, path))
			measure(d, &d->shared->cells[bug][column], &in.prog, measured[column]);
	}
}

static bool measure_all(const struct detect *d)
{
	bool good = true;
	int status;

	fflush(stdout);
	for (u32 j = 0; j < d->options->jobs; j++) {
		pid_t pid = fork();

		HARNESS_BUG_ON(pid < 0);
		if (!pid) {
			measure_cells(d);
			_exit(0);
		}
	}
	while (wait(&status) > 0)
		good = good && WIFEXITED(status) && !WEXITSTATUS(status);
	for (unsigned bug = 0; bug < BUG_COUNT; bug++)
		for (unsigned k = 0; k < COLUMNS; k++)
			good = good && (!d->rows[bug] || !d->columns[k] || d->shared->cells[bug][k].done);
	return good;
}

/* ---- what it says ---- */

/* Over the hard bugs, executions of `column` over those of the random walk; 0 when there is nothing to compare. */
static double ratio_to_random(const struct detect *d, unsigned column, unsigned *bugs)
{
	double sum = 0;

	*bugs = 0;
	for (unsigned bug = 0; bug < BUG_COUNT && d->columns[COLUMN_RANDOM] && d->columns[column]; bug++) {
		const struct cell *cells = d->shared->cells[bug];

		if (!d->rows[bug] || median_of(d, &cells[COLUMN_RANDOM]) < HARD)
			continue;
		sum += log((double)median_of(d, &cells[column]) / median_of(d, &cells[COLUMN_RANDOM]));
		++*bugs;
	}
	return *bugs ? exp(sum / *bugs) : 0;
}

/* Seeds that miss a bug, over all bugs. */
static u32 misses(const struct detect *d, unsigned column)
{
	u32 n = 0;

	for (unsigned bug = 0; bug < BUG_COUNT; bug++)
		n += d->shared->cells[bug][column].missed;
	return n;
}

static void print_table(const struct detect *d)
{
	printf("median/worst executions to the first find over %u seeds, budget %u; -n: seeds that did not find it\n%-42s", d->seeds,
	       d->budget, "bug");
	for (unsigned k = 0; k < COLUMNS; k++)
		if (d->columns[k])
			printf(" %16s", strategy_name(measured[k]));
	printf("\n");
	for (unsigned bug = 0; bug < BUG_COUNT; bug++) {
		if (!d->rows[bug])
			continue;
		printf("%-42s", bug_table[bug].name);
		for (unsigned k = 0; k < COLUMNS; k++) {
			const struct cell *c = &d->shared->cells[bug][k];
			char text[40];

			if (!d->columns[k])
				continue;
			snprintf(text, sizeof(text), c->missed ? "%u/%u -%u" : "%u/%u", median_of(d, c), worst_of(d, c), c->missed);
			printf(" %16s", text);
		}
		printf("\n");
	}
}

static void print_sums(const struct detect *d)
{
	unsigned bugs = 0;

	printf("%-42s", "searches without a find");
	for (unsigned k = 0; k < COLUMNS; k++)
		if (d->columns[k])
			printf(" %16u", misses(d, k));
	printf("\n%-42s", "over random's, where that is 50 or more");
	for (unsigned k = 0; k < COLUMNS; k++)
		if (d->columns[k])
			printf(" %16.3f", ratio_to_random(d, k, &bugs));
	printf("  (%u bugs)\n", bugs);
}

static json_t *cell_json(const struct detect *d, const struct cell *c)
{
	return json_pack("{s:i, s:i, s:i}", "median", (int)median_of(d, c), "worst", (int)worst_of(d, c), "missed", (int)c->missed);
}

static void print_json(const struct detect *d)
{
	json_t *bugs = json_object(), *ratios = json_object(), *json;
	unsigned hard = 0;

	for (unsigned bug = 0; bug < BUG_COUNT; bug++) {
		json_t *row = json_object();

		for (unsigned k = 0; k < COLUMNS; k++)
			if (d->rows[bug] && d->columns[k])
				json_object_set_new(row, strategy_name(measured[k]), cell_json(d, &d->shared->cells[bug][k]));
		if (d->rows[bug])
			json_object_set_new(bugs, bug_table[bug].name, row);
		else
			json_decref(row);
	}
	for (unsigned k = 0; k < COLUMNS; k++)
		if (d->columns[k])
			json_object_set_new(ratios, strategy_name(measured[k]),
					    json_pack("{s:i, s:f}", "missed", (int)misses(d, k), "over_random", ratio_to_random(d, k, &hard)));
	json = json_pack("{s:s, s:i, s:i, s:o, s:o, s:i}", "command", "bench detect", "seeds", (int)d->seeds, "budget", (int)d->budget,
			 "bugs", bugs, "strategies", ratios, "hard_bugs", (int)hard);
	json_print(stdout, json);
}

/* ---- against what is stored: "bug<TAB>strategy<TAB>median<TAB>worst" ---- */

static bool write_stored(const struct detect *d, const char *path)
{
	FILE *f = fopen(path, "w");

	if (!f) {
		perror(path);
		return false;
	}
	fprintf(f, "# foliofuzz bench detect --quick -o " STORED "\n# bug\tstrategy\tmedian\tworst\n");
	for (unsigned bug = 0; bug < BUG_COUNT; bug++)
		for (unsigned k = 0; k < COLUMNS; k++)
			if (d->rows[bug] && d->columns[k])
				fprintf(f, "%s\t%s\t%u\t%u\n", bug_table[bug].name, strategy_name(measured[k]),
					median_of(d, &d->shared->cells[bug][k]), worst_of(d, &d->shared->cells[bug][k]));
	return fclose(f) == 0;
}

static bool read_stored(struct detect *d)
{
	FILE *f = fopen(STORED, "r");
	char line[256], bug[100], strategy[20];
	unsigned median, worst;

	if (!f) {
		perror(STORED);
		return false;
	}
	while (fgets(line, sizeof(line), f)) {
		int id, s;

		if (sscanf(line, "%99[^\t]\t%19[^\t]\t%u\t%u", bug, strategy, &median, &worst) != 4)
			continue;
		id = bug_find(bug);
		s = strategy_find(strategy);
		for (unsigned k = 0; k < COLUMNS; k++)
			if (id >= 0 && measured[k] == s) {
				d->stored[id][k].median = median;
				d->stored[id][k].worst = worst;
			}
	}
	fclose(f);
	return true;
}

/*
 * A strategy may need three times as many executions neither for all bugs together nor for one. Of one bug few seeds say little, so there
 * the median counts against the worst seed that was stored.
 */
static bool has_risen(const struct detect *d, unsigned k)
{
	double sum = 0;
	unsigned bugs = 0;
	bool risen = false;

	for (unsigned bug = 0; bug < BUG_COUNT; bug++) {
		u32 now = median_of(d, &d->shared->cells[bug][k]), worst = d->stored[bug][k].worst;

		if (!d->rows[bug] || !d->columns[k] || !d->stored[bug][k].median)
			continue;
		sum += log((double)now / d->stored[bug][k].median);
		bugs++;
		if (now <= RISE * (worst > NOISE ? worst : NOISE))
			continue;
		fprintf(stderr, "%s: %s needs %u executions; it needed %u, %u at worst\n", bug_table[bug].name,
			strategy_name(measured[k]), now, d->stored[bug][k].median, worst);
		risen = true;
	}
	if (bugs && exp(sum / bugs) >= RISE) {
		fprintf(stderr, "%s needs %.1f times the executions that " STORED " holds\n", strategy_name(measured[k]), exp(sum / bugs));
		risen = true;
	}
	return risen;
}

static int compare(struct detect *d)
{
	bool risen = false;

	if (!read_stored(d))
		return EXIT_BAD_INPUT;
	for (unsigned k = 0; k < COLUMNS; k++)
		risen = has_risen(d, k) || risen;
	return risen ? EXIT_HARNESS : EXIT_CLEAN;
}

/* ---- the command ---- */

static int choose(struct detect *d)
{
	const struct options *o = d->options;
	bool given = o->given & ACCEPTS(STRATEGY), any = false;

	for (unsigned k = 0; k < COLUMNS; k++)
		any |= d->columns[k] = !given || measured[k] == o->run.strategy;
	if (!any)
		return usage_error(&command, "--strategy: expected one that draws its schedules, found '%s'",
				   strategy_name((enum strategy_id)o->run.strategy));
	for (int i = 0; i < o->file_count; i++) {
		int id = bug_find(o->files[i]);

		if (id < 0)
			return usage_error(&command, "expected the id of a bug, found '%s'", o->files[i]);
		d->rows[id] = true;
	}
	if (access(FOLDER, R_OK)) {
		fprintf(stderr, "foliofuzz bench detect: expected " FOLDER " below the current directory, found none\n");
		return EXIT_BAD_INPUT;
	}
	for (unsigned bug = 0; bug < BUG_COUNT; bug++) {
		char path[256];

		snprintf(path, sizeof(path), FOLDER "/%s/free.prog", bug_table[bug].name);
		d->rows[bug] = (d->rows[bug] || !o->file_count) && access(path, R_OK) == 0;
	}
	return EXIT_CLEAN;
}

static int measure_and_tell(struct detect *d)
{
	const struct options *o = d->options;
	bool good = measure_all(d);

	if (!good)
		fprintf(stderr, "foliofuzz bench detect: a process was lost\n");
	else if (o->json)
		print_json(d);
	else {
		print_table(d);
		print_sums(d);
	}
	if (good && o->out)
		good = write_stored(d, o->out);
	if (!good)
		return EXIT_HARNESS;
	return o->quick && !o->out ? compare(d) : EXIT_CLEAN;
}

int bench_detect(int argc, char **argv)
{
	static struct detect d;
	struct options o;
	int code = options_parse(&o, &command, argc, argv);

	if (code >= 0)
		return code;
	if (o.wall)
		return bench_wall(&o, &command);
	if (o.seeds || o.wall_seconds)
		return usage_error(&command, "%s: expected --wall with it", o.seeds ? "--seeds" : "--seconds");
	d.options = &o;
	d.seeds = o.quick ? QUICK_SEEDS : SEEDS;
	d.budget = o.budget ? (u32)o.budget : o.quick ? QUICK_BUDGET : BUDGET;
	code = choose(&d);
	if (code != EXIT_CLEAN)
		return code;
	d.shared = mmap(NULL, sizeof(*d.shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	HARNESS_BUG_ON(d.shared == MAP_FAILED);
	code = measure_and_tell(&d);
	munmap(d.shared, sizeof(*d.shared));
	return code;
}
