// SPDX-License-Identifier: GPL-2.0-only
/* What an interrupt handler does to folios: it may drop the last reference, as the end of an I/O does. */
#include "ops_internal.h"
#include <linux/irqflags.h>

int op_irq_put(const u8 *args)
{
	struct page *page;

	spin_lock(&machine->mmlist_lock);
	page = machine->refs[args[0]];
	machine->refs[args[0]] = NULL;
	spin_unlock(&machine->mmlist_lock);
	if (!page)
		return -ENOENT;
	irq_enter();
	put_page(page);
	irq_exit();
	return 0;
}
