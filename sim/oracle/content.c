/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Invariant 11: what user space reads at an address is what the last write completed before it stored, or any write
 * that overlaps it, or zero if a discard overlaps or came last. Nobody reads or writes the content of a free page,
 * and the kernel does not read a poisoned page on its own account.
 *
 * For each virtual page the model keeps the values that may be there now, each with the time at which the operation
 * that puts it there was over; an operation that succeeds removes what was over before it began.
 */
#include "oracle_internal.h"
#include <foliofuzz/ops.h>
#include <string.h>

#define VALUES_MAX 12
#define UNFINISHED UINT32_MAX

struct value {
	u32 token;
	u32 over; /* time at which its operation ended; UNFINISHED: still running */
};
struct place {
	struct value values[VALUES_MAX];
	u8 count;
	bool lost_track; /* more values than the model can hold: nothing is checked any more */
};
struct reader {
	bool active, ignore;
	u8 mm, vpn;
	u32 allowed[VALUES_MAX * 2];
	u8 count;
};
struct running {
	bool active;
	u8 mm, vpn, nr;
	u32 began, token;
};
static struct content_model {
	u32 now;
	u32 used; /* mms that were ever used */
	struct place places[NR_MMS][PROG_VPNS];
	struct reader readers[ENGINE_LANES_MAX];
	struct running running[ENGINE_LANES_MAX];
} model;

static void place_reset(struct place *p)
{
	p->values[0] = (struct value){ 0, 0 };
	p->count = 1;
	p->lost_track = false;
}

static void mm_reset(unsigned mm)
{
	for (unsigned i = 0; i < PROG_VPNS; i++)
		place_reset(&model.places[mm][i]);
}

void content_begin(void)
{
	model.now = 0;
	for (unsigned mm = 0; mm < NR_MMS; mm++)
		if (model.used & (1u << mm))
			mm_reset(mm);
	if (!model.places[0][0].count) /* the first execution of this process */
		for (unsigned mm = 0; mm < NR_MMS; mm++)
			mm_reset(mm);
	model.used = 0;
	memset(model.running, 0, sizeof(model.running));
	for (unsigned i = 0; i < ENGINE_LANES_MAX; i++)
		model.readers[i].active = false;
}

static void reader_allow(struct reader *r, u32 token)
{
	for (unsigned i = 0; i < r->count; i++)
		if (r->allowed[i] == token)
			return;
	if (r->count < ARRAY_SIZE(r->allowed))
		r->allowed[r->count++] = token;
	else
		r->ignore = true;
}

/* From now on `token` may be at this place. */
static void place_add(unsigned mm, unsigned vpn, u32 token)
{
	struct place *p = &model.places[mm][vpn];

	if (p->count < VALUES_MAX)
		p->values[p->count++] = (struct value){ token, UNFINISHED };
	else
		p->lost_track = true;
	for (unsigned i = 0; i < ENGINE_LANES_MAX; i++) {
		struct reader *r = &model.readers[i];

		if (r->active && r->mm == mm && r->vpn == vpn)
			reader_allow(r, token);
	}
}

/*
 * The operation that began at `began` and puts `token` is over. Done: what was over before it began is gone. Not done: its own
 * value never was there.
 */
static void place_end(unsigned mm, unsigned vpn, u32 token, u32 began, bool done)
{
	struct place *p = &model.places[mm][vpn];
	unsigned kept = 0;
	bool own = false;

	for (unsigned i = 0; i < p->count; i++) {
		struct value v = p->values[i];

		if (!own && v.token == token && v.over == UNFINISHED) {
			own = true;
			if (!done)
				continue;
			v.over = model.now;
		} else if (done && v.over < began) {
			continue;
		}
		p->values[kept++] = v;
	}
	p->count = (u8)kept;
}

static unsigned range_end(const struct user_note *n)
{
	return n->vpn + n->nr < PROG_VPNS ? n->vpn + n->nr : PROG_VPNS;
}

static void begin_change(const struct user_note *n, u32 token)
{
	model.running[engine_cpu()] = (struct running){
		.active = true, .mm = n->mm, .vpn = n->vpn, .nr = n->nr, .began = model.now, .token = token,
	};
	for (unsigned vpn = n->vpn; vpn < range_end(n); vpn++)
		place_add(n->mm, vpn, token);
}

static void end_change(const struct user_note *n)
{
	struct running *r = &model.running[engine_cpu()];

	if (!r->active)
		return;
	r->active = false;
	for (unsigned vpn = n->vpn; vpn < range_end(n); vpn++)
		place_end(n->mm, vpn, r->token, r->began, n->value);
}

static void begin_read(const struct user_note *n)
{
	struct reader *r = &model.readers[engine_cpu()];
	const struct place *p = &model.places[n->mm][n->vpn];

	*r = (struct reader){ .active = true, .ignore = p->lost_track, .mm = n->mm, .vpn = n->vpn };
	for (unsigned i = 0; i < p->count; i++)
		reader_allow(r, p->values[i].token);
}

static void end_read(const struct user_note *n)
{
	struct reader *r = &model.readers[engine_cpu()];

	r->active = false;
	if (r->ignore || n->event == USER_READ_FAILED || model.places[n->mm][n->vpn].lost_track)
		return;
	for (unsigned i = 0; i < r->count; i++)
		if (r->allowed[i] == n->token)
			return;
	engine_find(VERDICT_BAD_CONTENT, n->token ? "stale or foreign data read" : "data lost", NULL,
		    "m%u page %u reads %u, which no write completed before or overlapping it left there", n->mm, n->vpn,
		    n->token);
}

/* A new address space under an old number: whoever is busy with the old one is not judged. */
static void fresh_mm(unsigned mm)
{
	mm_reset(mm);
	for (unsigned i = 0; i < ENGINE_LANES_MAX; i++) {
		if (model.readers[i].mm == mm)
			model.readers[i].ignore = true;
		if (model.running[i].active && model.running[i].mm == mm) {
			model.running[i].active = false;
			for (unsigned vpn = 0; vpn < PROG_VPNS; vpn++)
				model.places[mm][vpn].lost_track = true;
		}
	}
}

static void check_not_free(u32 pfn)
{
	if (pfn != ZERO_PFN && !oracle.pages[pfn].allocated)
		engine_find(VERDICT_USE_AFTER_FREE, "free page's content", NULL, "page %u", pfn);
}

void content_note(const volatile void *note)
{
	const struct user_note *n = (const struct user_note *)(uintptr_t)note;

	model.now++;
	model.used |= 1u << n->mm;
	switch ((enum user_event)n->event) {
	case USER_WRITE_BEGIN:
		begin_change(n, n->token);
		break;
	case USER_DISCARD_BEGIN:
		begin_change(n, 0);
		break;
	case USER_WRITE_END:
	case USER_DISCARD_END:
		end_change(n);
		break;
	case USER_READ_BEGIN:
		begin_read(n);
		break;
	case USER_READ_END:
	case USER_READ_FAILED:
		end_read(n);
		break;
	case USER_ACCESS:
		check_not_free(n->token);
		break;
	case USER_FRESH:
		fresh_mm(n->mm);
		break;
	default:
		break;
	}
}

/*
 * The kernel looks for poison before it reads: at PG_hwpoison of a small folio, at PG_has_hwpoisoned of a large one. What
 * another CPU marks after this one's operation began may come too late for that look, and is accepted.
 */
static bool seen_too_late(const struct event *ev, u32 pfn)
{
	const struct ghost_page *g = &oracle.pages[pfn];
	u32 head = oracle_head_of(pfn), marked = g->poisoned_at;

	if (oracle_is_large(oracle_folio(head)))
		marked = oracle.pages[head].has_poison_at;
	if (!marked) /* memory_failure() got no reference and gave up: the page is marked, its folio is not */
		return true;
	return g->poisoned_by != ev->cpu + 1 && marked > oracle.op_began[ev->cpu];
}

static void check_poison(const struct event *ev, u32 pfn)
{
	if (!(machine->memmap[pfn].flags & BIT(PG_hwpoison)))
		return;
	if (seen_too_late(ev, pfn)) {
		oracle_benign_met(BENIGN_POISON_READ);
		return;
	}
	engine_find(VERDICT_BAD_CONTENT, "kernel reads poisoned page", NULL, "page %u", pfn);
}

/* The kernel's own look at a page. (User space's loads and stores come as notes: a point of theirs may end without an access.) */
void content_written(const struct event *ev)
{
	u32 pfn = (u32)((const volatile u64 *)ev->object - machine->content);

	check_not_free(pfn);
	check_poison(ev, pfn);
	queue_member_content_read(pfn);
}

bool content_allows(unsigned mm, unsigned vpn, u32 token)
{
	const struct place *p = &model.places[mm][vpn];

	for (unsigned i = 0; i < p->count; i++)
		if (p->values[i].token == token)
			return true;
	return p->lost_track;
}
