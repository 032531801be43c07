/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of the system calls on sockets share. */
#ifndef SYSCALL_SOCKET_INTERNAL_H
#define SYSCALL_SOCKET_INTERNAL_H

#include "net/socket.h"

/* A descriptor's socket for the length of a call: 0, -EBADF, -ENOTSOCK; then fd_return(*borrow). */
int __must_check socket_borrow(int fd, struct fd_borrow *borrow, struct socket **socket);
/* Reads an address that a program gives: 0, -EINVAL, -EFAULT. */
int __must_check socket_address_from_user(struct socket_address *to, vaddr_t address, int length);
/* Writes one to a program's buffer, cut to its room: the s32 at `length` says how much that is, and
 * afterwards how long the address is.  0, -EINVAL, -EFAULT. */
int __must_check socket_address_to_user(const struct socket_address *from, vaddr_t address,
					vaddr_t length);

#endif
