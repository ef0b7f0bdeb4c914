/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * session_libfuzzer.c - libFuzzer as the engine of a campaign: processes of the program_fuzzer beside foliofuzz on one corpus. A find ends such
 * a process; its input is replayed here, kept under its title, and the process started again.
 */
#include "session.h"

#include <stdlib.h>
#include <string.h>

#define ARTIFACT "artifact."

/* ---- the target ---- */
/* Without an engine the target is a replayer, to which options are files that are not there. */
static bool has_engine(const char *target)
{
	char line[256];
	struct text command;
	char buf[SESSION_PATH_MAX + 64];
	bool found = false;
	FILE *help;

	if (strchr(target, '\'')) {
		fprintf(stderr, "%s: expected a path without a quote\n", target);
		return false;
	}
	text_init(&command, buf, sizeof(buf));
	text_printf(&command, "'%s' -help=1 2>&1", target);
	help = popen(buf, "r");
	while (help && fgets(line, sizeof(line), help))
		found |= strstr(line, "max_total_time") != NULL;
	if (help)
		pclose(help);
	if (!found)
		fprintf(stderr, "%s: expected a target with libFuzzer, found one without an engine; build the preset `fuzz` and use its foliofuzz\n",
			target);
	return found;
}

/* ---- what it says ---- */
static u64 number_behind(const char *line, const char *word)
{
	const char *at = strstr(line, word);

	return at ? strtoull(at + strlen(word), NULL, 10) : 0;
}

/* "#1234	NEW    cov: 345 ft: 678 corp: 12/3456b ... exec/s: 789 ..." */
static void read_line(struct process_engine *e, struct engine_process *p)
{
	struct session_shared *x = e->session->shared;
	u64 features;

	if (p->line[0] != '#')
		return;
	engine_executions(e, p, strtoull(p->line + 1, NULL, 10));
	features = number_behind(p->line, " ft: ");
	if (features > x->features)
		x->features = (u32)features;
	if (strstr(p->line, "\tNEW "))
		x->last_new = clock_now();
}

/* ---- processes ---- */
static void put_words(struct process_engine *e, u32 k, struct engine_words *w)
{
	const struct session *s = e->session;

	engine_word(w, "%s", e->target);
	engine_word(w, "%s/corpus", s->dir);
	engine_word(w, "-seed=%u", (u32)(s->options->run.seed + s->executions + e->started) | 1);
	engine_word(w, "-exact_artifact_path=%s/" ARTIFACT "%u", s->dir, k);
	engine_word(w, "-max_len=4096");
	engine_word(w, "-timeout=60");
	engine_word(w, "-reload=10");
	engine_word(w, "-print_final_stats=0");
	engine_word(w, "-ignore_remaining_args=1");
	engine_words_of_target(w, s->options);
}

/* The input at which process k ended goes once what became of it is on the disk. */
static bool take_artifact(struct session *s, u32 k, bool of_this_session)
{
	char path[SESSION_PATH_MAX], name[32];
	struct text t;

	text_init(&t, name, sizeof(name));
	text_printf(&t, ARTIFACT "%u", k);
	return session_path(path, s->dir, "", name) && session_take_artifact(s, path, of_this_session);
}

static bool ended(struct process_engine *e, u32 k, int status)
{
	(void)status;
	return take_artifact(e->session, k, true);
}

bool session_libfuzzer(struct session *s)
{
	static struct process_engine e = { .put_words = put_words, .read_line = read_line, .ended = ended };

	e.session = s;
	if (!session_need_beside(e.target, "program_fuzzer", "fuzz") || !has_engine(e.target) || !session_settle_corpus(s))
		return interrupt_seen();
	for (u32 k = 0; k < CAMPAIGN_JOBS_MAX; k++)
		take_artifact(s, k, false);
	session_processes(&e);
	return true;
}
