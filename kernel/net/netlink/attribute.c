/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Netlink: reading the attributes of requests, which come from programs and are believed in
 * nothing.  No state, so no locks.
 */
#include "net/netlink/netlink_internal.h"

int netlink_attributes(const void *from, size_t length, struct netlink_attribute *table, u32 count)
{
	const u8 *at = from;

	memset(table, 0, count * sizeof(*table));
	while (length >= sizeof(struct linux_nlattr)) {
		struct linux_nlattr header;

		memcpy(&header, at, sizeof(header));
		if (header.length < sizeof(header) || header.length > length)
			return -EINVAL;
		u32 type = header.type & NLA_TYPE_MASK;
		if (type < count)
			table[type] = (struct netlink_attribute){
				at + sizeof(header), header.length - (u32)sizeof(header)};
		size_t step = MIN(NETLINK_ALIGN(header.length), length);
		at += step;
		length -= step;
	}
	return 0;
}

int netlink_request_attributes(const struct netlink_request *request, size_t size,
			       struct netlink_attribute *table, u32 count)
{
	size_t fixed = NETLINK_ALIGN(size), length = netlink_body_length(request);

	if (length < size)
		return -EINVAL;
	fixed = MIN(fixed, length);
	return netlink_attributes((const u8 *)netlink_body(request) + fixed, length - fixed, table,
				  count);
}

u32 netlink_attribute_u32(const struct netlink_attribute *attribute, u32 otherwise)
{
	if (attribute->value == NULL || attribute->length < sizeof(otherwise))
		return otherwise;
	memcpy(&otherwise, attribute->value, sizeof(otherwise));
	return otherwise;
}

int netlink_attribute_string(const struct netlink_attribute *attribute, char *to, size_t size)
{
	size_t length = attribute->length;

	if (attribute->value == NULL)
		return -EINVAL;
	const char *end = memchr(attribute->value, '\0', length);
	if (end != NULL)
		length = (size_t)(end - (const char *)attribute->value);
	if (length >= size)
		return -EINVAL;
	memcpy(to, attribute->value, length);
	to[length] = '\0';
	return 0;
}
