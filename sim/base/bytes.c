/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * bytes.c - a byte buffer as a stream: reads past the end are zero, writes past it are
 * dropped and remembered. Numbers are little-endian on every machine.
 */
#include <foliofuzz/base.h>

#include <string.h>

u8 bytes_u8(struct bytes_reader *r)
{
	return r->pos < r->size ? r->data[r->pos++] : 0;
}

u16 bytes_u16(struct bytes_reader *r)
{
	u16 low = bytes_u8(r);

	return (u16)(low | bytes_u8(r) << 8);
}

size_t bytes_left(const struct bytes_reader *r)
{
	return r->size - r->pos;
}

void bytes_put(struct bytes_writer *w, const void *data, size_t n)
{
	if (w->overflow || n > w->size - w->pos) {
		w->overflow = true;
		return;
	}
	if (n)
		memcpy(w->data + w->pos, data, n);
	w->pos += n;
}

void bytes_put_u8(struct bytes_writer *w, u8 v)
{
	bytes_put(w, &v, 1);
}

void bytes_put_u16(struct bytes_writer *w, u16 v)
{
	u8 pair[2] = { (u8)v, (u8)(v >> 8) };

	bytes_put(w, pair, sizeof(pair));
}
