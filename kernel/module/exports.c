/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel lets modules use, floor by floor: this list is all of it.  A driver that needs
 * more adds a line here.
 *
 * Each line becomes an entry of a table that the linker puts together; there is no order in it.
 */
#include "arch/clock.h"
#include "arch/irq.h"
#include "arch/mmu.h"
#include "fs/block/block_device.h"
#include "fs/device.h"
#include "fs/procfs/sysfs.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "lib/log.h"
#include "lib/module.h"
#include "lib/panic.h"
#include "lib/parse.h"
#include "lib/radix.h"
#include "lib/sort.h"
#include "lib/spinlock.h"
#include "lib/string.h"
#include "lib/sync.h"
#include "mm/frame.h"
#include "mm/iov.h"
#include "mm/kmalloc.h"
#include "mm/usercopy.h"
#include "mm/vmalloc.h"
#include "proc/credentials.h"
#include "proc/random.h"
#include "proc/sched.h"
#include "proc/task.h"
#include "proc/timer.h"

/* Of these the header has macros, which would stand in the way. */
#undef memcpy
#undef memmove
#undef memset
#undef memcmp

/* lib */
EXPORT_SYMBOL(memchr);
EXPORT_SYMBOL(memcmp);
EXPORT_SYMBOL(memcpy);
EXPORT_SYMBOL(memmove);
EXPORT_SYMBOL(memset);
EXPORT_SYMBOL(log_write);
EXPORT_SYMBOL(panic);
EXPORT_SYMBOL(parse_size);
EXPORT_SYMBOL(parse_u64);
EXPORT_SYMBOL(radix_init);
EXPORT_SYMBOL(radix_insert);
EXPORT_SYMBOL(radix_lookup);
EXPORT_SYMBOL(snprintf);
EXPORT_SYMBOL(sort);
EXPORT_SYMBOL(strchr);
EXPORT_SYMBOL(strcmp);
EXPORT_SYMBOL(strlen);
EXPORT_SYMBOL(strncmp);
EXPORT_SYMBOL(strscpy);
EXPORT_SYMBOL(text_append);
EXPORT_SYMBOL(text_printf);
EXPORT_SYMBOL(module_get);
EXPORT_SYMBOL(module_put);
#ifdef CONFIG_CHECKING
EXPORT_SYMBOL(lock_order_class);
EXPORT_SYMBOL(lock_order_drop);
EXPORT_SYMBOL(lock_order_take);
EXPORT_SYMBOL(spin_lock_misuse);
#endif

/* arch */
EXPORT_SYMBOL(clock_monotonic);
EXPORT_SYMBOL(cpu_lock_wait_entry);
EXPORT_SYMBOL(direct_map_base);
EXPORT_SYMBOL(irq_register);
EXPORT_SYMBOL(irq_unregister);

/* mm */
EXPORT_SYMBOL(copy_from_user);
EXPORT_SYMBOL(copy_to_user);
EXPORT_SYMBOL(frame_alloc);
EXPORT_SYMBOL(frame_alloc_zeroed);
EXPORT_SYMBOL(frame_free);
EXPORT_SYMBOL(kcalloc);
EXPORT_SYMBOL(kfree);
EXPORT_SYMBOL(kmalloc);
EXPORT_SYMBOL(krealloc);
EXPORT_SYMBOL(kstrdup);
EXPORT_SYMBOL(kzalloc);
EXPORT_SYMBOL(mmio_map);
EXPORT_SYMBOL(vfree);
EXPORT_SYMBOL(vmalloc);
EXPORT_SYMBOL(vzalloc);

/* proc */
EXPORT_SYMBOL(capable);
EXPORT_SYMBOL(kernel_thread_create);
EXPORT_SYMBOL(mutex_lock_at);
EXPORT_SYMBOL(mutex_lock_interruptible_at);
EXPORT_SYMBOL(mutex_unlock);
EXPORT_SYMBOL(preempt_offer);
EXPORT_SYMBOL(random_bytes);
EXPORT_SYMBOL(schedule);
EXPORT_SYMBOL(timer_cancel_sync);
EXPORT_SYMBOL(timer_init);
EXPORT_SYMBOL(timer_start);
EXPORT_SYMBOL(wait_finish);
EXPORT_SYMBOL(wait_prepare);
EXPORT_SYMBOL(wait_sleep);
EXPORT_SYMBOL(waiter_init);
EXPORT_SYMBOL(wake_up_events);

/* fs */
EXPORT_SYMBOL(block_disk_add);
EXPORT_SYMBOL(block_disk_alloc);
EXPORT_SYMBOL(block_disk_free);
EXPORT_SYMBOL(block_disk_remove);
EXPORT_SYMBOL(block_disk_resize);
EXPORT_SYMBOL(block_queue_deliver);
EXPORT_SYMBOL(block_queue_run);
EXPORT_SYMBOL(block_request_end);
EXPORT_SYMBOL(block_request_segments);
EXPORT_SYMBOL(io_copy_from);
EXPORT_SYMBOL(io_copy_to);
