/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plugin/host/source_file.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "plugin/enforce/deadlines.h"
#include "plugin/snat/assign.h"
#include "rangeguard/cleanup.h"

#define NS_PER_S 1000000000ULL

/** read_source() - One element of the array: 0, -EUCLEAN, -ENOMEM */
static int read_source(const json_t *element, struct source_file *file)
{
	const char *address = json_string_value(json_object_get(element, "address"));
	const char *interface = json_string_value(json_object_get(element, "interface"));
	const char *pin = json_string_value(json_object_get(element, "pin"));
	const char *network = json_string_value(json_object_get(element, "network"));
	struct known_source source = {.open = json_is_true(json_object_get(element, "open"))};

	if (!address || !interface || !pin || !network || strlen(interface) >= sizeof(source.interface) ||
	    strlen(pin) >= sizeof(source.pin) || address_parse(address, &source.address) < 0)
		return -EUCLEAN;
	(void)snprintf(source.interface, sizeof(source.interface), "%s", interface);
	(void)snprintf(source.pin, sizeof(source.pin), "%s", pin);
	(void)snprintf(source.network, sizeof(source.network), "%s", network);
	return source_file_put(file, &source);
}

/**
 * source_file_read() - Which shared sources this host knows of
 * @dir_fd:	State directory
 * @ret_file:	To be released with source_file_done(); empty where there is no file
 *
 * Return: 0; -EUCLEAN: it can't be understood; negative errno
 */
int source_file_read(int dir_fd, struct source_file *ret_file)
{
	SOURCE_FILE_CLEANUP struct source_file file = {0};
	CLEANUP_CLOSE int fd = openat(dir_fd, SOURCE_FILE, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	const json_t *sources;
	json_t *root;
	size_t n;
	int r;

	*ret_file = file;
	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	root = json_loadfd(fd, JSON_REJECT_DUPLICATES, NULL);
	sources = json_object_get(root, "sources");
	n = json_array_size(sources);
	r = json_is_array(sources) && n <= SOURCE_FILE_MAX ? 0 : -EUCLEAN;
	for (size_t i = 0; i < n && r == 0; i++)
		r = read_source(json_array_get(sources, i), &file);
	json_decref(root);
	if (r == 0) {
		*ret_file = file;
		file = (struct source_file){0};
	}
	return r;
}

/** to_text() - The file as a document, for free(); NULL: out of memory */
static char *to_text(const struct source_file *file)
{
	json_t *sources = json_array(), *root;
	char address[ADDRESS_TEXT_MAX];
	char *text;
	int r = sources ? 0 : -1;

	for (size_t i = 0; i < file->n_sources && r == 0; i++) {
		const struct known_source *source = &file->sources[i];

		r = json_array_append_new(sources, json_pack("{s:s, s:s, s:s, s:s, s:b}", "address",
							     address_format(&source->address, address), "interface",
							     source->interface, "network", source->network, "pin",
							     source->pin, "open", (int)source->open));
	}
	root = r == 0 ? json_pack("{s:O}", "sources", sources) : NULL;
	text = root ? json_dumps(root, JSON_INDENT(1)) : NULL;
	json_decref(root);
	json_decref(sources);
	return text;
}

/**
 * source_file_write() - Replace the file
 * @dir_fd:	State directory, the lease store in it locked
 * @file:	What is in it then
 *
 * It need not be on disk: after a crash of the machine no source is open, whatever it says.
 *
 * Return: 0, negative errno, with the old file left as it was
 */
int source_file_write(int dir_fd, const struct source_file *file)
{
	CLEANUP_FREE char *text = to_text(file);
	CLEANUP_CLOSE int fd = -1;
	size_t size;

	if (!text)
		return -ENOMEM;
	size = strlen(text);
	fd = openat(dir_fd, SOURCE_FILE ".new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	for (size_t done = 0; done < size;) {
		ssize_t n = write(fd, text + done, size - done);

		if (n < 0 && errno != EINTR)
			return -errno;
		done += n > 0 ? (size_t)n : 0;
	}
	return renameat(dir_fd, SOURCE_FILE ".new", dir_fd, SOURCE_FILE) < 0 ? -errno : 0;
}

/** source_file_find() - A source; NULL: it is not there; borrowed */
struct known_source *source_file_find(const struct source_file *file, const struct address *address)
{
	for (size_t i = 0; i < file->n_sources; i++) {
		if (address_equal(&file->sources[i].address, address))
			return &file->sources[i];
	}
	return NULL;
}

/** source_file_put() - A source, new or changed; 0, -ENOMEM */
int source_file_put(struct source_file *file, const struct known_source *source)
{
	struct known_source *sources = source_file_find(file, &source->address);

	if (sources) {
		*sources = *source;
		return 0;
	}
	sources = reallocarray(file->sources, file->n_sources + 1, sizeof(*sources));
	if (!sources)
		return -ENOMEM;
	file->sources = sources;
	sources[file->n_sources++] = *source;
	return 0;
}

/** source_file_done() - Release */
void source_file_done(struct source_file *file)
{
	free(file->sources);
	*file = (struct source_file){0};
}

/**
 * held_sources_read() - Which sources this host holds at this moment
 * @dir_fd:	State directory; with the lease store in it locked, what is held stays so until the lock is given back
 * @rtnetlink:	Port in the host's namespace
 * @ret_held:	To be released with held_sources_done()
 *
 * Return: 0; -EUCLEAN: the file can't be understood; negative errno
 */
int held_sources_read(int dir_fd, struct port *rtnetlink, struct held_sources *ret_held)
{
	struct held_sources held = HELD_SOURCES_INIT;
	int r = source_file_read(dir_fd, &held.file);

	held.deadlines_fd = deadlines_open_kept(rtnetlink);
	if (held.deadlines_fd < 0)
		held.deadlines_fd = -1;
	*ret_held = held;
	return r;
}

/** held_sources_in_time() - Whether the time for which this host may send with a source is not over */
bool held_sources_in_time(const struct held_sources *held, const struct address *address)
{
	struct timespec now;
	uint64_t deadline;

	if (held->deadlines_fd < 0 || deadlines_get(held->deadlines_fd, address, &deadline) < 0)
		return false;
	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec < deadline;
}

/** source_is_here() - Whether a source is an address of the host: 0, REFUSED */
int source_is_here(struct port *rtnetlink, const struct address *address, bool *ret_here, struct error *reterr)
{
	return assign_usable(rtnetlink, address, ret_here, reterr);
}

/**
 * held_sources_has() - Whether this host holds a source, and may send with it at this moment
 * @held:	What is held
 * @address:	Source
 * @interface:	Where it must be
 */
bool held_sources_has(const struct held_sources *held, const struct address *address, const char *interface)
{
	const struct known_source *source = source_file_find(&held->file, address);

	return source && source->open && strcmp(source->interface, interface) == 0 &&
	       held_sources_in_time(held, address);
}

/** held_sources_done() - Release */
void held_sources_done(struct held_sources *held)
{
	source_file_done(&held->file);
	cleanup_close(&held->deadlines_fd);
}
