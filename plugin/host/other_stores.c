/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lease stores of other state directories. */

#include "plugin/host/other_stores.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/enforce/classifier.h"
#include "plugin/host/lease_store.h"

/** Two hosts' directories may wait for each other; who waits longer than this many milliseconds gives way */
#define WAIT_MS 1000

/** struct directories - Paths, each once, but for the host's own; owned */
struct directories {
	const char *own;
	char (*all)[CLASSIFIER_DATA_DIR_MAX];
	size_t n;
};

static void directories_done(struct directories *directories)
{
	free(directories->all);
}

/** note_directory() - classifier_each() callback: 0, -ENOMEM */
static int note_directory(void *userdata, uint32_t ifindex, const struct classifier_element *element)
{
	struct directories *directories = userdata;
	char(*all)[CLASSIFIER_DATA_DIR_MAX];

	(void)ifindex;
	if (!*element->data_dir || strcmp(element->data_dir, directories->own) == 0)
		return 0;
	for (size_t i = 0; i < directories->n; i++)
		if (strcmp(directories->all[i], element->data_dir) == 0)
			return 0;
	all = reallocarray(directories->all, directories->n + 1, sizeof(*all));
	if (!all)
		return -ENOMEM;
	directories->all = all;
	memcpy(all[directories->n++], element->data_dir, sizeof(*all));
	return 0;
}

/** find_directories() - All that the classifier knows of; there may be none, of which nobody knows others: 0, negative errno */
static int find_directories(struct host *host, struct directories *directories)
{
	CLASSIFIER_CLEANUP struct classifier kept = CLASSIFIER_INIT;
	int r = host->rtnetlink ? classifier_open_kept(host->rtnetlink, &kept) : -ENOENT;

	/* A kernel without BPF has no classifier. */
	if (r == -ENOENT || r == -ENOSYS)
		return 0;
	return r < 0 ? r : classifier_each(&kept, note_directory, directories);
}

/** visit() - One store: 0, what @each returned, REFUSED */
static int visit(const char *data_dir, other_store_fn each, void *userdata, struct error *reterr)
{
	STATE_CLEANUP struct state state = STATE_INIT;
	STORE_CLEANUP struct store *store = NULL;
	int r = state_open(data_dir, STATE_READ, &state);

	if (r)
		return r == STATE_E_ABSENT ? 0 : lease_store_error(data_dir, r, reterr);
	r = lease_store_open(data_dir, &state, STATE_READ, WAIT_MS, &store, reterr);
	if (r)
		return r == STATE_E_ABSENT ? 0 : r;
	return each(userdata, store);
}

/**
 * other_stores_each() - Visit the stores of other state directories
 * @host:	Host
 * @each:	Called for each
 * @userdata:	For it
 * @reterr:	Codes 11, 106, 107; only for REFUSED
 *
 * Return: 0, what @each returned, REFUSED when one can't be read
 */
int other_stores_each(struct host *host, other_store_fn each, void *userdata, struct error *reterr)
{
	CLEANUP(directories_done) struct directories directories = {.own = host->data_dir};
	int r = find_directories(host, &directories);

	if (r < 0)
		return error_set_errno(reterr, ERROR_KERNEL, r,
				       "which other state directories are in use on this host can't be read");
	for (size_t i = 0; i < directories.n && !r; i++)
		r = visit(directories.all[i], each, userdata, reterr);
	return r;
}
