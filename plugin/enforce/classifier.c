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

/** take_maps() - Of a program's maps those that count, told by the size of their values: 0, -ENOMSG, negative errno */
static int take_maps(const uint32_t *map_ids, uint32_t n, struct classifier *classifier)
{
	for (uint32_t i = 0; i < n && i < PROGRAM_MAPS; i++) {
		int fd CLEANUP_CLOSE = bpf_map_by_id(map_ids[i]);
		uint32_t size;
		int r = fd < 0 ? fd : bpf_map_value_size(fd, &size);

		if (r < 0)
			return r;
		if (size == sizeof(struct classifier_element) && classifier->map_fd < 0)
			classifier->map_fd = TAKE_FD(fd);
		else if (size == sizeof(struct classifier_sender) && classifier->senders_fd < 0)
			classifier->senders_fd = TAKE_FD(fd);
		else if (size == sizeof(uint64_t))
			classifier->deadlines_id = map_ids[i];
	}
	return classifier->map_fd < 0 ? -ENOMSG : 0;
}

/** adopt() - What the kernel tells of a program, and descriptors of its maps: 0, negative errno */
static int adopt(int program_fd, struct classifier *ret_classifier)
{
	CLASSIFIER_CLEANUP struct classifier found = CLASSIFIER_INIT;
	struct bpf_prog_info info;
	uint32_t map_ids[PROGRAM_MAPS] = {0};
	int r = bpf_program_info(program_fd, &info, map_ids, PROGRAM_MAPS);

	if (!r)
		r = take_maps(map_ids, info.nr_map_ids, &found);
	if (r)
		return r;
	found.program_id = info.id;
	memcpy(found.tag, info.tag, sizeof(found.tag));
	*ret_classifier = found;
	ret_classifier->program_fd = program_fd;
	found = (struct classifier)CLASSIFIER_INIT;
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

/** make_senders() - An empty map of senders: descriptor, negative errno */
static int make_senders(void)
{
	union bpf_attr shape = {
		.map_type = BPF_MAP_TYPE_ARRAY,
		.key_size = sizeof(uint32_t),
		.value_size = sizeof(struct classifier_sender),
		.max_entries = CLASSIFIER_SENDERS_MAX,
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
 * load() - Load the program with new maps of elements and senders
 * @host:	Port of the host's namespace; NULL: the program is only looked at, so it gets a map of deadlines of its own
 * @reterr:	Gets what the verifier says
 *
 * Return: descriptor of the program, negative errno
 */
static int load(struct port *host, struct error *reterr)
{
	CLEANUP_FREE struct bpf_insn *program = NULL;
	int map_fd CLEANUP_CLOSE = -1, deadlines_fd CLEANUP_CLOSE = -1, senders_fd CLEANUP_CLOSE = -1;
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
	senders_fd = make_senders();
	if (senders_fd < 0)
		return TAKE_FD(senders_fd);
	maps = (struct program_maps){.elements_fd = map_fd, .deadlines_fd = deadlines_fd, .senders_fd = senders_fd};
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

/** sender_of() - What the map of senders has of a container: nothing, if an address and a mark are not all that counts */
static struct classifier_sender sender_of(uint32_t ifindex, const struct classifier_element *element)
{
	if (!element->ipv4 || element->n_shared || (element->flags & CLASSIFIER_OWN_MAC))
		return (struct classifier_sender){.ifindex = 0};
	return (struct classifier_sender){.ifindex = ifindex, .ipv4 = element->ipv4, .mark = element->mark};
}

/**
 * clear_sender() - Leave an interface's packets to its element alone
 * @classifier:	Classifier
 * @ifindex:	Interface
 *
 * The kernel writes an element of an array in place, and not at once for a program that reads it meanwhile. So what an
 * interface has there is never replaced by something else, but by nothing, and only nothing by something.
 *
 * Return: 1, the place is free now; 0, another interface has it; negative errno
 */
static int clear_sender(const struct classifier *classifier, uint32_t ifindex)
{
	static const struct classifier_sender none;
	uint32_t place = ifindex % CLASSIFIER_SENDERS_MAX;
	struct classifier_element other;
	struct classifier_sender there;
	int r = classifier->senders_fd < 0 ? -ENOENT : bpf_map_get(classifier->senders_fd, &place, &there);

	if (r)
		return r == -ENOENT ? 0 : r;
	if (!there.ifindex)
		return 1;
	if (there.ifindex != ifindex && classifier_get(classifier, there.ifindex, &other) != -ENOENT)
		return 0;
	r = bpf_map_put(classifier->senders_fd, &place, &none);
	return r ? r : 1;
}

/**
 * classifier_agrees() - Whether the map of senders says nothing else of a container than its element
 * @classifier:	Classifier
 * @ifindex:	The host's interface towards it
 * @element:	Of classifier_get()
 */
bool classifier_agrees(const struct classifier *classifier, uint32_t ifindex, const struct classifier_element *element)
{
	struct classifier_sender there, wanted = sender_of(ifindex, element);
	uint32_t place = ifindex % CLASSIFIER_SENDERS_MAX;

	if (classifier->senders_fd < 0)
		return true;
	return !bpf_map_get(classifier->senders_fd, &place, &there) &&
	       (there.ifindex != ifindex || memcmp(&there, &wanted, sizeof(wanted)) == 0);
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
	struct classifier_sender sender = sender_of(ifindex, element);
	uint32_t place = ifindex % CLASSIFIER_SENDERS_MAX;
	int is_free = clear_sender(classifier, ifindex);
	int r = is_free < 0 ? is_free : bpf_map_put(classifier->map_fd, &ifindex, element);

	if (!r && is_free && sender.ifindex)
		r = bpf_map_put(classifier->senders_fd, &place, &sender);
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
	int r = clear_sender(classifier, ifindex);

	if (r >= 0)
		r = bpf_map_delete(classifier->map_fd, &ifindex);
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
	/* After a key that is not there comes the first one; interfaces' indices are positive as int. */
	static const uint32_t none = UINT32_MAX;
	struct classifier_element element;
	uint32_t ifindex;
	int next = bpf_map_next(classifier->map_fd, &none, &ifindex);
	int r;

	/* A key that goes meanwhile has no next one: the map begins again. That ends, since there is a most. */
	for (unsigned i = 0; !next && i < 2 * CLASSIFIER_ELEMENTS_MAX; i++) {
		uint32_t key = ifindex;

		next = bpf_map_next(classifier->map_fd, &key, &ifindex);
		if (key == CLASSIFIER_HOST)
			continue;
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
	cleanup_close(&classifier->senders_fd);
	*classifier = (struct classifier)CLASSIFIER_INIT;
}
