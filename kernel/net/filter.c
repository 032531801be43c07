/* SPDX-License-Identifier: BSD-2-Clause */
/* Filters of sockets: see filter.h. */
#include "net/filter.h"

#include "arch/cpu.h"
#include "lib/bpf.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "mm/usercopy.h"
#include "proc/random.h"

/* --- Making --- */

static bool is_known(const struct linux_sock_filter *op)
{
	switch (op->code) {
	case BPF_LD | BPF_W | BPF_ABS:
	case BPF_LD | BPF_H | BPF_ABS:
	case BPF_LD | BPF_B | BPF_ABS:
		return op->k < SKF_AD_OFFSET || op->k - SKF_AD_OFFSET < SKF_AD_LIMIT;
	case BPF_LD | BPF_W | BPF_IND:
	case BPF_LD | BPF_H | BPF_IND:
	case BPF_LD | BPF_B | BPF_IND:
	case BPF_LD | BPF_W | BPF_LEN:
	case BPF_LDX | BPF_W | BPF_LEN:
	case BPF_LDX | BPF_B | BPF_MSH:
	case BPF_ALU | BPF_MOD | BPF_X:
		return true;
	case BPF_ALU | BPF_MOD | BPF_K:
		return op->k != 0;
	default:
		return bpf_is_plain(op);
	}
}

static int check(const struct socket_filter *filter)
{
	u16 *written;
	int error;

	for (u32 i = 0; i < filter->length; i++)
		if (!is_known(&filter->code[i]))
			return -EINVAL;
	written = kmalloc(filter->length * sizeof(*written));
	if (written == NULL)
		return -ENOMEM;
	error = bpf_check_flow(filter->code, filter->length, written);
	kfree(written);
	return error;
}

struct socket_filter *socket_filter_create(vaddr_t program, u32 length)
{
	struct linux_sock_fprog description;
	struct socket_filter *filter;
	int error = -EFAULT;

	if (length != sizeof(description))
		return ERR_PTR(-EINVAL);
	if (get_user(description, program))
		return ERR_PTR(-EFAULT);
	if (description.length == 0 || description.length > BPF_MOST_INSTRUCTIONS)
		return ERR_PTR(-EINVAL);
	size_t bytes = description.length * sizeof(filter->code[0]);
	filter = kmalloc(sizeof(*filter) + bytes);
	if (filter == NULL)
		return ERR_PTR(-ENOMEM);
	filter->length = description.length;
	if (copy_from_user(filter->code, (const void __user *)description.filter, bytes) == 0)
		error = check(filter);
	if (error == 0)
		return filter;
	kfree(filter);
	return ERR_PTR(error);
}

void socket_filter_free(struct socket_filter *filter)
{
	kfree(filter);
}

int socket_filter_get(const struct socket_filter *filter, vaddr_t value, u32 *length)
{
	u32 room = *length, have = filter != NULL ? filter->length : 0;

	*length = have;
	if (room == 0 || have == 0)
		return 0;
	if (room < have)
		return -EINVAL;
	return copy_to_user((void __user *)value, filter->code, have * sizeof(filter->code[0]));
}

/* --- Running --- */

static bool load_bytes(const u8 *bytes, u32 length, u64 offset, u16 size, u32 *value)
{
	u32 count = size == BPF_W ? 4 : size == BPF_H ? 2 : 1;

	if (offset + count > length)
		return false;
	*value = 0;
	for (u32 i = 0; i < count; i++)
		*value = *value << 8 | bytes[offset + i];
	return true;
}

static bool load_extra(const struct filter_packet *packet, u32 which, u32 *value)
{
	switch (which) {
	case SKF_AD_PROTOCOL:
		*value = packet->protocol;
		return true;
	case SKF_AD_PKTTYPE:
		*value = packet->type;
		return true;
	case SKF_AD_IFINDEX:
		*value = packet->index;
		return packet->index != 0;
	case SKF_AD_HATYPE:
		*value = packet->hardware_type;
		return packet->index != 0;
	case SKF_AD_CPU:
		*value = cpu_id();
		return true;
	case SKF_AD_RANDOM:
		*value = (u32)random_u64();
		return true;
	case SKF_AD_MARK:
	case SKF_AD_QUEUE:
	case SKF_AD_RXHASH:
	case SKF_AD_VLAN_TAG:
	case SKF_AD_VLAN_TAG_PRESENT:
		*value = 0;
		return true;
	default:
		return false;
	}
}

static bool load(const struct linux_sock_filter *op, u32 x, const void *data, u32 *value)
{
	const struct filter_packet *packet = data;
	u16 mode = op->code & BPF_MODE, size = op->code & BPF_SIZE;
	u64 offset = op->k;

	if (mode == BPF_LEN) {
		*value = packet->length;
		return true;
	}
	if (mode == BPF_MSH) {
		if (!load_bytes(packet->bytes, packet->length, offset, BPF_B, value))
			return false;
		*value = (*value & 0xf) * 4;
		return true;
	}
	if (mode == BPF_ABS && op->k >= SKF_AD_OFFSET)
		return load_extra(packet, op->k - SKF_AD_OFFSET, value);
	if (mode == BPF_IND)
		offset = (u32)(op->k + x);
	if (offset >= SKF_NET_OFFSET)
		return load_bytes(packet->network, packet->network_length, offset - SKF_NET_OFFSET,
				  size, value);
	if (offset >= SKF_LL_OFFSET)
		return load_bytes(packet->link, packet->link_length, offset - SKF_LL_OFFSET, size,
				  value);
	return load_bytes(packet->bytes, packet->length, offset, size, value);
}

u32 socket_filter_run(const struct socket_filter *filter, const struct filter_packet *packet)
{
	return bpf_run(filter->code, load, packet);
}
