/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux/swapops.h - what a page table entry holds when it maps nothing: migration and hwpoison
 * entries (and, later, swap slots and device memory). v7.1's softleaf names (linux/leafops.h)
 * with the makers of linux/swapops.h.
 *
 * Bits of such an entry: 0 and 7 are zero (not present, not a huge mapping), 1-5 type, 8 young,
 * 9 dirty, 12 up: page frame. The type is never zero, so that no entry looks like none.
 */
#ifndef _LINUX_SWAPOPS_H
#define _LINUX_SWAPOPS_H

#include <linux/mm_types.h>
#include <linux/mmzone.h>
#include <linux/page-flags.h>
#include <linux/pgtable.h>

enum softleaf_type {
	SOFTLEAF_NONE,
	SOFTLEAF_SWAP,
	SOFTLEAF_MIGRATION_READ,
	SOFTLEAF_MIGRATION_READ_EXCLUSIVE,
	SOFTLEAF_MIGRATION_WRITE,
	SOFTLEAF_DEVICE_PRIVATE_READ,
	SOFTLEAF_DEVICE_PRIVATE_WRITE,
	SOFTLEAF_DEVICE_EXCLUSIVE,
	SOFTLEAF_HWPOISON,
	SOFTLEAF_MARKER,
};

#define SOFTLEAF_TYPE_SHIFT 1
#define SOFTLEAF_TYPE_MASK 0x1ful
#define SOFTLEAF_YOUNG (1ul << 8)
#define SOFTLEAF_DIRTY (1ul << 9)
#define SOFTLEAF_PFN_SHIFT 12

static inline softleaf_t softleaf_make(enum softleaf_type type, unsigned long pfn)
{
	return (softleaf_t){ (unsigned long)type << SOFTLEAF_TYPE_SHIFT |
			     pfn << SOFTLEAF_PFN_SHIFT };
}
static inline enum softleaf_type softleaf_type(softleaf_t entry)
{
	return (enum softleaf_type)(entry.val >> SOFTLEAF_TYPE_SHIFT & SOFTLEAF_TYPE_MASK);
}
static inline unsigned long softleaf_to_pfn(softleaf_t entry)
{
	return entry.val >> SOFTLEAF_PFN_SHIFT;
}

/* A present entry has no software meaning: it gives SOFTLEAF_NONE. */
static inline softleaf_t softleaf_from_pte(pte_t pte)
{
	return (softleaf_t){ pte_present(pte) ? 0 : pte_val(pte) };
}
static inline softleaf_t softleaf_from_pmd(pmd_t pmd)
{
	return (softleaf_t){ pmd_present(pmd) ? 0 : pmd_val(pmd) };
}
static inline pte_t swp_entry_to_pte(softleaf_t entry)
{
	return __pte(entry.val);
}
static inline pmd_t swp_entry_to_pmd(softleaf_t entry)
{
	return __pmd(entry.val);
}

static inline bool softleaf_is_none(softleaf_t entry)
{
	return softleaf_type(entry) == SOFTLEAF_NONE;
}
static inline bool softleaf_is_migration_write(softleaf_t entry)
{
	return softleaf_type(entry) == SOFTLEAF_MIGRATION_WRITE;
}
static inline bool softleaf_is_migration_read(softleaf_t entry)
{
	return softleaf_type(entry) == SOFTLEAF_MIGRATION_READ;
}
static inline bool softleaf_is_migration_read_exclusive(softleaf_t entry)
{
	return softleaf_type(entry) == SOFTLEAF_MIGRATION_READ_EXCLUSIVE;
}
static inline bool softleaf_is_migration(softleaf_t entry)
{
	return softleaf_type(entry) >= SOFTLEAF_MIGRATION_READ &&
	       softleaf_type(entry) <= SOFTLEAF_MIGRATION_WRITE;
}
static inline bool softleaf_is_hwpoison(softleaf_t entry)
{
	return softleaf_type(entry) == SOFTLEAF_HWPOISON;
}
static inline bool softleaf_is_migration_young(softleaf_t entry)
{
	return entry.val & SOFTLEAF_YOUNG;
}
static inline bool softleaf_is_migration_dirty(softleaf_t entry)
{
	return entry.val & SOFTLEAF_DIRTY;
}
static inline bool pmd_is_migration_entry(pmd_t pmd)
{
	return softleaf_is_migration(softleaf_from_pmd(pmd));
}

static inline struct page *softleaf_to_page(softleaf_t entry)
{
	return pfn_to_page(softleaf_to_pfn(entry));
}
/*
 * A migration entry keeps no reference: the folio is there, and is this folio, for as long as
 * its lock is held, which whoever made the entry does. So the caller holds the lock of the
 * table the entry is in.
 */
#define softleaf_to_folio(entry)                                               \
	({                                                                     \
		softleaf_t leaf_ = (entry);                                    \
		struct folio *lf_ = page_folio(softleaf_to_page(leaf_));       \
		if (softleaf_is_migration(leaf_))                              \
			VM_WARN_ON_ONCE(!folio_test_locked(lf_));              \
		lf_;                                                           \
	})

/* `page` was mapped writable; or exclusive, but not writable; or neither. */
static inline softleaf_t make_migration_entry(struct page *page, bool writable,
					      bool exclusive, bool young, bool dirty)
{
	enum softleaf_type type = writable  ? SOFTLEAF_MIGRATION_WRITE :
				  exclusive ? SOFTLEAF_MIGRATION_READ_EXCLUSIVE :
					      SOFTLEAF_MIGRATION_READ;
	softleaf_t entry = softleaf_make(type, page_to_pfn(page));

	if (young)
		entry.val |= SOFTLEAF_YOUNG;
	if (dirty)
		entry.val |= SOFTLEAF_DIRTY;
	return entry;
}
static inline softleaf_t make_hwpoison_entry(struct page *page)
{
	return softleaf_make(SOFTLEAF_HWPOISON, page_to_pfn(page));
}

/*
 * migrate.c: waits until the entry at `address` has gone, if it is a migration entry. No
 * reference is taken.
 */
void migration_entry_wait(struct mm_struct *mm, pmd_t *pmd, unsigned long address);

#endif
