/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Any environment: lines of the input are CNI_COMMAND, CNI_CONTAINERID, CNI_NETNS, CNI_IFNAME, CNI_NETNS_OVERRIDE and
 * CNI_ARGS. A request that is accepted has the form that the modules behind it rely on; an error can be printed.
 */

#include <net/if.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/cni/request.h"
#include "plugin/report/utf8.h"
#include "rangeguard/cleanup.h"
#include "rangeguard/limits.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const variables[] = {"CNI_COMMAND", "CNI_CONTAINERID",    "CNI_NETNS",
					"CNI_IFNAME",  "CNI_NETNS_OVERRIDE", "CNI_ARGS"};

/** require() - Stop here when a rule is broken */
static void require(bool holds)
{
	if (!holds)
		abort();
}

/** check_request() - Rules of an accepted request */
static void check_request(const struct request *request)
{
	bool attached = request->verb == CNI_ADD || request->verb == CNI_DEL || request->verb == CNI_CHECK;
	const char *const args[] = {request->args.ip, request->args.mac, request->args.pod_namespace,
				    request->args.pod_name, request->args.pod_uid};

	require(attached == (*request->container_id != '\0'));
	require(attached == (*request->ifname != '\0'));
	require(strlen(request->container_id) <= LIMIT_CONTAINER_ID);
	require(strlen(request->ifname) < IFNAMSIZ && !strpbrk(request->ifname, "/: \t\n"));
	require(strlen(request->netns) < LIMIT_PATH);
	require(utf8_valid(request->container_id) && utf8_valid(request->ifname) && utf8_valid(request->netns));
	for (size_t i = 0; i < sizeof(args) / sizeof(args[0]); i++)
		require(!args[i] || (*args[i] && utf8_valid(args[i]) && !strchr(args[i], ';')));
}

/** check_error() - An error is one that can be printed */
static void check_error(const struct error *err)
{
	CLEANUP_FREE char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	require(stream && err->code == ERROR_ENVIRONMENT && *err->msg);
	require(error_print(stream, err, NULL) == 0);
	require(fclose(stream) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_FREE char *text = strndup((const char *)data, size);
	struct error err = {.code = 0};
	struct request request;
	char *line = text;

	for (size_t i = 0; i < sizeof(variables) / sizeof(variables[0]); i++)
		(void)setenv(variables[i], line ? strsep(&line, "\n") : "", 1);
	if (request_read_environment(&request, &err) == 0) {
		check_request(&request);
		request_done(&request);
	} else {
		check_error(&err);
	}
	return 0;
}
