/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_FOREIGN_USAGE_H
#define PLUGIN_FOREIGN_USAGE_H

/*
 * Which addresses a configuration uses, whoever's it is: CNI plugins with host-local, static, whereabouts, calico-ipam
 * and others as their IPAM, pools of a cluster, networks of netavark, Docker's daemon.json. Each with its JSON pointer. Keys that say
 * nothing of addresses are their owners', and not looked at. Pure.
 *
 * What should be an address and can't be read as one is reported: as an error where the owner would refuse it too, since
 * what can't be read can't be checked against a policy; as a warning where the owner is not known and may mean else by it.
 */

#include <jansson.h>

#include "ipam/address/address.h"
#include "plugin/report/report.h"

enum declaration_kind {
	DECLARED_RANGE,	   /* addresses that are given, in a network that may be connected */
	DECLARED_GATEWAY,  /* an address at which a gateway or a bridge answers */
	DECLARED_ADDRESS,  /* an address that is fixed or asked for */
	DECLARED_EXCLUDED, /* addresses of ranges that are not given */
	DECLARED_RESERVED, /* addresses that a rangeguard policy keeps for others */
};

/** What ranges are for; those of one plan have to be apart */
enum declaration_use {
	USE_CONTAINERS,
	USE_PODS,
	USE_SERVICES,
	USE_MACHINES,
	USE_INTERNAL, /* what a network plugin joins its routers with, or masquerades as */
	USE_LOAD_BALANCERS,
	USE_UNKNOWN, /* under a key that nobody reads */
};

/**
 * struct declaration - Addresses that are used
 * @use:	What for
 * @network:	The network they lie in, host bits zero; all of it may be routed. No family: only @span is known
 * @span:	The addresses
 * @implied:	Not written there but what the plugin takes by default
 * @mild:	Nothing would give them yet, or nobody knows: no error
 * @is_pool:	Its keeper makes networks of it, which lie within
 * @default_of:	Whose default it is, for the document says nothing; NULL: it stands there
 * @offset:	Where in the text of the value they stand
 * @pointer:	JSON pointer of the value; owned
 */
struct declaration {
	enum declaration_kind kind;
	enum declaration_use use;
	struct prefix network;
	struct span span;
	bool implied;
	bool mild;
	bool is_pool;
	const char *default_of;
	size_t offset;
	char *pointer;
};

/** struct declarations - In the order of the document; @too_many: there were more than are checked, which has been told */
struct declarations {
	struct declaration *items;
	size_t n_items;
	size_t capacity;
	bool too_many;
};

/* Each adds what the object at @pointer of @file uses. 0 also with errors (reported), -ENOMEM. */
int declaration_read_plugin(const json_t *object, const char *file, const char *pointer,
			    struct declarations *declarations, struct report *report);
int declaration_read_libvirt(const json_t *object, const char *file, const char *pointer,
			     struct declarations *declarations, struct report *report);
int declaration_read_netavark(const json_t *object, const char *file, const char *pointer,
			      struct declarations *declarations, struct report *report);
int declaration_read_docker(const json_t *object, const char *file, const char *pointer,
			    struct declarations *declarations, struct report *report);
int declaration_read_ipam(const json_t *object, const char *file, const char *pointer,
			  struct declarations *declarations, struct report *report);
int declaration_read_whereabouts(const json_t *resource, const char *file, const char *pointer,
				 struct declarations *declarations, struct report *report);
int declaration_read_spiderpool(const json_t *resource, const char *file, const char *pointer,
				struct declarations *declarations, struct report *report);
const char *declaration_use_name(enum declaration_use use);
/* Addresses to which a route may lead: all of the network where there is one. */
struct span declaration_reach(const struct declaration *declaration);
void declarations_done(struct declarations *declarations);

#define DECLARATIONS_CLEANUP __attribute__((cleanup(declarations_done)))

#endif
