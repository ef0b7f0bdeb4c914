/* SPDX-License-Identifier: GPL-2.0-only */
/* Splitting folios: on request, as debugfs' split_huge_pages does for a process, and by the shrinker. */
#include "ops_internal.h"
#include <linux/huge_mm.h>
#include <linux/pagemap.h>

/*
 * The folio mapped at addr, locked and with a reference; both are taken under its page table's lock, which keeps it mapped
 * until then. A folio that somebody else uses is not worth the try: -EAGAIN.
 */
static struct folio *lock_mapped_folio(struct vm_area_struct *vma, unsigned long addr)
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
	err = 0;
out:
	folio_walk_end(&fw);
	return err ? ERR_PTR(err) : folio;
}

/* split_huge_pages_pid() - v7.1, mm/huge_memory.c: for one page. */
int op_split(const u8 *args)
{
	struct mm_struct *mm = mm_pin(args[0]);
	unsigned long addr = vpn_to_addr(args[1]);
	struct vm_area_struct *vma;
	struct folio *folio;
	int err;

	if (!mm)
		return -ESRCH;
	mmap_read_lock(mm);
	vma = vma_lookup(mm, addr);
	folio = vma ? lock_mapped_folio(vma, addr) : ERR_PTR(-EFAULT);
	if (IS_ERR(folio)) {
		err = (int)PTR_ERR(folio);
	} else {
		err = split_folio(folio);
		folio_unlock(folio);
		folio_put(folio);
	}
	mmap_read_unlock(mm);
	mm_unpin(mm);
	return err;
}

