/* SPDX-License-Identifier: BSD-2-Clause */
/* 9P messages, byte for byte: message.h. */
#include "fs/9p/message.h"

#include "lib/string.h"

/* The next bytes, or NULL. */
static u8 *advance(struct p9_message *message, size_t size)
{
	u8 *at = message->at;

	if (message->bad || size > (size_t)(message->end - at)) {
		message->bad = true;
		return NULL;
	}
	message->at += size;
	return at;
}

static void put(struct p9_message *message, u64 value, size_t size)
{
	u8 *at = advance(message, size);

	if (at)
		memcpy(at, &value, size);
}

static u64 get(struct p9_message *message, size_t size)
{
	const u8 *at = advance(message, size);
	u64 value = 0;

	if (at)
		memcpy(&value, at, size);
	return value;
}

void p9_put_u8(struct p9_message *message, u8 value)
{
	put(message, value, sizeof(value));
}

void p9_put_u16(struct p9_message *message, u16 value)
{
	put(message, value, sizeof(value));
}

void p9_put_u32(struct p9_message *message, u32 value)
{
	put(message, value, sizeof(value));
}

void p9_put_u64(struct p9_message *message, u64 value)
{
	put(message, value, sizeof(value));
}

void p9_put_text(struct p9_message *message, const char *text, size_t length)
{
	u8 *at;

	if (length > UINT16_MAX)
		message->bad = true;
	p9_put_u16(message, (u16)length);
	at = advance(message, length);
	if (at)
		memcpy(at, text, length);
}

u8 p9_get_u8(struct p9_message *message)
{
	return (u8)get(message, sizeof(u8));
}

u16 p9_get_u16(struct p9_message *message)
{
	return (u16)get(message, sizeof(u16));
}

u32 p9_get_u32(struct p9_message *message)
{
	return (u32)get(message, sizeof(u32));
}

u64 p9_get_u64(struct p9_message *message)
{
	return get(message, sizeof(u64));
}

const char *p9_get_text(struct p9_message *message, size_t *length)
{
	const u8 *at;

	*length = p9_get_u16(message);
	at = advance(message, *length);
	if (at)
		return (const char *)at;
	*length = 0;
	return "";
}
