/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The versions of the CNI specification. Pure but for the printing. */

#include "plugin/cni/version.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "rangeguard/cleanup.h"

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

/** supported_list() - JSON array of all versions, oldest first; NULL when out of memory */
static json_t *supported_list(void)
{
	json_auto_t *list = json_array();

	for (unsigned version = 0; version < CNI_N_VERSIONS; version++)
		if (json_array_append_new(list, json_string(texts[version])) < 0)
			return NULL;
	return TAKE_PTR(list);
}

/**
 * cni_version_print_supported() - Print the answer to VERSION, a line of its own
 * @stream:		Standard output of the plugin
 * @cni_version:	cniVersion of the question, given back as it is; NULL or empty: the newest of ours
 *
 * Return: 0, -EIO when it could not be written
 */
int cni_version_print_supported(FILE *stream, const char *cni_version)
{
	const char *echo = cni_version && *cni_version ? cni_version : cni_version_text(CNI_NEWEST);
	json_auto_t *answer = json_pack("{s:s, s:o}", "cniVersion", echo, "supportedVersions", supported_list());

	if (!answer || json_dumpf(answer, stream, JSON_COMPACT) < 0 || fputc('\n', stream) == EOF)
		return -EIO;
	return fflush(stream) == EOF ? -EIO : 0;
}
