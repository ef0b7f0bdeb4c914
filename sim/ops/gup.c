/* SPDX-License-Identifier: GPL-2.0-only */
/* get_user_pages(): references and pins by every way there is, and a device that reads and writes through them. */
#include "ops_internal.h"
#include <linux/gup.h>
#include <linux/page-flags.h>

/* Hardware is no party to a C data race. */
#define HARDWARE __attribute__((no_sanitize("thread")))

enum { REF_GET, REF_PIN_READ, REF_PIN_WRITE, REF_PIN_LONGTERM };

/* A driver does not know what its device has written: whatever it may write to is dirty. */
void drop_ref(struct page *page, unsigned int kind)
{
	if (kind == REF_GET)
		put_page(page);
	else
		unpin_user_page_dirty_lock(page, kind >= REF_PIN_WRITE);
}

bool drop_ref_in_irq(struct page *page, unsigned int kind)
{
	if (kind >= REF_PIN_WRITE && !folio_test_dirty(page_folio(page)))
		return false;
	if (kind == REF_GET)
		put_page(page);
	else
		unpin_user_page(page);
	return true;
}

/* Into the slot, if that is still free; else dropped. */
static int install_ref(unsigned int slot, struct page *page, unsigned int kind)
{
	bool free;

	spin_lock(&machine->mmlist_lock);
	free = !machine->refs[slot];
	if (free) {
		machine->refs[slot] = page;
		machine->refs_pinned[slot] = (u8)kind;
		user_note(USER_PIN_END, 0, 0, slot, 0, kind != REF_GET);
	}
	spin_unlock(&machine->mmlist_lock);
	if (free)
		return 0;
	drop_ref(page, kind);
	return -EBUSY;
}

/* Out of the slot: nobody else can use or drop it until it is put back. */
struct page *take_ref(unsigned int slot, unsigned int *kind)
{
	struct page *page;

	spin_lock(&machine->mmlist_lock);
	page = machine->refs[slot];
	*kind = machine->refs_pinned[slot];
	machine->refs[slot] = NULL;
	user_note(USER_PIN_TAKEN, 0, 0, slot, 0, 0);
	spin_unlock(&machine->mmlist_lock);
	return page;
}

static int hold(const u8 *args, unsigned int gup_flags, bool fast)
{
	unsigned int kind = !(gup_flags & FOLL_PIN) ? REF_GET : gup_flags & FOLL_WRITE ? REF_PIN_WRITE : REF_PIN_READ;
	struct mm_struct *mm = mm_pin(args[1]);
	unsigned long addr = vpn_to_addr(args[2]);
	struct page *page;

	if (gup_flags & FOLL_LONGTERM)
		kind = REF_PIN_LONGTERM;
	if (!mm)
		return -ESRCH;
	user_note(USER_PIN_BEGIN, args[1], args[2], 1, 0, 0);
	if (kind == REF_PIN_LONGTERM)
		user_note(USER_PIN_LONGTERM_BEGIN, args[1], args[2], 1, 0, 0);
	page = fast ? get_user_page_fast(mm, addr, gup_flags) : get_user_page(mm, addr, gup_flags);
	if (kind == REF_PIN_LONGTERM)
		user_note(USER_PIN_LONGTERM_END, args[1], args[2], 1, 0,
			  page == ERR_PTR(-ENOMEM) || page == ERR_PTR(-EAGAIN));
	mm_unpin(mm);
	if (IS_ERR_OR_NULL(page))
		return page ? (int)PTR_ERR(page) : -EFAULT;
	return install_ref(args[0], page, kind);
}

int op_gup(const u8 *args)
{
	return hold(args, FOLL_GET | FOLL_WRITE, false);
}

int op_gup_fast(const u8 *args)
{
	return hold(args, FOLL_GET, true);
}

int op_pin(const u8 *args)
{
	return hold(args, FOLL_PIN | FOLL_WRITE, false);
}

int op_pin_read(const u8 *args)
{
	return hold(args, FOLL_PIN, false);
}

int op_pin_fast(const u8 *args)
{
	return hold(args, FOLL_PIN | FOLL_WRITE, true);
}

int op_pin_read_fast(const u8 *args)
{
	return hold(args, FOLL_PIN, true);
}

int op_pin_longterm(const u8 *args)
{
	return hold(args, FOLL_PIN | FOLL_WRITE | FOLL_LONGTERM, true);
}

/* As a driver does that registers a buffer and gives it back. */
int op_pin_pages(const u8 *args)
{
	unsigned int nr = args[2] < GUP_PAGES_MAX ? args[2] : GUP_PAGES_MAX;
	unsigned long len = nr_to_len(args[1], nr);
	struct mm_struct *mm = mm_pin(args[0]);
	struct page *pages[GUP_PAGES_MAX];
	long done;

	if (!mm)
		return -ESRCH;
	for (unsigned int i = 0; i < len / PAGE_SIZE; i++)
		user_note(USER_COPY, args[0], args[1] + i, 1, 0, 0);
	done = get_user_pages(mm, vpn_to_addr(args[1]), len / PAGE_SIZE, FOLL_PIN | FOLL_WRITE | (args[3] ? FOLL_LONGTERM : 0), pages);
	for (unsigned int i = 0; i < len / PAGE_SIZE; i++)
		user_note(USER_COPY, args[0], args[1] + i, 1, 0, 0);
	if (done > 0)
		unpin_user_pages(pages, (unsigned long)done);
	mm_unpin(mm);
	return done < 0 ? (int)done : 0;
}

int op_put(const u8 *args)
{
	unsigned int kind;
	struct page *page = take_ref(args[0], &kind);

	if (!page)
		return -ENOENT;
	drop_ref(page, kind);
	return 0;
}

/* One step of the device's, which goes by no table. */
static HARDWARE int dma(struct page *page, u32 *token, bool write)
{
	unsigned long pfn = page_to_pfn(page);
	u64 *content = &machine->content[pfn];

	if (write)
		engine_point(SITE("dma_store", "", "content"), content, EVENT_WRITE);
	else
		engine_point(SITE("dma_load", "", "content"), content, EVENT_READ);
	if (access_volatile(&page->flags) & BIT(PG_hwpoison))
		return -EHWPOISON;
	if (write)
		access_volatile(content) = *token;
	else
		*token = (u32)access_volatile(content);
	user_note(USER_ACCESS, 0, 0, 1, (u32)pfn, 0);
	return 0;
}

int op_dma_write(const u8 *args)
{
	unsigned int kind;
	struct page *page = take_ref(args[0], &kind);
	int err = -EINVAL;

	if (!page)
		return -ENOENT;
	if (kind >= REF_PIN_WRITE && PageAnon(page)) {
		u32 token = engine_token();

		user_note(USER_DMA_WRITE_BEGIN, 0, 0, 0, token, 0);
		err = dma(page, &token, true);
		user_note(USER_DMA_WRITE_END, 0, 0, 0, token, err == 0);
	}
	return install_ref(args[0], page, kind) ?: err;
}

int op_dma_read(const u8 *args)
{
	unsigned int kind;
	struct page *page = take_ref(args[0], &kind);
	int err = -EINVAL;
	u32 token = 0;

	if (!page)
		return -ENOENT;
	if (kind != REF_GET && PageAnon(page)) {
		user_note(USER_DMA_READ_BEGIN, 0, 0, 0, 0, 0);
		err = dma(page, &token, false);
		user_note(USER_DMA_READ_END, 0, 0, 0, token, err == 0);
	}
	return install_ref(args[0], page, kind) ?: err;
}
