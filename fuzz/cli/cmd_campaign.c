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
		   "what shows a new pair of conflicting accesses; libfuzzer, the program_fuzzer beside foliofuzz.",
	.examples = "foliofuzz campaign work --jobs 2\n"
		    "foliofuzz campaign work --kernel v6.12 --time 8h --jobs 8\n"
		    "build/fuzz/foliofuzz campaign work --engine libfuzzer --jobs 2\n"
		    "foliofuzz triage work -o report\n"
		    "scripts/plot-stats work/stats.jsonl\n",
	.accepts = ACCEPTS(ENGINE) | ACCEPTS(JOBS) | ACCEPTS(TIME) | ACCEPTS(RUNS) | ACCEPTS(SEED) | ACCEPTS(KERNEL) | ACCEPTS(BUG) |
		   ACCEPTS(STEPS) | ACCEPTS(STRICT_HWPOISON),
	.files_min = 1,
	.files_max = 1,
};

int cmd_campaign(int argc, char **argv)
{
	struct options o;
	struct session s;
	int code = options_parse(&o, &command, argc, argv);

	if (code >= 0)
		return code;
	if (o.engine == ENGINE_AFL)
		return usage_error(&command, "--engine: expected random or libfuzzer, found 'afl', which is not there yet");
	code = EXIT_BAD_INPUT;
	interrupt_catch();
	if (session_open(&s, &o) && (o.engine == ENGINE_LIBFUZZER ? session_libfuzzer(&s) : session_random(&s)))
		code = session_end(&s);
	interrupt_release();
	session_close(&s);
	return code;
}
