/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file behind userfaultfd(2): reading messages, polling, and the calls of
 * ioctl_userfaultfd(2).
 *
 * What it does to memory is mm's (mm/userfault.h), which has the locks, too; here arguments are
 * checked, as Linux does and in its order.
 */
#include "ipc/userfaultfd.h"

#include "fs/device.h"
#include "lib/assert.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "mm/region.h"
#include "mm/usercopy.h"
#include "mm/userfault.h"
#include "proc/credentials.h"
#include "proc/process.h"

u32 userfaultfd_unprivileged;

/* --- Reading --- */

static const struct file_operations userfaultfd_operations;

static struct file *make_file(struct userfault *userfault, u32 flags)
{
	return anon_file_create("anon_inode:[userfaultfd]", &userfaultfd_operations, userfault,
				O_RDONLY | (flags & O_NONBLOCK));
}

/* A descriptor for a child's userfault, which is its reference from then on. */
static int give_forked(struct file *parent, struct userfault *forked,
		       struct linux_uffd_msg *message)
{
	struct file *file = make_file(forked, parent->flags);

	if (IS_ERR(file)) {
		userfault_close(forked);
		userfault_put(forked);
		return (int)PTR_ERR(file);
	}
	int fd = fd_install(file, parent->flags & O_CLOEXEC);
	if (fd < 0)
		return fd;
	message->fork.fd = (u32)fd;
	return 0;
}

/* One message.  0, -EAGAIN, -ERESTARTSYS, or why a child's descriptor could not be made. */
static int next_message(struct file *file, bool wait, struct linux_uffd_msg *message)
{
	struct userfault *userfault = file->private, *forked;

	if (!userfault_next(userfault, message, &forked)) {
		if (!wait)
			return -EAGAIN;
		int error = wait_event_interruptible(&userfault->readers,
						     userfault_next(userfault, message, &forked));
		if (error)
			return error;
	}
	return forked != NULL ? give_forked(file, forked, message) : 0;
}

static ssize_t userfaultfd_read(struct file *file, struct io_cursor *cursor,
				off_t *position __unused)
{
	struct linux_uffd_msg message;
	bool wait = !(file->flags & O_NONBLOCK);
	ssize_t total = 0;

	if (!userfault_has(file->private, USERFAULT_READY))
		return -EINVAL;
	if (cursor->remaining < sizeof(message))
		return -EINVAL;
	while (cursor->remaining >= sizeof(message)) {
		int error = next_message(file, wait, &message);
		if (error)
			return total > 0 ? total : error;
		if (io_copy_to(cursor, &message, sizeof(message)) != sizeof(message))
			return total > 0 ? total : -EFAULT;
		total += sizeof(message);
		wait = false;
	}
	return total;
}

static u32 userfaultfd_poll(struct file *file, struct poll_table *table)
{
	struct userfault *userfault = file->private;

	poll_wait(file, &userfault->readers, table);
	/* Who polls has to read without waiting: another reader may be faster. */
	if (!userfault_has(userfault, USERFAULT_READY) || !(file->flags & O_NONBLOCK))
		return POLLERR;
	return userfault_has_messages(userfault) ? POLLIN : 0;
}

static int userfaultfd_show_info(struct file *file, char *buffer, size_t size)
{
	struct userfault *userfault = file->private;

	spin_lock(&userfault->lock);
	size_t pending = list_length(&userfault->pending);
	size_t total = pending + list_length(&userfault->delivered);
	spin_unlock(&userfault->lock);
	return snprintf(buffer, size, "pending:\t%lu\ntotal:\t%lu\nAPI:\t%x:%x:%x\n",
			(unsigned long)pending, (unsigned long)total, UFFD_API,
			userfault->features & (u32)USERFAULT_FEATURES,
			1 << UFFDIO_REGISTER_BIT | 1 << UFFDIO_UNREGISTER_BIT);
}

static void userfaultfd_release(struct file *file)
{
	struct userfault *userfault = file->private;

	userfault_close(userfault);
	userfault_put(userfault);
}

/* --- ioctl --- */

static int check_range(u64 start, u64 length)
{
	if (start % PAGE_SIZE != 0 || length % PAGE_SIZE != 0 || length == 0)
		return -EINVAL;
	if (start < MMAP_MINIMUM || start >= USER_TOP || length > USER_TOP - start)
		return -EINVAL;
	return 0;
}

static int refuse_api(vaddr_t argument, int error)
{
	struct linux_uffdio_api nothing = {0};

	return copy_to_user((void __user *)argument, &nothing, sizeof(nothing)) != 0 ? -EFAULT
										     : error;
}

static long set_api(struct userfault *userfault, vaddr_t argument)
{
	struct linux_uffdio_api api;
	u32 none = 0;

	if (copy_from_user(&api, (const void __user *)argument, sizeof(api)) != 0)
		return -EFAULT;
	if (api.api != UFFD_API || (api.features & ~(u64)USERFAULT_FEATURES))
		return refuse_api(argument, -EINVAL);
	if ((api.features & UFFD_FEATURE_EVENT_FORK) && !capable(CAP_SYS_PTRACE))
		return refuse_api(argument, -EPERM);
	u32 wanted = (u32)api.features | USERFAULT_READY;
	api.features = USERFAULT_FEATURES;
	api.ioctls = (u64)1 << UFFDIO_REGISTER_BIT | (u64)1 << UFFDIO_UNREGISTER_BIT |
		     (u64)1 << UFFDIO_API_BIT;
	if (copy_to_user((void __user *)argument, &api, sizeof(api)) != 0)
		return -EFAULT;
	if (!__atomic_compare_exchange_n(&userfault->features, &none, wanted, false,
					 __ATOMIC_SEQ_CST, __ATOMIC_RELAXED))
		return refuse_api(argument, -EINVAL);
	return 0;
}

/* There is no page of zeros for huge pages. */
static u64 range_calls(u64 mode, bool huge)
{
	return (u64)1 << UFFDIO_WAKE_BIT | (u64)1 << UFFDIO_COPY_BIT |
	       (huge ? 0 : (u64)1 << UFFDIO_ZEROPAGE_BIT) |
	       (mode & UFFDIO_REGISTER_MODE_WP ? (u64)1 << UFFDIO_WRITEPROTECT_BIT : 0) |
	       (mode & UFFDIO_REGISTER_MODE_MINOR ? (u64)1 << UFFDIO_CONTINUE_BIT : 0);
}

static long register_range(struct userfault *userfault, vaddr_t argument)
{
	struct linux_uffdio_register call;
	const u64 modes =
		UFFDIO_REGISTER_MODE_MISSING | UFFDIO_REGISTER_MODE_WP | UFFDIO_REGISTER_MODE_MINOR;

	if (copy_from_user(&call, (const void __user *)argument,
			   offsetof(struct linux_uffdio_register, ioctls)) != 0)
		return -EFAULT;
	if (call.mode == 0 || (call.mode & ~modes))
		return -EINVAL;
	int result = check_range(call.range.start, call.range.length);
	if (result != 0)
		return result;
	struct address_space *space = userfault_space(userfault);
	if (space == NULL)
		return -ENOMEM;
	u32 watch = (call.mode & UFFDIO_REGISTER_MODE_MISSING ? REGION_WATCH_MISSING : 0u) |
		    (call.mode & UFFDIO_REGISTER_MODE_WP ? REGION_WATCH_WRITES : 0u) |
		    (call.mode & UFFDIO_REGISTER_MODE_MINOR ? REGION_WATCH_MINOR : 0u);
	bool huge;
	result = userfault_register(userfault, space, call.range.start,
				    call.range.start + call.range.length, watch, &huge);
	vmm_put_address_space(space);
	if (result != 0)
		return result;
	u64 calls = range_calls(call.mode, huge);
	vaddr_t place = argument + offsetof(struct linux_uffdio_register, ioctls);
	return copy_to_user((void __user *)place, &calls, sizeof(calls));
}

static int copy_range(struct linux_uffdio_range *range, vaddr_t argument)
{
	if (copy_from_user(range, (const void __user *)argument, sizeof(*range)) != 0)
		return -EFAULT;
	return check_range(range->start, range->length);
}

static long unregister_range(struct userfault *userfault, vaddr_t argument)
{
	struct linux_uffdio_range range;
	int result = copy_range(&range, argument);

	if (result != 0)
		return result;
	struct address_space *space = userfault_space(userfault);
	if (space == NULL)
		return -ENOMEM;
	result = userfault_unregister(space, range.start, range.start + range.length);
	vmm_put_address_space(space);
	return result;
}

static long wake_range(struct userfault *userfault, vaddr_t argument)
{
	struct linux_uffdio_range range;
	int result = copy_range(&range, argument);

	if (result == 0)
		userfault_wake(userfault, range.start, range.length);
	return result;
}

/* Fills, says at `place` how far it came, and wakes whom it concerns. */
static long fill_range(struct userfault *userfault, const struct userfault_fill *fill,
		       vaddr_t place, bool wake)
{
	struct address_space *space = userfault_space(userfault);

	if (space == NULL)
		return -ESRCH;
	s64 filled = userfault_fill(userfault, space, fill);
	vmm_put_address_space(space);
	if (copy_to_user((void __user *)place, &filled, sizeof(filled)) != 0)
		return -EFAULT;
	if (filled < 0)
		return filled;
	if (wake)
		userfault_wake(userfault, fill->start, (u64)filled);
	return (u64)filled == fill->length ? 0 : -EAGAIN;
}

static bool is_changing(const struct userfault *userfault)
{
	return __atomic_load_n(&userfault->changing, __ATOMIC_ACQUIRE) != 0;
}

static long copy_pages(struct userfault *userfault, vaddr_t argument)
{
	struct linux_uffdio_copy call;

	if (is_changing(userfault))
		return -EAGAIN;
	if (copy_from_user(&call, (const void __user *)argument,
			   offsetof(struct linux_uffdio_copy, copied)) != 0)
		return -EFAULT;
	int result = check_range(call.destination, call.length);
	if (result != 0)
		return result;
	if (call.source + call.length <= call.source)
		return -EINVAL;
	if (call.mode & ~(u64)(UFFDIO_COPY_MODE_DONTWAKE | UFFDIO_COPY_MODE_WP))
		return -EINVAL;
	struct userfault_fill fill = {
		.how = FILL_COPY,
		.start = call.destination,
		.length = call.length,
		.source = call.source,
		.protect = call.mode & UFFDIO_COPY_MODE_WP,
	};
	return fill_range(userfault, &fill, argument + offsetof(struct linux_uffdio_copy, copied),
			  !(call.mode & UFFDIO_COPY_MODE_DONTWAKE));
}

/* UFFDIO_ZEROPAGE and UFFDIO_CONTINUE. */
static long fill_pages(struct userfault *userfault, vaddr_t argument, bool zero)
{
	struct linux_uffdio_fill call;

	if (is_changing(userfault))
		return -EAGAIN;
	if (copy_from_user(&call, (const void __user *)argument,
			   offsetof(struct linux_uffdio_fill, filled)) != 0)
		return -EFAULT;
	int result = check_range(call.range.start, call.range.length);
	if (result != 0)
		return result;
	if (call.mode & ~(u64)UFFDIO_COPY_MODE_DONTWAKE)
		return -EINVAL;
	struct userfault_fill fill = {
		.how = zero ? FILL_ZERO : FILL_CONTINUE,
		.start = call.range.start,
		.length = call.range.length,
	};
	return fill_range(userfault, &fill, argument + offsetof(struct linux_uffdio_fill, filled),
			  !(call.mode & UFFDIO_COPY_MODE_DONTWAKE));
}

static long protect_range(struct userfault *userfault, vaddr_t argument)
{
	struct linux_uffdio_writeprotect call;

	if (is_changing(userfault))
		return -EAGAIN;
	if (copy_from_user(&call, (const void __user *)argument, sizeof(call)) != 0)
		return -EFAULT;
	int result = check_range(call.range.start, call.range.length);
	if (result != 0)
		return result;
	bool protect = call.mode & UFFDIO_WRITEPROTECT_MODE_WP;
	bool wake = !(call.mode & UFFDIO_WRITEPROTECT_MODE_DONTWAKE);
	if (call.mode & ~(u64)(UFFDIO_WRITEPROTECT_MODE_WP | UFFDIO_WRITEPROTECT_MODE_DONTWAKE))
		return -EINVAL;
	if (protect && !wake)
		return -EINVAL;
	struct address_space *space = userfault_space(userfault);
	if (space == NULL)
		return -ESRCH;
	result = userfault_protect(userfault, space, call.range.start,
				   call.range.start + call.range.length, protect);
	vmm_put_address_space(space);
	if (result == 0 && !protect && wake)
		userfault_wake(userfault, call.range.start, call.range.length);
	return result;
}

static long userfaultfd_ioctl(struct file *file, unsigned command, vaddr_t argument)
{
	struct userfault *userfault = file->private;

	if (command == UFFDIO_API)
		return set_api(userfault, argument);
	if (!userfault_has(userfault, USERFAULT_READY))
		return -EINVAL;
	switch (command) {
	case UFFDIO_REGISTER:
		return register_range(userfault, argument);
	case UFFDIO_UNREGISTER:
		return unregister_range(userfault, argument);
	case UFFDIO_WAKE:
		return wake_range(userfault, argument);
	case UFFDIO_COPY:
		return copy_pages(userfault, argument);
	case UFFDIO_ZEROPAGE:
		return fill_pages(userfault, argument, true);
	case UFFDIO_CONTINUE:
		return fill_pages(userfault, argument, false);
	case UFFDIO_WRITEPROTECT:
		return protect_range(userfault, argument);
	default:
		return -EINVAL;
	}
}

static const struct file_operations userfaultfd_operations = {
	.release = userfaultfd_release,
	.read = userfaultfd_read,
	.poll = userfaultfd_poll,
	.ioctl = userfaultfd_ioctl,
	.show_info = userfaultfd_show_info,
	.stream = true,
};

/* --- Making one --- */

int userfaultfd_open(u32 flags)
{
	if (flags & ~(u32)(UFFD_CLOEXEC | UFFD_NONBLOCK | UFFD_USER_MODE_ONLY))
		return -EINVAL;
	struct userfault *userfault = userfault_create(current->space, flags & UFFD_USER_MODE_ONLY);
	if (userfault == NULL)
		return -ENOMEM;
	struct file *file = make_file(userfault, flags);
	if (IS_ERR(file)) {
		userfault_put(userfault);
		return (int)PTR_ERR(file);
	}
	return fd_install(file, flags & UFFD_CLOEXEC);
}

/* --- /dev/userfaultfd --- */

/* Whoever may open it may ask about the kernel's faults, too. */
static long device_ioctl(struct file *file __unused, unsigned command, vaddr_t argument)
{
	return command == USERFAULTFD_IOC_NEW ? userfaultfd_open((u32)argument) : -EINVAL;
}

static const struct file_operations device_operations = {.ioctl = device_ioctl};

static u32 thread_id(void)
{
	return (u32)task_shown(current);
}

static bool may_wait(void)
{
	const struct process *process = current->process;

	return !READ_ONCE(process->exiting) && READ_ONCE(process->dumper) == NULL;
}

static const struct userfault_hooks hooks = {.thread_id = thread_id, .may_wait = may_wait};

void userfaultfd_init(void)
{
	enum { MISC_MAJOR = 10, USERFAULTFD_MINOR = 126 };

	userfault_set_hooks(&hooks);
	ENSURE(device_register_char(MISC_MAJOR, USERFAULTFD_MINOR, 1, "userfaultfd", 0600,
				    &device_operations) == 0);
}
