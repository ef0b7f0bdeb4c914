/* SPDX-License-Identifier: GPL-2.0-only */
/* What the engine can tell people: the recorded events, and why each CPU waits. */
#include "engine_internal.h"

const struct event *engine_trace(u32 *count)
{
	*count = engine.trace_count;
	return engine_trace_events;
}

void engine_describe_waiters(struct text *t)
{
	for (u32 m = engine.runnable; m; m &= m - 1) {
		unsigned cpu = (unsigned)__builtin_ctz(m);
		const struct event *ev = &engine.lanes[cpu].pending;

		text_printf(t, "%s%u waits in %s: %s(%s) ", cpu == ENGINE_LANE_RCU ? "rcu" : "cpu",
			    cpu, ev->site->function, ev->site->primitive, ev->site->expr);
		if (engine.hooks->name)
			engine.hooks->name(t, ev);
		text_printf(t, "\n");
	}
}

const struct decision *engine_decisions(u32 *count)
{
	*count = engine.decision_count;
	return engine_decision_log;
}
