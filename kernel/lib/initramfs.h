/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading an initramfs image: any number of cpio archives (newc) one after the other, with zeros
 * between them, each plain or inside a gzip member, as Linux's buffer format for an initramfs
 * allows.
 *
 * The image is read once from front to back; each entry goes to the caller's operations as it
 * comes.  Nothing in the image is trusted.
 */
#ifndef LIB_INITRAMFS_H
#define LIB_INITRAMFS_H

#include "lib/cpio.h"
#include "lib/inflate.h"

/* Working memory, some 45 KiB, not for a stack. */
struct initramfs_reader {
	struct inflate inflate;
	struct cpio_stream archive;
	const struct cpio_ops *ops;
	void *context;
	bool in_archive;
	size_t image_offset; /* of the archive or gzip member being read */
	const char *error;   /* what is wrong, NULL: nothing */
	u64 error_offset;    /* where: in the image, or if error_unpacked, in what its gzip member
				unpacks to */
	bool error_unpacked;
};

/*
 * Hands all entries of the image to @ops.  Returns 0; -EINVAL for a broken image, with
 * reader->error set; or what an operation returned.  Entries before the broken place have been
 * handed over by then.  Does not sleep itself.
 */
int initramfs_read(struct initramfs_reader *reader, const void *image, size_t size,
		   const struct cpio_ops *ops, void *context);

#endif
