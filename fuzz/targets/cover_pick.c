/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cover_pick.c - chooses, from many programs, few and small ones that reach what others do not: corpus/coverage (scripts/cover-corpus).
 *
 * usage: cover_pick OUT CANDIDATES WHERE < BASE      lists of files, one name a line: binary programs
 *        cover_pick      prints the address of every edge; a line of WHERE says in which file it is
 *
 * What the programs of BASE reach counts as reached. Of the candidates that are clean, the one that adds most is taken, until none
 * adds anything; then every operation and lane without which a program still reaches what only it does, goes. Everything is run in every
 * release; only the default one must be clean. Edges are the compiler's; only those in files of sim/mm count.
 */
#include <foliofuzz/explore.h>
#include <foliofuzz/run.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EDGES_MAX (1u << 17)
#define CANDIDATES_MAX 20000u

struct edges {
	u64 bits[EDGES_MAX / 64];
};
struct candidate {
	struct prog prog;
	u64 *bits;
};

/* What the instrumentation calls, one module: counters, and two words for each, the first of which is its address. */
void __sanitizer_cov_8bit_counters_init(u8 *start, u8 *stop);
void __sanitizer_cov_pcs_init(const uintptr_t *start, const uintptr_t *stop);

static struct {
	u8 *counters;
	const uintptr_t *pcs;
	size_t count, words;
	u64 wanted[EDGES_MAX / 64];
} cover;
static struct candidate *chosen[CANDIDATES_MAX];
static unsigned chosen_count;
static u16 reached_by[EDGES_MAX]; /* how many of base and chosen */

void __sanitizer_cov_8bit_counters_init(u8 *start, u8 *stop)
{
	cover.counters = start;
	cover.count = (size_t)(stop - start);
	cover.words = (cover.count + 63) / 64;
	HARNESS_BUG_ON(cover.count > EDGES_MAX);
}

void __sanitizer_cov_pcs_init(const uintptr_t *start, const uintptr_t *stop)
{
	(void)stop;
	cover.pcs = start;
}

/* What the program reaches, all releases together, is added to *bits. False: a find in the default release. */
static bool run_program(const struct prog *prog, u64 *bits)
{
	struct run_options o;
	struct run_result r;
	bool clean = true;

	run_options_init(&o);
	o.strategy = prog->sched.kind == SCHED_BYTES ? STRATEGY_BYTES : STRATEGY_REPLAY;
	memset(cover.counters, 0, cover.count);
	for (int g = GENERATION_COUNT; g-- > 0 && clean;) {
		static struct prog p;

		p = *prog;
		prog_set_generation(&p, (enum generation)g);
		run_one(&p, &o, &r, NULL);
		clean = g != GENERATION_DEFAULT || r.verdict == VERDICT_CLEAN;
	}
	for (size_t i = 0; i < cover.count; i++)
		if (cover.counters[i])
			bits[i / 64] |= cover.wanted[i / 64] & 1ull << (i % 64);
	return clean;
}

static bool load(struct prog *p, const char *path)
{
	static u8 data[PROG_BINARY_MAX];
	FILE *f = fopen(path, "rb");
	size_t size;

	if (!f)
		return false;
	size = fread(data, 1, sizeof(data), f);
	fclose(f);
	prog_decode(p, data, size);
	p->world.bugs = (struct bug_switches){ .on = { { 0 } } };
	prog_set_generation(p, GENERATION_DEFAULT);
	return true;
}

static bool next_name(FILE *f, char *name, size_t size)
{
	if (!fgets(name, (int)size, f))
		return false;
	name[strcspn(name, "\n")] = 0;
	return true;
}

static size_t address_of(size_t edge)
{
	extern const char __executable_start[];

	return cover.pcs[2 * edge] - (uintptr_t)__executable_start;
}

/* How many edges are in the replica, and not in a header of it. */
static unsigned read_places(const char *path)
{
	FILE *f = fopen(path, "r");
	unsigned wanted = 0;
	char line[4096];

	HARNESS_BUG_ON(!f);
	for (size_t i = 0; i < cover.count && next_name(f, line, sizeof(line)); i++)
		if (strstr(line, "/sim/mm/")) {
			cover.wanted[i / 64] |= 1ull << (i % 64);
			wanted++;
		}
	fclose(f);
	return wanted;
}

static void count_edges(const u64 *bits, int by)
{
	for (size_t i = 0; i < cover.count; i++)
		if (bits[i / 64] >> (i % 64) & 1)
			reached_by[i] = (u16)(reached_by[i] + by);
}

static void read_base(void)
{
	static struct prog prog;
	static struct edges all;
	char name[4096];

	while (next_name(stdin, name, sizeof(name)))
		if (load(&prog, name))
			run_program(&prog, all.bits);
	count_edges(all.bits, 1);
}

static unsigned read_candidates(const char *list, struct candidate *c)
{
	static struct edges bits;
	char name[4096];
	unsigned n = 0;
	FILE *f = fopen(list, "r");

	HARNESS_BUG_ON(!f);
	while (n < CANDIDATES_MAX && next_name(f, name, sizeof(name))) {
		memset(&bits, 0, sizeof(bits));
		if (!load(&c[n].prog, name) || !run_program(&c[n].prog, bits.bits))
			continue;
		c[n].bits = malloc(cover.words * sizeof(u64));
		HARNESS_BUG_ON(!c[n].bits);
		memcpy(c[n].bits, bits.bits, cover.words * sizeof(u64));
		n++;
	}
	fclose(f);
	return n;
}

static unsigned adds(const u64 *bits, const u64 *reached)
{
	unsigned n = 0;

	for (size_t w = 0; w < cover.words; w++)
		n += (unsigned)__builtin_popcountll(bits[w] & ~reached[w]);
	return n;
}

/* Greedy: the largest gain first. A gain only shrinks, so what it was is an upper bound of what it is. */
static void choose(struct candidate *c, unsigned n)
{
	static struct edges reached;
	unsigned *bound = malloc((n + 1) * sizeof(*bound));

	HARNESS_BUG_ON(!bound);
	for (size_t i = 0; i < cover.count; i++)
		if (reached_by[i])
			reached.bits[i / 64] |= 1ull << (i % 64);
	memset(bound, 0xff, n * sizeof(*bound));
	for (;;) {
		unsigned best = 0, best_gain = 0;

		for (unsigned i = 0; i < n; i++) {
			if (bound[i] <= best_gain)
				continue;
			bound[i] = adds(c[i].bits, reached.bits);
			if (bound[i] > best_gain) {
				best = i;
				best_gain = bound[i];
			}
		}
		if (!best_gain)
			break;
		for (size_t w = 0; w < cover.words; w++)
			reached.bits[w] |= c[best].bits[w];
		count_edges(c[best].bits, 1);
		chosen[chosen_count++] = &c[best];
	}
	free(bound);
}

/* Still clean, and reaches all of `need`: *c becomes it. */
static bool accept(struct candidate *c, const struct prog *smaller, const u64 *need)
{
	static struct edges bits;

	memset(&bits, 0, sizeof(bits));
	if (!run_program(smaller, bits.bits) || adds(need, bits.bits))
		return false;
	c->prog = *smaller;
	memcpy(c->bits, bits.bits, cover.words * sizeof(u64));
	return true;
}

static void shrink(struct candidate *c, const u64 *need)
{
	static struct prog smaller;

	for (unsigned lane = PROG_LANES_MAX; lane-- > 0;) {
		smaller = c->prog;
		if (lane < smaller.world.cpus && prog_remove_lane(&smaller, lane))
			accept(c, &smaller, need);
	}
	for (unsigned lane = 0; lane <= PROG_LANE_TEARDOWN; lane++) {
		if (lane < PROG_LANES_MAX && lane >= c->prog.world.cpus)
			continue;
		for (unsigned op = prog_lane_at(&c->prog, lane)->count; op-- > 0;) {
			smaller = c->prog;
			prog_remove_op(&smaller, lane, op);
			accept(c, &smaller, need);
		}
	}
	smaller = c->prog;
	smaller.sched.kind = SCHED_DEVIATIONS;
	smaller.sched.deviation_count = 0;
	accept(c, &smaller, need);
}

/* What only this one reaches; false: nothing. */
static bool needed(const struct candidate *c, struct edges *need)
{
	bool any = false;

	memset(need, 0, sizeof(*need));
	for (size_t i = 0; i < cover.count; i++)
		if ((c->bits[i / 64] >> (i % 64) & 1) && reached_by[i] == 1) {
			need->bits[i / 64] |= 1ull << (i % 64);
			any = true;
		}
	return any;
}

/* The comment holds addresses, of which the script makes names. */
static void write_program(const char *out, unsigned number, struct candidate *c, const struct edges *need)
{
	static char text[PROG_TEXT_MAX];
	char path[4096];
	unsigned named = 0;
	struct text t;
	FILE *f;

	text_init(&t, c->prog.comment, sizeof(c->prog.comment));
	text_printf(&t, " Reaches");
	for (size_t i = 0; i < cover.count && named < 6; i++)
		if (need->bits[i / 64] >> (i % 64) & 1) {
			text_printf(&t, " 0x%zx", address_of(i));
			named++;
		}
	prog_print(&c->prog, text, sizeof(text));
	snprintf(path, sizeof(path), "%s/%03u.prog", out, number);
	f = fopen(path, "w");
	HARNESS_BUG_ON(!f);
	fputs(text, f);
	fclose(f);
}

static void write_all(const char *out)
{
	static struct edges need;
	unsigned written = 0;

	/* The last ones are special, and what they reach besides may make an earlier one needless. */
	for (unsigned i = chosen_count; i-- > 0;) {
		bool any = needed(chosen[i], &need);

		count_edges(chosen[i]->bits, -1);
		if (!any)
			continue;
		shrink(chosen[i], need.bits);
		count_edges(chosen[i]->bits, 1);
		write_program(out, ++written, chosen[i], &need);
	}
	printf("%u programs\n", written);
}

static int print_addresses(void)
{
	for (size_t i = 0; i < cover.count; i++)
		printf("0x%zx\n", address_of(i));
	return 0;
}

int main(int argc, char **argv)
{
	static struct candidate *candidates;
	unsigned n, wanted, reached = 0;

	HARNESS_BUG_ON(!cover.count || !cover.pcs);
	if (argc == 1)
		return print_addresses();
	if (argc != 4) {
		fprintf(stderr, "usage: cover_pick [OUT CANDIDATES WHERE < BASE]\n");
		return 1;
	}
	candidates = calloc(CANDIDATES_MAX, sizeof(*candidates));
	HARNESS_BUG_ON(!candidates);
	wanted = read_places(argv[3]);
	read_base();
	n = read_candidates(argv[2], candidates);
	choose(candidates, n);
	for (size_t i = 0; i < cover.count; i++)
		reached += reached_by[i] > 0;
	printf("%u candidates, %u chosen, %u of %u edges\n", n, chosen_count, reached, wanted);
	write_all(argv[1]);
	return 0;
}
