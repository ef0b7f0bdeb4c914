// SPDX-License-Identifier: GPL-2.0-only
/*
 * memory_file.c - faults in files, and taking their mappings away.
 */
#include <linux/fs.h>
#include <linux/mm.h>


vm_fault_t do_fault(struct vm_fault *vmf) { (void)vmf; return VM_FAULT_SIGBUS; }
void unmap_mapping_pages(struct address_space *m, pgoff_t s, pgoff_t n, bool e) { (void)m; (void)s; (void)n; (void)e; }
void unmap_mapping_folio(struct folio *folio) { (void)folio; }
