/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The conversation: requests, their tags and answers, and fids.
 *
 * A task makes a request, sends it and sleeps until it is answered; many tasks may at once, each
 * with a tag of its own.  Memory is cleaned by writing to servers, so there must be a request even
 * when there is no memory: one is kept in reserve, and its users wait for each other.
 *
 * The numbers of fids that the server has forgotten are used again.
 */
#include "fs/9p/client.h"

#include "fs/9p/protocol.h"
#include "lib/errno.h"
#include "lib/log.h"
#include "lib/string.h"
#include "mm/kmalloc.h"

enum { HEADER_SIZE = 7, NO_TAG = 0xffff, LARGEST_ERRNO = 133 };

static spinlock_t transports_lock = SPINLOCK_INIT;
static struct list_head transports = LIST_INIT(transports); /* transports_lock */
static wait_queue_t answers = WAIT_QUEUE_INIT(answers);     /* of any request */

/* --- Transports --- */

void p9_transport_register(struct p9_transport *transport)
{
	spin_lock(&transports_lock);
	list_add_tail(&transport->link, &transports);
	spin_unlock(&transports_lock);
}

static struct p9_transport *take_transport(const char *name)
{
	struct p9_transport *transport, *found = ERR_PTR(-ENOENT);

	spin_lock(&transports_lock);
	list_for_each_entry (transport, &transports, link) {
		if (strcmp(transport->name, name) != 0)
			continue;
		found = transport->used ? ERR_PTR(-EBUSY) : transport;
		transport->used = true;
		break;
	}
	spin_unlock(&transports_lock);
	return found;
}

static void drop_transport(struct p9_transport *transport)
{
	spin_lock(&transports_lock);
	transport->used = false;
	spin_unlock(&transports_lock);
}

void p9_request_done(struct p9_request *request, u32 received, int error)
{
	request->received = received;
	request->error = error;
	__atomic_store_n(&request->done, true, __ATOMIC_RELEASE);
	wake_up_all(&answers);
}

/* --- Calls --- */

static bool take_tag(struct p9_client *client, u16 *tag)
{
	size_t found;

	spin_lock(&client->lock);
	found = bitmap_find_clear(client->tags, P9_TAGS, 0);
	if (found < P9_TAGS)
		bitmap_set(client->tags, found);
	spin_unlock(&client->lock);
	*tag = (u16)found;
	return found < P9_TAGS;
}

static void drop_tag(struct p9_client *client, u16 tag)
{
	spin_lock(&client->lock);
	bitmap_clear(client->tags, tag);
	spin_unlock(&client->lock);
	wake_up_one(&client->tag_freed);
}

static struct p9_request *request_alloc(struct p9_client *client)
{
	struct p9_request *request = kmalloc(sizeof(*request));

	if (!request) {
		mutex_lock(&client->reserve_lock);
		request = client->reserve;
	}
	return request;
}

static void request_free(struct p9_client *client, struct p9_request *request)
{
	if (request == client->reserve)
		mutex_unlock(&client->reserve_lock);
	else
		kfree(request);
}

void p9_call_begin(struct p9_call *call, struct p9_client *client, u8 type)
{
	struct p9_request *request = request_alloc(client);

	request->data = NULL;
	request->data_size = 0;
	request->data_is_answer = false;
	request->in_room = sizeof(request->in);
	request->received = 0;
	request->error = 0;
	request->done = false;
	*call = (struct p9_call){.client = client, .request = request, .type = type};
	call->tag = NO_TAG;
	if (type != P9_VERSION)
		wait_event(&client->tag_freed, take_tag(client, &call->tag));
	call->out = p9_message_at(request->out + HEADER_SIZE, sizeof(request->out) - HEADER_SIZE);
}

void p9_call_expect_data(struct p9_call *call, const phys_t *frames, u32 size)
{
	call->request->data = frames;
	call->request->data_size = size;
	call->request->data_is_answer = true;
	call->request->in_room = P9_READ_HEADER;
}

void p9_call_add_data(struct p9_call *call, const phys_t *frames, u32 size)
{
	call->request->data = frames;
	call->request->data_size = size;
}

static int send_and_wait(struct p9_call *call)
{
	struct p9_request *request = call->request;
	struct p9_message header = p9_message_at(request->out, HEADER_SIZE);
	struct p9_transport *transport = call->client->transport;
	int error;

	request->out_size = (u32)(call->out.at - request->out);
	p9_put_u32(&header, request->out_size + (request->data_is_answer ? 0 : request->data_size));
	p9_put_u8(&header, call->type);
	p9_put_u16(&header, call->tag);
	error = transport->ops->submit(transport, request);
	if (error)
		return error;
	wait_event(&answers, __atomic_load_n(&request->done, __ATOMIC_ACQUIRE));
	return request->error;
}

/* Looks at the header; the rest is in call->in. */
static int check_answer(struct p9_call *call)
{
	struct p9_request *request = call->request;
	u32 room = request->in_room + (request->data_is_answer ? request->data_size : 0);
	u32 received = MIN(request->received, room), size, code;
	u8 type;

	call->in = p9_message_at(request->in, MIN(received, request->in_room));
	size = p9_get_u32(&call->in);
	type = p9_get_u8(&call->in);
	if (p9_get_u16(&call->in) != call->tag || call->in.bad || size != received)
		return -EPROTO;
	if (type == call->type + 1)
		return 0;
	if (type != P9_LERROR + 1)
		return -EPROTO;
	code = p9_get_u32(&call->in);
	return call->in.bad || code == 0 ? -EPROTO : code > LARGEST_ERRNO ? -EIO : -(int)code;
}

int p9_call_run(struct p9_call *call)
{
	int error = call->out.bad ? -ENAMETOOLONG : send_and_wait(call);

	if (!error)
		error = check_answer(call);
	if (error == -EPROTO)
		log_error("9p: %s: an answer that makes no sense", call->client->transport->name);
	return error;
}

int p9_call_end(struct p9_call *call, int error)
{
	if (!error && call->in.bad)
		error = -EPROTO;
	if (call->tag != NO_TAG)
		drop_tag(call->client, call->tag);
	request_free(call->client, call->request);
	return error;
}

/* --- Fids --- */

struct p9_fid *p9_fid_alloc(struct p9_client *client)
{
	struct p9_fid *fid;
	u32 number;

	spin_lock(&client->lock);
	fid = list_first_entry_or_null(&client->free_fids, struct p9_fid, link);
	if (fid)
		list_remove(&fid->link);
	number = fid ? fid->number : client->fid_count++;
	spin_unlock(&client->lock);
	if (!fid) {
		fid = kzalloc(sizeof(*fid));
		if (!fid)
			return NULL;
		fid->number = number;
		fid->client = client;
	}
	fid->refs = 1;
	return fid;
}

void p9_fid_free(struct p9_fid *fid)
{
	spin_lock(&fid->client->lock);
	list_add(&fid->link, &fid->client->free_fids);
	spin_unlock(&fid->client->lock);
}

struct p9_fid *p9_fid_get(struct p9_fid *fid)
{
	__atomic_add_fetch(&fid->refs, 1, __ATOMIC_RELAXED);
	return fid;
}

int p9_fid_close(struct p9_fid *fid)
{
	struct p9_call call;
	int error;

	p9_call_begin(&call, fid->client, P9_CLUNK);
	p9_put_u32(&call.out, fid->number);
	error = p9_call_end(&call, p9_call_run(&call));
	/* Whatever it answers, a server has forgotten the fid; one that cannot be asked never
	 * hears of a fid again. */
	p9_fid_free(fid);
	return error;
}

void p9_fid_put(struct p9_fid *fid)
{
	int error = 0;

	if (fid && __atomic_sub_fetch(&fid->refs, 1, __ATOMIC_ACQ_REL) == 0)
		error = p9_fid_close(fid);
	if (error)
		log_debug("9p: clunk: error %d", -error);
}

/* --- Beginning and end --- */

static int agree_on_version(struct p9_client *client)
{
	static const char version[] = "9P2000.L";
	const u32 wanted = P9_DATA_FRAMES * PAGE_SIZE + P9_MESSAGE_MAX;
	struct p9_call call;
	const char *text;
	size_t length;
	u32 size;
	int error;

	p9_call_begin(&call, client, P9_VERSION);
	p9_put_u32(&call.out, wanted);
	p9_put_text(&call.out, version, sizeof(version) - 1);
	error = p9_call_run(&call);
	if (error)
		return p9_call_end(&call, error);
	size = p9_get_u32(&call.in);
	text = p9_get_text(&call.in, &length);
	if (length != sizeof(version) - 1 || memcmp(text, version, length) != 0)
		error = -EPROTONOSUPPORT;
	else if (size < wanted)
		error = -EMSGSIZE;
	return p9_call_end(&call, error);
}

static struct p9_fid *attach(struct p9_client *client)
{
	const u32 nobody = UINT32_MAX;
	struct p9_fid *fid = p9_fid_alloc(client);
	struct p9_call call;
	int error;

	if (!fid)
		return ERR_PTR(-ENOMEM);
	p9_call_begin(&call, client, P9_ATTACH);
	p9_put_u32(&call.out, fid->number);
	p9_put_u32(&call.out, nobody); /* no fid of authentication */
	p9_put_text(&call.out, "root", 4);
	p9_put_text(&call.out, "", 0);
	p9_put_u32(&call.out, 0);
	error = p9_call_end(&call, p9_call_run(&call));
	if (!error)
		return fid;
	p9_fid_free(fid);
	return ERR_PTR(error);
}

int p9_client_open(struct p9_client *client, const char *name, struct p9_fid **root)
{
	int error;

	memset(client, 0, sizeof(*client));
	client->transport = take_transport(name);
	if (IS_ERR(client->transport))
		return (int)PTR_ERR(client->transport);
	spin_lock_init(&client->lock);
	wait_queue_init(&client->tag_freed);
	list_init(&client->free_fids);
	mutex_init(&client->reserve_lock);
	client->reserve = kmalloc(sizeof(*client->reserve));
	error = client->reserve ? agree_on_version(client) : -ENOMEM;
	if (!error) {
		*root = attach(client);
		error = IS_ERR(*root) ? (int)PTR_ERR(*root) : 0;
	}
	if (error)
		p9_client_close(client);
	return error;
}

void p9_client_close(struct p9_client *client)
{
	struct p9_fid *fid, *next;

	list_for_each_entry_safe (fid, next, &client->free_fids, link)
		kfree(fid);
	kfree(client->reserve);
	drop_transport(client->transport);
}
