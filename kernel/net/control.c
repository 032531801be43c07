/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Control messages (cmsg(3)): how they lie in a buffer, read and written.  What they mean is the
 * family's business.  No state, so no locks.
 */
#include "net/socket.h"

#include "lib/string.h"
#include "mm/usercopy.h"

const struct linux_cmsghdr *socket_next_control(const struct socket_message *message,
						size_t *position)
{
	const struct linux_cmsghdr *header;

	if (message->control == NULL || *position >= message->control_length ||
	    message->control_length - *position < sizeof(*header))
		return NULL;
	header = (const struct linux_cmsghdr *)(message->control + *position);
	if (header->length < sizeof(*header) ||
	    header->length > message->control_length - *position)
		return ERR_PTR(-EINVAL);
	*position += CONTROL_ALIGN(header->length);
	return header;
}

void socket_put_control(struct socket_message *message, int level, int type, const void *data,
			size_t size)
{
	struct linux_cmsghdr header = {sizeof(header) + size, level, type};

	if (message->control_user == 0 || message->control_length < sizeof(header)) {
		message->flags |= MSG_CTRUNC;
		return;
	}
	if (message->control_length < header.length) {
		message->flags |= MSG_CTRUNC;
		header.length = message->control_length;
		size = header.length - sizeof(header);
	}
	if (put_user(header, message->control_user) ||
	    copy_to_user((void __user *)(message->control_user + sizeof(header)), data, size))
		return;
	size_t space = MIN(CONTROL_ALIGN(header.length), message->control_length);
	message->control_user += space;
	message->control_length -= space;
}
