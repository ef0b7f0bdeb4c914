/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * When the replica has changed around a deviation's anchor, the place it meant is near: the same site some times earlier or later in its
 * operation, and for a failure some asks earlier or later. The schedules around the program's own are tried in the order of their distance.
 */
#include <foliofuzz/run.h>

enum { SLOTS_MAX = PROG_DEVIATIONS_MAX, TRIES = 4000 };

/* One number of the program that may move. */
struct slot {
	u16 *occurrence; /* of a deviation; or NULL and */
	u8 *fail;	 /* of an operation */
	u16 was;
};
struct near {
	struct prog prog;
	const struct run_options *options;
	bool (*wanted)(const void *arg, const struct run_result *r);
	const void *arg;
	struct run_result *result;
	struct slot slots[SLOTS_MAX];
	unsigned slot_count;
	u32 tries;
};

static void add_slot(struct near *n, struct slot slot)
{
	if (n->slot_count < SLOTS_MAX)
		n->slots[n->slot_count++] = slot;
}

static void find_slots(struct near *n)
{
	for (unsigned i = 0; n->prog.sched.kind == SCHED_DEVIATIONS && i < n->prog.sched.deviation_count; i++) {
		u16 *occurrence = &n->prog.sched.deviations[i].occurrence;

		add_slot(n, (struct slot){ .occurrence = occurrence, .was = *occurrence });
	}
	for (unsigned lane = 0; lane <= PROG_LANE_TEARDOWN; lane++)
		for (unsigned i = 0; i < prog_lane_at(&n->prog, lane)->count; i++) {
			u8 *fail = &prog_lane_at(&n->prog, lane)->ops[i].fail;

			if (*fail)
				add_slot(n, (struct slot){ .fail = fail, .was = *fail });
		}
}

static bool set_slot(const struct slot *s, int value)
{
	if (value < 1 || value > (s->fail ? PROG_FAIL_MAX : UINT16_MAX))
		return false;
	if (s->fail)
		*s->fail = (u8)value;
	else
		*s->occurrence = (u16)value;
	return true;
}

static bool shows(struct near *n)
{
	n->tries++;
	run_one(&n->prog, n->options, n->result, NULL);
	return n->wanted(n->arg, n->result);
}

/* All ways to go `distance` with the slots from `i` on; later places first, since more is added to a program than is taken away. */
static bool go(struct near *n, unsigned i, int distance)
{
	const struct slot *s = &n->slots[i];

	if (i == n->slot_count)
		return !distance && shows(n);
	for (int d = i + 1 == n->slot_count ? distance : 0; d <= distance; d++)
		for (int sign = 1; sign >= (d ? -1 : 1); sign -= 2) {
			if (n->tries >= TRIES)
				return false;
			if (set_slot(s, s->was + sign * d) && go(n, i + 1, distance - d))
				return true;
		}
	set_slot(s, s->was);
	return false;
}

bool run_near(struct prog *p, const struct run_options *o, bool (*wanted)(const void *arg, const struct run_result *r), const void *arg,
	      struct run_result *result, u32 *distance)
{
	static struct near n;

	n = (struct near){ .prog = *p, .options = o, .wanted = wanted, .arg = arg, .result = result };
	find_slots(&n);
	for (*distance = 0; *distance <= RUN_NEAR_MAX && n.tries < TRIES; ++*distance) {
		if (go(&n, 0, (int)*distance)) {
			*p = n.prog;
			return true;
		}
		if (!n.slot_count)
			break;
	}
	return false;
}
