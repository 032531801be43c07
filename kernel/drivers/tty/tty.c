/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Terminals as such: their settings at birth, their references, the list of all of them, hang-up.
 *
 * `registry` lists every terminal that can be found by number; registry_lock guards it.  A terminal
 * in the list may have lost its last reference already and be waiting for the lock to leave it, so
 * finding one takes a reference only if there still is one.
 */
#include "drivers/tty/tty_internal.h"
#include "fs/device.h"
#include "lib/log.h"
#include "lib/string.h"
#include "proc/session.h"
#include "proc/signal.h"

#define TTYAUX_MAJOR 5

static struct list_head registry = LIST_INIT(registry);
static spinlock_t registry_lock;

/* What stty shows of a fresh Linux terminal. */
static const struct linux_termios fresh_settings = {
	.c_iflag = ICRNL | IXON,
	.c_oflag = OPOST | ONLCR,
	.c_cflag = B38400 | CS8 | CREAD,
	.c_lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN,
	.c_cc = {[VINTR] = 0x03,
		 [VQUIT] = 0x1c,
		 [VERASE] = 0x7f,
		 [VKILL] = 0x15,
		 [VEOF] = 0x04,
		 [VMIN] = 1,
		 [VSTART] = 0x11,
		 [VSTOP] = 0x13,
		 [VSUSP] = 0x1a,
		 [VREPRINT] = 0x12,
		 [VDISCARD] = 0x0f,
		 [VWERASE] = 0x17,
		 [VLNEXT] = 0x16},
};

void tty_init(struct tty *tty, const char *name, dev_t device, const struct tty_operations *ops,
	      void *driver)
{
	memset(tty, 0, sizeof(*tty));
	spin_lock_init(&tty->lock);
	tty->ops = ops;
	tty->driver = driver;
	strscpy(tty->name, name, sizeof(tty->name));
	tty->device = device;
	tty->termios = fresh_settings;
	tty->speed = 38400;
	tty->references = 1;
	list_init(&tty->link);
	mutex_init(&tty->read_lock);
	mutex_init(&tty->write_lock);
	wait_queue_init(&tty->read_wait);
	wait_queue_init(&tty->write_wait);
}

struct tty *tty_get(struct tty *tty)
{
	__atomic_fetch_add(&tty->references, 1, __ATOMIC_RELAXED);
	return tty;
}

void tty_put(struct tty *tty)
{
	if (__atomic_sub_fetch(&tty->references, 1, __ATOMIC_ACQ_REL) == 0 &&
	    tty->ops->destroy != NULL)
		tty->ops->destroy(tty);
}

static bool get_unless_dead(struct tty *tty)
{
	u32 count = __atomic_load_n(&tty->references, __ATOMIC_RELAXED);

	while (count != 0)
		if (__atomic_compare_exchange_n(&tty->references, &count, count + 1, false,
						__ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
			return true;
	return false;
}

void tty_list(struct tty *tty)
{
	unsigned long flags = spin_lock_irqsave(&registry_lock);

	list_add_tail(&tty->link, &registry);
	spin_unlock_irqrestore(&registry_lock, flags);
}

void tty_unlist(struct tty *tty)
{
	unsigned long flags = spin_lock_irqsave(&registry_lock);

	list_remove(&tty->link);
	list_init(&tty->link);
	spin_unlock_irqrestore(&registry_lock, flags);
}

struct tty *tty_find(dev_t device)
{
	struct tty *tty, *found = NULL;
	unsigned long flags = spin_lock_irqsave(&registry_lock);

	list_for_each_entry (tty, &registry, link) {
		if (tty->device == device && get_unless_dead(tty)) {
			found = tty;
			break;
		}
	}
	spin_unlock_irqrestore(&registry_lock, flags);
	return found;
}

struct tty *tty_find_controlling(void)
{
	struct tty *tty, *found = NULL;
	unsigned long flags = spin_lock_irqsave(&registry_lock);
	const void *controlling = session_tty();

	/* The pointer is only compared: the session may lose its terminal at any time. */
	list_for_each_entry (tty, &registry, link) {
		if (tty == controlling && get_unless_dead(tty)) {
			found = tty;
			break;
		}
	}
	spin_unlock_irqrestore(&registry_lock, flags);
	return found;
}

void tty_wake_writers(struct tty *tty)
{
	wake_up_events(&tty->write_wait, UINT_MAX, POLLOUT | POLLWRNORM);
}

void tty_hangup(struct tty *tty)
{
	unsigned long flags = spin_lock_irqsave(&tty->lock);

	tty->hung_up = true;
	spin_unlock_irqrestore(&tty->lock, flags);
	tty_drop_session(tty, TTY_LOSS_HANGUP);
	wake_up_all(&tty->read_wait);
	wake_up_all(&tty->write_wait);
}

void tty_vhangup(struct tty *tty)
{
	unsigned long flags = spin_lock_irqsave(&tty->lock);

	WRITE_ONCE(tty->hangups, tty->hangups + 1);
	tty->exclusive = false;
	tty->stopped = false;
	tty_input_flush_locked(tty);
	spin_unlock_irqrestore(&tty->lock, flags);
	tty_drop_session(tty, TTY_LOSS_LEADER);
	wake_up_all(&tty->read_wait);
	wake_up_all(&tty->write_wait);
}

void tty_set_window(struct tty *tty, const struct linux_winsize *window)
{
	unsigned long flags = spin_lock_irqsave(&tty->lock);
	bool changed = memcmp(&tty->window, window, sizeof(*window)) != 0;

	tty->window = *window;
	spin_unlock_irqrestore(&tty->lock, flags);
	if (changed)
		tty_signal_foreground(tty, SIGWINCH);
}

void tty_core_init(void)
{
	tty_job_init();
	int error = device_register_char(TTYAUX_MAJOR, 0, 1, "tty", S_IFCHR | 0666,
					 &tty_current_operations);
	if (error)
		log_warn("tty: /dev/tty cannot be registered: error %d", -error);
}
