/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * trace_perfetto.c - an execution in the Trace Event Format, which ui.perfetto.dev and chrome://tracing open: a thread for each CPU, an
 * operation and below it its events as slices, locks as asynchronous slices, conflicts as flows. Time is the number of the event, as microseconds.
 */
#include "json.h"

#include <stdlib.h>

enum { PROCESS = 1 };

static json_t *record(const char *phase, const char *name, const struct event *ev, u32 time)
{
	return json_pack("{s:s, s:s, s:s, s:i, s:i, s:i}", "ph", phase, "name", name, "cat", event_verb(ev->kind), "ts", (int)time, "pid",
			 PROCESS, "tid", (int)ev->cpu);
}

static void add(json_t *a, json_t *o)
{
	HARNESS_BUG_ON(!o);
	json_array_append_new(a, o);
}

static void add_event(json_t *a, const struct event *ev, u32 i)
{
	char name[256];
	struct text t;
	json_t *o;

	text_init(&t, name, sizeof(name));
	story_event(&t, ev);
	o = record("X", name, ev, i);
	json_object_set_new(o, "dur", json_integer(1));
	json_object_set_new(o, "args", json_pack("{s:s, s:i}", "function", ev->site->function, "point", (int)ev->step));
	add(a, o);
}

static void add_operation(json_t *a, const struct story *s, const struct event *ev, u32 i)
{
	char name[256];
	struct text t;

	text_init(&t, name, sizeof(name));
	run_op_name(&t, s->prog, ev);
	add(a, record(ev->kind == EVENT_OP_BEGIN ? "B" : "E", name, ev, i));
}

static void add_pair(json_t *a, const char *first, const char *second, const char *name, const struct event *from, u32 from_time,
		     const struct event *to, u32 to_time, u32 id)
{
	json_t *begin = record(first, name, from, from_time), *end = record(second, name, to, to_time);

	json_object_set_new(begin, "id", json_integer(id));
	json_object_set_new(end, "id", json_integer(id));
	json_object_set_new(begin, "cat", json_string(name));
	json_object_set_new(end, "cat", json_string(name));
	json_object_set_new(end, "bp", json_string("e"));
	add(a, begin);
	add(a, end);
}

static void add_links(json_t *a, const struct story *s, const struct story_link *link, u32 i)
{
	const struct event *ev = &s->trace[i];
	char name[256];
	struct text t;

	if (link->meets)
		add_pair(a, "s", "f", "conflict", &s->trace[link->meets - 1], link->meets - 1, ev, i, i);
	if (!link->until)
		return;
	text_init(&t, name, sizeof(name));
	story_event(&t, ev);
	add_pair(a, "b", "e", name, ev, i, ev, link->until, i);
}

static void add_threads(json_t *a)
{
	for (int cpu = 0; cpu < ENGINE_LANES_MAX; cpu++)
		add(a, json_pack("{s:s, s:s, s:i, s:i, s:{s:o}}", "ph", "M", "name", "thread_name", "pid", PROCESS, "tid", cpu, "args", "name",
				 cpu == ENGINE_LANE_RCU ? json_string("rcu") : json_sprintf("cpu%d", cpu)));
}

json_t *trace_perfetto(const struct story *s, json_t *result)
{
	struct story_link *links = calloc(s->count + 1u, sizeof(*links));
	u32 find = verdict_is_find(s->result->verdict) ? story_find_event(s) : s->count;
	json_t *a = json_array();

	HARNESS_BUG_ON(!links);
	story_links(s, links);
	add_threads(a);
	for (u32 i = 0; i < s->count; i++) {
		const struct event *ev = &s->trace[i];

		if (ev->kind == EVENT_OP_BEGIN || ev->kind == EVENT_OP_END)
			add_operation(a, s, ev, i);
		else if (ev->kind != EVENT_START)
			add_event(a, ev, i);
		add_links(a, s, &links[i], i);
		if (i == find)
			add(a, record("I", s->result->title, ev, i));
	}
	free(links);
	return json_pack("{s:o, s:s, s:o}", "traceEvents", a, "displayTimeUnit", "ns", "otherData", result);
}
