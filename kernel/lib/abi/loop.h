/* SPDX-License-Identifier: BSD-2-Clause */
/* Loop devices: ioctl(2) commands and structures (loop(4), Linux 6.1). */
#ifndef LIB_ABI_LOOP_H
#define LIB_ABI_LOOP_H

#include "lib/types.h"

#define LOOP_SET_FD        0x4c00u
#define LOOP_CLR_FD        0x4c01u
#define LOOP_SET_STATUS64  0x4c04u
#define LOOP_GET_STATUS64  0x4c05u
#define LOOP_CHANGE_FD     0x4c06u
#define LOOP_SET_CAPACITY  0x4c07u
#define LOOP_SET_DIRECT_IO 0x4c08u
#define LOOP_SET_BLOCK     0x4c09u
#define LOOP_CONFIGURE     0x4c0au
#define LOOP_CTL_ADD       0x4c80u
#define LOOP_CTL_REMOVE    0x4c81u
#define LOOP_CTL_GET_FREE  0x4c82u

enum { LOOP_NAME_SIZE = 64, LOOP_KEY_SIZE = 32 };

enum loop_flags {
	LO_FLAGS_READ_ONLY = 1,
	LO_FLAGS_AUTOCLEAR = 4,
	LO_FLAGS_PARTSCAN = 8,
	LO_FLAGS_DIRECT_IO = 16,
};

struct linux_loop_info64 {
	u64 device, inode, rdevice;
	u64 offset, size_limit;
	u32 number, encrypt_type, encrypt_key_size, flags;
	char file_name[LOOP_NAME_SIZE], crypt_name[LOOP_NAME_SIZE];
	u8 encrypt_key[LOOP_KEY_SIZE];
	u64 init[2];
};
_Static_assert(sizeof(struct linux_loop_info64) == 232, "the system-call interface");

struct linux_loop_config {
	u32 fd, block_size;
	struct linux_loop_info64 info;
	u64 reserved[8];
};
_Static_assert(sizeof(struct linux_loop_config) == 304, "the system-call interface");

#endif
