/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages: data on its way, and what travels with it.
 *
 * Short data lies behind the message's head, in one piece of the heap; longer data in single
 * frames, so that fragmented memory does no harm.  What a message takes is charged to its sender
 * until the receiver has read it: a sender may begin a message while his share (SO_SNDBUF) is not
 * used up.  While memory is short, he gets room only when all he sent has been read.
 *
 * Until it is queued, a message is its maker's alone.
 */
#include "net/unix/unix_internal.h"

#include "arch/mmu.h"
#include "lib/string.h"
#include "mm/frame.h"
#include "mm/kmalloc.h"
#include "mm/usercopy.h"
#include "proc/credentials.h"
#include "proc/pid_namespace.h"
#include "proc/process.h"
#include "proc/user_namespace.h"

#define HEAP_MAX     2048 /* a message of this size in all is one piece */
#define OVERFLOW_UID 65534

/* --- Room --- */

static bool has_room(const struct unix_socket *sender)
{
	u32 sent = READ_ONCE(sender->sent);

	return sent < READ_ONCE(sender->socket.send_buffer) && (sent == 0 || !frame_is_short());
}

static bool may_go_on(const struct unix_socket *sender)
{
	return has_room(sender) || READ_ONCE(sender->socket.error) != 0 ||
	       READ_ONCE(sender->shutdown) & SHUT_SEND;
}

static int wait_for_room(struct unix_socket *sender, nsec_t deadline)
{
	for (;;) {
		int error = socket_take_error(&sender->socket);

		if (error)
			return error;
		if (READ_ONCE(sender->shutdown) & SHUT_SEND)
			return -EPIPE;
		if (has_room(sender))
			return 0;
		if (deadline == 0)
			return -EAGAIN;
		error = wait_event_timeout(&sender->write_wait, may_go_on(sender), deadline,
					   WAIT_INTERRUPTIBLE);
		if (error)
			return socket_wait_error(error, deadline);
	}
}

static void give_room_back(struct unix_socket *sender, u32 charge)
{
	__atomic_sub_fetch(&sender->sent, charge, __ATOMIC_SEQ_CST);
	if (wait_queue_active(&sender->write_wait) && unix_has_sent_all(sender))
		wake_up_events(&sender->write_wait, UINT_MAX, WRITABLE);
}

/* --- Life --- */

static struct unix_message *allocate(size_t length)
{
	size_t head = sizeof(struct unix_message);
	bool in_heap = head + length <= HEAP_MAX;
	u32 frames = in_heap ? 0 : (u32)DIV_ROUND_UP(length, PAGE_SIZE);
	struct unix_message *message = kmalloc(head + (in_heap ? length : frames * sizeof(phys_t)));

	if (message == NULL)
		return NULL;
	memset(message, 0, head);
	message->length = (u32)length;
	message->charge = (u32)(frames * PAGE_SIZE + head + (in_heap ? length : 0));
	message->frames = frames;
	/* While memory is short, what the kernel keeps for itself is not for messages. */
	enum frame_kind kind = frame_is_short() ? FRAME_USER : FRAME_KERNEL;
	size_t got = frames != 0 ? frame_alloc_batch(kind, message->pages, frames) : 0;
	if (got == frames)
		return message;
	frame_free_batch(message->pages, got);
	kfree(message);
	return NULL;
}

static void free_memory(struct unix_message *message)
{
	if (message->frames != 0)
		frame_free_batch(message->pages, message->frames);
	kfree(message);
}

/* The bytes from `offset` on, and, in *size, how many of them lie together. */
static u8 *piece_at(const struct unix_message *message, size_t offset, size_t *size)
{
	if (message->frames == 0) {
		*size = message->length - offset;
		return (u8 *)message->bytes + offset;
	}
	*size = MIN(message->length - offset, PAGE_SIZE - offset % PAGE_SIZE);
	return (u8 *)phys_to_virt(message->pages[offset / PAGE_SIZE]) + offset % PAGE_SIZE;
}

static int fill(struct unix_message *message, struct io_cursor *cursor)
{
	size_t piece;

	for (size_t offset = 0; offset < message->length; offset += piece) {
		u8 *to = piece_at(message, offset, &piece);

		if (io_copy_from(cursor, to, piece) != (ssize_t)piece)
			return -EFAULT;
	}
	return 0;
}

struct unix_message *unix_message_create(struct unix_socket *sender, struct io_cursor *cursor,
					 size_t length, nsec_t deadline)
{
	int error = wait_for_room(sender, deadline);

	if (error)
		return ERR_PTR(error);
	struct unix_message *message = allocate(length);
	if (message == NULL)
		return ERR_PTR(-ENOBUFS);
	error = fill(message, cursor);
	if (error) {
		free_memory(message);
		return ERR_PTR(error);
	}
	list_init(&message->link);
	message->sender = unix_get(sender);
	__atomic_add_fetch(&sender->sent, message->charge, __ATOMIC_RELAXED);
	return message;
}

void unix_message_free(struct unix_message *message)
{
	struct unix_socket *sender = message->sender;

	unix_rights_free(message->rights);
	give_room_back(sender, message->charge);
	free_memory(message);
	unix_put(sender);
}

void unix_messages_free(struct list_head *messages)
{
	while (!list_empty(messages)) {
		struct unix_message *message =
			list_first_entry(messages, struct unix_message, link);

		list_remove(&message->link);
		unix_message_free(message);
	}
}

ssize_t unix_message_copy(const struct unix_message *message, size_t offset,
			  struct io_cursor *cursor, size_t length)
{
	size_t done = 0, piece;

	while (done < length) {
		const u8 *from = piece_at(message, offset + done, &piece);
		size_t wanted = MIN(piece, length - done);
		ssize_t copied = io_copy_to(cursor, from, wanted);

		if (copied > 0)
			done += (size_t)copied;
		if (copied < (ssize_t)wanted)
			return done > 0 ? (ssize_t)done : -EFAULT;
	}
	return (ssize_t)done;
}

/* --- What goes along --- */

static size_t count_descriptors(const struct linux_cmsghdr *header)
{
	return (header->length - sizeof(*header)) / sizeof(s32);
}

static int take_descriptors(struct unix_rights *rights, const struct linux_cmsghdr *header)
{
	const s32 *numbers = (const s32 *)(header + 1);
	size_t count = count_descriptors(header);

	for (size_t i = 0; i < count; i++) {
		struct file *file = numbers[i] < 0 ? NULL : fd_get_any(numbers[i]);

		if (file == NULL)
			return -EBADF;
		if (unix_of_file(file) != NULL) {
			rights->has_sockets = true;
			rights->is_socket[rights->count / 64] |= BIT(rights->count % 64);
		}
		rights->files[rights->count++] = file;
	}
	return 0;
}

static bool may_claim(const struct linux_ucred *claim)
{
	const struct credentials *mine = current_credentials();
	bool user = claim->uid == mine->uid || claim->uid == mine->euid ||
		    claim->uid == mine->suid || capable_here(CAP_SETUID);
	bool group = claim->gid == mine->gid || claim->gid == mine->egid ||
		     claim->gid == mine->sgid || capable_here(CAP_SETGID);

	return user && group &&
	       (claim->pid == process_shown(current->process) ||
		capable_in(pid_namespace_current()->base.owner, CAP_SYS_ADMIN));
}

static int take_credentials(struct unix_outgoing *outgoing, const struct linux_cmsghdr *header)
{
	struct linux_ucred claim;

	if (header->length != sizeof(*header) + sizeof(claim))
		return -EINVAL;
	memcpy(&claim, header + 1, sizeof(claim));
	/* Numbers of the kernel's travel. */
	claim.uid = uid_given(claim.uid);
	claim.gid = gid_given(claim.gid);
	if (claim.uid == NOBODY_ID || claim.gid == NOBODY_ID)
		return -EINVAL;
	if (!may_claim(&claim))
		return -EPERM;
	struct process *process = process_find(claim.pid);
	if (process == NULL)
		return -ESRCH;
	claim.pid = process->pid;
	process_put(process);
	outgoing->credentials = claim;
	outgoing->has_credentials = true;
	return 0;
}

/* First all headers are looked at, then room is made for the descriptors of all. */
static int count_rights(const struct socket_message *message, size_t *total)
{
	const struct linux_cmsghdr *header;
	size_t position = 0;

	while ((header = socket_next_control(message, &position)) != NULL) {
		if (IS_ERR(header))
			return (int)PTR_ERR(header);
		if (header->level != SOL_SOCKET)
			continue;
		if (header->type != SCM_RIGHTS && header->type != SCM_CREDENTIALS)
			return -EINVAL;
		if (header->type == SCM_RIGHTS)
			*total += count_descriptors(header);
		if (*total > SCM_MAX_FD)
			return -EINVAL;
	}
	return 0;
}

static int read_headers(const struct socket_message *message, struct unix_outgoing *outgoing)
{
	const struct linux_cmsghdr *header;
	size_t position = 0, total = 0;
	int error = count_rights(message, &total);

	if (error)
		return error;
	if (total > 0) {
		outgoing->rights =
			kzalloc(sizeof(struct unix_rights) + total * sizeof(struct file *));
		if (outgoing->rights == NULL)
			return -ENOMEM;
		outgoing->rights->sender = credentials_get(current_credentials());
	}
	while (!error && (header = socket_next_control(message, &position)) != NULL) {
		if (header->level != SOL_SOCKET)
			continue;
		error = header->type == SCM_RIGHTS ? take_descriptors(outgoing->rights, header)
						   : take_credentials(outgoing, header);
	}
	return error;
}

int unix_outgoing_read(const struct socket_message *message, struct unix_outgoing *outgoing)
{
	outgoing->rights = NULL;
	outgoing->has_credentials = false;
	if (likely(message->control == NULL))
		return 0;
	int error = read_headers(message, outgoing);
	if (!error && outgoing->rights != NULL)
		error = unix_rights_launch(outgoing->rights);
	if (error)
		unix_outgoing_drop(outgoing);
	return error;
}

void unix_outgoing_drop(struct unix_outgoing *outgoing)
{
	unix_rights_free(outgoing->rights);
	outgoing->rights = NULL;
}

void unix_message_attach(struct unix_message *message, struct unix_outgoing *outgoing,
			 const struct unix_socket *receiver)
{
	const struct credentials *mine = current_credentials();
	const struct socket *sender = &message->sender->socket;

	message->rights = outgoing->rights;
	outgoing->rights = NULL;
	if (outgoing->has_credentials) {
		message->credentials = outgoing->credentials;
		message->has_credentials = true;
	} else if (socket_has_option(sender, SO_PASSCRED) ||
		   socket_has_option(&receiver->socket, SO_PASSCRED) ||
		   READ_ONCE(receiver->socket.file) == NULL) {
		message->credentials =
			(struct linux_ucred){current->process->pid, mine->uid, mine->gid};
		message->has_credentials = true;
	}
}

/* --- What arrives --- */

void unix_incoming_take(struct unix_incoming *incoming, struct unix_message *message, bool peek)
{
	if (message->has_credentials)
		incoming->credentials = message->credentials;
	else
		incoming->credentials = (struct linux_ucred){0, OVERFLOW_UID, OVERFLOW_UID};
	if (likely(message->rights == NULL))
		return;
	if (peek) {
		incoming->rights = unix_rights_peek(message->rights);
	} else {
		incoming->rights = message->rights;
		message->rights = NULL;
		unix_rights_land(incoming->rights);
	}
}

/* Gives the receiver as many descriptors as there is room for in the control buffer and his table;
 * how many. */
static u32 install(struct unix_rights *rights, vaddr_t numbers, size_t room, u32 flags)
{
	u32 open_flags = flags & MSG_CMSG_CLOEXEC ? O_CLOEXEC : 0;
	u32 done;

	for (done = 0; done < rights->count && done < room; done++) {
		int fd = fd_reserve(open_flags);

		if (fd < 0)
			break;
		if (put_user((s32)fd, numbers + done * sizeof(s32))) {
			fd_release(fd);
			break;
		}
		fd_fill(fd, file_get_ref(rights->files[done]));
	}
	return done;
}

static void deliver_rights(struct socket_message *message, struct unix_rights *rights, u32 flags)
{
	struct linux_cmsghdr header = {.level = SOL_SOCKET, .type = SCM_RIGHTS};
	size_t room = message->control_length, count = 0;

	room = room > sizeof(header) ? (room - sizeof(header)) / sizeof(s32) : 0;
	if (message->control_user != 0)
		count = install(rights, message->control_user + sizeof(header), room, flags);
	if (count < rights->count)
		message->flags |= MSG_CTRUNC;
	if (count == 0)
		return;
	header.length = sizeof(header) + count * sizeof(s32);
	size_t space = MIN(CONTROL_ALIGN(header.length), message->control_length);
	if (put_user(header, message->control_user))
		return;
	message->control_user += space;
	message->control_length -= space;
}

void unix_incoming_deliver(struct unix_socket *unix_socket, struct socket_message *message,
			   struct unix_incoming *incoming, u32 flags)
{
	if (socket_has_option(&unix_socket->socket, SO_PASSCRED))
		socket_put_control(message, SOL_SOCKET, SCM_CREDENTIALS, &incoming->credentials,
				   sizeof(incoming->credentials));
	if (incoming->rights != NULL)
		deliver_rights(message, incoming->rights, flags);
	unix_rights_free(incoming->rights);
	incoming->rights = NULL;
}
