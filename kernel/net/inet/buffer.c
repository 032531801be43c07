/* SPDX-License-Identifier: BSD-2-Clause */
/* Buffers and slices: see buffer.h.  No locks. */
#include "net/inet/buffer.h"

#include "lib/panic.h"
#include "mm/kmalloc.h"
#include "mm/slab.h"

struct slice {
	struct pbuf_custom custom;
	struct buffer *buffer; /* counted */
};

static slab_cache_t *slices;

struct buffer *buffer_create(u32 size)
{
	struct buffer *buffer = kmalloc(sizeof(*buffer));

	if (buffer == NULL)
		return NULL;
	buffer->references = 1;
	buffer->size = MIN(size, BUFFER_MAX);
	while ((buffer->bytes = kmalloc(buffer->size)) == NULL) {
		if (buffer->size <= PAGE_SIZE) {
			kfree(buffer);
			return NULL;
		}
		buffer->size = MAX(buffer->size / 2, (u32)PAGE_SIZE);
	}
	return buffer;
}

void buffer_put(struct buffer *buffer)
{
	if (__atomic_sub_fetch(&buffer->references, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	kfree(buffer->bytes);
	kfree(buffer);
}

static struct slice *slice_of(const struct pbuf *pbuf)
{
	return container_of(pbuf, struct slice, custom.pbuf);
}

static void free_slice(struct pbuf *pbuf)
{
	struct slice *slice = slice_of(pbuf);

	buffer_put(slice->buffer);
	slab_free(slices, slice);
}

static struct pbuf *create_slice(struct buffer *buffer, void *bytes, u16 length)
{
	struct slice *slice = slab_alloc(slices);

	if (slice == NULL)
		return NULL;
	slice->custom.custom_free_function = free_slice;
	slice->buffer = buffer;
	__atomic_add_fetch(&buffer->references, 1, __ATOMIC_RELAXED);
	return pbuf_alloced_custom(PBUF_RAW, length, PBUF_REF, &slice->custom, bytes, length);
}

struct pbuf *buffer_slice(struct buffer *buffer, u32 offset, u16 length)
{
	return create_slice(buffer, buffer->bytes + offset, length);
}

bool buffer_is_slice(const struct pbuf *pbuf)
{
	return pbuf->flags & PBUF_FLAG_IS_CUSTOM &&
	       ((const struct pbuf_custom *)pbuf)->custom_free_function == free_slice;
}

struct pbuf *buffer_copy_slice(const struct pbuf *slice)
{
	return create_slice(slice_of(slice)->buffer, slice->payload, slice->len);
}

void buffers_init(void)
{
	slices = slab_cache_create("inet_slice", sizeof(struct slice), 0, NULL, NULL);
	if (slices == NULL)
		panic("no memory for slices of buffers");
}
