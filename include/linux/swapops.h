/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux/swapops.h - what a page table entry holds when it maps nothing: swap slots, migration entries, device
 * memory, hwpoison, markers. v7.1's softleaf names (linux/leafops.h) with the makers of linux/swapops.h.
 *
 * Bits of such an entry: 0, 7 and 8 are zero (not present, not a huge mapping, no hint), 1 soft-dirty (x86: the place of the
 * writable bit), 2-5 type, 6 young, 9 dirty, 10 exclusive (swap), 11 write-protected by userfaultfd, 12 up: page frame, slot or
 * marker. The type is never zero, so that no entry looks like none. A softleaf_t carries type, young, dirty and offset; the
 * three other bits are the page table entry's (pte_swp_*), and softleaf_from_pte() leaves them out.
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

#define SOFTLEAF_TYPE_SHIFT 2
#define SOFTLEAF_TYPE_MASK 0xful
#define SOFTLEAF_YOUNG (1ul << 6)
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

#define SOFTLEAF_ENTRY_BITS (_PAGE_SWP_SOFT_DIRTY | _PAGE_SWP_EXCLUSIVE | _PAGE_SWP_UFFD_WP)
/* A present entry has no software meaning: it gives SOFTLEAF_NONE. */
static inline softleaf_t softleaf_from_pte(pte_t pte)
{
	return (softleaf_t){ pte_present(pte) ? 0 : pte_val(pte) & ~SOFTLEAF_ENTRY_BITS };
}
static inline softleaf_t softleaf_from_pmd(pmd_t pmd)
{
	return (softleaf_t){ pmd_present(pmd) ? 0 : pmd_val(pmd) & ~SOFTLEAF_ENTRY_BITS };
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
static inline bool softleaf_is_swap(softleaf_t entry)
{
	return softleaf_type(entry) == SOFTLEAF_SWAP;
}
static inline bool softleaf_is_device_private(softleaf_t entry)
{
	return softleaf_type(entry) == SOFTLEAF_DEVICE_PRIVATE_READ ||
	       softleaf_type(entry) == SOFTLEAF_DEVICE_PRIVATE_WRITE;
}
static inline bool softleaf_is_device_private_write(softleaf_t entry)
{
	return softleaf_type(entry) == SOFTLEAF_DEVICE_PRIVATE_WRITE;
}
static inline bool softleaf_is_device_exclusive(softleaf_t entry)
{
	return softleaf_type(entry) == SOFTLEAF_DEVICE_EXCLUSIVE;
}
static inline bool softleaf_is_marker(softleaf_t entry)
{
	return softleaf_type(entry) == SOFTLEAF_MARKER;
}
/* The entry names a page frame, and not a slot or a marker. */
static inline bool softleaf_has_pfn(softleaf_t entry)
{
	return softleaf_is_migration(entry) || softleaf_is_device_private(entry) ||
	       softleaf_is_device_exclusive(entry) || softleaf_type(entry) == SOFTLEAF_HWPOISON;
}
#define PTE_MARKER_UFFD_WP 0x1ul
#define PTE_MARKER_POISONED 0x2ul
#define softleaf_to_marker(entry) softleaf_to_pfn(entry)
#define swp_offset(entry) ((entry).val >> SOFTLEAF_PFN_SHIFT)
static inline swp_entry_t swp_entry(unsigned long offset)
{
	return softleaf_make(SOFTLEAF_SWAP, offset);
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
 * table the entry is in. The barrier pairs with the one of a split, before a part is a folio of its own.
 */
#define softleaf_to_folio(entry)                                               \
	({                                                                     \
		softleaf_t leaf_ = (entry);                                    \
		struct folio *lf_ = page_folio(softleaf_to_page(leaf_));       \
		if (softleaf_is_migration(leaf_)) {                            \
			smp_rmb();                                             \
			VM_WARN_ON_ONCE(!folio_test_locked(lf_));              \
		}                                                              \
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
/* The same entry for less: what fork and mprotect leave of a writable one. */
static inline softleaf_t make_readable_migration_entry(softleaf_t entry)
{
	return (softleaf_t){ (entry.val & ~(SOFTLEAF_TYPE_MASK << SOFTLEAF_TYPE_SHIFT)) |
			     (unsigned long)SOFTLEAF_MIGRATION_READ << SOFTLEAF_TYPE_SHIFT };
}
static inline softleaf_t make_readable_exclusive_migration_entry(softleaf_t entry)
{
	return (softleaf_t){ (entry.val & ~(SOFTLEAF_TYPE_MASK << SOFTLEAF_TYPE_SHIFT)) |
			     (unsigned long)SOFTLEAF_MIGRATION_READ_EXCLUSIVE << SOFTLEAF_TYPE_SHIFT };
}
static inline softleaf_t make_device_private_entry(unsigned long pfn, bool writable)
{
	return softleaf_make(writable ? SOFTLEAF_DEVICE_PRIVATE_WRITE : SOFTLEAF_DEVICE_PRIVATE_READ, pfn);
}
static inline softleaf_t make_device_exclusive_entry(unsigned long pfn)
{
	return softleaf_make(SOFTLEAF_DEVICE_EXCLUSIVE, pfn);
}
static inline softleaf_t make_pte_marker(unsigned long marker)
{
	return softleaf_make(SOFTLEAF_MARKER, marker);
}
static inline bool pmd_is_device_private_entry(pmd_t pmd)
{
	return softleaf_is_device_private(softleaf_from_pmd(pmd));
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
