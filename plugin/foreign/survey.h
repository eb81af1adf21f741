/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_FOREIGN_SURVEY_H
#define PLUGIN_FOREIGN_SURVEY_H

/*
 * The documents that `validate` looks at: each is read as its kind, its addresses are checked against policies and routes,
 * and what it takes to compare networks with each other is kept.
 */

#include "plugin/foreign/choices.h"
#include "plugin/foreign/networks.h"
#include "plugin/netconf/routes.h"
#include "plugin/policy/policy_once.h"

/** Kinds that are told by name among those that are not read */
#define SURVEY_UNREAD_MAX 16U
/** Longest name of a kind that is kept */
#define SURVEY_KIND_MAX 64U

/** struct unread - A kind of resources that is not read, and how many have been met */
struct unread {
	char kind[SURVEY_KIND_MAX];
	size_t n;
};

/** enum survey_hit - What a reservation would hit */
enum survey_hit {
	HIT_CONTAINER,
	HIT_POOL,
	HIT_HOST,
	N_SURVEY_HITS,
};

/** Owners whose reservations' hits are counted, and space for a name */
#define SURVEY_HITS_MAX 64
#define SURVEY_OWNER_MAX 64

/** struct hits - How much an owner's reservations would hit; @owner "": nobody is named */
struct hits {
	char owner[SURVEY_OWNER_MAX];
	size_t n[N_SURVEY_HITS];
};

/**
 * struct survey - What has been looked at
 * @routes:	Routes of the host that the configurations are for; borrowed; NULL: not known
 * @policies:	Policies, each read once
 * @networks:	Networks, to be compared with each other
 * @choices:	What pods choose by annotation, to be compared with what networks offer
 * @report:	Hears of all that is found
 * @unread:	Kinds that are not read
 * @n_unread:	How many kinds, as far as they are kept
 * @n_known:	Resources of kinds that rows tell of, with addresses or without
 * @n_running:	Documents that tell what is there already: leases, pools, addresses of hosts
 * @hits:	What reservations would hit of it, by owner
 * @n_hits:	How many owners
 * @failed:	Memory ran out
 */
struct survey {
	const struct routes *routes;
	struct policy_once policies;
	struct networks networks;
	struct choices choices;
	struct report *report;
	struct unread unread[SURVEY_UNREAD_MAX];
	size_t n_unread;
	size_t n_known;
	size_t n_running;
	struct hits hits[SURVEY_HITS_MAX];
	size_t n_hits;
	bool failed;
};

/** enum survey_kind - What a document was */
enum survey_kind {
	SURVEY_UNKNOWN, /* nothing in it is of a kind that is read */
	SURVEY_OURS,	/* rangeguard's, or a CNI configuration */
	SURVEY_OTHERS,
};

void survey_init(struct survey *survey, const struct path_list *policies, struct report *report);
enum survey_kind survey_document(struct survey *survey, const json_t *root, const char *file, const struct pointer *at);
void survey_compare(struct survey *survey);
void survey_done(struct survey *survey);

#endif
