/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * resolv.conf(5) as a CNI `dns` object. Owns the opened file for the time of the call. `domain` and `search` replace
 * what an earlier line said, `nameserver` and `options` add to it, as resolv.conf(5) has it.
 */

#include "plugin/netconf/resolv_conf.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "rangeguard/cleanup.h"
#include "rangeguard/limits.h"

#define BLANKS " \t\r\n"

/** append_words() - Add each word of @rest to the array at @key of @dns */
static void append_words(json_t *dns, const char *key, char *rest)
{
	json_t *list = json_object_get(dns, key);
	const char *word;
	char *position;

	if (!list) {
		list = json_array();
		(void)json_object_set_new(dns, key, list);
	}
	/* What follows is for people: "nameserver 8.8.8.8 # office" */
	for (word = strtok_r(rest, BLANKS, &position); word && !strchr("#;", *word);
	     word = strtok_r(NULL, BLANKS, &position))
		(void)json_array_append_new(list, json_string(word));
}

/** read_line() - Take one line into @dns; what is unknown is skipped, as resolvers do */
static void read_line(json_t *dns, char *line)
{
	char *rest;
	const char *keyword = strtok_r(line, BLANKS, &rest);

	if (!keyword || keyword[0] == '#' || keyword[0] == ';')
		return;
	if (!strcmp(keyword, "nameserver")) {
		append_words(dns, "nameservers", rest);
	} else if (!strcmp(keyword, "options")) {
		append_words(dns, "options", rest);
	} else if (!strcmp(keyword, "search")) {
		(void)json_object_del(dns, "search");
		append_words(dns, "search", rest);
	} else if (!strcmp(keyword, "domain")) {
		const char *domain = strtok_r(NULL, BLANKS, &rest);

		if (domain)
			(void)json_object_set_new(dns, "domain", json_string(domain));
	}
}

/** open_regular() - Open @path as a stream, -EINVAL when it is no regular file or larger than a configuration may be */
static int open_regular(const char *path, FILE **ret_file)
{
	/* O_NONBLOCK: a FIFO must not hang an ADD. */
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat status;
	FILE *file;

	if (fd < 0 || fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode) || status.st_size > LIMIT_RESOLV_CONF)
		return -EINVAL;
	file = fdopen(fd, "re");
	if (!file)
		return -errno;
	(void)TAKE_FD(fd);
	*ret_file = file;
	return 0;
}

/**
 * resolv_conf_read() - Read the file that `ipam.resolvConf` names
 * @path:	File
 * @ret_dns:	Object with nameservers, domain, search and options as far as they are there; a new reference
 * @reterr:	Code 5 when it can't be read
 *
 * Return: 0, REFUSED
 */
int resolv_conf_read(const char *path, json_t **ret_dns, struct error *reterr)
{
	CLEANUP_FCLOSE FILE *file = NULL;
	CLEANUP_FREE char *line = NULL;
	size_t size = 0;
	int r = open_regular(path, &file);
	json_t *dns;

	if (r < 0)
		return r == -EINVAL
			       ? error_set(
					 reterr, ERROR_IO,
					 "ipam.resolvConf %.256s can't be read: it is not a regular file of a sane size",
					 path)
			       : error_set_errno(reterr, ERROR_IO, r, "ipam.resolvConf %.256s can't be read", path);
	dns = json_object();
	for (errno = 0; getline(&line, &size, file) >= 0; errno = 0)
		read_line(dns, line);
	/* What could not be read to its end is not taken for all of it. */
	if (!feof(file)) {
		json_decref(dns);
		return error_set(reterr, ERROR_IO, "ipam.resolvConf %.256s can't be read: %s", path,
				 strerror(errno ? errno : EIO));
	}
	*ret_dns = dns;
	return 0;
}
