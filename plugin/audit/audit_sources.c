/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sources that hosts share: what the agent has written down of them, what the kernel has, and what the cluster's records
 * say, as the agent knows them. Without an agent the first two are compared.
 */

#include <errno.h>
#include <string.h>

#include "ipam/store/state.h"
#include "plugin/audit/audit.h"
#include "plugin/host/ask.h"
#include "plugin/host/source_file.h"
#include "rangeguard/cleanup.h"

/** The agent answers from what it has seen already */
#define ASK_WAIT_MS 2000

/**
 * struct source_audit - What is looked at
 * @held:	What the agent has written down, and the kernel's map of deadlines
 * @status:	What the agent says of the cluster, NULL: nothing; owned
 */
struct source_audit {
	const struct audit *audit;
	struct port *host;
	struct held_sources held;
	json_t *status;
};

static void source_audit_done(struct source_audit *sources)
{
	held_sources_done(&sources->held);
	json_decref(sources->status);
}

/** ask() - What the agent knows; NULL: there is none, or it is in no cluster */
static json_t *ask(const struct audit *audit)
{
	json_t *question = json_pack("{s:s}", "ask", "cluster-status"), *answer = NULL;
	struct error ignored = {0};

	if (question && ask_agent(audit->data_dir, question, ASK_WAIT_MS, &answer, &ignored))
		answer = NULL;
	json_decref(question);
	return answer;
}

/** holder_of() - The host that a source's record names; NULL: none does, or nobody knows */
static const char *holder_of(const json_t *status, const char *address)
{
	const json_t *records = json_object_get(status, "sources");

	for (size_t i = 0; i < json_array_size(records); i++) {
		const json_t *record = json_array_get(records, i);
		const char *text = json_string_value(json_object_get(record, "address"));

		if (text && strcmp(text, address) == 0)
			return json_string_value(json_object_get(record, "host"));
	}
	return NULL;
}

/** tell() - An error about a source */
static void tell(const struct source_audit *sources, const char *address, const char *what, const char *which)
{
	report_error(sources->audit->report, RULE_SHARED, sources->audit->data_dir, "", "shared source %s %s%.64s",
		     address, what, which);
}

/** check_open() - A source that containers may have: until its deadline, which is ahead, with the address there */
static void check_open(const struct source_audit *sources, const struct known_source *source, const char *address,
		       bool there)
{
	if (!held_sources_in_time(&sources->held, &source->address))
		tell(sources, address,
		     "is this host's, but the time for which it may send with it is over: rangeguard-agent does not run, or "
		     "does not reach etcd",
		     "");
	else if (!there)
		tell(sources, address, "is this host's, but it is not on interface ", source->interface);
}

/** check_host() - A source against the kernel */
static void check_host(const struct source_audit *sources, const struct known_source *source)
{
	char address[ADDRESS_TEXT_MAX];
	struct error ignored = {0};
	bool there = false;

	(void)address_format(&source->address, address);
	if (source_is_here(sources->host, &source->address, &there, &ignored))
		return;
	if (source->open)
		check_open(sources, source, address, there);
	else if (there)
		tell(sources, address, "is on this host, which does not hold it; take it off interface ",
		     source->interface);
}

/** check_record() - What the agent has written down against the record that it has seen */
static void check_record(const struct source_audit *sources, const struct known_source *source)
{
	const char *own = json_string_value(json_object_get(sources->status, "host"));
	char address[ADDRESS_TEXT_MAX];
	const char *holder = holder_of(sources->status, address_format(&source->address, address));
	bool is_own = own && holder && strcmp(own, holder) == 0;

	if (!own || is_own == source->open)
		return;
	if (source->open)
		tell(sources, address, "is used here, but in etcd it is held by ", holder ? holder : "nobody");
	else
		report_warning(sources->audit->report, RULE_SHARED, sources->audit->data_dir, "",
			       "shared source %s is held by this host in etcd, but it is not used here: it is being "
			       "claimed or given back, or `rangeguard cluster status` says why not",
			       address);
}

/** check_unknown() - Records that name this host and a source that it knows nothing of */
static void check_unknown(const struct source_audit *sources)
{
	const char *own = json_string_value(json_object_get(sources->status, "host"));
	const json_t *records = json_object_get(sources->status, "sources");

	for (size_t i = 0; own && i < json_array_size(records); i++) {
		const char *text = json_string_value(json_object_get(json_array_get(records, i), "address"));
		const char *host = json_string_value(json_object_get(json_array_get(records, i), "host"));
		struct address address;

		if (host && strcmp(host, own) == 0 && text && address_parse(text, &address) == 0 &&
		    !source_file_find(&sources->held.file, &address))
			tell(sources, text, "is held by this host in etcd, which does not know it", "");
	}
}

/**
 * audit_sources() - Shared sources of this host
 * @audit:	What
 *
 * Return: 0, negative errno
 */
int audit_sources(const struct audit *audit)
{
	CLEANUP(source_audit_done) struct source_audit sources = {.audit = audit, .held = HELD_SOURCES_INIT};
	STATE_CLEANUP struct state state = STATE_INIT;
	PORT_CLEANUP struct port *host = NULL;
	int r = state_open(audit->data_dir, STATE_READ, &state);

	if (r)
		return 0; /* the leases have told */
	r = port_open(&host);
	sources.host = host;
	if (!r)
		r = held_sources_read(state.dir_fd, host, &sources.held);
	if (r == -EUCLEAN) {
		report_error(audit->report, RULE_SHARED, audit->data_dir, "",
			     "%s can't be understood; what containers have counts when rangeguard-agent starts again",
			     SOURCE_FILE);
		return 0;
	}
	if (r)
		return r;
	for (size_t i = 0; i < sources.held.file.n_sources; i++)
		check_host(&sources, &sources.held.file.sources[i]);
	sources.status = ask(audit);
	for (size_t i = 0; i < sources.held.file.n_sources; i++)
		check_record(&sources, &sources.held.file.sources[i]);
	check_unknown(&sources);
	return 0;
}
