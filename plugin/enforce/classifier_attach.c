/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The classifier at an interface: attached, found. Owns nothing: all of it is the kernel's. */

#include "plugin/enforce/classifier_attach.h"

#include <errno.h>
#include <net/if.h>
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

/** wanted_filter() - The classifier as a filter: what rtfilter_put() and rtfilter_remove() are told of it */
static struct filter_wanted wanted_filter(const struct classifier *classifier, uint32_t ifindex, uint16_t priority)
{
	return (struct filter_wanted){.interface = ifindex,
				      .priority = priority,
				      .program_fd = classifier->program_fd,
				      .name = CLASSIFIER_NAME};
}

/** add_filter() - Qdisc and filter into a stage: 0, REFUSED */
static int add_filter(struct stage *stage, const struct classifier *classifier, uint32_t ifindex, uint16_t priority)
{
	struct filter_wanted wanted = wanted_filter(classifier, ifindex, priority);
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

/**
 * struct program_search - What runs at an interface
 * @wanted:	What should
 * @program_id:	Of the filter that runs it; 0: none does
 * @priority:	That filter's
 * @before:	A filter before it that may let pass what it should judge; its kind is "": none
 * @by_tcx:	It runs by TCX, before all filters
 * @behind:	It is not the first one: another program runs before it by TCX, or there is @before
 */
struct program_search {
	const struct classifier *wanted;
	uint32_t program_id;
	uint16_t priority;
	struct filter_info before;
	bool by_tcx;
	bool behind;
};

/** take_filter() - port_reply_fn: keep the filter that runs the program, and who comes before it, in the order in which they run */
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
	if (search->program_id)
		return 0;
	if (info.program_id && memcmp(info.tag, search->wanted->tag, sizeof(info.tag)) == 0) {
		search->program_id = info.program_id;
		search->priority = info.priority;
	} else if (info.may_pass && !*search->before.kind) {
		search->before = info;
	}
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

/** say_who() - Who comes before the classifier: REFUSED */
static int say_who(const struct filter_info *before, uint32_t ifindex, struct error *reterr)
{
	char name[IF_NAMESIZE] = "?";

	if (before->redirect)
		return error_set(
			reterr, ERROR_KERNEL,
			"another plugin (bandwidth?) redirects what comes from the container before anybody can look "
			"at it; put it after rangeguard, or use Linux 6.6 or later");
	(void)if_indextoname(ifindex, name);
	return error_set(reterr, ERROR_KERNEL,
			 "another filter (%s, priority %u) at %s comes before the classifier, and may let pass what "
			 "that should judge; delete it, or give it a higher number",
			 before->kind, before->priority, name);
}

/**
 * is_passed_by() - Whether another filter lets packets pass, or sends them elsewhere, before the classifier sees them
 * @host:	Port
 * @classifier:	Classifier, which may not be the first one
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
	return *search.before.kind ? say_who(&search.before, ifindex, reterr) : 0;
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

/**
 * find_tcx() - Which program with the wanted one's tag runs by TCX
 * @search:	Takes note of that, and of others before it
 * @ifindex:	Interface
 *
 * Return: its id, 0, negative errno; -EINVAL: no TCX
 */
static int64_t find_tcx(struct program_search *search, uint32_t ifindex)
{
	uint32_t ids[PROGRAMS_MAX] = {0}, n;
	int r = bpf_tcx_programs(ifindex, BPF_HOOK_INGRESS, ids, PROGRAMS_MAX, &n);

	for (uint32_t i = 0; !r && i < n && i < PROGRAMS_MAX; i++) {
		CLASSIFIER_CLEANUP struct classifier other = CLASSIFIER_INIT;
		int looked = classifier_of_program(ids[i], &other);

		if (!looked && classifier_same(&other, search->wanted)) {
			search->by_tcx = true;
			search->behind = i > 0;
			return ids[i];
		}
		/* One that is gone by now, or can't be the classifier; whatever else fails says nothing. */
		if (looked && looked != -ENOENT && looked != -ENOMSG)
			return looked;
	}
	search->behind = (!r && n) || *search->before.kind;
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
	id = find_tcx(search, ifindex);
	if ((id == 0 || id == -EINVAL) && search->program_id)
		id = search->program_id;
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

	if (search->by_tcx) {
		r = bpf_tcx_replace(classifier->program_fd, there->program_fd, ifindex, BPF_HOOK_INGRESS);
		return r < 0 ? cannot_attach(r, reterr) : 0;
	}
	stage_begin(&stage, host, WHERE, reterr);
	r = add_filter(&stage, classifier, ifindex, search->priority);
	return r ? r : stage_send(&stage);
}

/** remove_filter() - The classifier's filter of a priority goes, its program runs otherwise: 0, REFUSED */
static int remove_filter(struct port *host, const struct classifier *classifier, uint32_t ifindex, uint16_t priority,
			 struct error *reterr)
{
	struct filter_wanted filter = wanted_filter(classifier, ifindex, priority);
	struct stage stage;
	int r;

	stage_begin(&stage, host, WHERE, reterr);
	r = stage_add(&stage, rtfilter_remove(&stage.batch, &filter));
	if (!r)
		r = stage_try(&stage);
	if (r == PORT_E_REFUSED)
		return stage.failure.errnum == ENOENT ? 0 : stage_refused(&stage);
	return r ? REFUSED : 0;
}

/**
 * lead_filters() - Where there is no TCX: before other filters, of which those of one priority run the newest first
 * @host:	Port
 * @classifier:	Classifier
 * @search:	Where it is now, and who comes before it
 * @ifindex:	Interface
 * @reterr:	Code 107: the first priority is another's
 *
 * Return: 0, REFUSED
 */
static int lead_filters(struct port *host, const struct classifier *classifier, const struct program_search *search,
			uint32_t ifindex, struct error *reterr)
{
	struct filter_wanted filter = wanted_filter(classifier, ifindex, PRIORITY_FIRST);
	struct stage stage;
	int r = 0;

	stage_begin(&stage, host, WHERE, reterr);
	if (search->priority == PRIORITY_FIRST)
		r = stage_add(&stage, rtfilter_remove(&stage.batch, &filter));
	if (!r)
		r = stage_add(&stage, rtfilter_put(&stage.batch, &filter));
	if (!r)
		r = stage_try(&stage);
	if (r == PORT_E_REFUSED && search->priority != PRIORITY_FIRST &&
	    (stage.failure.errnum == EINVAL || stage.failure.errnum == EEXIST))
		return say_who(&search->before, ifindex, reterr);
	if (r)
		return r == PORT_E_REFUSED ? refused(&stage) : REFUSED;
	return search->priority == PRIORITY_FIRST ? 0
						  : remove_filter(host, classifier, ifindex, search->priority, reterr);
}

/**
 * lead() - Before others that came to stand before it
 *
 * By TCX a program does not move: it goes, and comes again. What passes in between lacks the mark, and the backstop drops it.
 *
 * Return: 0, REFUSED
 */
static int lead(struct port *host, const struct classifier *classifier, const struct classifier *there,
		const struct program_search *search, uint32_t ifindex, struct error *reterr)
{
	int r = search->by_tcx ? bpf_tcx_detach(there->program_fd, ifindex, BPF_HOOK_INGRESS) : 0;

	if (!r || r == -ENOENT)
		r = bpf_tcx_attach(classifier->program_fd, ifindex, BPF_HOOK_INGRESS);
	if (r == -EINVAL && !search->by_tcx)
		return lead_filters(host, classifier, search, ifindex, reterr);
	if (r)
		return cannot_attach(r, reterr);
	return search->program_id ? remove_filter(host, classifier, ifindex, search->priority, reterr) : 0;
}

/**
 * classifier_attach() - At another plugin's interface, which may be up
 * @host:	Port in the namespace in which the calling thread is
 * @classifier:	Classifier, which knows it
 * @ifindex:	Interface
 * @group:	As above
 * @reterr:	Code 107
 *
 * One that is there and looks at another map of deadlines, since the names of both were lost, is replaced; one that is not the
 * first becomes that.
 *
 * Return: 0, also when it is there; REFUSED
 */
int classifier_attach(struct port *host, const struct classifier *classifier, uint32_t ifindex, uint32_t group,
		      struct error *reterr)
{
	CLASSIFIER_CLEANUP struct classifier there = CLASSIFIER_INIT;
	struct program_search search = {.wanted = classifier};
	int r = find(host, &search, ifindex, &there, reterr);

	if (!r && search.behind)
		r = lead(host, classifier, &there, &search, ifindex, reterr);
	else if (!r && there.deadlines_id != classifier->deadlines_id)
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
 * @ret_first:	Whether nobody else lets pass before it what it should judge
 * @reterr:	Code 107
 *
 * Return: 0, CLASSIFIER_E_MISSING, REFUSED
 */
int classifier_find(struct port *host, const struct classifier *wanted, uint32_t ifindex,
		    struct classifier *ret_classifier, bool *ret_first, struct error *reterr)
{
	struct program_search search = {.wanted = wanted};
	int r = find(host, &search, ifindex, ret_classifier, reterr);

	if (!r)
		*ret_first = !search.behind;
	return r;
}
