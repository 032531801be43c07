/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzes what the card gets.  An input is a row of frames: for each a byte that says which of the
 * seeds it is (or none of them) and what is done, one with its length, and bytes that replace the
 * seed's, by place and value.
 */
#include <stdlib.h>
#include <string.h>

#include "net/seeds.h"
#include "net/stack_host.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

enum { HEAD = 3, RAW = 0x80, SHARED = 0x40, UNREPAIRED = 0x80 };

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	u8 frame[2 * SEED_MAX];

	host_stack_begin();
	while (size >= HEAD) {
		const struct seed *seed = &seeds[(data[0] & 0x3f) % seed_count];
		u32 count = data[2] & 0x7f, length = seed->length;
		bool shared = data[0] & SHARED, repaired = !(data[2] & UNREPAIRED);

		memset(frame, 0, sizeof(frame));
		memcpy(frame, seed->bytes, length);
		if (data[1] != 0)
			length = ETHERNET_HEADER + data[1];
		data += HEAD;
		size -= HEAD;
		for (; count > 0 && size >= 2; count--, data += 2, size -= 2)
			frame[data[0]] = data[1];
		if (repaired)
			seed_repair(frame, length);
		host_stack_receive(frame, length, shared);
	}
	host_stack_wait(2);
	if (host_stack_end() != 0)
		abort();
	return 0;
}
