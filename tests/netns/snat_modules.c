/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls plugin/snat's functions against the kernel of the network namespace that it runs in, for snat_modules.sh: also
 * those ways that this kernel does not need. Prints "CODE: MESSAGE" and exits with 1 where they refuse.
 */

#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "plugin/enforce/classifier_attach.h"
#include "plugin/enforce/deadlines.h"
#include "plugin/snat/assign.h"
#include "plugin/snat/conntrack.h"
#include "plugin/snat/fence.h"

#define SPANS_MAX 64

/** struct call - What a command works with */
struct call {
	struct port *host;
	struct port *netfilter;
	char **arguments;
	size_t n;
	struct error err;
};

/** die() - Say that the call is wrong */
static _Noreturn void die(const char *what)
{
	(void)fprintf(stderr, "snat_modules: %s\n", what);
	exit(2);
}

/** address_of() - Argument @i, an address */
static struct address address_of(const struct call *call, size_t i)
{
	struct address address;

	if (i >= call->n || address_parse(call->arguments[i], &address) < 0)
		die("not an address");
	return address;
}

/** index_of() - Argument @i, an interface */
static uint32_t index_of(const struct call *call, size_t i)
{
	return i < call->n ? if_nametoindex(call->arguments[i]) : 0;
}

/** read_spans() - Arguments from @first on, prefixes or spans, up to "--"; how many */
static size_t read_spans(const struct call *call, size_t first, struct span *spans)
{
	struct prefix prefix;
	size_t n = 0;

	for (size_t i = first; i < call->n && strcmp(call->arguments[i], "--") != 0 && n < SPANS_MAX; i++, n++) {
		if (prefix_parse(call->arguments[i], &prefix) == 0)
			spans[n] = prefix_span(&prefix);
		else if (span_parse(call->arguments[i], &spans[n]) < 0)
			die("neither prefix nor span");
	}
	return n;
}

/** mark_all() - Have the classifier mark all that comes in through argument 0 as the fence wants it */
static int mark_all(struct call *call, bool new_interface)
{
	CLASSIFIER_CLEANUP struct classifier classifier = CLASSIFIER_INIT;
	struct classifier_element element = {.flags = CLASSIFIER_ANY_SOURCE, .mark = FENCE_MARK};
	uint32_t ifindex = index_of(call, 0);

	if (classifier_open(call->host, &classifier, &call->err) ||
	    classifier_put(&classifier, ifindex, &element, &call->err))
		return REFUSED;
	return new_interface ? classifier_attach_new(call->host, &classifier, ifindex, CLASSIFIER_GROUP_PINNED, false,
						     &call->err)
			     : classifier_attach(call->host, &classifier, ifindex, CLASSIFIER_GROUP_PINNED, &call->err);
}

/** due() - The container at argument 0 has a source that hosts share, argument 1, which is open for an hour, or closed */
static int due(struct call *call, bool open)
{
	CLASSIFIER_CLEANUP struct classifier classifier = CLASSIFIER_INIT;
	struct address source = address_of(call, 1);
	struct classifier_element element;
	uint32_t ifindex = index_of(call, 0);
	int deadlines CLEANUP_CLOSE = deadlines_open(call->host);
	struct timespec now;

	(void)clock_gettime(CLOCK_BOOTTIME, &now);
	if (deadlines < 0 || classifier_open(call->host, &classifier, &call->err) ||
	    classifier_get(&classifier, ifindex, &element) < 0 ||
	    deadlines_put(deadlines, &source, open ? (uint64_t)(now.tv_sec + 3600) * 1000000000U : DEADLINE_CLOSED) < 0)
		return REFUSED;
	element.n_shared = 1;
	deadlines_key(&source, element.shared[0]);
	return classifier_put(&classifier, ifindex, &element, &call->err);
}

static int due_later(struct call *call)
{
	return due(call, true);
}

static int due_now(struct call *call)
{
	return due(call, false);
}

static int arm(struct call *call)
{
	return mark_all(call, false);
}

static int arm_new(struct call *call)
{
	return mark_all(call, true);
}

static int close_fence(struct call *call)
{
	struct span spans[SPANS_MAX];
	size_t n = read_spans(call, 0, spans);

	return fence_close(call->host, spans, n, &call->err);
}

static int open_fence(struct call *call)
{
	struct span gone[SPANS_MAX], kept[SPANS_MAX];
	size_t n = read_spans(call, 0, gone), n_kept = read_spans(call, n + 1, kept);

	return fence_open(call->host, gone, n, kept, n_kept, &call->err);
}

static int put(struct call *call)
{
	struct address address = address_of(call, 1);

	return assign_put(call->host, call->arguments[0], &address, &call->err);
}

static int take(struct call *call)
{
	struct address address = address_of(call, 1);
	int r = assign_remove(call->host, call->arguments[0], &address, &call->err);

	return r == ASSIGN_E_FOREIGN ? error_set(&call->err, ERROR_SNAT, "foreign") : r;
}

static int usable(struct call *call)
{
	struct address address = address_of(call, 0);
	bool answer = false;
	int r = assign_usable(call->host, &address, &answer, &call->err);

	if (r == 0)
		(void)puts(answer ? "usable" : "unusable");
	return r;
}

/** forget_with() - conntrack_forget() or one like it, for all arguments */
static int forget_with(struct call *call,
		       int (*function)(struct port *, const struct address *, size_t, struct error *))
{
	struct address addresses[SPANS_MAX];

	for (size_t i = 0; i < call->n && i < SPANS_MAX; i++)
		addresses[i] = address_of(call, i);
	return function(call->netfilter, addresses, call->n, &call->err);
}

static int forget(struct call *call)
{
	return forget_with(call, conntrack_forget);
}

static int forget_each(struct call *call)
{
	return forget_with(call, conntrack_forget_each);
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(struct call *call);
	} commands[] = {
		{"arm", arm},
		{"arm-new", arm_new},
		{"close", close_fence},
		{"open", open_fence},
		{"put", put},
		{"remove", take},
		{"usable", usable},
		{"forget", forget},
		{"forget-each", forget_each},
		{"due-later", due_later},
		{"due-now", due_now},
	};
	struct call call = {.arguments = argv + 2, .n = argc > 2 ? (size_t)argc - 2 : 0};
	int r = -1;

	if (argc < 2 || port_open(&call.host) < 0 || port_open_netfilter(&call.netfilter) < 0)
		die("no command, or no socket");
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			r = commands[i].run(&call);
	port_close(call.host);
	port_close(call.netfilter);
	if (r < 0)
		die("no such command");
	if (r)
		(void)printf("%d: %s (%s)\n", call.err.code, call.err.msg, call.err.details);
	return r ? 1 : 0;
}
