/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * linux/pgtable.h - page table entries, x86-like. One page of PMDs for each mm, tables of PTEs below it.
 *
 * Bits: 0 present, 1 writable, 5 accessed, 6 dirty, 7 huge (PMD only), 8 protnone, 9 special, 10 write-protected by
 * userfaultfd, 11 soft-dirty, 12 up the page frame, or, in a PMD that points to a table, the table's place in the arena. A PMD with
 * bit 7 and without bit 0 is invalidated: still present to software, no longer to hardware. Protnone, without bit 0, is
 * present to software and faults: a NUMA hint.
 */
#ifndef _LINUX_PGTABLE_H
#define _LINUX_PGTABLE_H

#include <linux/atomic.h>
#include <linux/bug.h>
#include <linux/mm_types.h>
#include <linux/mmzone.h>
#include <linux/tlbflush.h>

#define _PAGE_PRESENT 0x1ul
#define _PAGE_RW 0x2ul
#define _PAGE_ACCESSED 0x20ul
#define _PAGE_DIRTY 0x40ul
#define _PAGE_PSE 0x80ul
#define _PAGE_PROTNONE 0x100ul
#define _PAGE_SPECIAL 0x200ul
#define _PAGE_UFFD_WP 0x400ul
#define _PAGE_SOFT_DIRTY 0x800ul
/* In an entry that is not present, as on x86: soft-dirty has the place of the writable bit. */
#define _PAGE_SWP_SOFT_DIRTY _PAGE_RW
#define _PAGE_SWP_EXCLUSIVE 0x400ul
#define _PAGE_SWP_UFFD_WP 0x800ul
#define PFN_SHIFT 12

#define __pte(x) ((pte_t){ (x) })
#define __pmd(x) ((pmd_t){ (x) })
#define pte_val(x) ((x).pte)
#define pmd_val(x) ((x).pmd)
#define PAGE_READONLY_PROT ((pgprot_t){ _PAGE_PRESENT })
#define PAGE_NONE_PROT ((pgprot_t){ _PAGE_PROTNONE })
#define pgprot_val(x) ((x).pgprot)

#define ENTRY_TEST(type, name, expr)                                           \
	static inline bool type##_##name(type##_t e)                           \
	{                                                                      \
		unsigned long v = e.type;                                      \
		return (expr);                                                 \
	}
#define ENTRY_SET(type, name, expr)                                            \
	static inline type##_t type##_##name(type##_t e)                       \
	{                                                                      \
		unsigned long v = e.type;                                      \
		return (type##_t){ expr };                                     \
	}
ENTRY_TEST(pte, none, v == 0)
ENTRY_TEST(pte, present, v & (_PAGE_PRESENT | _PAGE_PROTNONE))
ENTRY_TEST(pte, protnone, (v & (_PAGE_PRESENT | _PAGE_PROTNONE)) == _PAGE_PROTNONE)
ENTRY_TEST(pte, swp_uffd_wp, v & _PAGE_SWP_UFFD_WP)
ENTRY_TEST(pte, swp_soft_dirty, v & _PAGE_SWP_SOFT_DIRTY)
ENTRY_TEST(pte, swp_exclusive, v & _PAGE_SWP_EXCLUSIVE)
ENTRY_SET(pte, mkuffd_wp, (v | _PAGE_UFFD_WP) & ~_PAGE_RW)
ENTRY_SET(pte, clear_uffd_wp, v & ~_PAGE_UFFD_WP)
ENTRY_SET(pte, mksoft_dirty, v | _PAGE_SOFT_DIRTY)
ENTRY_SET(pte, swp_mkuffd_wp, v | _PAGE_SWP_UFFD_WP)
ENTRY_SET(pte, swp_clear_uffd_wp, v & ~_PAGE_SWP_UFFD_WP)
ENTRY_SET(pte, swp_mksoft_dirty, v | _PAGE_SWP_SOFT_DIRTY)
ENTRY_SET(pte, swp_mkexclusive, v | _PAGE_SWP_EXCLUSIVE)
ENTRY_SET(pte, swp_clear_exclusive, v & ~_PAGE_SWP_EXCLUSIVE)
ENTRY_SET(pte, mkdirty, v | _PAGE_DIRTY)
ENTRY_SET(pte, mkclean, v & ~_PAGE_DIRTY)
ENTRY_SET(pte, mkyoung, v | _PAGE_ACCESSED)
ENTRY_SET(pte, mkold, v & ~_PAGE_ACCESSED)
ENTRY_SET(pte, mkspecial, v | _PAGE_SPECIAL)
ENTRY_SET(pte, wrprotect, v & ~_PAGE_RW)
ENTRY_TEST(pmd, none, v == 0)
ENTRY_TEST(pmd, present, v & (_PAGE_PRESENT | _PAGE_PSE | _PAGE_PROTNONE))
ENTRY_TEST(pmd, protnone, (v & (_PAGE_PRESENT | _PAGE_PROTNONE)) == _PAGE_PROTNONE)
ENTRY_TEST(pmd, swp_uffd_wp, v & _PAGE_SWP_UFFD_WP)
ENTRY_TEST(pmd, swp_soft_dirty, v & _PAGE_SWP_SOFT_DIRTY)
ENTRY_SET(pmd, mkuffd_wp, (v | _PAGE_UFFD_WP) & ~_PAGE_RW)
ENTRY_SET(pmd, clear_uffd_wp, v & ~_PAGE_UFFD_WP)
ENTRY_SET(pmd, mksoft_dirty, v | _PAGE_SOFT_DIRTY)
ENTRY_SET(pmd, mkspecial, v | _PAGE_SPECIAL)
ENTRY_SET(pmd, mkclean, v & ~_PAGE_DIRTY)
ENTRY_SET(pmd, swp_mkuffd_wp, v | _PAGE_SWP_UFFD_WP)
ENTRY_SET(pmd, swp_clear_uffd_wp, v & ~_PAGE_SWP_UFFD_WP)
ENTRY_SET(pmd, swp_mksoft_dirty, v | _PAGE_SWP_SOFT_DIRTY)
ENTRY_TEST(pmd, trans_huge, v & _PAGE_PSE)
ENTRY_SET(pmd, mkdirty, v | _PAGE_DIRTY)
ENTRY_SET(pmd, mkyoung, v | _PAGE_ACCESSED)
ENTRY_SET(pmd, mkold, v & ~_PAGE_ACCESSED)
ENTRY_SET(pmd, wrprotect, v & ~_PAGE_RW)
/* What a present entry says; in another the same bits mean something else. The kernel takes it on trust. */
#define present_entry_bit_(type, e, bit)                                       \
	({                                                                     \
		type##_t asked_ = (e);                                         \
		VM_WARN_ON_ONCE(!type##_present(asked_));                      \
		(type##_val(asked_) & (bit)) != 0;                             \
	})
#define pte_write(e) present_entry_bit_(pte, e, _PAGE_RW)
#define pte_dirty(e) present_entry_bit_(pte, e, _PAGE_DIRTY)
#define pte_young(e) present_entry_bit_(pte, e, _PAGE_ACCESSED)
#define pte_soft_dirty(e) present_entry_bit_(pte, e, _PAGE_SOFT_DIRTY)
#define pte_uffd_wp(e) present_entry_bit_(pte, e, _PAGE_UFFD_WP)
#define pte_special(e) present_entry_bit_(pte, e, _PAGE_SPECIAL)
#define pmd_write(e) present_entry_bit_(pmd, e, _PAGE_RW)
#define pmd_dirty(e) present_entry_bit_(pmd, e, _PAGE_DIRTY)
#define pmd_young(e) present_entry_bit_(pmd, e, _PAGE_ACCESSED)
#define pmd_soft_dirty(e) present_entry_bit_(pmd, e, _PAGE_SOFT_DIRTY)
#define pmd_uffd_wp(e) present_entry_bit_(pmd, e, _PAGE_UFFD_WP)
#define pmd_special(e) present_entry_bit_(pmd, e, _PAGE_SPECIAL)
#define pte_mkwrite(pte, vma) ((void)(vma), __pte(pte_val(pte) | _PAGE_RW))
#define pmd_mkwrite(pmd, vma) ((void)(vma), __pmd(pmd_val(pmd) | _PAGE_RW))
#define pte_same(a, b) (pte_val(a) == pte_val(b))
#define pmd_same(a, b) (pmd_val(a) == pmd_val(b))
#define pte_pfn(pte) (pte_val(pte) >> PFN_SHIFT)
#define pmd_pfn(pmd) (pmd_val(pmd) >> PFN_SHIFT)
/* An entry is read as what it is: a page out of one that maps a page, a table out of one that points to a table. The kernel takes it on trust. */
#define pte_page(pte)                                                          \
	({                                                                     \
		pte_t pte_ = (pte);                                            \
		VM_BUG_ON(!pte_present(pte_));                                 \
		pfn_to_page(pte_pfn(pte_));                                    \
	})
#define pmd_page(pmd)                                                          \
	({                                                                     \
		pmd_t pmd_ = (pmd);                                            \
		VM_BUG_ON(!pmd_trans_huge(pmd_));                              \
		pfn_to_page(pmd_pfn(pmd_));                                    \
	})
static inline pte_t pfn_pte(unsigned long pfn, pgprot_t prot)
{
	return __pte(pfn << PFN_SHIFT | prot.pgprot);
}
#define mk_pte(page, prot) pfn_pte(page_to_pfn(page), prot)
static inline pmd_t folio_mk_pmd(struct folio *folio, pgprot_t prot)
{
	return __pmd(folio_pfn(folio) << PFN_SHIFT | prot.pgprot | _PAGE_PSE);
}

/* What the hardware would let user space do: an entry that is invalidated, or a hint, it does not walk. */
#define entry_access_permitted_(v, write) (((v) & _PAGE_PRESENT) && (!(write) || ((v) & _PAGE_RW)))
#define pte_access_permitted(pte, write) entry_access_permitted_(pte_val(pte), write)
#define pmd_access_permitted(pmd, write) entry_access_permitted_(pmd_val(pmd), write)
/* Another protection, the rest kept; the writable bit is the protection's. */
#define _PAGE_CHG_MASK (~(_PAGE_PRESENT | _PAGE_RW | _PAGE_PROTNONE))
#define pte_modify(pte, prot) __pte((pte_val(pte) & _PAGE_CHG_MASK) | pgprot_val(prot))
#define pmd_modify(pmd, prot) __pmd((pmd_val(pmd) & _PAGE_CHG_MASK) | pgprot_val(prot))

/* ---- reading and writing entries: one point each ---- */
#define ptep_get(ptep) ((pte_t){ READ_ONCE((ptep)->pte) })
#define ptep_get_lockless(ptep) ((pte_t){ READ_ONCE((ptep)->pte) })
/* What is in the table that a PMD points to is ordered by the address dependency: an acquire, to TSan. */
#define pmdp_get_(prim, str, pmdp)                                             \
	((pmd_t){ ({                                                           \
		unsigned long *word_ = &(pmdp)->pmd;                           \
		engine_point(SITE(prim, "", str), word_, EVENT_READ);          \
		access_load(word_, __ATOMIC_ACQUIRE); }) })
#define pmdp_get(p) pmdp_get_("pmdp_get", #p, p)
#define pmdp_get_lockless(p) pmdp_get_("pmdp_get_lockless", #p, p)
#define set_pte(ptep, pteval) WRITE_ONCE((ptep)->pte, pte_val(pteval))
#define set_pte_at(mm, addr, ptep, pteval) ((void)(mm), (void)(addr), ({ set_pte(ptep, pteval); }))
#define set_pmd_at(mm, addr, pmdp, pmdval) \
	((void)(mm), (void)(addr), ({ WRITE_ONCE((pmdp)->pmd, pmd_val(pmdval)); }))
#define pmd_clear(pmdp) WRITE_ONCE((pmdp)->pmd, 0ul)
#define entry_xchg_(prim, word, str, newval)                                   \
	({                                                                     \
		unsigned long *word_ = &(word);                                \
		engine_point(SITE(prim, "", str), word_, EVENT_RMW);           \
		access_xchg(word_, newval, __ATOMIC_RELAXED);                  \
	})
#define ptep_get_and_clear(mm, addr, ptep) \
	((void)(mm), (void)(addr), (pte_t){ entry_xchg_("ptep_get_and_clear", (ptep)->pte, #ptep, 0ul) })
#define entry_clear_young_(prim, word, str)                                    \
	({                                                                     \
		unsigned long *word_ = &(word);                                \
		engine_point(SITE(prim, "", str), word_, EVENT_RMW);           \
		(access_fetch_and(word_, ~_PAGE_ACCESSED, __ATOMIC_RELAXED) & _PAGE_ACCESSED) != 0; \
	})
#define ptep_test_and_clear_young(vma, addr, ptep) \
	((void)(vma), (void)(addr), entry_clear_young_("ptep_test_and_clear_young", (ptep)->pte, #ptep))
#define pmdp_test_and_clear_young(vma, addr, pmdp) \
	((void)(vma), (void)(addr), entry_clear_young_("pmdp_test_and_clear_young", (pmdp)->pmd, #pmdp))
#define pmdp_huge_get_and_clear(mm, addr, pmdp) \
	((void)(mm), (void)(addr), (pmd_t){ entry_xchg_("pmdp_huge_get_and_clear", (pmdp)->pmd, #pmdp, 0ul) })
/* Between the two the entry is none: nobody with the table's lock sees that, and the hardware can set no bit that gets lost. */
#define ptep_modify_prot_start(vma, addr, ptep) ptep_get_and_clear((vma)->vm_mm, addr, ptep)
#define ptep_modify_prot_commit(vma, addr, ptep, old, new) ((void)(old), ({ set_pte_at((vma)->vm_mm, addr, ptep, new); }))
/*
 * Of a present PMD only, as the kernel's warns: what comes out looks present to software whatever it was, as on arm64. (x86's turns
 * a software entry's offset into another.)
 */
#define pmd_mkinvalid_(prim, pmdp, str)                                        \
	({                                                                     \
		unsigned long *word_ = &(pmdp)->pmd;                           \
		pmd_t invalidated_ = { assert_read(*word_) };                  \
		VM_WARN_ON_ONCE(!pmd_present(invalidated_));                   \
		engine_point(SITE(prim, "", str), word_, EVENT_RMW);           \
		access_update(word_, was_, (was_ & ~(_PAGE_PRESENT | _PAGE_PROTNONE)) | _PAGE_PSE); \
	})
/* Hardware no longer walks it; software still sees a huge PMD, and no hint. One step, as x86's exchange; then the flush. */
#define pmdp_invalidate(vma, addr, pmdp)                                       \
	((pmd_t){ ({                                                           \
		unsigned long haddr_ = (addr) & PMD_MASK;                      \
		unsigned long old_ = pmd_mkinvalid_("pmdp_invalidate", pmdp, #pmdp); \
		flush_tlb_mm_range((vma)->vm_mm, haddr_, haddr_ + PMD_SIZE);   \
		old_; }) })
/* The same, and the flush is the caller's: no walk sets accessed and dirty bits from here on. */
#define pmdp_invalidate_ad(vma, addr, pmdp) \
	((void)(vma), (void)(addr), (pmd_t){ pmd_mkinvalid_("pmdp_invalidate_ad", pmdp, #pmdp) })
/* The bit goes in one step: hardware may be setting others. The table's lock is held. */
#define entry_clear_bits_(prim, word, str, bits)                               \
	do {                                                                   \
		unsigned long *word_ = &(word);                                \
		engine_point(SITE(prim, "", str), word_, EVENT_RMW);           \
		(void)access_fetch_and(word_, ~(bits), __ATOMIC_RELAXED);      \
	} while (0)
#define ptep_set_wrprotect(mm, addr, ptep) \
	((void)(mm), (void)(addr), ({ entry_clear_bits_("ptep_set_wrprotect", (ptep)->pte, #ptep, _PAGE_RW); }))
#define pmdp_set_wrprotect(mm, addr, pmdp) \
	((void)(mm), (void)(addr), ({ entry_clear_bits_("pmdp_set_wrprotect", (pmdp)->pmd, #pmdp, _PAGE_RW); }))
/* A CPU may have a translation of it: present, or made protnone by somebody whose flush is still to come. */
#define pte_accessible(mm, pte)                                                \
	((pte_val(pte) & _PAGE_PRESENT) ||                                     \
	 ((pte_val(pte) & _PAGE_PROTNONE) && mm_tlb_flush_pending(mm)))
/* Cleared, and no CPU reaches the page by it any more. */
#define ptep_clear_flush(vma, addr, ptep)                                      \
	({                                                                     \
		unsigned long addr_ = (addr);                                  \
		pte_t was_ = ptep_get_and_clear((vma)->vm_mm, addr_, ptep);    \
		if (pte_accessible((vma)->vm_mm, was_))                        \
			flush_tlb_mm_range((vma)->vm_mm, addr_, addr_ + PAGE_SIZE); \
		was_;                                                          \
	})
#define pmdp_huge_clear_flush(vma, addr, pmdp)                                 \
	({                                                                     \
		unsigned long haddr__ = (addr) & PMD_MASK;                     \
		pmd_t was__ = pmdp_huge_get_and_clear((vma)->vm_mm, haddr__, pmdp); \
		flush_tlb_mm_range((vma)->vm_mm, haddr__, haddr__ + PMD_SIZE); \
		was__;                                                         \
	})
/* In a table that nobody else can find yet; but who looks without a lock may have found it while it was another PMD's. */
#define ptep_get_private(ptep) __pte(access_load(&(ptep)->pte, __ATOMIC_RELAXED))
#define set_pte_private(ptep, pteval) access_store(&(ptep)->pte, pte_val(pteval), __ATOMIC_RELAXED)

/* ---- tables ---- */
#define pgtable_ptes(pgtable) ((pgtable)->ptes)
static inline bool pmd_is_table(pmd_t pmd)
{
	return (pmd_val(pmd) & (_PAGE_PRESENT | _PAGE_PSE)) == _PAGE_PRESENT;
}
#define pmd_ptdesc(pmd)                                                        \
	({                                                                     \
		pmd_t table_ = (pmd);                                          \
		VM_BUG_ON(!pmd_is_table(table_));                              \
		(struct ptdesc *)(arena_memory + (pmd_val(table_) >> PFN_SHIFT)); \
	})
/* The same of who is sure that it is one. */
#define pmd_pgtable(pmd) ((struct ptdesc *)(arena_memory + (pmd_val(pmd) >> PFN_SHIFT)))
static inline pmd_t pmd_mktable(struct ptdesc *table)
{
	return __pmd((unsigned long)arena_offset(table) << PFN_SHIFT | _PAGE_PRESENT | _PAGE_RW);
}
/* After a write barrier, so that who finds the table finds its entries: a release, to TSan. */
#define pmd_populate(mm, pmdp, pgtable) \
	((void)(mm), ({ smp_store_release(&(pmdp)->pmd, pmd_val(pmd_mktable(pgtable))); }))
static inline pmd_t *pmd_offset(struct mm_struct *mm, unsigned long addr)
{
	return &mm->pmds[(addr >> PMD_SHIFT) & (PTRS_PER_PMD - 1)];
}
#define mm_find_pmd(mm, addr) pmd_offset(mm, addr)
#define pte_index(addr) (((addr) >> PAGE_SHIFT) & (PTRS_PER_PTE - 1))
#define pmd_addr_end(addr, end)                                                \
	({                                                                     \
		unsigned long next_ = ((addr) + PMD_SIZE) & PMD_MASK;          \
		next_ < (end) ? next_ : (end);                                 \
	})
#define pmd_lockptr(mm, pmd) ((void)(pmd), &(mm)->pmd_ptl)
#define pmd_lock(mm, pmd)                                                      \
	({                                                                     \
		spinlock_t *ptl_ = pmd_lockptr(mm, pmd);                       \
		spin_lock(ptl_);                                               \
		ptl_;                                                          \
	})

pgtable_t pte_alloc_one(struct mm_struct *mm); /* NULL: no memory */
void pte_free(struct mm_struct *mm, pgtable_t table); /* nobody else can find it */
void pte_free_defer(struct mm_struct *mm, pgtable_t table); /* after a grace period */
int __pte_alloc(struct mm_struct *mm, pmd_t *pmd); /* 0 or -ENOMEM */
/* *table becomes the PMD's, and is NULL then, if the PMD is still none. */
void pmd_install(struct mm_struct *mm, pmd_t *pmd, pgtable_t *table);
/* Last in, first out, per mm. pmd_ptl is held. */
void pgtable_trans_huge_deposit(struct mm_struct *mm, pmd_t *pmd, pgtable_t table);
pgtable_t pgtable_trans_huge_withdraw(struct mm_struct *mm, pmd_t *pmd);
#define mm_inc_nr_ptes(mm) ((void)access_add_fetch(&(mm)->pgtables.counter, 1, __ATOMIC_RELAXED))
#define mm_dec_nr_ptes(mm) ((void)access_add_fetch(&(mm)->pgtables.counter, -1, __ATOMIC_RELAXED))

/*
 * The PTE for addr with its table locked, or NULL if there is no table (any more). The table is kept from being freed by
 * the lock, and before that by RCU; pte_unmap_unlock() ends it.
 */
pte_t *pte_offset_map_lock(struct mm_struct *mm, pmd_t *pmd, unsigned long addr, spinlock_t **ptlp);
/* Without the lock, inside RCU; *pmdvalp is what the PMD was. pte_unmap() ends it. */
pte_t *pte_offset_map_rw_nolock(struct mm_struct *mm, pmd_t *pmd, unsigned long addr,
				pmd_t *pmdvalp, spinlock_t **ptlp);
void pte_unmap(pte_t *pte);
#define pte_unmap_unlock(pte, ptl)                                             \
	do {                                                                   \
		spin_unlock(ptl);                                              \
		pte_unmap(pte);                                                \
	} while (0)

#endif
