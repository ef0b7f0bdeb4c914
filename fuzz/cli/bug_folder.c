/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bug_folder.c - what a folder of corpus/bugs says of its bug: programs, budget of the search, length of the trace, and the oracle
 * that the expected verdict is of. sim/bugs/README.md describes the files.
 */
#include "cli.h"

#include <foliofuzz/oracle.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KERNEL = -1, TEXT_MAX = 1 << 20 };

static const struct {
	enum verdict verdict;
	const char *invariant;
	int oracle;
} findings[] = {
#define ORACLE_KERNEL KERNEL
#define FINDING(verdict_, invariant_, oracle_) { VERDICT_##verdict_, invariant_, ORACLE_##oracle_ },
#include <foliofuzz/finding.def>
#undef FINDING
#undef ORACLE_KERNEL
};

bool bugs_folders_are_there(const char *verb)
{
	if (access(BUG_FOLDERS, R_OK) == 0)
		return true;
	fprintf(stderr, "foliofuzz bugs %s: expected " BUG_FOLDERS " below the current directory, found none\n", verb);
	return false;
}

bool bug_file_path(char *path, size_t size, unsigned id, const char *name)
{
	snprintf(path, size, BUG_FOLDERS "/%s/%s", bug_table[id].name, name);
	return access(path, R_OK) == 0;
}

bool bug_prog_load(struct input *in, unsigned id, const char *name)
{
	static char path[256];

	return bug_file_path(path, sizeof(path), id, name) && input_load(in, path);
}

char *bug_text(unsigned id, const char *name)
{
	char path[256], *text;
	size_t n;
	FILE *f;

	if (!bug_file_path(path, sizeof(path), id, name))
		return NULL;
	f = fopen(path, "r");
	text = calloc(1, TEXT_MAX + 1);
	HARNESS_BUG_ON(!f || !text);
	n = fread(text, 1, TEXT_MAX, f);
	text[n] = '\0';
	fclose(f);
	return text;
}

bool bug_budget_read(struct bug_budget *b, const char *comment)
{
	const char *line = strstr(comment, "Found within ");

	return line && sscanf(line, "Found within %u %11s schedules.", &b->schedules, b->strategy) == 2 && b->schedules &&
	       b->schedules <= BUG_BUDGET_MAX && strategy_find(b->strategy) >= 0;
}

/* Of the verdict's name and an invariant: "lost-update PG_has_hwpoisoned". */
int bug_oracle(const char *expect)
{
	for (size_t i = 0; i < ARRAY_SIZE(findings); i++) {
		const char *verdict = verdict_name(findings[i].verdict);
		size_t n = strlen(verdict);

		if (strncmp(expect, verdict, n) || (expect[n] && expect[n] != ' '))
			continue;
		if (!strncmp(expect + n + (expect[n] == ' '), findings[i].invariant, strlen(findings[i].invariant)))
			return findings[i].oracle;
	}
	return KERNEL;
}

bool bug_folder_load(struct bug_folder *b, unsigned id)
{
	static struct input in;
	char *trace, *head;

	memset(b, 0, sizeof(*b));
	if (!bug_prog_load(&in, id, "min.prog"))
		return false;
	snprintf(b->expect, sizeof(b->expect), "%s", in.prog.expect);
	b->oracle = bug_oracle(b->expect);
	b->has_search = bug_prog_load(&in, id, "free.prog") && bug_budget_read(&b->budget, in.prog.comment);
	trace = bug_text(id, "trace.txt");
	head = trace ? strstr(trace, "min.prog ") : NULL;
	if (!head || sscanf(head, "min.prog %u points, %u preemption", &b->points, &b->preemptions) != 2)
		b->points = 0;
	free(trace);
	return true;
}
