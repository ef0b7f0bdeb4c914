/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Which steps commute: by the objects that they touch and whether they write, nothing cleverer. A step is an event and all its
 * lane does up to the next one; what decides there and is no object of an event is told by engine_touch().
 *
 * Sections of RCU: the begin of a grace period reads who is in one, its end reads which have ended. A waiter for anything else than a lock,
 * and whoever yields, goes on by the leave of any step: those are ordered against all.
 */
#include <foliofuzz/search.h>

static void add(struct footprint *f, u32 object, bool write)
{
	for (unsigned i = 0; i < f->count; i++)
		if (f->at[i].object == object) {
			f->at[i].write |= write;
			return;
		}
	if (f->count == FOOTPRINT_MAX) {
		f->all = true;
		return;
	}
	f->at[f->count].object = object;
	f->at[f->count++].write = write;
}

void footprint_of_event(struct footprint *f, const struct event *ev, u32 object_id)
{
	f->count = 0;
	f->all = ev->kind == EVENT_WAIT || ev->kind == EVENT_YIELD;
	switch (ev->kind) {
	case EVENT_START:
		add(f, ENGINE_OBJECT_LANE + ev->cpu, true);
		break;
	case EVENT_RCU_UNLOCK:
		add(f, ENGINE_OBJECT_RCU_ENDS + ev->cpu, true);
		/* fallthrough */
	case EVENT_RCU_LOCK:
		add(f, ENGINE_OBJECT_RCU_NEST + ev->cpu, true);
		break;
	case EVENT_GRACE:
		for (unsigned cpu = 0; cpu < ENGINE_CPUS_MAX; cpu++)
			add(f, ENGINE_OBJECT_RCU_ENDS + cpu, false);
		break;
	default:
		if (object_id)
			add(f, object_id, event_flags(ev->kind) & EV_W);
	}
}

void footprint_touch(struct footprint *f, u32 object_id, enum touch_kind how)
{
	switch (how) {
	case TOUCH_ALL:
		f->all = true;
		break;
	case TOUCH_WROTE_NOTHING: /* the event's own object is the first */
		if (f->count)
			f->at[0].write = false;
		break;
	default:
		add(f, object_id, how == TOUCH_WRITE);
	}
}

void footprint_join(struct footprint *to, const struct footprint *from)
{
	to->all |= from->all;
	for (unsigned i = 0; i < from->count; i++)
		add(to, from->at[i].object, from->at[i].write);
}

bool footprints_dependent(const struct footprint *a, const struct footprint *b)
{
	if (a->all || b->all)
		return true;
	for (unsigned i = 0; i < a->count; i++)
		for (unsigned j = 0; j < b->count; j++)
			if (a->at[i].object == b->at[j].object && (a->at[i].write || b->at[j].write))
				return true;
	return false;
}
