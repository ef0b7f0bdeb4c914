/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * finds_sarif.c - finds in SARIF 2.1.0 (OASIS, 2020), which code hosts show beside a change: a rule is a verdict, a result is a title.
 * Its place is the program that shows it, since what is broken is often no one line; the functions of the title are logical places. GitHub
 * wants more of a rule than the standard does, and goes by primaryLocationLineHash to tell what it has seen.
 */
#include "finds.h"

#include <string.h>

#define SARIF_SCHEMA "https://json.schemastore.org/sarif-2.1.0.json"
#define OUT_BASE "TRIAGE"

static const char *const verdict_help[] = {
#define VERDICT(id, name, is_find, help) help,
#include <foliofuzz/verdict.def>
#undef VERDICT
};

static json_t *message(const char *text)
{
	return json_pack("{s:s}", "text", text);
}

/* Index of the verdict among the rules; adds it where it is not there yet. */
static size_t rule_of(json_t *rules, enum verdict v)
{
	const char *id = verdict_name(v);
	size_t i;
	json_t *rule;

	json_array_foreach(rules, i, rule)
		if (!strcmp(json_string_value(json_object_get(rule, "id")), id))
			return i;
	json_array_append_new(rules, json_pack("{s:s, s:o, s:o, s:o, s:{s:s}}", "id", id, "shortDescription", message(verdict_help[v]),
					       "fullDescription", message(verdict_help[v]), "help",
					       message("foliofuzz replay MIN.PROG shows it again, with --trace html as a page; foliofuzz oracles says "
						       "what is looked at."),
					       "defaultConfiguration", "level", "error"));
	return json_array_size(rules) - 1;
}

static json_t *functions(const struct run_result *r)
{
	const char *const names[] = { r->function, r->other };
	json_t *a = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i][0])
			json_array_append_new(a, json_pack("{s:s, s:s}", "name", names[i], "kind", "function"));
	return a;
}

static json_t *location(const struct find_group *g)
{
	json_t *uri = json_sprintf("finds/%s/min.prog", g->slug);

	return json_pack("{s:{s:{s:o, s:s}, s:{s:i}}, s:o}", "physicalLocation", "artifactLocation", "uri", uri, "uriBaseId", OUT_BASE, "region",
			 "startLine", 1, "logicalLocations", functions(&g->result));
}

static json_t *result_of(const struct find_group *g, json_t *rules)
{
	const struct run_result *r = &g->result;
	size_t rule = rule_of(rules, r->verdict);
	json_t *text = json_sprintf("%s\n%s\n%s%sreplay: foliofuzz replay finds/%s/min.prog", r->title, r->message, g->known,
				    g->known[0] ? "\n" : "", g->slug);
	u64 identity = hash_string(r->title);
	json_t *line;

	if (g->bug)
		identity = hash_mix(identity, hash_string(g->bug));
	line = json_sprintf("%016llx:1", (unsigned long long)identity);

	return json_pack("{s:s, s:i, s:s, s:{s:o}, s:[o], s:{s:o, s:o}, s:i, s:{s:o, s:i, s:i, s:i}}", "ruleId", verdict_name(r->verdict),
			 "ruleIndex", (int)rule, "level", "error", "message", "text", text, "locations", location(g), "partialFingerprints",
			 "title/v1", hash_json(identity), "primaryLocationLineHash", line, "occurrenceCount", (int)g->file_count, "properties", "hash",
			 hash_json(r->hash), "operations", (int)g->operations, "preemptions", (int)r->preemptions, "points", (int)r->points);
}

json_t *finds_sarif(const struct find_index *x)
{
	json_t *rules = json_array(), *results = json_array(), *driver, *run;

	for (u32 i = 0; i < x->group_count; i++)
		json_array_append_new(results, result_of(&x->groups[i], rules));
	driver = json_pack("{s:s, s:o}", "name", "foliofuzz", "rules", rules);
	run = json_pack("{s:{s:o}, s:{s:{s:o}}, s:s, s:o}", "tool", "driver", driver, "originalUriBaseIds", OUT_BASE, "description",
			message("the folder that this file is in"), "columnKind", "utf16CodeUnits", "results", results);
	return json_pack("{s:s, s:s, s:[o]}", "$schema", SARIF_SCHEMA, "version", "2.1.0", "runs", run);
}
