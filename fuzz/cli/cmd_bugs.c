/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cmd_bugs.c - foliofuzz bugs: the historical bugs that can be switched on.
 */
#include "cli.h"
#include "../report/json.h"

#include <string.h>

static const struct command command = {
	.name = "bugs",
	.args = "[list | show ID | check [ID...] | pairs [ID...] | minimise [ID...] | readme]",
	.summary =
		"The catalogue of bugs that --bug and bugs= switch on: what each was, which commit\n"
		"fixed it, and which generations have it from the start. show adds, from the tree's\n"
		"root, the oracle that reports it, story and diagram. check tries them: on, the\n"
		"programs of corpus/bugs find each; off, they find nothing. pairs switches two\n"
		"on together: neither may hide both. minimise compares what minimise makes of a fresh\n"
		"find with min.prog. readme prints what corpus/bugs/README.md should be.",
	.examples = "foliofuzz bugs\n"
		    "foliofuzz bugs show partially-mapped-nonatomic\n"
		    "foliofuzz bugs check --jobs 2\n"
		    "foliofuzz bugs list --json\n",
	.accepts = ACCEPTS(JSON) | ACCEPTS(JOBS),
	.files_max = BUG_COUNT + 1,
};

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

/* -1 after a complaint. */
static int find(const char *name)
{
	int id = bug_find(name);
	char near[256];
	struct text t;

	if (id >= 0)
		return id;
	text_init(&t, near, sizeof(near));
	bugs_nearest(&t, name);
	usage_error(&command, "expected the id of a bug, found '%s'%s", name, near);
	return -1;
}

static int show(const struct options *o, const char *name)
{
	int id = find(name);

	if (id < 0)
		return EXIT_BAD_INPUT;
	bugs_show((unsigned)id, o->json);
	return EXIT_CLEAN;
}

/* Those that are named behind the verb, or all. */
static int of_several(const struct options *o, int (*verb)(const struct options *o, const bool *wanted))
{
	bool wanted[BUG_COUNT] = { false };

	for (int i = 1; i < o->file_count; i++) {
		int id = find(o->files[i]);

		if (id < 0)
			return EXIT_BAD_INPUT;
		wanted[id] = true;
	}
	if (o->file_count == 1)
		memset(wanted, true, sizeof(wanted));
	return verb(o, wanted);
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
		return of_several(&o, bugs_check);
	if (!strcmp(o.files[0], "pairs"))
		return of_several(&o, bugs_pairs);
	if (!strcmp(o.files[0], "minimise"))
		return of_several(&o, bugs_minimise);
	if (!strcmp(o.files[0], "readme") && o.file_count == 1)
		return o.json ? usage_error(&command, "expected no --json with readme, which prints a page") : bugs_readme();
	return usage_error(&command, "expected list, show ID, check, pairs, minimise or readme, found '%s'", o.files[0]);
}
