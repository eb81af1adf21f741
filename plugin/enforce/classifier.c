/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads the classifier, or finds it; its map's elements. */

#include "plugin/enforce/classifier.h"

#include <errno.h>
#include <string.h>

#include "plugin/enforce/bpf.h"
#include "plugin/enforce/bpffs.h"
#include "plugin/enforce/classifier_program.h"
#include "plugin/enforce/deadlines.h"
#include "plugin/report/log.h"

/** What the verifier says, as far as an error takes it */
#define LOG_BYTES 4096U

/** cannot() - Say why the classifier can't be used: REFUSED */
static int cannot(int errnum, const char *what, struct error *reterr)
{
	const char *hint =
		errnum == -ENOSYS || errnum == -EINVAL || errnum == -EOPNOTSUPP
			? "; the kernel needs BPF and cls_bpf (CONFIG_BPF_SYSCALL, CONFIG_NET_CLS_BPF, Linux "
			  "5.8): without pins, antiSpoof set to false does without"
			: "";

	return error_set(reterr, error_code_of(errnum, ERROR_KERNEL),
			 "cannot guard what the container sends (%s): %s%s", what, strerror(-errnum), hint);
}

/** Maps of the program: elements, deadlines; before there were deadlines, one */
#define MAPS_MAX 2U

/** find_elements() - Of a program's maps the one whose values are elements: descriptor, -ENOMSG, negative errno */
static int find_elements(const uint32_t *map_ids, uint32_t n)
{
	for (uint32_t i = 0; i < n && i < MAPS_MAX; i++) {
		int fd CLEANUP_CLOSE = bpf_map_by_id(map_ids[i]);
		uint32_t size;
		int r = fd < 0 ? fd : bpf_map_value_size(fd, &size);

		if (r < 0)
			return r;
		if (size == sizeof(struct classifier_element))
			return TAKE_FD(fd);
	}
	return -ENOMSG;
}

/** adopt() - What the kernel tells of a program, and a descriptor of its map: 0, negative errno */
static int adopt(int program_fd, struct classifier *ret_classifier)
{
	struct bpf_prog_info info;
	uint32_t map_ids[MAPS_MAX] = {0};
	int map_fd, r = bpf_program_info(program_fd, &info, map_ids, MAPS_MAX);

	if (r < 0)
		return r;
	map_fd = find_elements(map_ids, info.nr_map_ids);
	if (map_fd < 0)
		return map_fd;
	*ret_classifier = (struct classifier){.program_fd = program_fd, .map_fd = map_fd, .program_id = info.id};
	memcpy(ret_classifier->tag, info.tag, sizeof(ret_classifier->tag));
	return 0;
}

/** make_map() - An empty map: descriptor, negative errno */
static int make_map(void)
{
	union bpf_attr shape = {
		.map_type = BPF_MAP_TYPE_HASH,
		.key_size = sizeof(uint32_t),
		.value_size = sizeof(struct classifier_element),
		.max_entries = CLASSIFIER_ELEMENTS_MAX,
		.map_flags = BPF_F_NO_PREALLOC,
		.map_name = CLASSIFIER_NAME,
	};

	return bpf_map_new(&shape);
}

static void (*lift_limit)(void);

/** classifier_lift_limit_by() - What is called before a program is loaded, to lift the limit on locked memory */
void classifier_lift_limit_by(void (*lift)(void))
{
	lift_limit = lift;
}

/**
 * load() - Load the program with a new map of elements
 * @host:	Port of the host's namespace; NULL: the program is only looked at, so it gets a map of deadlines of its own
 * @reterr:	Gets what the verifier says
 *
 * Return: descriptor of the program, negative errno
 */
static int load(struct port *host, struct error *reterr)
{
	CLEANUP_FREE struct bpf_insn *program = NULL;
	int map_fd CLEANUP_CLOSE = -1, deadlines_fd CLEANUP_CLOSE = -1;
	struct program_maps maps;
	char log[LOG_BYTES];
	size_t n;
	int r;

	/* Before Linux 5.11 maps and programs count as locked memory. */
	if (lift_limit)
		lift_limit();
	map_fd = make_map();
	if (map_fd < 0)
		return TAKE_FD(map_fd);
	deadlines_fd = host ? deadlines_open(host) : deadlines_new();
	if (deadlines_fd < 0)
		return TAKE_FD(deadlines_fd);
	maps = (struct program_maps){.elements_fd = map_fd, .deadlines_fd = deadlines_fd};
	program = program_make(&classifier_program, &maps, &n);
	if (!program)
		return -ENOMEM;
	r = bpf_program_load(program, n, CLASSIFIER_NAME, log, sizeof(log));
	if (r < 0 && log[0])
		error_details(reterr, "%s", log);
	return r;
}

/** load_and_pin() - Load the program and give it its name, unless somebody was quicker: as load() */
static int load_and_pin(struct port *host, const char *path, struct error *reterr)
{
	int fd CLEANUP_CLOSE = load(host, reterr);
	int r;

	if (fd < 0)
		return TAKE_FD(fd);
	r = bpffs_make_directories(path);
	if (!r)
		r = bpf_pin(fd, path);
	if (r == -EEXIST)
		return bpf_pinned(path);
	if (r < 0)
		log_line("the classifier can't be pinned at %s (%s): each container gets a copy of its own", path,
			 strerror(-r));
	return TAKE_FD(fd);
}

/** open_or() - The program that is kept, or what @otherwise gives: 0, REFUSED */
static int open_or(struct port *host, int (*otherwise)(struct port *host, const char *path, struct error *reterr),
		   struct classifier *ret_classifier, struct error *reterr)
{
	char path[BPFFS_PATH_MAX];
	int program_fd CLEANUP_CLOSE = -1;
	int r = bpffs_path(host, BPFFS_CLASSIFIER, program_digest(&classifier_program), path);

	if (r < 0)
		return cannot(r, "its network namespace can't be looked at", reterr);
	program_fd = bpf_pinned(path);
	if (program_fd < 0)
		program_fd = otherwise(host, path, reterr);
	if (program_fd < 0)
		return cannot(program_fd, "loading a BPF program", reterr);
	r = adopt(program_fd, ret_classifier);
	if (r < 0)
		return cannot(r, "looking at the BPF program", reterr);
	program_fd = -1;
	return 0;
}

/**
 * classifier_open() - The classifier, loaded if it is not there yet
 * @host:	Port of the host's namespace
 * @ret_classifier: Classifier, released by classifier_done()
 * @reterr:	Code 107
 *
 * Return: 0, REFUSED
 */
int classifier_open(struct port *host, struct classifier *ret_classifier, struct error *reterr)
{
	return open_or(host, load_and_pin, ret_classifier, reterr);
}

/** load_only() - Load the program, and give it no name: as load() */
static int load_only(struct port *host, const char *path, struct error *reterr)
{
	(void)host;
	(void)path;
	return load(NULL, reterr);
}

/**
 * classifier_open_to_look() - The same for who compares with it what interfaces run: nothing is kept in the kernel
 * @host:	Port of the host's namespace
 * @ret_classifier: Classifier, released by classifier_done()
 * @reterr:	Code 107
 *
 * Return: 0, REFUSED
 */
int classifier_open_to_look(struct port *host, struct classifier *ret_classifier, struct error *reterr)
{
	return open_or(host, load_only, ret_classifier, reterr);
}

/** classifier_open_kept() - The classifier if it is kept, nothing is loaded: 0, -ENOENT, negative errno */
int classifier_open_kept(struct port *host, struct classifier *ret_classifier)
{
	char path[BPFFS_PATH_MAX];
	int r = bpffs_path(host, BPFFS_CLASSIFIER, program_digest(&classifier_program), path);
	int program_fd CLEANUP_CLOSE = r ? r : bpf_pinned(path);

	r = program_fd < 0 ? program_fd : adopt(program_fd, ret_classifier);
	if (r >= 0)
		program_fd = -1;
	return r;
}

/**
 * classifier_of_program() - A program that runs somewhere
 * @program_id:	Its number
 * @ret_classifier: Classifier, released by classifier_done()
 *
 * Return: 0, -ENOENT when it is gone, -ENOMSG when it can't be the classifier, negative errno
 */
int classifier_of_program(uint32_t program_id, struct classifier *ret_classifier)
{
	int program_fd CLEANUP_CLOSE = bpf_program_by_id(program_id);
	int r = program_fd < 0 ? program_fd : adopt(program_fd, ret_classifier);

	if (r >= 0)
		program_fd = -1;
	return r;
}

/** classifier_same() - Whether two programs do the same, whatever their maps have in them */
bool classifier_same(const struct classifier *a, const struct classifier *b)
{
	return memcmp(a->tag, b->tag, sizeof(a->tag)) == 0;
}

/**
 * classifier_put() - What the program is to know of a container
 * @classifier:	Classifier
 * @ifindex:	The host's interface towards it
 * @element:	The container
 * @reterr:	Code 107
 *
 * Return: 0, REFUSED
 */
int classifier_put(const struct classifier *classifier, uint32_t ifindex, const struct classifier_element *element,
		   struct error *reterr)
{
	int r = bpf_map_put(classifier->map_fd, &ifindex, element);

	return r < 0 ? cannot(r, "writing to the BPF map", reterr) : 0;
}

/** classifier_get() - What the program knows of a container: 0, -ENOENT, negative errno */
int classifier_get(const struct classifier *classifier, uint32_t ifindex, struct classifier_element *ret_element)
{
	return bpf_map_get(classifier->map_fd, &ifindex, ret_element);
}

/** classifier_forget() - Have the program drop all that comes through an interface: 0, also when it does; negative errno */
int classifier_forget(const struct classifier *classifier, uint32_t ifindex)
{
	int r = bpf_map_delete(classifier->map_fd, &ifindex);

	return r == -ENOENT ? 0 : r;
}

/**
 * classifier_each() - Visit all containers that the program knows
 * @classifier:	Classifier
 * @each:	Called for each; a value other than 0 ends the walk
 * @userdata:	For it
 *
 * One that comes or goes meanwhile may be visited or not; @each may have the program forget the one it is called with.
 *
 * Return: 0, what @each returned, negative errno: some were not visited
 */
int classifier_each(const struct classifier *classifier,
		    int (*each)(void *userdata, uint32_t ifindex, const struct classifier_element *element),
		    void *userdata)
{
	/* After a key that is not there comes the first one; no interface has index 0. */
	static const uint32_t none;
	struct classifier_element element;
	uint32_t ifindex;
	int next = bpf_map_next(classifier->map_fd, &none, &ifindex);
	int r;

	/* A key that goes meanwhile has no next one: the map begins again. That ends, since there is a most. */
	for (unsigned i = 0; !next && i < 2 * CLASSIFIER_ELEMENTS_MAX; i++) {
		uint32_t key = ifindex;

		next = bpf_map_next(classifier->map_fd, &key, &ifindex);
		r = classifier_get(classifier, key, &element);
		if (!r)
			r = each(userdata, key, &element);
		if (r && r != -ENOENT)
			return r;
	}
	return next == -ENOENT ? 0 : next ? next : -EBUSY;
}

/** classifier_done() - Close the descriptors; interfaces keep the program */
void classifier_done(struct classifier *classifier)
{
	cleanup_close(&classifier->program_fd);
	cleanup_close(&classifier->map_fd);
	*classifier = (struct classifier)CLASSIFIER_INIT;
}
