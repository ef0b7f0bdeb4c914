/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A search as bytes, between two executions: counts, and of each state on the path what is left, what is done, and what the lanes that
 * sleep or have been searched touched. The rest comes back when the path is run again; the races along it have been looked at, and
 * looking again adds nothing.
 */
#include <foliofuzz/search.h>
#include <string.h>

static void put_u64(struct bytes_writer *w, u64 v)
{
	for (unsigned i = 0; i < 64; i += 16)
		bytes_put_u16(w, (u16)(v >> i));
}

static u64 get_u64(struct bytes_reader *r)
{
	u64 v = 0;

	for (unsigned i = 0; i < 64; i += 16)
		v |= (u64)bytes_u16(r) << i;
	return v;
}

static void put_footprint(struct bytes_writer *w, const struct footprint *f)
{
	bytes_put_u8(w, f->count);
	bytes_put_u8(w, f->all);
	for (unsigned i = 0; i < f->count; i++) {
		bytes_put_u16(w, (u16)f->at[i].object);
		bytes_put_u16(w, (u16)(f->at[i].object >> 16));
		bytes_put_u8(w, f->at[i].write);
	}
}

static bool get_footprint(struct bytes_reader *r, struct footprint *f)
{
	f->count = bytes_u8(r);
	f->all = bytes_u8(r);
	if (f->count > FOOTPRINT_MAX)
		return false;
	for (unsigned i = 0; i < f->count; i++) {
		u32 low = bytes_u16(r);

		f->at[i].object = low | (u32)bytes_u16(r) << 16;
		f->at[i].write = bytes_u8(r);
	}
	return true;
}

static void put_step(struct bytes_writer *w, const struct search_step *p)
{
	const u8 fields[] = { p->cpu, p->enabled, p->done, p->todo, p->sleep, p->fail, p->asks };

	bytes_put(w, fields, sizeof(fields));
	for (u32 m = p->done | p->sleep; m; m &= m - 1)
		put_footprint(w, &p->of[__builtin_ctz(m)]);
	put_footprint(w, &p->variants);
}

static bool get_step(struct bytes_reader *r, struct search_step *p)
{
	u8 *fields[] = { &p->cpu, &p->enabled, &p->done, &p->todo, &p->sleep, &p->fail, &p->asks };
	u32 lanes;

	for (unsigned i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		*fields[i] = bytes_u8(r);
	lanes = p->enabled | p->done | p->todo | p->sleep;
	if (p->cpu >= ENGINE_LANES_MAX || lanes >> ENGINE_LANES_MAX)
		return false;
	for (u32 m = p->done | p->sleep; m; m &= m - 1)
		if (!get_footprint(r, &p->of[__builtin_ctz(m)]))
			return false;
	return get_footprint(r, &p->variants);
}

size_t search_save(const struct search *s, u8 *data, size_t size)
{
	struct bytes_writer w = { .data = data, .size = size };

	bytes_put_u8(&w, (u8)s->mode);
	bytes_put_u8(&w, (u8)s->faults);
	bytes_put_u8(&w, s->incomplete);
	put_u64(&w, s->complete);
	put_u64(&w, s->cut);
	bytes_put_u16(&w, (u16)s->fixed);
	for (u32 d = 0; d < s->fixed; d++)
		put_step(&w, &s->path[d]);
	return w.overflow ? 0 : w.pos;
}

bool search_load(struct search *s, const u8 *data, size_t size)
{
	struct bytes_reader r = { .data = data, .size = size };
	u8 mode = bytes_u8(&r), faults = bytes_u8(&r);

	if (mode < SEARCH_ALL || mode > SEARCH_DPOR || faults > SEARCH_FAULTS_MAX)
		return false;
	search_init(s, (enum search_mode)mode, faults);
	s->incomplete = bytes_u8(&r);
	s->complete = get_u64(&r);
	s->cut = get_u64(&r);
	s->fixed = bytes_u16(&r);
	if (s->fixed > SEARCH_STEPS_MAX)
		return false;
	for (u32 d = 0; d < s->fixed; d++)
		if (!bytes_left(&r) || !get_step(&r, &s->path[d]))
			return false;
	return !bytes_left(&r);
}
