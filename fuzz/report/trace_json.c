/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * trace_json.c - every event of an execution as JSON, for tools. No address is in it.
 */
#include "json.h"

#include <stdlib.h>

static json_t *named(void (*name)(struct text *t, const struct story *s, const struct event *ev),
		     const struct story *s, const struct event *ev)
{
	char buf[256];
	struct text t;

	text_init(&t, buf, sizeof(buf));
	name(&t, s, ev);
	return json_string(buf);
}

static void object_name(struct text *t, const struct story *s, const struct event *ev)
{
	(void)s;
	if (ev->object)
		run_object_name(t, ev);
}

static void op_name(struct text *t, const struct story *s, const struct event *ev)
{
	run_op_name(t, s->prog, ev);
}

static json_t *event_json(const struct story *s, const struct event *ev)
{
	json_t *o = json_object();

	json_object_set_new(o, "step", json_integer(ev->step));
	json_object_set_new(o, "phase", json_integer(ev->phase));
	json_object_set_new(o, "cpu", json_integer(ev->cpu));
	json_object_set_new(o, "event", json_string(event_verb(ev->kind)));
	json_object_set_new(o, "operation", named(op_name, s, ev));
	json_object_set_new(o, "function", json_string(ev->site->function));
	json_object_set_new(o, "primitive", json_string(ev->site->primitive));
	json_object_set_new(o, "detail", json_string(ev->site->detail));
	json_object_set_new(o, "field", json_string(ev->site->field));
	json_object_set_new(o, "object", named(object_name, s, ev));
	json_object_set_new(o, "switched", json_boolean(ev->switched));
	json_object_set_new(o, "preempted", json_boolean(ev->preempted));
	return o;
}

static void set_link(json_t *o, const char *name, u32 link)
{
	if (link)
		json_object_set_new(o, name, json_integer(link - 1));
}

json_t *trace_json(const struct story *s)
{
	struct story_link *links = calloc(s->count + 1u, sizeof(*links));
	u8 *keep = calloc(s->count + 1u, 1);
	json_t *a = json_array();

	HARNESS_BUG_ON(!links || !keep);
	story_links(s, links);
	story_select(s, keep);
	for (u32 i = 0; i < s->count; i++) {
		json_t *o = event_json(s, &s->trace[i]);

		json_object_set_new(o, "kept", json_boolean(keep[i]));
		set_link(o, "meets", links[i].meets);
		set_link(o, "until", links[i].until);
		json_array_append_new(a, o);
	}
	free(links);
	free(keep);
	return a;
}
