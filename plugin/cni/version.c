/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The versions of the CNI specification. Pure but for the printing. */

#include "plugin/cni/version.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>
#include <unistd.h>

#include "rangeguard/cleanup.h"

/** Space for all of the answer to VERSION but the echo */
#define SUPPORTED_MAX 160

/** Each version as it stands in `cniVersion` */
static const char *const texts[CNI_N_VERSIONS] = {
	[CNI_0_1_0] = "0.1.0", [CNI_0_2_0] = "0.2.0", [CNI_0_3_0] = "0.3.0", [CNI_0_3_1] = "0.3.1",
	[CNI_0_4_0] = "0.4.0", [CNI_1_0_0] = "1.0.0", [CNI_1_1_0] = "1.1.0",
};

/** cni_version_text() - @version as it stands in `cniVersion`, e.g. "1.0.0" */
const char *cni_version_text(enum cni_version version)
{
	return texts[version];
}

/** is_well_formed() - Whether @text is MAJOR[.MINOR[.MICRO]] in decimal */
static bool is_well_formed(const char *text)
{
	for (unsigned part = 0; part < 3; part++) {
		size_t digits = strspn(text, "0123456789");

		if (digits == 0)
			return false;
		text += digits;
		if (*text == '\0')
			return true;
		if (*text != '.')
			return false;
		text++;
	}
	return false;
}

/**
 * cni_version_parse() - Read a `cniVersion`; compared as text, as runtimes do, so "1.0" is not "1.0.0"
 * @text:		Text; empty or NULL is 0.1.0, the version from before the key was demanded
 * @ret_version:	Version read
 *
 * Return: 0, CNI_VERSION_E_UNSUPPORTED, CNI_VERSION_E_MALFORMED
 */
int cni_version_parse(const char *text, enum cni_version *ret_version)
{
	if (!text || *text == '\0') {
		*ret_version = CNI_0_1_0;
		return 0;
	}
	for (unsigned version = 0; version < CNI_N_VERSIONS; version++) {
		if (strcmp(text, texts[version]) == 0) {
			*ret_version = (enum cni_version)version;
			return 0;
		}
	}
	return is_well_formed(text) ? CNI_VERSION_E_UNSUPPORTED : CNI_VERSION_E_MALFORMED;
}

/** append() - Copy @text behind @at, as far as there is room before @end; return: the place after it */
static char *append(char *at, const char *end, const char *text)
{
	size_t size = strlen(text), room = (size_t)(end - at);

	return mempcpy(at, text, size < room ? size : room);
}

/** append_supported() - The members of a JSON array of all versions, oldest first */
static char *append_supported(char *at, const char *end)
{
	for (unsigned version = 0; version < CNI_N_VERSIONS; version++) {
		at = append(at, end, version ? ",\"" : "\"");
		at = append(at, end, texts[version]);
		at = append(at, end, "\"");
	}
	return at;
}

/** write_all() - write(2) all of it: 0, -EIO */
static int write_all(int fd, const char *text, size_t size)
{
	while (size) {
		ssize_t n = write(fd, text, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EIO;
		text += n;
		size -= (size_t)n;
	}
	return 0;
}

/**
 * cni_version_print_supported() - Print the answer to VERSION, a line of its own
 * @fd:			Standard output of the plugin; stdio would cost more than all the rest of a VERSION
 * @cni_version:	cniVersion of the question, given back as it is; NULL or empty: the newest of ours
 *
 * Return: 0, -ENOMEM, -EIO when it could not be written
 */
int cni_version_print_supported(int fd, const char *cni_version)
{
	json_auto_t *echo = json_string(cni_version && *cni_version ? cni_version : cni_version_text(CNI_NEWEST));
	size_t size = json_dumpb(echo, NULL, 0, JSON_ENCODE_ANY), capacity = size + SUPPORTED_MAX;
	CLEANUP_FREE char *answer = malloc(capacity);
	char *at = answer;

	if (!size || !answer)
		return -ENOMEM;
	at = append(at, answer + capacity, "{\"cniVersion\":");
	at += json_dumpb(echo, at, size, JSON_ENCODE_ANY);
	at = append(at, answer + capacity, ",\"supportedVersions\":[");
	at = append_supported(at, answer + capacity);
	at = append(at, answer + capacity, "]}\n");
	return write_all(fd, answer, (size_t)(at - answer));
}
