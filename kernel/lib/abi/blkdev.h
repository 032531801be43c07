/* SPDX-License-Identifier: BSD-2-Clause */
/* ioctl(2) commands of block devices (Linux 6.1, x86-64 and asm-generic). */
#ifndef LIB_ABI_BLKDEV_H
#define LIB_ABI_BLKDEV_H

#include "lib/types.h"

#define BLKROSET       0x125du
#define BLKROGET       0x125eu
#define BLKRRPART      0x125fu
#define BLKGETSIZE     0x1260u /* unsigned long: sectors of 512 bytes */
#define BLKFLSBUF      0x1261u
#define BLKRASET       0x1262u
#define BLKRAGET       0x1263u
#define BLKFRASET      0x1264u
#define BLKFRAGET      0x1265u
#define BLKSECTGET     0x1267u
#define BLKSSZGET      0x1268u
#define BLKBSZGET      0x80081270u
#define BLKBSZSET      0x40081271u
#define BLKGETSIZE64   0x80081272u
#define BLKDISCARD     0x1277u
#define BLKIOMIN       0x1278u
#define BLKIOOPT       0x1279u
#define BLKALIGNOFF    0x127au
#define BLKPBSZGET     0x127bu
#define BLKDISCARDZERO 0x127cu
#define BLKROTATIONAL  0x127eu
#define BLKZEROOUT     0x127fu
#define HDIO_GETGEO    0x301u

struct linux_hd_geometry {
	u8 heads, sectors;
	u16 cylinders;
	unsigned long start;
};

#endif
