/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The options that sockets of every family have: level SOL_SOCKET, socket(7).
 *
 * Most are switches, kept as bits of socket->options, or numbers of a certain range; both are data
 * here.  Times-outs, buffers and what belongs to a family have code.
 */
#include "net/socket.h"

#include "lib/abi/time.h"
#include "mm/usercopy.h"
#include "proc/credentials.h"
#include "proc/time.h"

#define MIN_SEND_BUFFER    4608
#define MIN_RECEIVE_BUFFER 2304
#define MAX_BUFFER         212992

/* Who may turn a switch on: everybody, or somebody with the capability. */
struct option_switch {
	int option;
	int capability; /* -1: none is needed */
};

static const struct option_switch switches[] = {
	{SO_DEBUG, CAP_NET_ADMIN}, {SO_REUSEADDR, -1}, {SO_DONTROUTE, -1}, {SO_BROADCAST, -1},
	{SO_KEEPALIVE, -1},        {SO_OOBINLINE, -1}, {SO_NO_CHECK, -1},  {SO_REUSEPORT, -1},
	{SO_PASSCRED, -1},         {SO_PASSSEC, -1},   {SO_RXQ_OVFL, -1},
};

static const struct option_switch *find_switch(int option)
{
	for (size_t i = 0; i < ARRAY_SIZE(switches); i++)
		if (switches[i].option == option)
			return &switches[i];
	return NULL;
}

/* --- Setting --- */

static int set_switch(struct socket *socket, const struct option_switch *which, bool on)
{
	if (on && which->capability >= 0 && !capable((enum capability)which->capability))
		return -EACCES;
	if (on)
		__atomic_or_fetch(&socket->options, BIT(which->option), __ATOMIC_RELAXED);
	else
		__atomic_and_fetch(&socket->options, ~BIT(which->option), __ATOMIC_RELAXED);
	return 0;
}

/* The kernel doubles what a program asks for, to have room for its own records. */
static u32 buffer_size(s32 value, u32 least, bool forced)
{
	u32 wanted = (u32)MAX(value, 0);

	wanted = MIN(wanted, forced ? (u32)INT_MAX / 2 : (u32)MAX_BUFFER);
	if (!forced && value < 0)
		wanted = MAX_BUFFER;
	return MAX(wanted * 2, least);
}

static int set_timeout(nsec_t *timeout, vaddr_t value, u32 length)
{
	struct linux_timeval time;

	if (length < sizeof(time))
		return -EINVAL;
	if (get_user(time, value))
		return -EFAULT;
	if (time.tv_usec < 0 || time.tv_usec >= 1000000)
		return -EDOM;
	if (time.tv_sec < 0)
		WRITE_ONCE(*timeout, 0);
	else if ((time.tv_sec == 0 && time.tv_usec == 0) || !timeval_valid(&time))
		WRITE_ONCE(*timeout, NO_DEADLINE);
	else
		WRITE_ONCE(*timeout, timeval_to_nsec(&time));
	return 0;
}

static int set_linger(struct socket *socket, vaddr_t value, u32 length)
{
	struct linux_linger linger;

	if (length < sizeof(linger))
		return -EINVAL;
	if (get_user(linger, value))
		return -EFAULT;
	linger.on = linger.on != 0;
	if (!linger.on)
		linger.seconds = socket->linger.seconds;
	socket->linger = linger;
	return 0;
}

static int set_priority(struct socket *socket, s32 value)
{
	if ((value < 0 || value > 6) && !capable(CAP_NET_RAW) && !capable(CAP_NET_ADMIN))
		return -EPERM;
	WRITE_ONCE(socket->priority, (u32)value);
	return 0;
}

static int set_number(struct socket *socket, int option, s32 value)
{
	switch (option) {
	case SO_SNDBUFFORCE:
	case SO_RCVBUFFORCE:
		if (!capable(CAP_NET_ADMIN) && !capable(CAP_NET_RAW))
			return -EPERM;
		break;
	case SO_MARK:
		if (!capable(CAP_NET_ADMIN) && !capable(CAP_NET_RAW))
			return -EPERM;
		WRITE_ONCE(socket->mark, (u32)value);
		return 0;
	case SO_PRIORITY:
		return set_priority(socket, value);
	case SO_RCVLOWAT:
		value = value < 0 ? INT_MAX : value;
		WRITE_ONCE(socket->receive_low_water, (u32)MAX(value, 1));
		return 0;
	case SO_PEEK_OFF:
		WRITE_ONCE(socket->peek_offset, MAX(value, -1));
		return 0;
	default:
		break;
	}
	if (option == SO_SNDBUF || option == SO_SNDBUFFORCE)
		WRITE_ONCE(socket->send_buffer,
			   buffer_size(value, MIN_SEND_BUFFER, option == SO_SNDBUFFORCE));
	else
		WRITE_ONCE(socket->receive_buffer,
			   buffer_size(value, MIN_RECEIVE_BUFFER, option == SO_RCVBUFFORCE));
	return 0;
}

static bool is_number(int option)
{
	return option == SO_SNDBUF || option == SO_RCVBUF || option == SO_SNDBUFFORCE ||
	       option == SO_RCVBUFFORCE || option == SO_MARK || option == SO_PRIORITY ||
	       option == SO_RCVLOWAT || option == SO_PEEK_OFF;
}

static int set_of_family(struct socket *socket, int level, int option, vaddr_t value, u32 length)
{
	if (socket->ops->set_option != NULL)
		return socket->ops->set_option(socket, level, option, value, length);
	return level == SOL_SOCKET ? -ENOPROTOOPT : -EOPNOTSUPP;
}

static int set_option(struct socket *socket, int level, int option, vaddr_t value, s32 length)
{
	const struct option_switch *which;
	s32 number;

	if (length < 0)
		return -EINVAL;
	if (level != SOL_SOCKET)
		return set_of_family(socket, level, option, value, (u32)length);
	if (option == SO_BINDTODEVICE)
		return set_of_family(socket, level, option, value, (u32)length);
	if ((size_t)length < sizeof(number))
		return -EINVAL;
	if (get_user(number, value))
		return -EFAULT;
	which = find_switch(option);
	if (which != NULL)
		return set_switch(socket, which, number != 0);
	if (is_number(option))
		return set_number(socket, option, number);
	switch (option) {
	case SO_LINGER:
		return set_linger(socket, value, (u32)length);
	case SO_RCVTIMEO_OLD:
	case SO_RCVTIMEO_NEW:
		return set_timeout(&socket->receive_timeout, value, (u32)length);
	case SO_SNDTIMEO_OLD:
	case SO_SNDTIMEO_NEW:
		return set_timeout(&socket->send_timeout, value, (u32)length);
	default:
		return set_of_family(socket, level, option, value, (u32)length);
	}
}

int socket_set_option(struct socket *socket, int level, int option, vaddr_t value, s32 length)
{
	int error = set_option(socket, level, option, value, length);

	if (error == 0 && level == SOL_SOCKET && socket->ops->notice_option != NULL)
		socket->ops->notice_option(socket);
	return error;
}

/* --- Getting --- */

int socket_put_option(vaddr_t value, u32 *length, const void *from, u32 size)
{
	*length = MIN(*length, size);
	return copy_to_user((void __user *)value, from, *length);
}

static int get_timeout(nsec_t timeout, vaddr_t value, u32 *length)
{
	struct linux_timeval time = {0};

	if (timeout != NO_DEADLINE)
		time = nsec_to_timeval(timeout);
	return socket_put_option(value, length, &time, sizeof(time));
}

static int get_cookie(struct socket *socket, vaddr_t value, u32 *length)
{
	static u64 last; /* atomic */
	u64 none = 0;

	if (*length < sizeof(none))
		return -EINVAL;
	if (READ_ONCE(socket->cookie) == 0) {
		u64 fresh = __atomic_add_fetch(&last, 1, __ATOMIC_RELAXED);

		__atomic_compare_exchange_n(&socket->cookie, &none, fresh, false, __ATOMIC_RELAXED,
					    __ATOMIC_RELAXED);
	}
	u64 cookie = READ_ONCE(socket->cookie);
	return socket_put_option(value, length, &cookie, sizeof(cookie));
}

static int get_number(struct socket *socket, int option, s32 *number)
{
	switch (option) {
	case SO_TYPE:
		*number = socket->type;
		break;
	case SO_PROTOCOL:
		*number = socket->protocol;
		break;
	case SO_DOMAIN:
		*number = socket->family;
		break;
	case SO_ERROR:
		*number = -socket_take_error(socket);
		break;
	case SO_SNDBUF:
		*number = (s32)socket->send_buffer;
		break;
	case SO_RCVBUF:
		*number = (s32)socket->receive_buffer;
		break;
	case SO_RCVLOWAT:
		*number = (s32)socket->receive_low_water;
		break;
	case SO_SNDLOWAT:
		*number = 1;
		break;
	case SO_PRIORITY:
		*number = (s32)socket->priority;
		break;
	case SO_MARK:
		*number = (s32)socket->mark;
		break;
	case SO_PEEK_OFF:
		*number = socket->peek_offset;
		break;
	default:
		return -ENOPROTOOPT;
	}
	return 0;
}

static int get_peer_name(struct socket *socket, vaddr_t value, u32 *length)
{
	struct socket_address address = {0};

	if (socket->ops->get_name == NULL || socket->ops->get_name(socket, true, &address))
		return -ENOTCONN;
	if (address.length < *length)
		return -EINVAL;
	return socket_put_option(value, length, address.bytes, *length);
}

int socket_get_option(struct socket *socket, int level, int option, vaddr_t value, u32 *length)
{
	s32 number;

	if (level == SOL_SOCKET && find_switch(option) != NULL) {
		number = socket_has_option(socket, option);
		return socket_put_option(value, length, &number, sizeof(number));
	}
	if (level == SOL_SOCKET && get_number(socket, option, &number) == 0)
		return socket_put_option(value, length, &number, sizeof(number));
	if (level == SOL_SOCKET) {
		switch (option) {
		case SO_LINGER:
			return socket_put_option(value, length, &socket->linger,
						 sizeof(socket->linger));
		case SO_RCVTIMEO_OLD:
		case SO_RCVTIMEO_NEW:
			return get_timeout(READ_ONCE(socket->receive_timeout), value, length);
		case SO_SNDTIMEO_OLD:
		case SO_SNDTIMEO_NEW:
			return get_timeout(READ_ONCE(socket->send_timeout), value, length);
		case SO_PEERNAME:
			return get_peer_name(socket, value, length);
		case SO_COOKIE:
			return get_cookie(socket, value, length);
		default:
			break;
		}
	}
	if (socket->ops->get_option != NULL)
		return socket->ops->get_option(socket, level, option, value, length);
	return level == SOL_SOCKET ? -ENOPROTOOPT : -EOPNOTSUPP;
}
