/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The programs of seccomp(2): classic BPF (lib/bpf.h) over struct seccomp_data, of which they load
 * whole words.
 */
#include "proc/seccomp.h"

#include "lib/bpf.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kmalloc.h"

static bool is_known(const struct linux_sock_filter *op)
{
	switch (op->code) {
	case BPF_LD | BPF_W | BPF_ABS:
		return op->k < sizeof(struct linux_seccomp_data) && op->k % sizeof(u32) == 0;
	case BPF_LD | BPF_W | BPF_LEN:
	case BPF_LDX | BPF_W | BPF_LEN:
		return true;
	default:
		return bpf_is_plain(op);
	}
}

int seccomp_check(const struct linux_sock_filter *code, u32 length)
{
	u16 *written;
	int error;

	for (u32 at = 0; at < length; at++)
		if (!is_known(&code[at]))
			return -EINVAL;
	written = kmalloc(length * sizeof(*written));
	if (written == NULL)
		return -ENOMEM;
	error = bpf_check_flow(code, length, written);
	kfree(written);
	return error;
}

static bool load(const struct linux_sock_filter *op, u32 x __unused, const void *data, u32 *value)
{
	if ((op->code & BPF_MODE) == BPF_LEN)
		*value = sizeof(struct linux_seccomp_data);
	else
		memcpy(value, (const u8 *)data + op->k, sizeof(*value));
	return true;
}

u32 seccomp_run(const struct seccomp_filter *filter, const struct linux_seccomp_data *data)
{
	return bpf_run(filter->code, load, data);
}
