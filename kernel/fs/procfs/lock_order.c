/* SPDX-License-Identifier: BSD-2-Clause */
/* procfs: which locks were taken while which were held, in the checking build (lib/lock_order.h).
 */
#include "fs/procfs/procfs.h"
#include "lib/errno.h"
#include "lib/lock_order.h"
#include "lib/string.h"
#include "mm/kmalloc.h"

enum { CLASS_TEXT = 8192 };

int proc_show_lock_order(const struct proc_node *node __unused, struct text *text)
{
	char *buffer = kmalloc(CLASS_TEXT);
	size_t length;

	if (buffer == NULL)
		return -ENOMEM;
	for (unsigned number = 1; (length = lock_order_describe(number, buffer, CLASS_TEXT)) != 0;
	     number++)
		text_append(text, buffer, length);
	kfree(buffer);
	return 0;
}
