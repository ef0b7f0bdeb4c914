/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Invariant 11: what user space reads at an address is what the last write completed before it stored, or any write
 * that overlaps it, or zero if a discard overlaps or came last. Nobody reads or writes the content of a free page,
 * and the kernel does not read a poisoned page on its own account.
 *
 * For each virtual page the model keeps the values that may be there now, each with the time at which the operation
 * that puts it there was over; an operation that succeeds removes what was over before it began.
 *
 * What a device stores through a pin is the pinning mm's, at the address where it pinned, for as long as that has neither discarded nor
 * moved it: then nobody has to see it, and who has it is not followed. What it loads is what the mm would read there.
 *
 * A child starts with every value that was its parent's at some time while it was being made, and has its own from then on: what one of
 * them stores afterwards, the other may not read.
 */
#include "oracle_internal.h"
#include <foliofuzz/ops.h>
#include <string.h>

#define VALUES_MAX 12
#define UNFINISHED UINT32_MAX

struct value {
	u32 token;
	u32 over; /* time at which its operation ended; UNFINISHED: still running */
	u8 moved_by; /* cpu + 1 of the move that may put it there, until it ends; at its source: that may show its target there */
	bool stale; /* overwritten while a discard runs: seen by old translations until that has flushed them */
};
struct place {
	struct value values[VALUES_MAX];
	u8 count;
	u8 epoch; /* how often its page was, or may have been, taken away */
	u8 takers; /* discards and moves that run here: it may have been, and if they fail it was not */
	bool lost_track; /* more values than the model can hold: nothing is checked any more */
};
struct reader {
	bool active, ignore;
	u8 mm, vpn;
	u32 allowed[VALUES_MAX * 2];
	u8 count;
};
struct running {
	bool active, move, discard;
	u8 mm, vpn, nr, to; /* to: of a move */
	u32 began, token;
};
/* Where the page of a pin is mapped, if its place's epoch is still this, and nobody is about to take the page. */
struct pin {
	bool pinned;
	u8 mm, vpn, epoch;
};
enum { LOOSE_MAX = 16 };
_Static_assert(sizeof(struct place) % 4 == 0, "model_copy()");
/* A fork in progress on a CPU: what the child may start with. Nobody reads there before the fork is over. */
struct forking {
	u8 parent;
	struct place places[PROG_VPNS];
};
static struct content_model {
	u32 now;
	u16 used[NR_MMS]; /* 1: in this execution */
	bool forks[ENGINE_LANES_MAX]; /* forking[] of that CPU is valid */
	struct reader readers[ENGINE_LANES_MAX];
	struct running running[ENGINE_LANES_MAX];
	struct pin pinning[ENGINE_LANES_MAX], pins[NR_REFS];
	u32 loose[LOOSE_MAX]; /* stored through pins whose page was nobody's any more, or maybe */
	u8 loose_count;
	bool fork_seen; /* some CPU has forked in this execution */
	struct place places[NR_MMS][PROG_VPNS]; /* from here on in parts, or not at all: content_save() */
	struct forking forking[ENGINE_LANES_MAX];
} model;

static void place_reset(struct place *p)
{
	p->values[0] = (struct value){ 0 };
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
	content_file_begin();
	model.now = 0;
	for (unsigned mm = 0; mm < NR_MMS; mm++)
		if (model.used[mm]) {
			memset(model.places[mm], 0, sizeof(model.places[mm]));
			mm_reset(mm);
		}
	if (!model.places[0][0].count) /* the first execution of this process */
		for (unsigned mm = 0; mm < NR_MMS; mm++)
			mm_reset(mm);
	memset(model.used, 0, sizeof(model.used));
	memset(model.running, 0, sizeof(model.running));
	memset(model.forks, 0, sizeof(model.forks));
	model.fork_seen = false;
	model.loose_count = 0;
	for (unsigned i = 0; i < ENGINE_LANES_MAX; i++)
		model.readers[i].active = false;
}

void content_save(struct snapshot *s)
{
	content_file_save(s);
	snapshot_add(s, &model, offsetof(struct content_model, places));
	for (unsigned mm = 0; mm < NR_MMS; mm++)
		snapshot_add_used(s, model.places[mm], sizeof(model.places[mm]), 1, &model.used[mm], 0);
}

void content_reset(unsigned mm, unsigned vpn)
{
	place_reset(&model.places[mm][vpn]);
}

bool content_disturb(unsigned mm, unsigned vpn)
{
	bool busy = false;

	for (unsigned i = 0; i < ENGINE_LANES_MAX; i++) {
		const struct running *r = &model.running[i];

		if (model.readers[i].mm == mm && model.readers[i].vpn == vpn)
			model.readers[i].ignore = true;
		busy |= r->active && r->mm == mm && r->vpn <= vpn && vpn < r->vpn + (unsigned)r->nr;
		/* what a move brings is of the time before the mapping or after it */
		busy |= r->active && r->move && r->mm == mm && r->to <= vpn && vpn < r->to + (unsigned)r->nr;
	}
	if (busy)
		model.places[mm][vpn].lost_track = true;
	return busy;
}

void content_lose_track(unsigned mm, unsigned vpn)
{
	if (model.places[mm][vpn].lost_track)
		return;
	model.used[mm] = 1;
	model.places[mm][vpn].lost_track = true;
	for (unsigned i = 0; i < ENGINE_LANES_MAX; i++) {
		const struct running *r = &model.running[i];

		if (r->active && r->move && r->mm == mm && r->vpn <= vpn && vpn < r->vpn + (unsigned)r->nr)
			content_lose_track(mm, r->to + vpn - r->vpn);
		if (model.forks[i] && model.forking[i].parent == mm)
			model.forking[i].places[vpn].lost_track = true;
	}
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

static void place_keep(struct place *p, struct value v)
{
	if (p->count < VALUES_MAX)
		p->values[p->count++] = v;
	else
		p->lost_track = true;
}

/* Children that are being made may get it as well; whether it was there in time is nobody's to say. */
static void place_put_forking(unsigned mm, unsigned vpn, u32 token)
{
	for (unsigned i = 0; i < ENGINE_LANES_MAX; i++) {
		struct forking *f = &model.forking[i];

		if (model.forks[i] && f->parent == mm)
			place_keep(&f->places[vpn], (struct value){ .token = token, .over = model.now });
	}
}

static void place_put(unsigned mm, unsigned vpn, struct value v)
{
	struct place *p = &model.places[mm][vpn];

	place_keep(p, v);
	if (model.fork_seen)
		place_put_forking(mm, vpn, v.token);
	for (unsigned i = 0; i < ENGINE_LANES_MAX; i++) {
		struct reader *r = &model.readers[i];

		if (r->active && r->mm == mm && r->vpn == vpn)
			reader_allow(r, v.token);
	}
}

/* A move that is running takes along what gets to its source, once: a ring of moves ends there. */
static void carry_along(unsigned mm, unsigned vpn, u32 token)
{
	for (unsigned cpu = 0; cpu < ENGINE_LANES_MAX; cpu++) {
		const struct running *r = &model.running[cpu];
		unsigned to = r->to + vpn - r->vpn;
		bool there = false;

		if (!r->active || !r->move || r->mm != mm || vpn < r->vpn || vpn >= r->vpn + r->nr)
			continue;
		for (unsigned i = 0; i < model.places[mm][to].count; i++) {
			const struct value *v = &model.places[mm][to].values[i];

			there |= v->token == token && v->moved_by == cpu + 1;
		}
		if (model.places[mm][vpn].lost_track)
			model.places[mm][to].lost_track = true;
		if (there || model.places[mm][to].lost_track)
			continue;
		place_put(mm, to, (struct value){ .token = token, .over = UNFINISHED, .moved_by = (u8)(cpu + 1) });
		carry_along(mm, to, token);
	}
}

/*
 * Between the move of an entry and the flush that follows, the page is at both addresses: whoever has the old translation still sees there what
 * is stored at the new one. If the move is undone, it stays there.
 */
static void show_at_source(unsigned mm, unsigned vpn, u32 token)
{
	for (unsigned cpu = 0; cpu < ENGINE_LANES_MAX; cpu++) {
		const struct running *r = &model.running[cpu];

		if (r->active && r->move && r->mm == mm && r->to <= vpn && vpn < r->to + (unsigned)r->nr)
			place_put(mm, r->vpn + vpn - r->to, (struct value){ .token = token, .over = UNFINISHED, .moved_by = (u8)(cpu + 1) });
	}
}

/* From now on `token` may be at this place. */
static void place_add(unsigned mm, unsigned vpn, u32 token)
{
	place_put(mm, vpn, (struct value){ .token = token, .over = UNFINISHED });
	carry_along(mm, vpn, token);
	show_at_source(mm, vpn, token);
}

/* How an operation ended: not done; done; or done maybe, now or later (MADV_FREE), until the next store. */
enum { DONE_NOT, DONE, DONE_MAYBE };

static bool discard_runs(unsigned mm, unsigned vpn)
{
	for (unsigned i = 0; i < ENGINE_LANES_MAX; i++) {
		const struct running *r = &model.running[i];

		if (r->active && r->discard && r->mm == mm && r->vpn <= vpn && vpn < r->vpn + (unsigned)r->nr)
			return true;
	}
	return false;
}

/*
 * The operation that began at `began` and puts `token` is over. Done: what was over before it began is gone, once no discard
 * can have left an old translation to it. Not done: its own value never was there. Maybe: both may be.
 */
static void place_end(unsigned mm, unsigned vpn, u32 token, u32 began, unsigned done)
{
	struct place *p = &model.places[mm][vpn];
	unsigned kept = 0;
	bool own = false;

	for (unsigned i = 0; i < p->count; i++) {
		struct value v = p->values[i];

		if (!own && v.token == token && v.over == UNFINISHED && !v.moved_by) {
			own = true;
			if (done == DONE_NOT)
				continue;
			v.over = model.now;
		} else if (v.stale || (done == DONE && v.over < began)) {
			if (!discard_runs(mm, vpn))
				continue;
			v.stale = true;
		}
		p->values[kept++] = v;
	}
	p->count = (u8)kept;
}

static void place_taken(unsigned mm, unsigned vpn)
{
	model.places[mm][vpn].epoch++;
}

static void begin_taking(unsigned mm, unsigned vpn)
{
	model.places[mm][vpn].takers++;
}

/* A discard or move that failed has taken nothing, or has brought it back. */
static void end_taking(unsigned mm, unsigned vpn, bool failed)
{
	model.places[mm][vpn].takers--;
	if (!failed)
		place_taken(mm, vpn);
}

static unsigned range_end(const struct user_note *n)
{
	return n->vpn + n->nr < PROG_VPNS ? n->vpn + n->nr : PROG_VPNS;
}

static void begin_change(const struct user_note *n, u32 token)
{
	model.running[engine_cpu()] = (struct running){
		.active = true, .discard = n->event == USER_DISCARD_BEGIN, .mm = n->mm, .vpn = n->vpn, .nr = n->nr,
		.began = model.now, .token = token,
	};
	for (unsigned vpn = n->vpn; vpn < range_end(n); vpn++) {
		place_add(n->mm, vpn, token);
		if (n->event == USER_DISCARD_BEGIN)
			begin_taking(n->mm, vpn);
	}
}

static void end_change(const struct user_note *n)
{
	struct running *r = &model.running[engine_cpu()];

	if (!r->active)
		return;
	r->active = false;
	for (unsigned vpn = n->vpn; vpn < range_end(n); vpn++)
		place_end(n->mm, vpn, r->token, r->began, n->value);
	/* of what it began with, which may reach behind what it surely did */
	for (unsigned vpn = r->vpn; r->discard && vpn < r->vpn + (unsigned)r->nr && vpn < PROG_VPNS; vpn++)
		end_taking(r->mm, vpn, n->value == DONE_NOT);
}

static void show_running_stores(unsigned mm, unsigned target)
{
	const struct place *p = &model.places[mm][target];

	for (unsigned i = 0; i < p->count; i++)
		if (p->values[i].over == UNFINISHED && !p->values[i].moved_by)
			show_at_source(mm, target, p->values[i].token);
}

/* The source: as by a discard. The target: whatever may be at the source, from now until the end. */
static void begin_move(const struct user_note *n)
{
	begin_change(n, 0);
	model.running[engine_cpu()].move = true;
	model.running[engine_cpu()].to = (u8)n->token;
	for (unsigned i = 0; i < n->nr; i++) {
		const struct place *from = &model.places[n->mm][n->vpn + i];
		struct place copy;

		model_copy(&copy, from, sizeof(copy));
		begin_taking(n->mm, n->vpn + i);
		begin_taking(n->mm, n->token + i);
		show_running_stores(n->mm, n->token + i);

		/* the discard's zero is not at the source before the content has gone */
		for (unsigned v = 0; v < copy.count; v++)
			if (!copy.values[v].stale && (v + 1 < copy.count || copy.lost_track))
				carry_along(n->mm, n->vpn + i, copy.values[v].token);
		if (copy.lost_track)
			model.places[n->mm][n->token + i].lost_track = true;
	}
}

/* What this CPU's move may have put here: it did, or it did not. */
static void settle_moved(struct place *p, bool brought)
{
	u8 mover = (u8)(engine_cpu() + 1);
	unsigned kept = 0;

	for (unsigned i = 0; i < p->count; i++) {
		struct value v = p->values[i];

		if (v.moved_by == mover) {
			if (!brought)
				continue;
			v.moved_by = 0;
			v.over = model.now;
		}
		p->values[kept++] = v;
	}
	p->count = (u8)kept;
}

/* What was at the target before the move began has gone, if the target has been unmapped: to what has come, or to nothing. */
static void end_move_target(unsigned mm, unsigned vpn, u32 began, enum user_move result)
{
	struct place *p = &model.places[mm][vpn];
	unsigned kept = 0;

	settle_moved(p, result == MOVE_DONE);
	for (unsigned i = 0; i < p->count; i++)
		if (result == MOVE_NOTHING || p->values[i].over >= began)
			p->values[kept++] = p->values[i];
	p->count = (u8)kept;
	if (result == MOVE_TARGET_GONE)
		place_put(mm, vpn, (struct value){ .over = model.now });
}

/* What the source showed of the target's it has if the pages have come back, and else shows no more. */
static void end_move_source(unsigned mm, unsigned vpn, u32 began, enum user_move result)
{
	settle_moved(&model.places[mm][vpn], result == MOVE_TARGET_GONE);
	place_end(mm, vpn, 0, began, result == MOVE_DONE ? DONE : DONE_NOT);
}

static void end_move(const struct user_note *n)
{
	struct running r = model.running[engine_cpu()];

	if (!r.active)
		return;
	model.running[engine_cpu()].active = false;
	for (unsigned i = 0; i < r.nr; i++) {
		enum user_move result = (enum user_move)n->value;

		if (n->event == USER_MOVE_PAGE_END) /* so many pages, and the rest is where it was */
			result = i < n->value ? MOVE_DONE : MOVE_NOTHING;
		end_taking(r.mm, r.vpn + i, result == MOVE_NOTHING);
		end_taking(r.mm, r.to + i, result == MOVE_NOTHING);
		end_move_target(r.mm, r.to + i, r.began, result);
		end_move_source(r.mm, r.vpn + i, r.began, result);
	}
}

static bool is_loose(u32 token)
{
	for (unsigned i = 0; i < model.loose_count; i++)
		if (model.loose[i] == token || model.loose_count == LOOSE_MAX)
			return true;
	return false;
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
	if (r->ignore || n->event == USER_READ_FAILED || model.places[n->mm][n->vpn].lost_track || is_loose(n->token))
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
	for (unsigned vpn = 0; vpn < PROG_VPNS; vpn++) {
		model.places[mm][vpn].takers = 0;
		place_taken(mm, vpn);
	}
	for (unsigned i = 0; i < ENGINE_LANES_MAX; i++) {
		if (model.forks[i] && model.forking[i].parent == mm)
			for (unsigned vpn = 0; vpn < PROG_VPNS; vpn++)
				model.forking[i].places[vpn].lost_track = true;
		if (model.readers[i].mm == mm)
			model.readers[i].ignore = true;
		if (model.running[i].active && model.running[i].mm == mm) {
			model.running[i].active = false;
			for (unsigned vpn = 0; vpn < PROG_VPNS; vpn++)
				model.places[mm][vpn].lost_track = true;
		}
	}
}

static void begin_fork(const struct user_note *n)
{
	struct forking *f = &model.forking[engine_cpu()];

	model.forks[engine_cpu()] = model.fork_seen = true;
	f->parent = n->mm;
	for (unsigned vpn = 0; vpn < PROG_VPNS; vpn++) {
		const struct place *from = &model.places[n->mm][vpn];
		struct place *to = &f->places[vpn];

		to->lost_track = from->lost_track;
		to->count = 0;
		for (unsigned i = 0; i < from->count; i++)
			if (!from->values[i].stale)
				place_keep(to, (struct value){ .token = from->values[i].token, .over = model.now });
	}
}

static void end_fork(const struct user_note *n)
{
	struct forking *f = &model.forking[engine_cpu()];

	model.forks[engine_cpu()] = false;
	if (!n->value)
		return;
	fresh_mm(n->mm);
	for (unsigned vpn = 0; vpn < PROG_VPNS; vpn++) {
		struct place *p = &model.places[n->mm][vpn];

		f->places[vpn].lost_track |= p->lost_track;
		f->places[vpn].epoch = p->epoch;
		f->places[vpn].takers = 0;
		model_copy(p, &f->places[vpn], sizeof(*p));
	}
}

/* ---- pins ---- */

static bool pin_holds(const struct pin *p)
{
	const struct place *place = &model.places[p->mm][p->vpn];

	return p->pinned && !place->takers && place->epoch == p->epoch;
}

static void begin_pin(const struct user_note *n)
{
	(void)content_file_pinned(n->mm, n->vpn);
	model.pinning[engine_cpu()] = (struct pin){
		.mm = n->mm, .vpn = n->vpn, .epoch = model.places[n->mm][n->vpn].epoch,
	};
}

static void end_pin(const struct user_note *n)
{
	model.pins[n->nr] = model.pinning[engine_cpu()];
	/* an epoch that has passed shows itself; a page of a file is not followed */
	model.pins[n->nr].pinned = n->value && !content_file_pinned(model.pins[n->nr].mm, model.pins[n->nr].vpn);
}

/* The pin as a place to write to or to read from. */
static struct user_note pin_place(const struct user_note *n, const struct pin *p, enum user_event event)
{
	struct user_note at = *n;

	at.event = (u8)event;
	at.mm = p->mm;
	at.vpn = p->vpn;
	at.nr = 1;
	return at;
}

static void loosen(u32 token)
{
	if (model.loose_count < LOOSE_MAX)
		model.loose[model.loose_count++] = token;
}

static void begin_dma(const struct user_note *n, bool write)
{
	struct pin *p = &model.pinning[engine_cpu()];
	struct user_note at;

	p->pinned = pin_holds(p);
	at = pin_place(n, p, write ? USER_WRITE_BEGIN : USER_READ_BEGIN);
	if (p->pinned && write)
		begin_change(&at, n->token);
	else if (p->pinned)
		begin_read(&at);
	else if (write)
		loosen(n->token);
}

static void end_dma(const struct user_note *n, bool write)
{
	const struct pin *p = &model.pinning[engine_cpu()];
	struct user_note at;

	if (!p->pinned)
		return;
	at = pin_place(n, p, write ? USER_WRITE_END : !n->value || !pin_holds(p) ? USER_READ_FAILED : USER_READ_END);
	if (!write) {
		end_read(&at);
		return;
	}
	if (n->value && !pin_holds(p)) {
		/* Taken away meanwhile: it is there or it is not, and what was there before is or is not. */
		loosen(n->token);
		at.value = 0;
	}
	end_change(&at);
}

static void check_not_free(u32 pfn)
{
	if (pfn != ZERO_PFN && !oracle.pages[pfn].allocated)
		engine_find(VERDICT_USE_AFTER_FREE, "free page's content", NULL, "page %u", pfn);
}

void content_note(const volatile void *note)
{
	const struct user_note *n = (const struct user_note *)(uintptr_t)note;

	if (content_file_note(n))
		return;
	model.now++;
	if (n->mm < NR_MMS)
		model.used[n->mm] = 1;
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
	case USER_MOVE_BEGIN:
	case USER_MOVE_PAGE_BEGIN:
		begin_move(n);
		break;
	case USER_MOVE_END:
	case USER_MOVE_PAGE_END:
		end_move(n);
		break;
	case USER_FRESH:
		fresh_mm(n->mm);
		break;
	case USER_PIN_BEGIN:
		begin_pin(n);
		break;
	case USER_PIN_END:
		end_pin(n);
		break;
	case USER_PIN_TAKEN:
		model.pinning[engine_cpu()] = model.pins[n->nr];
		break;
	case USER_DMA_WRITE_BEGIN:
	case USER_DMA_READ_BEGIN:
		begin_dma(n, n->event == USER_DMA_WRITE_BEGIN);
		break;
	case USER_DMA_WRITE_END:
	case USER_DMA_READ_END:
		end_dma(n, n->event == USER_DMA_WRITE_END);
		break;
	case USER_FORK_BEGIN:
		begin_fork(n);
		break;
	case USER_FORK_END:
		end_fork(n);
		break;
	default:
		break;
	}
}

/*
 * The kernel looks for poison before it reads: at PG_hwpoison of a small folio, at PG_has_hwpoisoned of a large one. If
 * memory_failure() got no reference it gave up, and the page is marked, but not its folio: no look tells.
 */
static bool folio_is_marked(u32 pfn)
{
	u32 head = oracle_head_of(pfn);

	return oracle_is_large(oracle_folio(head)) ? oracle.pages[head].has_poison_at != 0 : oracle.pages[pfn].poisoned_at != 0;
}

void content_poison_looked(const volatile void *page)
{
	u32 *at = &oracle.pages[page_to_pfn((const struct page *)(uintptr_t)page)].looked_at[engine_cpu()];

	if (*at < oracle.op_began[engine_cpu()])
		*at = engine_stats()->points;
}

/*
 * Another CPU has marked it after this one's look, in the operation that reads it now: accepted. The first look counts: reclaim has one, and
 * what it calls on its way to the I/O may look again for its own purposes.
 */
static bool marked_too_late(const struct event *ev, u32 pfn)
{
	const struct ghost_page *page = &oracle.pages[pfn], *head = &oracle.pages[oracle_head_of(pfn)];
	u32 began = oracle.op_began[ev->cpu], marked = page->poisoned_at;

	if (oracle_is_large(oracle_folio(oracle_head_of(pfn))))
		marked = head->has_poison_at;
	return page->poisoned_by != ev->cpu + 1 && ((page->looked_at[ev->cpu] >= began && marked >= page->looked_at[ev->cpu]) ||
						    (head->looked_at[ev->cpu] >= began && marked >= head->looked_at[ev->cpu]));
}

static void check_poison(const struct event *ev, u32 pfn)
{
	if (!(machine->memmap[pfn].flags & BIT(PG_hwpoison)) || !folio_is_marked(pfn))
		return;
	if (marked_too_late(ev, pfn)) {
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

/* The same where a machine check is caught: it may well be poisoned. */
void content_copied(const struct event *ev)
{
	check_not_free((u32)((const volatile u64 *)ev->object - machine->content));
}

bool content_allows(unsigned mm, unsigned vpn, u32 token)
{
	const struct place *p = &model.places[mm][vpn];
	bool allows;

	if (content_file_allows(mm, vpn, token, &allows))
		return allows;

	for (unsigned i = 0; i < p->count; i++)
		if (p->values[i].token == token)
			return true;
	return p->lost_track || is_loose(token);
}
