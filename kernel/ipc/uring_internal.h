/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of io_uring.
 *
 * ring->mutex: one thread at a time takes requests, carries them out or answers; everything but what
 * says otherwise.  ring->lock (spin, interrupts off, inside wait queues' locks): the list of those
 * that are ready.
 */
#ifndef IPC_URING_INTERNAL_H
#define IPC_URING_INTERNAL_H

#include "ipc/uring.h"
#include "lib/list.h"
#include "lib/sync.h"
#include "mm/iov.h"
#include "proc/process.h"
#include "proc/timer.h"

#define URING_MAX_ENTRIES 4096
#define URING_MAX_PAGES   (URING_MAX_ENTRIES * 64 / 4096)

/* A part of the shared memory: its frames, each with a reference. */
struct uring_area {
	u32 count;
	phys_t *frames;
};

struct uring_hook {
	struct waiter waiter;
	wait_queue_t *queue;
	struct uring_request *request;
	struct uring_hook *next;
};

enum uring_state {
	URING_WAITS,     /* for events of a file, or its time */
	URING_DRAINS,    /* for all before it */
	URING_IN_CHAIN,  /* for the one before it in a chain */
	URING_OVERFLOWS, /* done: its answer waits for room */
};

struct uring_request {
	struct list_head link;       /* of ring->waiting, draining or overflow */
	struct list_head ready_link; /* ring->lock */
	struct uring *ring;
	struct task *task; /* who submitted it; counted */
	struct uring_sqe sqe;
	struct file *file;             /* counted; or NULL */
	struct uring_request *next;    /* in its chain */
	struct uring_request *timeout; /* linked to it: ends it when it is over; or NULL */
	struct uring_request *limits;  /* of such a timeout: whom it ends; or NULL */
	struct uring_hook *hooks;
	struct timer timer;
	bool has_timer;
	u64 target; /* of a timeout: answers after which it is over; 0: none */
	s32 result; /* once it is done */
	u32 answer_flags;
};

struct uring {
	u32 refs; /* atomic: the file, threads at work */
	mutex_t mutex;
	spinlock_t lock;
	struct process *process;        /* const; counted: whose requests these are */
	struct list_head all;           /* rings_lock */
	u32 sq_entries, cq_entries;     /* const; powers of two */
	struct backing *backing;        /* const; counted */
	struct uring_area sq, cq, sqes; /* const */
	u32 cq_tail;                    /* ours; the program's copy is written only */
	u64 answers;                    /* how many there have been */
	u32 in_flight;                  /* requests that have begun and have no answer */
	struct list_head waiting, draining, overflow;
	struct list_head continuing; /* whose predecessor in a chain is done */
	u32 requests;                /* that exist: bounded */
	struct list_head ready;      /* lock */
	wait_queue_t answered;       /* for io_uring_enter, and poll */
	struct file **files;         /* registered; counted; entries may be NULL */
	u32 file_count;
	struct user_iovec *buffers;
	u32 buffer_count;
	struct list_head groups; /* of provided buffers: uring_buffers.c */
	u32 provided;            /* in all groups */
	struct file *eventfd;    /* counted; or NULL */
	bool closed;
};

/* uring.c */
u32 *uring_sq_word(struct uring *ring, u32 offset);
u32 *uring_cq_word(struct uring *ring, u32 offset);
void *uring_at(const struct uring_area *area, u32 offset);
struct uring *uring_get(struct uring *ring);
void uring_put(struct uring *ring);

/* uring_answer.c; mutex held. */
/* One answer of a request that goes on; false: there is no room, so it must end. */
bool uring_post(const struct uring_request *request, s64 result);
/* The request is done: answers, goes on with its chain, frees it. */
void uring_finish(struct uring_request *request, s64 result);
void uring_flush_overflow(struct uring *ring);
u32 uring_answers_there(struct uring *ring);
void uring_free_request(struct uring_request *request);

/* uring_submit.c; mutex held. */
void uring_issue(struct uring_request *request);
void uring_start_drained(struct uring *ring);

/* uring_wait.c; mutex held. */
/* The request waits for its file's events; false: it cannot. */
bool uring_arm(struct uring_request *request, u32 events);
void uring_disarm(struct uring_request *request);
void uring_run_ready(struct uring *ring);
void uring_begin_timeout(struct uring_request *request);
/* Starts the timeout that is behind the request in its chain, if one is: 0 or an error. */
int __must_check uring_begin_link_timeout(struct uring_request *request);
void uring_check_timeouts(struct uring *ring);
/* Ends those that fit with -ECANCELED: how many. */
long uring_cancel(struct uring *ring, const struct uring_sqe *sqe, struct uring_request *but);
void uring_cancel_all(struct uring *ring);
u32 uring_ready_events(const struct uring_request *request);

/* uring_buffers.c; mutex held. */
/* Puts the next buffer of the request's group into *sqe: 0 or -ENOBUFS.  It stays the next one until
 * it is taken; *id is what the answer says then. */
int __must_check uring_select_buffer(struct uring *ring, struct uring_sqe *sqe, u16 *id);
void uring_take_buffer(struct uring *ring, u16 group);
void uring_drop_groups(struct uring *ring);

extern const struct uring_ops *uring_ops;

/* Offsets in the two headers. */
enum {
	SQ_HEAD = 0,
	SQ_TAIL = 64,
	SQ_MASK = 128,
	SQ_ENTRIES = 132,
	SQ_FLAGS = 136,
	SQ_DROPPED = 140,
	SQ_ARRAY = 192,
	CQ_HEAD = 0,
	CQ_TAIL = 64,
	CQ_MASK = 128,
	CQ_ENTRIES = 132,
	CQ_OVERFLOW = 136,
	CQ_FLAGS = 140,
	CQ_CQES = 192,
};

#endif
