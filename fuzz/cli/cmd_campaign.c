/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cmd_campaign.c - foliofuzz campaign: fuzzing for long in a folder, stopped and taken up again at any instant.
 */
#include "session.h"

#include <stdio.h>
#include <string.h>

static const struct command command = {
	.name = "campaign",
	.args = "DIR",
	.summary = "Fuzzes until it is stopped, or for --time or about --runs executions: inputs that show something\n"
		   "new are kept in DIR/corpus, finds in DIR/crashes (64 of a title), a line for each report in\n"
		   "DIR/stats.jsonl. The same command goes on where it was stopped or killed. Programs that are put\n"
		   "into DIR/corpus are where it starts from. Engines: random, processes of foliofuzz itself that keep\n"
		   "what shows a new pair of conflicting accesses; libfuzzer, the program_fuzzer beside foliofuzz; afl,\n"
		   "a main and secondaries of AFL++ on that, with the builds for ASan, CmpLog and TSan that are beside it.",
	.examples = "foliofuzz campaign work --jobs 2\n"
		    "foliofuzz campaign work --kernel v6.12 --time 8h --jobs 8\n"
		    "build/fuzz/foliofuzz campaign work --engine libfuzzer --jobs 2\n"
		    "build/afl/foliofuzz campaign work --engine afl --jobs 4\n"
		    "foliofuzz triage work -o report\n"
		    "scripts/plot-stats work/stats.jsonl\n",
	.accepts = ACCEPTS(ENGINE) | ACCEPTS(JOBS) | ACCEPTS(TIME) | ACCEPTS(RUNS) | ACCEPTS(SEED) | ACCEPTS(KERNEL) | ACCEPTS(BUG) |
		   ACCEPTS(STEPS) | ACCEPTS(STRICT_HWPOISON),
	.files_min = 1,
	.files_max = 1,
};

static bool run_engine(struct session *s)
{
	switch (s->options->engine) {
	case ENGINE_LIBFUZZER:
		return session_libfuzzer(s);
	case ENGINE_AFL:
		return session_afl(s);
	default:
		return session_random(s);
	}
}

int cmd_campaign(int argc, char **argv)
{
	struct options o;
	struct session s;
	int code = options_parse(&o, &command, argc, argv);

	if (code >= 0)
		return code;
	code = EXIT_BAD_INPUT;
	interrupt_catch();
	if (session_open(&s, &o) && run_engine(&s))
		code = session_end(&s);
	interrupt_release();
	session_close(&s);
	return code;
}
