/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cmd_ops.c - foliofuzz ops: the operations that programs are made of.
 */
#include "cli.h"
#include "../report/json.h"

static const struct command command = {
	.name = "ops",
	.args = "",
	.summary = "The operations that programs are made of. mm is m0..m2, ref g0..g3, vpn a page "
		   "0..31.",
	.examples = "foliofuzz ops\nfoliofuzz ops --json\n",
	.accepts = ACCEPTS(JSON),
};

static const char *signature(unsigned id)
{
	static char buf[80];
	struct text t;

	text_init(&t, buf, sizeof(buf));
	prog_format_signature(&t, (enum prog_op_id)id);
	return buf;
}

int cmd_ops(int argc, char **argv)
{
	struct options o;
	json_t *ops = NULL;
	int code = options_parse(&o, &command, argc, argv);

	if (code >= 0)
		return code;
	if (o.json)
		ops = json_array();
	for (unsigned id = 0; id < OP_COUNT; id++) {
		const struct prog_op_row *row = &prog_op_table[id];

		if (ops)
			json_array_append_new(ops, json_pack("{s:s, s:s, s:s}", "name", row->name,
							     "signature", signature(id), "help",
							     row->help));
		else
			printf("%-28s %s\n", signature(id), row->help);
	}
	if (ops)
		json_print(stdout, ops);
	return EXIT_CLEAN;
}
