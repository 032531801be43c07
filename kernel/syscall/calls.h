/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every call that we have, in the includer's terms: expands SYSCALL(name, parameters…) for each. No
 * include guard, on purpose.
 */
#include "syscall/aio.def"
#include "syscall/file.def"
#include "syscall/futex.def"
#include "syscall/identity.def"
#include "syscall/inotify.def"
#include "syscall/ipc.def"
#include "syscall/keys.def"
#include "syscall/memory.def"
#include "syscall/mount.def"
#include "syscall/net.def"
#include "syscall/pidfd.def"
#include "syscall/poll.def"
#include "syscall/process.def"
#include "syscall/signal.def"
#include "syscall/splice.def"
#include "syscall/system.def"
#include "syscall/time.def"

#include <machine/calls.def>
