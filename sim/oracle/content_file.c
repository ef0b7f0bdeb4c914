/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Invariant 11 for files: one place for each page of a file, by the same rule as for virtual pages (content.c). A shared mapping's loads and
 * stores are the file page's; a private mapping shows the file page until its own first store. While a mapping is being replaced, loads of it
 * are not judged, and a store that may have met either makes both lose track: also the virtual page's place in content.c,
 * which is what an anonymous mapping shows.
 */
#include "oracle_internal.h"
#include <foliofuzz/ops.h>
#include <linux/fs.h>
#include <string.h>

#define VALUES_MAX 12
#define UNFINISHED UINT32_MAX

struct value {
	u32 token, over;
};
struct place {
	struct value values[VALUES_MAX];
	u8 count;
	bool lost_track;
};
/* What a virtual page shows. Private: its own copy, if it has one (`own`), else the file's page. */
struct view {
	u8 kind, file, pgoff; /* enum user_mapping */
	u8 next_file, next_pgoff, next_kind, pending; /* mappings that are being made here */
	bool muddled;         /* two at once, now or when it was made */
	bool overlap;         /* those that are being made here met another */
	bool copy_met;        /* a copy without a store may have been made while they were */
	bool store_met;       /* a store may have been, through one or the other */
	bool copied;          /* private: the file's page is not seen any more */
	u8 discards;          /* running */
	u32 discarded;        /* when the last one ended */
	struct place own;
};
_Static_assert(sizeof(struct view) % 4 == 0, "model_copy()");
struct reader {
	bool active, ignore;
	u8 mm, vpn, count;
	const struct place *places[2];
	u32 allowed[VALUES_MAX * 2];
};
struct running {
	bool active, view; /* view: through a mapping (mm, vpn), else file pages */
	u8 mm, vpn, nr;
	u32 began, token;
	struct place *place; /* of a store */
};
static struct file_model {
	u32 now;
	bool used;
	u16 files_used, views_used[NR_MMS]; /* 1: in this execution */
	struct running running[ENGINE_LANES_MAX];
	struct file_pages { /* from here on in parts, or not at all: content_file_save() */
		struct place at[NR_FILES][FILE_PAGES];
		struct reader readers[ENGINE_LANES_MAX * FILE_READ_MAX]; /* of each CPU one for each page that it is reading */
	} files;
	struct view views[NR_MMS][PROG_VPNS];
	struct view parents[ENGINE_LANES_MAX][PROG_VPNS]; /* as they were when a CPU's fork began */
} model;

#define for_each_reader(r) \
	for (struct reader *r = model.files.readers; r < model.files.readers + ARRAY_SIZE(model.files.readers); r++)

void content_file_begin(void)
{
	bool stale = model.files_used || !model.files.at[0][0].count; /* or the first execution of this process */

	promise_begin();
	for (unsigned mm = 0; mm < NR_MMS; mm++)
		if (model.views_used[mm])
			memset(model.views[mm], 0, sizeof(model.views[mm]));
	memset(&model, 0, offsetof(struct file_model, files));
	if (!stale)
		return;
	memset(&model.files, 0, sizeof(model.files));
	for (unsigned f = 0; f < NR_FILES; f++)
		for (unsigned i = 0; i < FILE_PAGES; i++)
			model.files.at[f][i].count = 1;
}

void content_file_save(struct snapshot *s)
{
	promise_save(s);
	snapshot_add(s, &model, offsetof(struct file_model, files));
	snapshot_add_used(s, &model.files, sizeof(model.files), 1, &model.files_used, 0);
	for (unsigned mm = 0; mm < NR_MMS; mm++)
		snapshot_add_used(s, model.views[mm], sizeof(model.views[mm]), 1, &model.views_used[mm], 0);
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

static struct place *file_place(unsigned file, unsigned pgoff)
{
	return &model.files.at[file % NR_FILES][pgoff % FILE_PAGES];
}

static void place_put(struct place *p, struct value v)
{
	if (p->count < VALUES_MAX)
		p->values[p->count++] = v;
	else
		p->lost_track = true;
	for_each_reader(r)
		if (r->active && (r->places[0] == p || r->places[1] == p))
			reader_allow(r, v.token);
}

/*
 * A private page's fault copies the file's page at some time of the store that it is for, and the store comes later, or never: what is in the file while
 * that store runs may be in the copy until a store has ended. `own` has it as of old.
 */
static void copy_may_have(struct view *v, u32 token)
{
	for (unsigned i = 0; i < v->own.count; i++)
		if (v->own.values[i].token == token)
			return;
	place_put(&v->own, (struct value){ token, 0 });
}

static void place_add(struct place *p, u32 token)
{
	place_put(p, (struct value){ token, UNFINISHED });
	for (unsigned cpu = 0; cpu < ENGINE_LANES_MAX; cpu++) {
		const struct running *r = &model.running[cpu];
		struct view *v;

		if (!r->active || !r->view)
			continue;
		v = &model.views[r->mm][r->vpn];
		if (r->place == &v->own && !v->copied && file_place(v->file, v->pgoff) == p)
			copy_may_have(v, token);
	}
}

static void place_end(struct place *p, u32 token, u32 began, bool done)
{
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

static void lose_track(struct place *p)
{
	p->lost_track = true;
	for_each_reader(r)
		if (r->places[0] == p || r->places[1] == p)
			r->ignore = true;
}

/* ---- loads ---- */

static void reader_adds(struct reader *r, unsigned slot, const struct place *p)
{
	r->places[slot] = p;
	r->ignore |= p->lost_track;
	for (unsigned i = 0; i < p->count; i++)
		reader_allow(r, p->values[i].token);
}

static struct reader *reader_of(const struct user_note *n)
{
	return &model.files.readers[engine_cpu() * FILE_READ_MAX + n->vpn % FILE_READ_MAX];
}

static struct reader *begin_read(const struct user_note *n)
{
	struct reader *r = reader_of(n);

	*r = (struct reader){ .active = true, .mm = n->mm, .vpn = n->vpn };
	return r;
}

static bool begin_view_read(const struct user_note *n, const struct view *v)
{
	struct reader *r;

	if (v->kind == MAPPING_ANON && !v->pending && !v->muddled)
		return false;
	r = begin_read(n);
	/* while its copy is being discarded an old translation may show what has been there */
	r->ignore = v->pending || v->muddled || (v->kind == MAPPING_PRIVATE && v->discards);
	if (v->kind == MAPPING_PRIVATE)
		reader_adds(r, 1, &v->own);
	if (v->kind == MAPPING_SHARED || !v->copied)
		reader_adds(r, 0, file_place(v->file, v->pgoff));
	return true;
}

static bool end_read(const struct user_note *n, bool failed)
{
	struct reader *r = reader_of(n);
	struct reader was = *r;

	if (!r->active)
		return false;
	r->active = false;
	r->places[0] = r->places[1] = NULL;
	if (was.ignore || failed || (was.places[0] && was.places[0]->lost_track) ||
	    (was.places[1] && was.places[1]->lost_track))
		return true;
	for (unsigned i = 0; i < was.count; i++)
		if (was.allowed[i] == n->token)
			return true;
	engine_find(VERDICT_BAD_CONTENT, n->token ? "stale or foreign data read from a file" : "file data lost", NULL,
		    "%s%u page %u reads %u, which no write completed before or overlapping it left there",
		    n->event == USER_READ_END ? "m" : "f", n->mm, n->vpn, n->token);
	return true;
}

/* ---- stores ---- */

static struct running *begin_change(const struct user_note *n, bool view)
{
	struct running *r = &model.running[engine_cpu()];

	*r = (struct running){ .active = true, .view = view, .mm = n->mm, .vpn = n->vpn, .nr = n->nr,
			       .began = model.now, .token = n->token };
	return r;
}

/* Huge pages of shared memory are mapped whole, also behind the end of the file: what is stored there is no content, and goes with a split. */
static bool is_behind_end(const struct view *v)
{
	return v->kind == MAPPING_SHARED && (long)v->pgoff << PAGE_SHIFT >= (long)machine->inodes[v->file].i_size;
}

static bool begin_view_write(const struct user_note *n, struct view *v)
{
	struct running *r;

	if (v->pending || v->muddled) {
		if (v->kind != MAPPING_ANON)
			lose_track(file_place(v->file, v->pgoff));
		lose_track(file_place(v->next_file, v->next_pgoff));
		lose_track(&v->own);
		content_lose_track(n->mm, n->vpn);
		v->store_met = true;
	}
	if (v->kind == MAPPING_ANON)
		return false;
	if (v->kind == MAPPING_PRIVATE && !v->copied)
		for (unsigned i = 0; i < file_place(v->file, v->pgoff)->count; i++)
			copy_may_have(v, file_place(v->file, v->pgoff)->values[i].token);
	r = begin_change(n, true);
	r->place = v->kind == MAPPING_SHARED ? file_place(v->file, v->pgoff) : &v->own;
	place_add(r->place, n->token);
	if (is_behind_end(v))
		lose_track(r->place);
	/* a private page's reader that began before may see the copy as well */
	for_each_reader(reader)
		if (v->kind == MAPPING_PRIVATE && reader->active && reader->mm == n->mm && reader->vpn == n->vpn)
			reader_allow(reader, n->token);
	return true;
}

static bool end_view_write(const struct user_note *n)
{
	struct running *r = &model.running[engine_cpu()];
	struct view *v = &model.views[n->mm][n->vpn];

	if (!r->active || !r->view)
		return false;
	r->active = false;
	place_end(r->place, r->token, r->began, n->value);
	if (is_behind_end(v))
		lose_track(file_place(v->file, v->pgoff));
	if (r->place == &v->own && n->value && !v->discards && v->discarded < r->began)
		v->copied = true;
	return true;
}

/* madvise, munmap: of a private page the copy goes; a shared one is not touched. */
static void begin_view_discard(const struct user_note *n)
{
	for (unsigned vpn = n->vpn; vpn < n->vpn + n->nr && vpn < PROG_VPNS; vpn++) {
		struct view *v = &model.views[n->mm][vpn];

		v->copied = false;
		v->discards++;
		for_each_reader(r)
			if (r->places[1] == &v->own)
				r->ignore = true;
	}
	begin_change(n, true);
}

static void end_view_discard(const struct user_note *n)
{
	struct running *r = &model.running[engine_cpu()];

	if (!r->active)
		return;
	r->active = false;
	for (unsigned vpn = r->vpn; vpn < (unsigned)r->vpn + r->nr && vpn < PROG_VPNS; vpn++) {
		struct view *v = &model.views[r->mm][vpn];

		if (v->discards)
			v->discards--;
		v->discarded = model.now;
		if (n->value == 1 && vpn >= n->vpn && vpn < (unsigned)n->vpn + n->nr)
			place_end(&v->own, ~0u, r->began, true);
	}
}

/* ---- the file's own operations: mm is the file, vpn the page ---- */

static void begin_file_change(const struct user_note *n)
{
	begin_change(n, false);
	for (unsigned i = n->vpn; i < n->vpn + n->nr && i < FILE_PAGES; i++)
		place_add(file_place(n->mm, i), n->token);
	if (n->event != USER_FILE_DISCARD_BEGIN)
		return;
	/* private copies go with a truncate; whether they had come in time is not known */
	for (unsigned mm = 0; mm < NR_MMS; mm++)
		for (unsigned vpn = 0; vpn < PROG_VPNS; vpn++) {
			struct view *v = &model.views[mm][vpn];

			if (v->kind == MAPPING_PRIVATE && v->file == n->mm && v->pgoff >= n->vpn)
				lose_track(&v->own);
		}
}

static void end_file_change(const struct user_note *n)
{
	struct running *r = &model.running[engine_cpu()];

	if (!r->active || r->view)
		return;
	r->active = false;
	for (unsigned i = r->vpn; i < (unsigned)r->vpn + r->nr && i < FILE_PAGES; i++)
		place_end(file_place(r->mm, i), r->token, r->began, n->value);
}

/* ---- mappings ---- */

/* Whoever is at the page now meets the old or the new. True: a store or a discard is. */
static bool disturb(unsigned mm, unsigned vpn, struct view *v)
{
	bool store = content_disturb(mm, vpn);

	for_each_reader(r)
		if (r->active && (r->places[0] || r->places[1]) && r->mm == mm && r->vpn == vpn)
			r->ignore = true;
	for (unsigned i = 0; i < ENGINE_LANES_MAX; i++) {
		struct running *w = &model.running[i];

		if (w->active && w->view && w->mm == mm && w->vpn == vpn && w->place) {
			lose_track(w->place);
			content_lose_track(mm, vpn);
			store = v->store_met = true;
		}
	}
	if (store || v->pending) {
		lose_track(&v->own);
		lose_track(file_place(v->next_file, v->next_pgoff));
		if (v->kind != MAPPING_ANON)
			lose_track(file_place(v->file, v->pgoff));
	}
	return store;
}

static void begin_map(const struct user_note *n)
{
	for (unsigned i = 0; i < n->nr && n->vpn + i < PROG_VPNS; i++) {
		struct view *v = &model.views[n->mm][n->vpn + i];

		if (v->pending)
			disturb(n->mm, n->vpn + i, v);
		else
			v->store_met = false;
		v->next_kind = n->value;
		v->next_file = (u8)(n->token >> 8);
		v->next_pgoff = (u8)((n->token & 0xff) + i);
		v->store_met |= disturb(n->mm, n->vpn + i, v);
		v->overlap = v->pending > 0;
		v->muddled |= v->overlap;
		v->pending++;
	}
}

static void end_map(const struct user_note *n)
{
	for (unsigned i = 0; i < n->nr && n->vpn + i < PROG_VPNS; i++) {
		struct view *v = &model.views[n->mm][n->vpn + i];
		bool store;

		if (!v->pending)
			continue;
		v->pending--;
		store = disturb(n->mm, n->vpn + i, v) || v->store_met;
		if (!n->value)
			continue;
		if (!v->pending && !v->overlap)
			v->muddled = false;
		v->kind = v->next_kind;
		v->file = v->next_file;
		v->pgoff = v->next_pgoff;
		v->copied = false;
		v->own.count = 0;
		v->own.lost_track = store || v->copy_met;
		v->copy_met = false;
		if (v->kind == MAPPING_ANON && !store)
			content_reset(n->mm, n->vpn + i);
	}
}

/* A range moves. Which of the two a page shows meanwhile is not known, and a store there may meet either's file page. */
static void muddle(unsigned mm, unsigned vpn, const struct view *other)
{
	struct view *v = &model.views[mm][vpn];

	v->next_file = other->file;
	v->next_pgoff = other->pgoff;
	disturb(mm, vpn, v);
	v->muddled = true;
	lose_track(&v->own);
}

static bool shows_file(unsigned mm, unsigned vpn, unsigned nr)
{
	for (unsigned i = vpn; i < vpn + nr && i < PROG_VPNS; i++)
		if (model.views[mm][i].kind != MAPPING_ANON || model.views[mm][i].muddled)
			return true;
	return false;
}

static void begin_move(const struct user_note *n)
{
	if (!shows_file(n->mm, n->vpn, n->nr) && !shows_file(n->mm, n->token, n->nr))
		return;
	for (unsigned i = 0; i < n->nr && n->vpn + i < PROG_VPNS && n->token + i < PROG_VPNS; i++) {
		const struct view from = model.views[n->mm][n->vpn + i], to = model.views[n->mm][n->token + i];

		muddle(n->mm, n->vpn + i, &to);
		muddle(n->mm, n->token + i, &from);
	}
}

/* The target shows what the source did, and the source nothing, or, where it stays mapped, its file. */
static void end_move(const struct user_note *n)
{
	if (n->value != MOVE_DONE || (!shows_file(n->mm, n->vpn, n->nr) && !shows_file(n->mm, n->token, n->nr)))
		return;
	for (unsigned i = 0; i < n->nr && n->vpn + i < PROG_VPNS && n->token + i < PROG_VPNS; i++) {
		struct view *from = &model.views[n->mm][n->vpn + i], *to = &model.views[n->mm][n->token + i];

		disturb(n->mm, n->token + i, to);
		to->kind = from->kind;
		to->file = from->file;
		to->pgoff = from->pgoff;
		to->copied = false;
		to->muddled = from->muddled = to->pending || from->pending;
		lose_track(&to->own);
		lose_track(&from->own);
	}
}

static void begin_fork(const struct user_note *n)
{
	model_copy(model.parents[engine_cpu()], model.views[n->mm], sizeof(model.views[n->mm]));
}

static bool same_view(const struct view *a, const struct view *b)
{
	return a->kind == b->kind && a->file == b->file && a->pgoff == b->pgoff && !a->pending && !b->pending &&
	       !a->muddled && !b->muddled;
}

/* Nobody was at the private page while it was being copied: not begun before, not over since. */
static bool quiet(const struct view *before, const struct view *now)
{
	if (now->discards || now->discarded != before->discarded || now->copied != before->copied || now->own.lost_track ||
	    now->own.count != before->own.count)
		return false;
	for (unsigned i = 0; i < now->own.count; i++)
		if (now->own.values[i].over == UNFINISHED || now->own.values[i].token != before->own.values[i].token ||
		    now->own.values[i].over != before->own.values[i].over)
			return false;
	return true;
}

/*
 * The child shows what its parent showed, if that has not changed meanwhile, and starts with the parent's private copies; of one that
 * somebody was at nothing is known.
 */
static void end_fork(const struct user_note *n)
{
	for (unsigned vpn = 0; vpn < PROG_VPNS; vpn++) {
		struct view *v = &model.views[n->mm][vpn], *parent = &model.views[n->token % NR_MMS][vpn];

		*v = *parent;
		v->pending = 0;
		v->discards = 0;
		v->muddled = !same_view(parent, &model.parents[engine_cpu()][vpn]);
		if (v->kind == MAPPING_PRIVATE && !v->muddled && quiet(&model.parents[engine_cpu()][vpn], parent))
			continue;
		v->copied = false;
		if (v->muddled) { /* a store of the child may go to either's page */
			v->next_file = model.parents[engine_cpu()][vpn].file;
			v->next_pgoff = model.parents[engine_cpu()][vpn].pgoff;
		}
		if (v->kind == MAPPING_ANON && !v->muddled)
			continue;
		lose_track(&v->own);
		lose_track(&parent->own);
	}
}

static void fresh_mm(unsigned mm)
{
	model_copy(model.views[mm], NULL, sizeof(model.views[mm]));
	for_each_reader(r)
		if (r->mm == mm)
			r->ignore = true;
	for (unsigned i = 0; i < ENGINE_LANES_MAX; i++) {
		if (model.running[i].active && model.running[i].view && model.running[i].mm == mm)
			model.running[i].active = false;
	}
}

static bool place_allows(const struct place *p, u32 token)
{
	for (unsigned i = 0; i < p->count; i++)
		if (p->values[i].token == token)
			return true;
	return p->lost_track;
}

bool content_file_allows(unsigned mm, unsigned vpn, u32 token, bool *allows)
{
	const struct view *v = &model.views[mm][vpn];

	if (v->kind == MAPPING_ANON && !v->pending && !v->muddled)
		return false;
	*allows = v->pending || v->muddled || (v->kind == MAPPING_PRIVATE && place_allows(&v->own, token)) ||
		  ((v->kind == MAPPING_SHARED || !v->copied) && place_allows(file_place(v->file, v->pgoff), token));
	return true;
}

bool content_file_pinned(unsigned mm, unsigned vpn)
{
	struct view *v = &model.views[mm][vpn];

	if (v->kind == MAPPING_ANON && !v->pending && !v->muddled)
		return false;
	lose_track(&v->own);
	lose_track(file_place(v->file, v->pgoff));
	lose_track(file_place(v->next_file, v->next_pgoff));
	return true;
}

/* From here on the page shows what is on disk; a store that overlaps this may come after it. */
void content_file_lost(const volatile void *mapping, unsigned long index)
{
	const struct inode *inode = ((const struct address_space *)(uintptr_t)mapping)->host;
	struct place *p = file_place((unsigned)(inode - machine->inodes), (unsigned)index);
	u32 token = (u32)inode->disk[index % FILE_PAGES];

	model.now++;
	place_add(p, token);
	place_end(p, token, model.now, true);
}

/* Loads and stores of user space. True: they were a file's. */
static bool access_note(const struct user_note *n, struct view *v)
{
	switch ((enum user_event)n->event) {
	case USER_READ_BEGIN:
		return model.used && begin_view_read(n, v);
	case USER_READ_END:
	case USER_READ_FAILED:
		return end_read(n, n->event == USER_READ_FAILED);
	case USER_WRITE_BEGIN:
		return model.used && begin_view_write(n, v);
	case USER_WRITE_END:
		return end_view_write(n);
	default:
		return false;
	}
}

/* What changes views; the anonymous pages among them are content.c's. */
static void view_note(const struct user_note *n)
{
	switch ((enum user_event)n->event) {
	case USER_DISCARD_BEGIN:
		begin_view_discard(n);
		break;
	case USER_DISCARD_END:
		end_view_discard(n);
		break;
	case USER_FRESH:
		fresh_mm(n->mm);
		break;
	case USER_FORK_BEGIN:
		begin_fork(n);
		break;
	case USER_FORK_END:
		if (n->value)
			fresh_mm(n->mm);
		if (n->value && model.used)
			end_fork(n);
		break;
	case USER_MOVE_BEGIN:
		if (model.used)
			begin_move(n);
		break;
	case USER_MOVE_END:
		if (model.used)
			end_move(n);
		break;
	default:
		break;
	}
}

/* What only files know: their own operations, and mappings. True: it was one. */
static bool file_note(const struct user_note *n, struct view *v)
{
	switch ((enum user_event)n->event) {
	case USER_FILE_READ_BEGIN:
		model.files_used = 1;
		reader_adds(begin_read(n), 0, file_place(n->mm, n->vpn));
		return true;
	case USER_FILE_READ_END:
	case USER_FILE_READ_FAILED:
		return end_read(n, n->event == USER_FILE_READ_FAILED);
	case USER_FILE_WRITE_BEGIN:
	case USER_FILE_DISCARD_BEGIN:
		model.used = true;
		model.files_used = 1;
		begin_file_change(n);
		return true;
	case USER_FILE_WRITE_END:
	case USER_FILE_DISCARD_END:
		end_file_change(n);
		return true;
	case USER_FILE_PROMISE_BEGIN:
	case USER_FILE_PROMISE_END:
		return true;
	case USER_MAP_BEGIN:
		model.used = true;
		model.files_used = 1;
		begin_map(n);
		return true;
	case USER_MAP_END:
		end_map(n);
		return true;
	case USER_COPY:
		lose_track(&v->own);
		v->copy_met |= v->pending > 0;
		return true;
	default:
		return false;
	}
}

/* True: the note is about a file, and nobody else's. */
bool content_file_note(const struct user_note *n)
{
	struct view *v = n->mm < NR_MMS && n->vpn < PROG_VPNS ? &model.views[n->mm][n->vpn] : NULL;

	model.now++;
	if (n->mm < NR_MMS)
		model.views_used[n->mm] = 1;
	promise_note(n);
	view_note(n);
	return access_note(n, v) || file_note(n, v);
}
