// SPDX-License-Identifier: GPL-2.0-only
/*
 * interval_tree.c - the VMAs of an anon_vma that cover a page offset. A sorted list stands for the tree.
 *
 * Everything read here is plain C and no point: the list, and the bounds of the VMAs on it, change with the root's rwsem
 * held for writing only, and whoever looks holds it.
 */
#include <linux/mm.h>
#include <linux/mm_inline.h>

static pgoff_t avc_start(const struct anon_vma_chain *avc)
{
	return avc->vma->vm_pgoff;
}

static pgoff_t avc_last(const struct anon_vma_chain *avc)
{
	return avc->vma->vm_pgoff + vma_pages(avc->vma) - 1;
}

/* anon_vma_interval_tree_insert() - v7.1. Fidelity: adapted: a list. The root's rwsem is held for writing. */
void anon_vma_interval_tree_insert(struct anon_vma_chain *avc, struct anon_vma *anon_vma)
{
	struct anon_vma_chain **p = &anon_vma->rb_root;
	pgoff_t start = avc_start(avc);

	while (*p && avc_start(*p) <= start)
		p = &(*p)->rb_next;
	avc->rb_next = *p;
	*p = avc;
}

/* anon_vma_interval_tree_remove() - v7.1. Fidelity: adapted: a list. The root's rwsem is held for writing. */
void anon_vma_interval_tree_remove(struct anon_vma_chain *avc, struct anon_vma *anon_vma)
{
	struct anon_vma_chain **p = &anon_vma->rb_root;

	while (*p && *p != avc)
		p = &(*p)->rb_next;
	BUG_ON(!*p);
	*p = avc->rb_next;
}

/* From avc on, the first whose VMA has a page of [first, last]. The root's rwsem is held. */
struct anon_vma_chain *anon_vma_interval_tree_next(struct anon_vma_chain *avc, pgoff_t first,
						   pgoff_t last)
{
	for (; avc; avc = avc->rb_next)
		if (avc_start(avc) <= last && avc_last(avc) >= first)
			return avc;
	return NULL;
}
