/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Routes from a file. */

#include "plugin/commands/routes_file.h"

#include <string.h>

#include "plugin/text/source.h"
#include "rangeguard/limits.h"

/**
 * routes_file_read() - Read the routes of a host
 * @path:	File, "-" for standard input; must live as long as the routes
 * @ret_routes:	Routes, released by routes_done()
 * @reterr:	Why they can't be read
 *
 * Return: 0, REFUSED
 */
int routes_file_read(const char *path, struct routes *ret_routes, struct error *reterr)
{
	SOURCE_CLEANUP struct source source = {0};
	json_error_t fault;
	json_t *root;
	int r = source_read(path, LIMIT_POLICY_FILE, &source);

	if (r < 0)
		return error_set(reterr, ERROR_IO, "%s", strerror(-r));
	root = source_json(&source, 0, &fault);
	if (!root)
		return error_set(reterr, ERROR_DECODE, "not valid JSON: %s", fault.text);
	r = routes_read(root, strcmp(path, "-") == 0 ? "<stdin>" : path, ret_routes, reterr);
	json_decref(root);
	return r;
}
