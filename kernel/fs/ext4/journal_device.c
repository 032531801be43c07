/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the journal and the device, and the thread that commits every few seconds.
 *
 * Blocks go past the pages of the device: those are for who opens the device itself, and may be
 * older.  All transfers of a call are under way at once, as far as there is memory to describe them;
 * a few can always be.
 *
 * The thread sleeps as long as nothing has been changed.
 */
#include "fs/ext4/journal_device.h"

#include "arch/clock.h"
#include "fs/ext4/ext4_internal.h"
#include "fs/ext4/transaction_internal.h"
#include "lib/errno.h"
#include "lib/format.h"
#include "mm/frame.h"
#include "mm/kmalloc.h"
#include "proc/task.h"

enum { AT_ONCE = 256, FEW = 4 };

/* --- Transfers --- */

struct part {
	struct block_io io;
	struct block_segment segment;
};

/* Some transfers that are under way; on the stack of who waits for them. */
struct wave {
	u32 left;  /* atomic */
	int error; /* atomic: the first */
};

/* Who waits may be gone as soon as his wave has ended, so the queue is shared. */
static wait_queue_t wave_queue = WAIT_QUEUE_INIT(wave_queue);

static void part_done(struct block_io *io)
{
	struct wave *wave = io->private;
	int none = 0;

	if (io->error != 0)
		__atomic_compare_exchange_n(&wave->error, &none, io->error, false, __ATOMIC_RELAXED,
					    __ATOMIC_RELAXED);
	if (__atomic_sub_fetch(&wave->left, 1, __ATOMIC_SEQ_CST) == 0)
		wake_up_all(&wave_queue);
}

static u32 io_flags(u32 flags, u32 block_shift)
{
	return (flags & EXT4_PREFLUSH ? BLOCK_PREFLUSH : 0) | (flags & EXT4_FUA ? BLOCK_FUA : 0) |
	       (block_shift < PAGE_SHIFT ? BLOCK_ALONE : 0);
}

static int transfer_wave(struct block_device *device, u32 block_shift, struct part *parts,
			 const struct ext4_transfer *transfers, u32 count, u32 flags)
{
	struct wave wave = {.left = count};
	struct list_head ios = LIST_INIT(ios);

	for (u32 i = 0; i < count; i++) {
		struct part *part = &parts[i];

		part->segment =
			(struct block_segment){virt_to_phys(transfers[i].data), 1u << block_shift};
		part->io = (struct block_io){
			.device = device,
			.op = flags & EXT4_WRITE ? BLOCK_WRITE : BLOCK_READ,
			.flags = io_flags(flags, block_shift),
			.sector = transfers[i].block << (block_shift - SECTOR_SHIFT),
			.sectors = (u64)1 << (block_shift - SECTOR_SHIFT),
			.segments = &part->segment,
			.segment_count = 1,
			.done = part_done,
			.private = &wave,
		};
		list_add_tail(&part->io.link, &ios);
	}
	block_submit_list(&ios);
	wait_event(&wave_queue, __atomic_load_n(&wave.left, __ATOMIC_SEQ_CST) == 0);
	return wave.error;
}

int ext4_device_transfer(struct block_device *device, u32 block_shift,
			 const struct ext4_transfer *transfers, u32 count, u32 flags)
{
	struct part few[FEW], *parts = few;
	u32 most = MIN(count, (u32)AT_ONCE);
	int error = 0;

	if (most > FEW)
		parts = kcalloc(most, sizeof(*parts));
	if (!parts)
		parts = few;
	if (parts == few)
		most = FEW;
	for (u32 done = 0, now; done < count && !error; done += now) {
		now = MIN(count - done, most);
		error = transfer_wave(device, block_shift, parts, transfers + done, now, flags);
	}
	if (parts != few)
		kfree(parts);
	return error;
}

static int transfer(void *context, const struct ext4_transfer *transfers, u32 count, u32 flags)
{
	struct ext4_super *super = context;

	return ext4_device_transfer(super->device, super->volume.block_shift, transfers, count,
				    flags);
}

static int flush(void *context)
{
	return block_flush(((struct ext4_super *)context)->device);
}

static void **handle_slot(void)
{
	return &current->journal_handle;
}

static u64 now(u32 *nanoseconds)
{
	struct vfs_time time = vfs_now();

	*nanoseconds = time.nanoseconds;
	return (u64)time.seconds;
}

const struct ext4_journal_ops ext4_device_journal_ops = {
	.transfer = transfer,
	.flush = flush,
	.handle_slot = handle_slot,
	.now = now,
	.aborted = ext4_super_aborted,
};

/* --- The thread --- */

struct ext4_committer {
	struct ext4_volume *volume;
	nsec_t interval;
	bool stop, ended; /* atomic */
};

static wait_queue_t ended_queue = WAIT_QUEUE_INIT(ended_queue);

static bool must_stop(const struct ext4_committer *committer)
{
	return __atomic_load_n(&committer->stop, __ATOMIC_ACQUIRE);
}

static void commit_thread(void *argument)
{
	struct ext4_committer *committer = argument;
	struct ext4_journal *journal = committer->volume->journal;

	while (!must_stop(committer)) {
		wait_event(&journal->work, must_stop(committer) || READ_ONCE(journal->running));
		(void)wait_event_timeout(&journal->work, must_stop(committer),
					 clock_monotonic() + committer->interval,
					 WAIT_UNINTERRUPTIBLE);
		if (!must_stop(committer))
			ext4_journal_work(committer->volume);
	}
	__atomic_store_n(&committer->ended, true, __ATOMIC_RELEASE);
	/* From here on it may be gone. */
	wake_up_all(&ended_queue);
}

struct ext4_committer *ext4_committer_start(struct ext4_volume *volume, const char *device,
					    u32 seconds)
{
	struct ext4_committer *committer = kzalloc(sizeof(*committer));
	char name[TASK_COMM_LENGTH];
	struct task *thread;

	if (!committer)
		return NULL;
	committer->volume = volume;
	committer->interval = (seconds ? seconds : EXT4_COMMIT_SECONDS) * NSEC_PER_SEC;
	ksnprintf(name, sizeof(name), "journal/%s", device);
	thread = kernel_thread_create(commit_thread, committer, name);
	if (IS_ERR(thread)) {
		kfree(committer);
		return NULL;
	}
	task_put(thread);
	return committer;
}

void ext4_committer_stop(struct ext4_committer *committer)
{
	if (!committer)
		return;
	__atomic_store_n(&committer->stop, true, __ATOMIC_SEQ_CST);
	wake_up_all(&committer->volume->journal->work);
	wait_event(&ended_queue, __atomic_load_n(&committer->ended, __ATOMIC_ACQUIRE));
	kfree(committer);
}
