/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cmd_bugs.c - foliofuzz bugs: the historical bugs that can be switched on.
 */
#include "cli.h"
#include "../report/json.h"

#include <string.h>

static const struct command command = {
	.name = "bugs",
	.args = "[list | show ID | check [ID...]]",
	.summary =
		"The catalogue of bugs that --bug and bugs= switch on: what each was, which commit\n"
		"fixed it, and which generations have it from the start. check tries them: on, the\n"
		"programs of corpus/bugs find each; off, they find nothing.",
	.examples = "foliofuzz bugs\n"
		    "foliofuzz bugs show partially-mapped-nonatomic\n"
		    "foliofuzz bugs check --jobs 2\n"
		    "foliofuzz bugs list --json\n",
	.accepts = ACCEPTS(JSON) | ACCEPTS(JOBS),
	.files_max = BUG_COUNT + 1,
};

static json_t *bug_json(unsigned id)
{
	const struct bug_row *row = &bug_table[id];
	json_t *shipped = json_array();

	for (unsigned g = 0; g < GENERATION_COUNT; g++)
		if (row->generations & (1u << g))
			json_array_append_new(shipped, json_string(generation_table[g].name));
	return json_pack("{s:s, s:s, s:s, s:s, s:o}", "id", row->name, "commit", row->commit,
			 "file", row->file, "help", row->help, "generations", shipped);
}

static void print_bug(unsigned id)
{
	const struct bug_row *row = &bug_table[id];
	const char *separator = "";

	printf("%s\n  %s\n  file        %s\n  fixed by    %s\n  shipped in  ", row->name, row->help,
	       row->file, row->commit);
	for (unsigned g = 0; g < GENERATION_COUNT; g++)
		if (row->generations & (1u << g)) {
			printf("%s%s", separator, generation_table[g].name);
			separator = ", ";
		}
	printf("%s\n  find it     foliofuzz run --bug %s\n",
	       *separator ? "" : "none of the generations here", row->name);
}

static int list(const struct options *o)
{
	json_t *bugs = json_array();

	for (unsigned id = 0; id < BUG_COUNT; id++) {
		if (o->json)
			json_array_append_new(bugs, bug_json(id));
		else
			printf("%-34s %-14s %s\n", bug_table[id].name, bug_table[id].commit,
			       bug_table[id].help);
	}
	if (o->json)
		json_print(stdout, bugs);
	else
		json_decref(bugs);
	return EXIT_CLEAN;
}

static int show(const struct options *o, const char *name)
{
	int id = bug_find(name);

	if (id < 0)
		return usage_error(&command, "expected the id of a bug, found '%s'", name);
	if (o->json)
		json_print(stdout, bug_json((unsigned)id));
	else
		print_bug((unsigned)id);
	return EXIT_CLEAN;
}

static int check(const struct options *o)
{
	bool wanted[BUG_COUNT] = { false };

	for (int i = 1; i < o->file_count; i++) {
		int id = bug_find(o->files[i]);

		if (id < 0)
			return usage_error(&command, "expected the id of a bug, found '%s'", o->files[i]);
		wanted[id] = true;
	}
	if (o->file_count == 1)
		memset(wanted, true, sizeof(wanted));
	return bugs_check(o, wanted);
}

int cmd_bugs(int argc, char **argv)
{
	struct options o;
	int code = options_parse(&o, &command, argc, argv);

	if (code >= 0)
		return code;
	if (!o.file_count || (!strcmp(o.files[0], "list") && o.file_count == 1))
		return list(&o);
	if (!strcmp(o.files[0], "show") && o.file_count == 2)
		return show(&o, o.files[1]);
	if (!strcmp(o.files[0], "check"))
		return check(&o);
	return usage_error(&command, "expected list, show ID or check, found '%s'", o.files[0]);
}
