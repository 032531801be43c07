// SPDX-License-Identifier: BSD-2-Clause
/*
 * A server of 9P that answers whatever it likes.
 *
 * The input is what it says: for each request a length and so many bytes behind a header, which is
 * right more often than not, so that the rest is looked at.  Every question is asked in turn; none
 * may read or write beyond what there is, or keep anything.
 */
#include <stdlib.h>

#include "fs/9p/client.h"
#include "lib/abi/statfs.h"
#include "lib/errno.h"
#include "lib/string.h"

enum { FRAMES = 3, PAGE = 4096 };

static const u8 *input;
static size_t input_left;
static unsigned char frames[FRAMES][PAGE];

/* --- What the conversation needs of a kernel --- */

void *kmalloc(size_t size)
{
	return malloc(size);
}

void *kzalloc(size_t size)
{
	return calloc(1, size);
}

void kfree(void *memory)
{
	free(memory);
}

/* Nobody is waited for: the server answers at once. */
void mutex_lock_at(mutex_t *mutex __unused, unsigned nest __unused, struct lock_site *site __unused)
{
}

void mutex_unlock(mutex_t *mutex __unused) {}

void waiter_init(struct waiter *waiter __unused) {}

void wait_prepare(wait_queue_t *queue __unused, struct waiter *waiter __unused,
		  enum wait_mode mode __unused)
{
}

int wait_sleep(enum wait_mode mode __unused, nsec_t deadline __unused)
{
	abort();
}

void wait_finish(wait_queue_t *queue __unused, struct waiter *waiter __unused) {}

void wake_up_events(wait_queue_t *queue __unused, unsigned exclusive __unused, u32 events __unused)
{
}

/* --- The server --- */

static u8 next_byte(void)
{
	if (input_left == 0)
		return 0;
	input_left--;
	return *input++;
}

/* So many bytes of an answer, first in the message's room, then in the frames. */
static void write_answer(struct p9_request *request, const u8 *bytes, size_t size)
{
	size_t head = MIN(size, (size_t)request->in_room);

	memcpy(request->in, bytes, head);
	for (size_t at = 0; head + at < size; at += PAGE)
		memcpy((void *)request->data[at / PAGE], bytes + head + at,
		       MIN(size - head - at, (size_t)PAGE));
}

static int submit(struct p9_transport *self __unused, struct p9_request *request)
{
	static u8 answer[P9_MESSAGE_MAX + FRAMES * PAGE];
	u32 room = request->in_room + (request->data_is_answer ? request->data_size : 0);
	u32 size = MIN(7u + next_byte() + 16u * next_byte(), room);
	u8 lie = next_byte();

	memset(answer, 0, sizeof(answer));
	memcpy(answer, &size, sizeof(size));
	answer[4] = lie == 1 ? 7 : request->out[4] + 1;
	memcpy(answer + 5, request->out + 5, 2);
	for (u32 i = 7; i < size; i++)
		answer[i] = next_byte();
	/* Of data, the length is right, mostly. */
	if (request->data_is_answer && size >= P9_READ_HEADER && lie != 2 && answer[4] != 7) {
		u32 data = size - P9_READ_HEADER;

		memcpy(answer + 7, &data, sizeof(data));
	}
	if (lie == 3)
		answer[next_byte() % 7] ^= next_byte();
	write_answer(request, answer, size);
	if (lie == 4)
		return -EIO;
	p9_request_done(request, lie == 5 ? next_byte() * 1000u : size, 0);
	return 0;
}

static const struct p9_transport_ops ops = {.submit = submit};
static struct p9_transport transport = {.ops = &ops, .name = "fuzz"};

/* --- The questions --- */

static void list(struct p9_fid *fid)
{
	ssize_t size = p9_read_directory(fid, 0, (phys_t)frames[0]);
	struct p9_message message = p9_message_at(frames[0], size > 0 ? (size_t)size : 0);
	struct p9_entry entry;

	/* The sanitizer sees whether the name is all there. */
	while (p9_next_entry(&message, &entry))
		if (memchr(entry.name, '/', entry.length) == frames[1])
			abort();
}

static void ask_data(struct p9_fid *fid)
{
	phys_t all[FRAMES] = {(phys_t)frames[0], (phys_t)frames[1], (phys_t)frames[2]};
	ssize_t done = p9_read(fid, 0, all, sizeof(frames));

	if (done > (ssize_t)sizeof(frames))
		abort();
	done = p9_write(fid, 0, all, sizeof(frames));
	if (done > (ssize_t)sizeof(frames) || done == 0)
		abort();
}

static void ask_about(struct p9_fid *fid)
{
	char text[100];
	struct p9_attributes attributes;
	struct p9_change change = {0};
	struct linux_statfs statfs;
	u64 size;
	struct p9_fid *xattr = p9_open_xattr(fid, "user.name", &size);
	ssize_t length = p9_read_link(fid, text, sizeof(text));
	int error;

	if (length >= 0 && text[length] != 0)
		abort();
	if (!IS_ERR(xattr))
		p9_fid_put(xattr);
	error = p9_get_attributes(fid, &attributes);
	error |= p9_set_attributes(fid, &change);
	error |= p9_statfs(fid, &statfs);
	error |= p9_sync(fid, true);
	if (error > 0)
		abort();
}

static void ask_names(struct p9_fid *fid)
{
	int error = p9_make_node(fid, "n", 1, 0, 0, 0, 0);

	error |= p9_make_directory(fid, "d", 1, 0, 0);
	error |= p9_make_link(fid, "l", 1, "text", 0);
	error |= p9_link(fid, "h", 1, fid);
	error |= p9_rename(fid, "a", 1, fid, "b", 1);
	error |= p9_unlink(fid, "b", 1, false);
	error |= p9_create_xattr(fid, "user.name", 5, 0);
	error |= p9_create(fid, "c", 1, 0, 0, 0);
	error |= p9_open(fid, 0);
	if (error > 0)
		abort();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	static bool registered;
	struct p9_client client;
	struct p9_fid *root, *fid;

	if (!registered)
		p9_transport_register(&transport);
	registered = true;
	input = data;
	input_left = size;
	if (p9_client_open(&client, "fuzz", &root) != 0)
		return 0;
	fid = p9_walk(root, "name", 4);
	if (!IS_ERR(fid)) {
		ask_about(fid);
		ask_data(fid);
		list(fid);
		ask_names(fid);
		p9_fid_put(fid);
	}
	p9_fid_put(root);
	p9_client_close(&client);
	return 0;
}
