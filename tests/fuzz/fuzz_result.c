/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any JSON as a prevResult: the first byte chooses the configuration's version, the rest is the text. What is read can
 * be written in each version, and what is written is read as the same again.
 */

#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>

#include "plugin/cni/result.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/** require() - Stop here when a rule is broken */
static void require(bool holds)
{
	if (!holds)
		abort();
}

/** write_again() - Write @result in @version, read it, write it: both documents are the same */
static void write_again(const struct result *result, enum cni_version version)
{
	RESULT_CLEANUP struct result read = {.ips = NULL};
	struct error err = {.code = 0};
	json_t *first = result_to_json(result, version, &err);
	json_t *second;

	if (!first) {
		require(version < CNI_0_3_0 && result->n_ips == 0 && err.code == ERROR_CONFIG);
		return;
	}
	require(result_from_json(first, version, &read, &err) == 0);
	second = result_to_json(&read, version, &err);
	require(json_equal(first, second));
	json_decref(first);
	json_decref(second);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct result result = {.ips = NULL};
	struct error err = {.code = 0};
	json_t *json;

	if (size == 0)
		return 0;
	json = json_loadb((const char *)data + 1, size - 1, JSON_DECODE_ANY, NULL);
	if (!json)
		return 0;
	if (result_from_json(json, (enum cni_version)(data[0] % CNI_N_VERSIONS), &result, &err) == 0) {
		for (unsigned version = 0; version < CNI_N_VERSIONS; version++)
			write_again(&result, (enum cni_version)version);
		result_done(&result);
	} else {
		require(err.code == ERROR_DECODE || err.code == ERROR_CONFIG);
	}
	json_decref(json);
	return 0;
}
