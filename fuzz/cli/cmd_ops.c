/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cmd_ops.c - foliofuzz ops: the operations that programs are made of.
 */
#include "cli.h"
#include "../report/json.h"

#include <limits.h>
#include <unistd.h>

static const struct command command = {
	.name = "ops",
	.args = "[FILE|DIR...]",
	.summary = "The operations that programs are made of, and how many of the programs use each "
		   "(default: of corpus/seeds). mm is m0..m2, ref g0..g3, vpn a page 0..31.",
	.examples = "foliofuzz ops\nfoliofuzz ops corpus\nfoliofuzz ops --json\n",
	.accepts = ACCEPTS(JSON),
	.files_max = INT_MAX,
};

#define SEEDS "corpus/seeds"

static void count_lane(const struct prog_lane *lane, bool used[OP_COUNT])
{
	for (unsigned i = 0; i < lane->count; i++)
		used[lane->ops[i].id] = true;
}

/* False after a complaint. */
static bool count_file(const char *path, unsigned uses[OP_COUNT])
{
	static struct input input;
	bool used[OP_COUNT] = { false };

	if (!input_load(&input, path))
		return false;
	count_lane(&input.prog.setup, used);
	for (unsigned l = 0; l < input.prog.world.cpus; l++)
		count_lane(&input.prog.lanes[l], used);
	count_lane(&input.prog.teardown, used);
	for (unsigned id = 0; id < OP_COUNT; id++)
		uses[id] += used[id];
	return true;
}

/* How many programs use each operation; *any: there were programs to look at. False after a complaint. */
static bool count_uses(const struct options *o, unsigned uses[OP_COUNT], bool *any)
{
	struct file_list files = { NULL, 0 };
	bool ok = true;

	for (int i = 0; ok && i < o->file_count; i++)
		ok = files_add(&files, o->files[i]);
	if (!o->file_count && access(SEEDS, R_OK) == 0)
		ok = files_add(&files, SEEDS);
	for (size_t i = 0; ok && i < files.count; i++)
		ok = count_file(files.paths[i], uses);
	*any = files.count != 0;
	files_free(&files);
	return ok;
}

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
	unsigned uses[OP_COUNT] = { 0 };
	struct options o;
	json_t *ops = NULL;
	int code = options_parse(&o, &command, argc, argv);
	bool any;

	if (code >= 0)
		return code;
	if (!count_uses(&o, uses, &any))
		return EXIT_BAD_INPUT;
	if (o.json)
		ops = json_array();
	for (unsigned id = 0; id < OP_COUNT; id++) {
		const struct prog_op_row *row = &prog_op_table[id];

		if (ops)
			json_array_append_new(ops, json_pack("{s:s, s:s, s:s, s:I}", "name", row->name,
							     "signature", signature(id), "help",
							     row->help, "programs", (json_int_t)uses[id]));
		else if (any && !row->litmus)
			printf("%5u  %-32s %s\n", uses[id], signature(id), row->help);
		else
			printf("%s%-28s %s\n", any ? "    -  " : "", signature(id), row->help);
	}
	if (ops)
		json_print(stdout, ops);
	return EXIT_CLEAN;
}
