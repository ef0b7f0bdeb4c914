/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bugs_show.c - foliofuzz bugs show: everything that is known of one bug, from the tables and from its folder.
 */
#include "cli.h"
#include "../report/json.h"

#include <foliofuzz/oracle.h>
#include <stdlib.h>
#include <string.h>

#define MIN_PROG BUG_FOLDERS "/%s/min.prog"

json_t *bug_json(unsigned id)
{
	const struct bug_row *row = &bug_table[id];
	json_t *shipped = json_array();

	for (unsigned g = 0; g < GENERATION_COUNT; g++)
		if (row->generations & (1u << g))
			json_array_append_new(shipped, json_string(generation_table[g].name));
	return json_pack("{s:s, s:s, s:s, s:s, s:o}", "id", row->name, "commit", row->commit, "file", row->file, "help", row->help,
			 "generations", shipped);
}

static void set_text(json_t *json, const char *key, char *text)
{
	json_object_set_new(json, key, text ? json_string(text) : json_null());
	free(text);
}

static json_t *oracle_json(int oracle)
{
	if (oracle < 0)
		return json_null();
	return json_pack("{s:i, s:s, s:s}", "number", oracle + 1, "name", oracle_table[oracle].name, "help", oracle_table[oracle].help);
}

static json_t *show_json(unsigned id)
{
	json_t *json = bug_json(id);
	struct bug_folder b;

	if (!bug_folder_load(&b, id))
		return json;
	json_object_set_new(json, "expect", json_string(b.expect));
	json_object_set_new(json, "oracle", oracle_json(b.oracle));
	if (b.has_search)
		json_object_set_new(json, "search", json_pack("{s:s, s:i}", "strategy", b.budget.strategy, "schedules",
							      (int)b.budget.schedules));
	set_text(json, "min_prog", bug_text(id, "min.prog"));
	set_text(json, "story", bug_text(id, "story.md"));
	set_text(json, "trace", bug_text(id, "trace.txt"));
	return json;
}

static void print_row(unsigned id)
{
	const struct bug_row *row = &bug_table[id];
	const char *separator = "";

	printf("%s\n  %s\n  file        %s\n  fixed by    %s\n  shipped in  ", row->name, row->help, row->file, row->commit);
	for (unsigned g = 0; g < GENERATION_COUNT; g++)
		if (row->generations & (1u << g)) {
			printf("%s%s", separator, generation_table[g].name);
			separator = ", ";
		}
	printf("%s\n", *separator ? "" : "none of the generations here");
}

static void print_oracle(const struct bug_folder *b)
{
	printf("  verdict     %s\n", b->expect);
	if (b->oracle >= 0)
		printf("  oracle      %d, %s: %s\n", b->oracle + 1, oracle_table[b->oracle].name, oracle_table[b->oracle].help);
	else
		printf("  oracle      none of the numbered: a check that the kernel's code has itself\n");
}

static void print_commands(const struct bug_folder *b, const char *name)
{
	printf("  see it      foliofuzz replay " MIN_PROG "\n", name);
	printf("  repaired    foliofuzz replay --bug -%s " MIN_PROG "\n", name, name);
	if (b->has_search)
		printf("  find it     foliofuzz run --strategy %s --runs %u " BUG_FOLDERS "/%s/free.prog\n", b->budget.strategy,
		       b->budget.schedules, name);
	else
		printf("  find it     no search is promised to; the story says why\n");
}

static void print_text(unsigned id, const char *file)
{
	char *text = bug_text(id, file);

	printf("\n%s", text ? text : "");
	free(text);
}

static void show_text(unsigned id)
{
	struct bug_folder b;

	print_row(id);
	if (!bug_folder_load(&b, id)) {
		printf("  programs    no " MIN_PROG " below the current directory\n  find it     foliofuzz run --bug %s\n", bug_table[id].name,
		       bug_table[id].name);
		return;
	}
	print_oracle(&b);
	print_commands(&b, bug_table[id].name);
	print_text(id, "story.md");
	print_text(id, "trace.txt");
}

void bugs_show(unsigned id, bool json)
{
	if (json)
		json_print(stdout, show_json(id));
	else
		show_text(id);
}

/* Edits that make of `word` some part of `name`. */
static u32 distance(const char *word, const char *name)
{
	u32 row[128] = { 0 }, best = 0;
	size_t n = strlen(name);

	HARNESS_BUG_ON(n >= ARRAY_SIZE(row));
	for (u32 i = 1; *word; word++, i++) {
		u32 diagonal = row[0];

		row[0] = best = i;
		for (size_t k = 1; k <= n; k++) {
			u32 old = row[k], gap = (old < row[k - 1] ? old : row[k - 1]) + 1;

			row[k] = diagonal + (*word != name[k - 1]);
			row[k] = row[k] < gap ? row[k] : gap;
			best = best < row[k] ? best : row[k];
			diagonal = old;
		}
	}
	return best;
}

void bugs_nearest(struct text *t, const char *word)
{
	u32 most = (u32)strlen(word) / 3, listed = 0;

	for (u32 edits = 0; edits <= most && listed < BUGS_NEAREST_MAX; edits++)
		for (unsigned id = 0; id < BUG_COUNT && listed < BUGS_NEAREST_MAX; id++)
			if (distance(word, bug_table[id].name) == edits)
				text_printf(t, "%s%s", listed++ ? ", " : "; near it: ", bug_table[id].name);
}
