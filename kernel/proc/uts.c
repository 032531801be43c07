/* SPDX-License-Identifier: BSD-2-Clause */
/* The names of the host and its domain, one pair a namespace, all guarded by `lock`. */
#include "proc/uts.h"

#include "lib/errno.h"
#include "lib/spinlock.h"
#include "lib/string.h"
#include "mm/kmalloc.h"
#include "proc/credentials.h"
#include "proc/namespace.h"

struct uts_namespace {
	struct namespace base;
	char hostname[UTS_LENGTH]; /* lock */
	char domainname[UTS_LENGTH];
};

static spinlock_t lock;
static struct uts_namespace first = {.hostname = "cowslip", .domainname = "(none)"};

static struct uts_namespace *uts_of(struct namespace *space)
{
	return (struct uts_namespace *)space;
}

static struct uts_namespace *mine(void)
{
	return uts_of(namespace_current(NAMESPACE_UTS));
}

static struct namespace *copy(struct namespace *from, const struct namespace_request *request)
{
	struct uts_namespace *space = kzalloc(sizeof(*space));

	if (!space)
		return ERR_PTR(-ENOMEM);
	int error = namespace_init(&space->base, NAMESPACE_UTS, request->owner);
	if (error) {
		kfree(space);
		return ERR_PTR(error);
	}
	spin_lock(&lock);
	memcpy(space->hostname, uts_of(from)->hostname, UTS_LENGTH);
	memcpy(space->domainname, uts_of(from)->domainname, UTS_LENGTH);
	spin_unlock(&lock);
	return &space->base;
}

static void release(struct namespace *space)
{
	namespace_fini(space);
	kfree(uts_of(space));
}

static const struct namespace_kind_ops operations = {.copy = copy, .release = release};

void uts_init(void)
{
	namespace_register(NAMESPACE_UTS, &operations, &first.base);
}

static void get(const char *from, char *to)
{
	spin_lock(&lock);
	memcpy(to, from, UTS_LENGTH);
	spin_unlock(&lock);
}

static int set(char *to, const char *from, size_t length)
{
	if (length >= UTS_LENGTH)
		return -EINVAL;
	spin_lock(&lock);
	memcpy(to, from, length);
	memset(to + length, 0, UTS_LENGTH - length);
	spin_unlock(&lock);
	return 0;
}

void uts_get_hostname(char *name)
{
	get(mine()->hostname, name);
}

void uts_get_domainname(char *name)
{
	get(mine()->domainname, name);
}

bool uts_may_set(void)
{
	return capable_in(mine()->base.owner, CAP_SYS_ADMIN);
}

int uts_set_hostname(const char *name, size_t length)
{
	return set(mine()->hostname, name, length);
}

int uts_set_domainname(const char *name, size_t length)
{
	return set(mine()->domainname, name, length);
}
