/* SPDX-License-Identifier: BSD-2-Clause */
/* Between nvme.c (controllers) and nvme_io.c (queues, commands and interrupts). */
#ifndef DRIVERS_BLOCK_NVME_INTERNAL_H
#define DRIVERS_BLOCK_NVME_INTERNAL_H

#include "drivers/bus/mmio.h"
#include "drivers/bus/pci.h"
#include "fs/block/block_device.h"

enum {
	NVME_ENTRIES = 64,    /* of a queue: a page of commands */
	NVME_MAX_PAGES = 128, /* of a transfer */
	NVME_MAX_QUEUES = 16,
	NVME_NAMESPACE = 1,
};

/* A submission queue entry (NVMe base specification 2.0, 3.3.3.1). */
struct nvme_command {
	u8 opcode, flags;
	u16 id;
	u32 namespace;
	u64 reserved, metadata;
	u64 prp1, prp2;
	u32 words[6]; /* 10 to 15 */
};
_Static_assert(sizeof(struct nvme_command) == 64, "as the controller reads it");

struct nvme_completion {
	u32 result, reserved;
	u16 head, queue;
	u16 id, status; /* bit 0 of the status: the phase */
};
_Static_assert(sizeof(struct nvme_completion) == 16, "as the controller writes it");

/* Guarded by the lock of the block layer's queue, or, the admin queue, used by one thread. */
struct nvme_queue {
	u16 number;
	struct nvme_command *commands;
	volatile struct nvme_completion *completions;
	volatile void *tail_bell, *head_bell;
	u16 tail, head;
	u8 phase;
	bool resetting; /* takes no requests */
	struct block_queue *block_queue;
	struct block_request *requests[NVME_ENTRIES];
	u64 *lists[NVME_ENTRIES]; /* of pages, for long transfers: a frame each */
	struct block_segment segments[NVME_MAX_PAGES];
};

struct nvme {
	struct pci_device *pci;
	volatile void *registers;
	u64 size; /* of the window */
	u32 stride;
	u32 ready_msec; /* how long a reset may take */
	struct nvme_queue admin;
	struct nvme_queue *queues; /* queue_count of them */
	u32 queue_count;
	struct block_disk *disk;
	u32 block_shift; /* of the namespace's blocks */
};

extern const struct block_disk_ops nvme_disk_ops;

/* Memory for a queue; the lists too if `lists`.  0, -ENOMEM. */
int __must_check nvme_queue_make(struct nvme *nvme, struct nvme_queue *queue, u16 number,
				 bool lists);
/* Empties it: the controller has been reset. */
void nvme_queue_clear(struct nvme_queue *queue);
/* Runs an admin command and waits, polling; *result (may be NULL) is its first word.  0, -EIO,
 * -ETIMEDOUT.  May sleep. */
int __must_check nvme_admin(struct nvme *nvme, struct nvme_command *command, u32 *result);
void nvme_interrupt(void *queue);

/* nvme.c: resets the controller and makes its queues anew; what was under way is forgotten. */
int __must_check nvme_reset(struct nvme *nvme);

#endif
