/* SPDX-License-Identifier: GPL-2.0-only */
/* Splitting folios: on request, as debugfs' split_huge_pages does for a process, and by the shrinker. */
#include "ops_internal.h"
#include <linux/huge_mm.h>
#include <linux/pagemap.h>

/*
 * The folio mapped at addr, locked and with a reference; both are taken under its page table's lock, which keeps it mapped
 * until then. A folio that somebody else uses is not worth the try: -EAGAIN.
 */
static struct folio *lock_mapped_folio(struct vm_area_struct *vma, unsigned long addr, struct page **page)
{
	struct folio_walk fw;
	struct folio *folio = folio_walk_start(&fw, vma, addr);
	int expected;
	long err;

	if (!folio)
		return ERR_PTR(-EFAULT);
	err = -EINVAL;
	if (!folio_test_large(folio))
		goto out;
	err = -EAGAIN;
	expected = folio_expected_ref_count(folio);
	if (expected != folio_ref_count(folio))
		goto out;
	err = -EBUSY;
	if (!folio_trylock(folio))
		goto out;
	folio_get(folio);
	*page = fw.page;
	err = 0;
out:
	folio_walk_end(&fw);
	return err ? ERR_PTR(err) : folio;
}

/*
 * split_huge_pages_pid() - v7.1, mm/huge_memory.c: for one page. An order that the folio cannot have is refused before the split, which
 * would warn.
 */
static int split_folio_of(struct folio *folio, struct page *page, unsigned int order, enum split_type type)
{
	unsigned int least = min_order_for_split(folio);
	int err;

	if (order < least)
		order = least;
	if (order >= folio_order(folio))
		return -EINVAL;
	err = folio_check_splittable(folio, order, type);
	if (err)
		return err;
	return type == SPLIT_TYPE_UNIFORM ? split_folio_to_order(folio, order) : folio_split(folio, order, page, NULL);
}

static int split_op(const u8 *args, unsigned int order, enum split_type type)
{
	struct mm_struct *mm = mm_pin(args[0]);
	unsigned long addr = vpn_to_addr(args[1]);
	struct vm_area_struct *vma;
	struct page *page = NULL;
	struct folio *folio;
	int err;

	if (!mm)
		return -ESRCH;
	mmap_read_lock(mm);
	vma = vma_lookup(mm, addr);
	folio = vma ? lock_mapped_folio(vma, addr, &page) : ERR_PTR(-EFAULT);
	if (IS_ERR(folio)) {
		err = (int)PTR_ERR(folio);
	} else {
		err = split_folio_of(folio, page, order, type);
		folio_unlock(folio);
		folio_put(folio);
	}
	mmap_read_unlock(mm);
	mm_unpin(mm);
	return err;
}

int op_split(const u8 *args)
{
	return split_op(args, 0, SPLIT_TYPE_UNIFORM);
}

int op_split_to(const u8 *args)
{
	return split_op(args, args[2], SPLIT_TYPE_UNIFORM);
}

int op_split_nonuniform(const u8 *args)
{
	return split_op(args, args[2], SPLIT_TYPE_NON_UNIFORM);
}
