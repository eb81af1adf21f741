/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any text as a resolv.conf: an object of the keys that CNI knows, whose texts are UTF-8 without blanks.
 */

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "plugin/netconf/resolv_conf.h"
#include "rangeguard/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** require() - Stop here when a rule is broken */
static void require(bool holds)
{
	if (!holds)
		abort();
}

/** check_word() - A text of one word */
static void check_word(const json_t *word)
{
	require(json_is_string(word) && json_string_length(word) > 0 && !strpbrk(json_string_value(word), " \t\r\n"));
}

/** check_dns() - Known keys only; `domain` is a text, the others are lists of texts */
static void check_dns(json_t *dns)
{
	const char *key;
	json_t *value, *word;
	size_t i;

	require(json_is_object(dns));
	json_object_foreach(dns, key, value) {
		if (!strcmp(key, "domain")) {
			check_word(value);
			continue;
		}
		require(!strcmp(key, "nameservers") || !strcmp(key, "search") || !strcmp(key, "options"));
		require(json_is_array(value));
		json_array_foreach(value, i, word)
			check_word(word);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_CLOSE int fd = memfd_create("resolv.conf", MFD_CLOEXEC);
	struct error err = {.code = 0};
	char path[32];
	json_t *dns = NULL;

	require(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (resolv_conf_read(path, &dns, &err) == 0)
		check_dns(dns);
	else
		require(err.code == ERROR_IO && *err.msg);
	json_decref(dns);
	return 0;
}
