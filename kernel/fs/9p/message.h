/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Putting 9P messages together and taking them apart.
 *
 * Numbers are little-endian, strings are their length in two bytes and their bytes.  Both sides
 * stop at the end of their buffer: what did not fit, or was not there, is seen by `bad` at the end,
 * so that a message is written or read to its end before anybody looks.
 */
#ifndef FS_9P_MESSAGE_H
#define FS_9P_MESSAGE_H

#include "lib/types.h"

struct p9_message {
	u8 *at, *end;
	bool bad;
};

static inline struct p9_message p9_message_at(void *buffer, size_t size)
{
	return (struct p9_message){buffer, (u8 *)buffer + size, false};
}

void p9_put_u8(struct p9_message *message, u8 value);
void p9_put_u16(struct p9_message *message, u16 value);
void p9_put_u32(struct p9_message *message, u32 value);
void p9_put_u64(struct p9_message *message, u64 value);
/* Bad, too, when the text is longer than a string can be. */
void p9_put_text(struct p9_message *message, const char *text, size_t length);

u8 p9_get_u8(struct p9_message *message);
u16 p9_get_u16(struct p9_message *message);
u32 p9_get_u32(struct p9_message *message);
u64 p9_get_u64(struct p9_message *message);
/* The text's place in the message, not terminated, and its length; "" when it is bad. */
const char *p9_get_text(struct p9_message *message, size_t *length);

#endif
