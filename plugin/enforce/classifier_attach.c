/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The classifier at an interface: attached, found. Owns nothing: all of it is the kernel's. */

#include "plugin/enforce/classifier_attach.h"

#include <errno.h>
#include <string.h>

#include "plugin/enforce/bpf.h"
#include "plugin/network/rtfilter.h"
#include "plugin/network/stage.h"
#include "rangeguard/array.h"

/** What messages are about, for error texts */
#define WHERE "to guard what a container sends"
/** Programs of one interface that are looked at, BPF_MPROG_MAX in the kernel */
#define PROGRAMS_MAX 64U
/** The first of all filters; and: after those that are there */
#define PRIORITY_FIRST 1U
#define PRIORITY_FREE 0U

/** add_filter() - Qdisc and filter into a stage: 0, REFUSED */
static int add_filter(struct stage *stage, const struct classifier *classifier, uint32_t ifindex, uint16_t priority)
{
	struct filter_wanted wanted = {.interface = ifindex,
				       .priority = priority,
				       .program_fd = classifier->program_fd,
				       .name = CLASSIFIER_NAME};
	int r = stage_add(stage, rtmessage_add_clsact(&stage->batch, ifindex));

	return r ? r : stage_add(stage, rtfilter_put(&stage->batch, &wanted));
}

/** refused() - Say what the kernel lacks where it refuses a qdisc or filter for lack of it, else what it refused */
static int refused(struct stage *stage)
{
	int r = stage_refused(stage);

	if (stage->failure.errnum == ENOENT || stage->failure.errnum == EOPNOTSUPP)
		error_details(stage->err,
			      "the kernel has no clsact qdisc or no cls_bpf classifier (modules sch_ingress, "
			      "cls_bpf)");
	return r;
}

/**
 * classifier_attach_new() - At an interface that was made just now, and is down
 * @host:	Port
 * @classifier:	Classifier, which knows it
 * @ifindex:	Interface
 * @group:	CLASSIFIER_GROUP or CLASSIFIER_GROUP_PINNED
 * @any_source:	The classifier lets any source pass there
 * @reterr:	Code 107
 *
 * Return: 0, REFUSED
 */
int classifier_attach_new(struct port *host, const struct classifier *classifier, uint32_t ifindex, uint32_t group,
			  bool any_source, struct error *reterr)
{
	struct stage stage;
	int r;

	stage_begin(&stage, host, WHERE, reterr);
	r = stage_add(&stage, any_source ? rtmessage_set_group(&stage.batch, ifindex, group)
					 : rtmessage_set_guarded(&stage.batch, ifindex, group));
	if (!r)
		r = add_filter(&stage, classifier, ifindex, PRIORITY_FIRST);
	if (!r)
		r = stage_try(&stage);
	return r == PORT_E_REFUSED ? refused(&stage) : r ? REFUSED : 0;
}

/** set_group() - Put an interface into the group: 0, REFUSED */
static int set_group(struct port *host, uint32_t ifindex, uint32_t group, struct error *reterr)
{
	struct stage stage;
	int r;

	stage_begin(&stage, host, WHERE, reterr);
	r = stage_add(&stage, rtmessage_set_group(&stage.batch, ifindex, group));
	return r ? r : stage_send(&stage);
}

/** cannot_attach() - Say that a program can't be attached: REFUSED */
static int cannot_attach(int errnum, struct error *reterr)
{
	return error_set_errno(reterr, ERROR_KERNEL, errnum,
			       "cannot guard what the container sends (attaching a BPF program)");
}

/** struct program_search - What runs at an interface */
struct program_search {
	const struct classifier *wanted;
	uint32_t program_id;
	uint32_t redirect;
	uint16_t priority;
};

/** take_filter() - port_reply_fn: keep the filter that runs the program, and where others send packets before it */
static int take_filter(const struct nlmsghdr *message, void *userdata)
{
	struct program_search *search = userdata;
	struct filter_info info;
	int r;

	if (!message) {
		*search = (struct program_search){.wanted = search->wanted};
		return 0;
	}
	r = rtfilter_read(message, &info);
	if (r)
		return r == -ENOMSG ? 0 : r;
	if (info.program_id && memcmp(info.tag, search->wanted->tag, sizeof(info.tag)) == 0) {
		search->program_id = info.program_id;
		search->priority = info.priority;
	}
	if (info.redirect)
		search->redirect = info.redirect;
	return 0;
}

/** search_filters() - Look at the filters of an interface: 0, REFUSED */
static int search_filters(struct port *host, uint32_t ifindex, struct program_search *search, struct error *reterr)
{
	struct stage stage;
	int r;

	stage_begin(&stage, host, WHERE, reterr);
	stage.reply = take_filter;
	stage.userdata = search;
	r = stage_add(&stage, rtfilter_dump(&stage.batch, ifindex, false));
	return r ? r : stage_ask(&stage);
}

/**
 * is_passed_by() - Whether another filter sends packets elsewhere before the classifier sees them
 * @host:	Port
 * @classifier:	Classifier, which is not the first one
 * @ifindex:	Interface
 * @reterr:	Error
 *
 * Return: 0 when not; REFUSED
 */
static int is_passed_by(struct port *host, const struct classifier *classifier, uint32_t ifindex, struct error *reterr)
{
	struct program_search search = {.wanted = classifier};

	if (search_filters(host, ifindex, &search, reterr))
		return REFUSED;
	return search.redirect
		       ? error_set(reterr, ERROR_KERNEL,
				   "another plugin (bandwidth?) redirects what comes from the container before anybody "
				   "can look at it; put it after rangeguard, or use Linux 6.6 or later")
		       : 0;
}

/** classify() - At another plugin's interface without TCX: 0, REFUSED */
static int classify(struct port *host, const struct classifier *classifier, uint32_t ifindex, struct error *reterr)
{
	static const uint16_t priorities[] = {PRIORITY_FIRST, PRIORITY_FREE};
	struct stage stage;
	int r = REFUSED;

	for (size_t i = 0; i < ARRAY_LENGTH(priorities); i++) {
		stage_begin(&stage, host, WHERE, reterr);
		if (add_filter(&stage, classifier, ifindex, priorities[i]))
			return REFUSED;
		r = stage_try(&stage);
		/* Another kind of filter has that priority */
		if (r != PORT_E_REFUSED || (stage.failure.errnum != EINVAL && stage.failure.errnum != EEXIST))
			break;
	}
	if (r)
		return r == PORT_E_REFUSED ? refused(&stage) : REFUSED;
	return is_passed_by(host, classifier, ifindex, reterr);
}

/** find_tcx() - Which program with the wanted one's tag runs by TCX: its id, 0, negative errno; -EINVAL: no TCX */
static int64_t find_tcx(const struct classifier *wanted, uint32_t ifindex)
{
	uint32_t ids[PROGRAMS_MAX] = {0}, n;
	int r = bpf_tcx_programs(ifindex, BPF_HOOK_INGRESS, ids, PROGRAMS_MAX, &n);

	for (uint32_t i = 0; !r && i < n && i < PROGRAMS_MAX; i++) {
		CLASSIFIER_CLEANUP struct classifier other = CLASSIFIER_INIT;
		int looked = classifier_of_program(ids[i], &other);

		if (!looked && classifier_same(&other, wanted))
			return ids[i];
		/* One that is gone by now, or can't be the classifier; whatever else fails says nothing. */
		if (looked && looked != -ENOENT && looked != -ENOMSG)
			return looked;
	}
	return r;
}

/** find() - classifier_find(), and how it is attached there */
static int find(struct port *host, struct program_search *search, uint32_t ifindex, struct classifier *ret_classifier,
		struct error *reterr)
{
	int64_t id;
	int r;

	if (search_filters(host, ifindex, search, reterr))
		return REFUSED;
	id = search->program_id ? search->program_id : find_tcx(search->wanted, ifindex);
	if (id == 0 || id == -EINVAL || id == -ENODEV)
		return CLASSIFIER_E_MISSING;
	r = id < 0 ? (int)id : classifier_of_program((uint32_t)id, ret_classifier);
	if (r == -ENOENT)
		return CLASSIFIER_E_MISSING;
	return r < 0 ? cannot_attach(r, reterr) : 0;
}

/** replace() - In place of one that looks at another map of deadlines, which nobody writes: 0, REFUSED */
static int replace(struct port *host, const struct classifier *classifier, const struct classifier *there,
		   const struct program_search *search, uint32_t ifindex, struct error *reterr)
{
	struct stage stage;
	int r;

	if (!search->program_id) {
		r = bpf_tcx_replace(classifier->program_fd, there->program_fd, ifindex, BPF_HOOK_INGRESS);
		return r < 0 ? cannot_attach(r, reterr) : 0;
	}
	stage_begin(&stage, host, WHERE, reterr);
	r = add_filter(&stage, classifier, ifindex, search->priority);
	return r ? r : stage_send(&stage);
}

/**
 * classifier_attach() - At another plugin's interface, which may be up
 * @host:	Port in the namespace in which the calling thread is
 * @classifier:	Classifier, which knows it
 * @ifindex:	Interface
 * @group:	As above
 * @reterr:	Code 107
 *
 * One that is there and looks at another map of deadlines, since the names of both were lost, is replaced.
 *
 * Return: 0, also when it is there; REFUSED
 */
int classifier_attach(struct port *host, const struct classifier *classifier, uint32_t ifindex, uint32_t group,
		      struct error *reterr)
{
	CLASSIFIER_CLEANUP struct classifier there = CLASSIFIER_INIT;
	struct program_search search = {.wanted = classifier};
	int r = find(host, &search, ifindex, &there, reterr);

	if (!r && there.deadlines_id != classifier->deadlines_id)
		r = replace(host, classifier, &there, &search, ifindex, reterr);
	if (r != CLASSIFIER_E_MISSING)
		return r ? r : set_group(host, ifindex, group, reterr);
	r = bpf_tcx_attach(classifier->program_fd, ifindex, BPF_HOOK_INGRESS);
	if (r == -EINVAL)
		r = classify(host, classifier, ifindex, reterr);
	else if (r)
		r = cannot_attach(r, reterr);
	return r ? r : set_group(host, ifindex, group, reterr);
}

/**
 * classifier_find() - What runs at an interface
 * @host:	Port in the namespace in which the calling thread is
 * @wanted:	The program that should
 * @ifindex:	Interface
 * @ret_classifier: The one that does, whose map counts; released by classifier_done()
 * @reterr:	Code 107
 *
 * Return: 0, CLASSIFIER_E_MISSING, REFUSED
 */
int classifier_find(struct port *host, const struct classifier *wanted, uint32_t ifindex,
		    struct classifier *ret_classifier, struct error *reterr)
{
	struct program_search search = {.wanted = wanted};

	return find(host, &search, ifindex, ret_classifier, reterr);
}
