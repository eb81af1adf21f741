/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "offload_fake.h"

#include <errno.h>
#include <string.h>

struct offload_fake offload_fake;

int __wrap_access(const char *path, int mode);
int __wrap_access(const char *path, int mode)
{
	(void)mode;
	offload_fake.asked++;
	if (strncmp(path, "/sys/module/", strlen("/sys/module/")) == 0 ? offload_fake.loaded : offload_fake.on_disk)
		return 0;
	errno = ENOENT;
	return -1;
}

unsigned __wrap_if_nametoindex(const char *name);
unsigned __wrap_if_nametoindex(const char *name)
{
	if (offload_fake.gone && strcmp(name, offload_fake.gone) == 0) {
		if (!offload_fake.gone_after)
			return 0;
		offload_fake.gone_after--;
	}
	return offload_fake.all;
}
