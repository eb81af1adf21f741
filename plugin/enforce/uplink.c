/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Loads the program over what leaves by an uplink, or finds it, and sees that it runs there. */

#include "plugin/enforce/uplink.h"

#include <errno.h>
#include <string.h>

#include "plugin/enforce/bpf.h"
#include "plugin/enforce/bpffs.h"
#include "plugin/enforce/classifier_program.h"
#include "plugin/enforce/deadlines.h"
#include "plugin/network/rtfilter.h"
#include "plugin/network/stage.h"
#include "rangeguard/cleanup.h"

/** As tc(8) and bpftool(8) show it */
#define PROGRAM_NAME "rangeguard_up"
#define LOG_BYTES 4096U
/** Programs of one interface that are looked at, BPF_MPROG_MAX in the kernel */
#define PROGRAMS_MAX 64U
/**
 * struct uplink - The program, and what tells it from others
 * @deadlines_id: The map that it looks at
 * @found:	It runs, as a filter
 * @behind:	Others run before it, and may let pass what it should stop
 * @there_fd:	The program that runs, -1: none
 * @older_fd:	One that does the same by a map that nobody writes any more, since its name was lost; -1: none
 */
struct uplink {
	int program_fd;
	uint8_t tag[FILTER_TAG_BYTES];
	uint32_t deadlines_id;
	bool found;
	bool behind;
	int there_fd;
	int older_fd;
};

/** cannot() - Say why nothing can be shared: REFUSED */
static int cannot(int errnum, const char *what, struct error *reterr)
{
	return error_set(reterr, error_code_of(errnum, ERROR_SNAT),
			 "cannot hold the uplink to the deadlines of shared sources (%s): %s; that needs BPF, cls_bpf "
			 "(Linux 5.8) and a bpf file system at /sys/fs/bpf",
			 what, strerror(-errnum));
}

/** load() - Load the program over the map of deadlines: descriptor, negative errno */
static int load(struct port *host, struct error *reterr)
{
	int map_fd CLEANUP_CLOSE = deadlines_open(host);
	struct program_maps maps = {.elements_fd = -1, .deadlines_fd = map_fd, .senders_fd = -1};
	CLEANUP_FREE struct bpf_insn *program = NULL;
	char log[LOG_BYTES];
	size_t n;
	int r;

	if (map_fd < 0)
		return TAKE_FD(map_fd);
	program = program_make(&uplink_program, &maps, &n);
	if (!program)
		return -ENOMEM;
	r = bpf_program_load(program, n, PROGRAM_NAME, log, sizeof(log));
	if (r < 0 && log[0])
		error_details(reterr, "%s", log);
	return r;
}

/** open_program() - The program by its name, or loaded and named: descriptor, negative errno */
static int open_program(struct port *host, struct error *reterr)
{
	char path[BPFFS_PATH_MAX];
	int fd CLEANUP_CLOSE = -1;
	int r = bpffs_path(host, BPFFS_UPLINK, program_digest(&uplink_program), path);

	if (r < 0)
		return r;
	fd = bpf_pinned(path);
	if (fd >= 0)
		return TAKE_FD(fd);
	/* cppcheck-suppress redundantAssignment ; TAKE_FD() */
	fd = load(host, reterr);
	if (fd < 0)
		return TAKE_FD(fd);
	r = bpffs_make_directories(path);
	if (!r)
		r = bpf_pin(fd, path);
	if (r == -EEXIST)
		return bpf_pinned(path);
	return r < 0 ? r : TAKE_FD(fd);
}

/** describe() - What tells a program from others: 0, negative errno */
static int describe(int program_fd, struct uplink *ret_uplink)
{
	struct bpf_prog_info info;
	uint32_t map_ids[PROGRAM_MAPS] = {0};
	int r = bpf_program_info(program_fd, &info, map_ids, PROGRAM_MAPS);

	if (r < 0)
		return r;
	*ret_uplink = (struct uplink){.program_fd = program_fd,
				      .deadlines_id = deadlines_of(map_ids, info.nr_map_ids),
				      .there_fd = -1,
				      .older_fd = -1};
	memcpy(ret_uplink->tag, info.tag, sizeof(ret_uplink->tag));
	return 0;
}

/** look_at() - Whether the program of an id is this one; one of the same kind by another map is noted */
static bool look_at(uint32_t id, struct uplink *uplink)
{
	int fd CLEANUP_CLOSE = bpf_program_by_id(id);
	struct uplink other;

	if (fd < 0 || describe(fd, &other) < 0 || memcmp(other.tag, uplink->tag, sizeof(uplink->tag)) != 0)
		return false;
	if (other.deadlines_id == uplink->deadlines_id) {
		cleanup_close(&uplink->there_fd);
		uplink->there_fd = TAKE_FD(fd);
		return true;
	}
	if (uplink->older_fd < 0)
		uplink->older_fd = TAKE_FD(fd);
	return false;
}

/** runs_by_tcx() - Whether it runs by TCX: 0, 1, negative errno; -EINVAL: no TCX */
static int runs_by_tcx(uint32_t ifindex, struct uplink *uplink)
{
	uint32_t ids[PROGRAMS_MAX] = {0}, n;
	int r = bpf_tcx_programs(ifindex, BPF_HOOK_EGRESS, ids, PROGRAMS_MAX, &n);

	for (uint32_t i = 0; !r && i < n && i < PROGRAMS_MAX; i++) {
		if (!look_at(ids[i], uplink))
			continue;
		uplink->behind = i > 0;
		return 1;
	}
	return r;
}

/** lead_by_tcx() - Before others that came to stand before it; until it is there, it is the classifier alone that stops: 0, errno */
static int lead_by_tcx(uint32_t ifindex, const struct uplink *uplink)
{
	int r = bpf_tcx_detach(uplink->there_fd, ifindex, BPF_HOOK_EGRESS);

	return r && r != -ENOENT ? r : bpf_tcx_attach(uplink->program_fd, ifindex, BPF_HOOK_EGRESS);
}

/** run_by_tcx() - Before others, or in the place of an older one: 0, negative errno */
static int run_by_tcx(uint32_t ifindex, const struct uplink *uplink)
{
	return uplink->older_fd < 0 ? bpf_tcx_attach(uplink->program_fd, ifindex, BPF_HOOK_EGRESS)
				    : bpf_tcx_replace(uplink->program_fd, uplink->older_fd, ifindex, BPF_HOOK_EGRESS);
}

/** take_filter() - port_reply_fn: whether one of the filters is the program, and others run before it */
static int take_filter(const struct nlmsghdr *message, void *userdata)
{
	struct uplink *uplink = userdata;
	struct filter_info info;

	if (!message)
		uplink->found = uplink->behind = false;
	if (!message || uplink->found || rtfilter_read(message, &info))
		return 0;
	uplink->found = info.program_id && memcmp(info.tag, uplink->tag, sizeof(info.tag)) == 0 &&
			look_at(info.program_id, uplink);
	if (!uplink->found)
		uplink->behind |= info.may_pass;
	return 0;
}

/** run_by_filter() - Where there is no TCX: a filter of a clsact qdisc, before all others: 0, REFUSED */
static int run_by_filter(struct port *host, uint32_t ifindex, struct uplink *uplink, struct error *reterr)
{
	struct filter_wanted wanted = {.interface = ifindex,
				       .egress = true,
				       .priority = 1,
				       .program_fd = uplink->program_fd,
				       .name = PROGRAM_NAME};
	struct stage stage;
	int r;

	stage_begin(&stage, host, "at the uplink of shared sources", reterr);
	stage.reply = take_filter;
	stage.userdata = uplink;
	r = stage_add(&stage, rtfilter_dump(&stage.batch, ifindex, true));
	if (!r)
		r = stage_ask(&stage);
	if (r || (uplink->found && !uplink->behind))
		return r;
	stage_begin(&stage, host, "at the uplink of shared sources", reterr);
	r = stage_add(&stage, rtmessage_add_clsact(&stage.batch, ifindex));
	/* Of one priority the newest runs first. */
	if (!r && uplink->found)
		r = stage_add(&stage, rtfilter_remove(&stage.batch, &wanted));
	if (!r)
		r = stage_add(&stage, rtfilter_put(&stage.batch, &wanted));
	return r ? r : stage_send(&stage);
}

/**
 * uplink_guard() - See that the program runs over what leaves by an interface
 * @host:	Port in the namespace in which the calling thread is
 * @ifindex:	Interface
 * @reterr:	Code 103
 *
 * Return: 0, also when it does; REFUSED
 */
int uplink_guard(struct port *host, uint32_t ifindex, struct error *reterr)
{
	int fd CLEANUP_CLOSE = open_program(host, reterr);
	struct uplink uplink = {.there_fd = -1, .older_fd = -1};
	int r;

	r = fd < 0 ? fd : describe(fd, &uplink);
	if (r < 0)
		return cannot(r, "loading a BPF program", reterr);
	r = runs_by_tcx(ifindex, &uplink);
	if (r == 0)
		r = run_by_tcx(ifindex, &uplink);
	else if (r > 0)
		r = uplink.behind ? lead_by_tcx(ifindex, &uplink) : 0;
	if (r == -EINVAL)
		r = run_by_filter(host, ifindex, &uplink, reterr) ? error_recode(reterr, ERROR_SNAT) : 0;
	else
		r = r < 0 ? cannot(r, "attaching a BPF program", reterr) : 0;
	cleanup_close(&uplink.there_fd);
	cleanup_close(&uplink.older_fd);
	return r;
}
