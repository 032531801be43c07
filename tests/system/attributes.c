/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints a file's extended attributes in hexadecimal, and what comes of setting one. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/xattr.h>

int main(int count, char **arguments)
{
	static char names[4096], value[4096];
	const char *path = count > 1 ? arguments[1] : "";
	ssize_t length = listxattr(path, names, sizeof(names));

	if (length < 0)
		return 1;
	for (char *name = names; name < names + length; name += strlen(name) + 1) {
		ssize_t size = getxattr(path, name, value, sizeof(value));

		printf("%s ", name);
		for (ssize_t i = 0; i < size; i++)
			printf("%02x", (unsigned char)value[i]);
		printf("\n");
	}
	printf("none %d\n", getxattr(path, "user.none", value, sizeof(value)) < 0 ? errno : 0);
	printf("short %d\n", getxattr(path, "user.color", value, 2) < 0 ? errno : 0);
	printf("set %d\n", setxattr(path, "user.color", "red", 3, 0) < 0 ? errno : 0);
	return 0;
}
