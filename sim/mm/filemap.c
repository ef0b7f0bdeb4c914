// SPDX-License-Identifier: GPL-2.0-only
/*
 * filemap.c - the page cache.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pagemap.h>


/* stub */
void files_boot(void)
{
	for (unsigned int i = 0; i < NR_FILES; i++) {
		struct address_space *mapping = &machine->mappings[i];

		machine->inodes[i].i_mapping = mapping;
		mapping->host = &machine->inodes[i];
		machine->inodes[i].shmem = i == 1;
		xa_init(&mapping->i_pages);
	}
}
void vma_link_file(struct vm_area_struct *vma) { (void)vma; }
void unlink_file_vma(struct vm_area_struct *vma) { (void)vma; }
struct folio *filemap_get_entry(struct address_space *m, pgoff_t i) { (void)m; (void)i; return NULL; }
struct folio *filemap_lock_folio(struct address_space *m, pgoff_t i) { (void)m; (void)i; return NULL; }
int filemap_add_folio(struct address_space *m, struct folio *f, pgoff_t i, gfp_t g) { (void)m; (void)f; (void)i; (void)g; return -ENOMEM; }
void __filemap_remove_folio(struct folio *folio, void *shadow) { (void)folio; (void)shadow; }
void filemap_remove_folio(struct folio *folio) { (void)folio; }
bool folio_mkclean(struct folio *folio) { (void)folio; return false; }
int generic_error_remove_folio(struct address_space *m, struct folio *f) { (void)m; (void)f; return -EIO; }
