/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_FOREIGN_USAGE_H
#define PLUGIN_FOREIGN_USAGE_H

/*
 * Which addresses a configuration uses, whoever's it is: CNI plugins with host-local, static, whereabouts, calico-ipam
 * and others as their IPAM, pools of a cluster, networks of netavark, Docker's daemon.json. Each with its JSON pointer. Keys that say
 * nothing of addresses are their owners', and not looked at. Pure.
 *
 * What should be an address and can't be read as one is reported: as an error where the owner would refuse it too, since
 * what can't be read can't be held against a policy; as a warning where the owner is not known and may mean else by it.
 */

#include <jansson.h>

#include "ipam/address/address.h"
#include "plugin/report/report.h"

enum usage_kind {
	USAGE_RANGE,	/* addresses that are given, in a network that may be connected */
	USAGE_GATEWAY,	/* an address at which a gateway or a bridge answers */
	USAGE_ADDRESS,	/* an address that is fixed or asked for */
	USAGE_EXCLUDED, /* addresses of ranges that are not given */
	USAGE_RESERVED, /* addresses that a rangeguard policy keeps for others */
};

/**
 * struct usage - Addresses that are used
 * @network:	The network they lie in, host bits zero; all of it may be routed
 * @span:	The addresses
 * @implied:	Not written there but what the plugin takes by default
 * @pointer:	JSON pointer of the value; owned
 */
struct usage {
	enum usage_kind kind;
	struct prefix network;
	struct span span;
	bool implied;
	char *pointer;
};

/** struct usages - In the order of the document */
struct usages {
	struct usage *items;
	size_t n_items;
	size_t capacity;
};

/** What a JSON document is, by its shape (and Docker's also by its name) */
enum document_kind {
	DOCUMENT_UNKNOWN,
	DOCUMENT_NOT_OBJECT,
	DOCUMENT_LIST,	   /* CNI: plugins */
	DOCUMENT_PLUGIN,   /* CNI: type or ipam */
	DOCUMENT_POLICY,   /* rangeguard: reserved or granted */
	DOCUMENT_NETAVARK, /* podman: subnets, or driver and network_interface */
	DOCUMENT_DOCKER,   /* daemon.json: bip and others */
	DOCUMENT_CLUSTER,  /* a pool or NetworkAttachmentDefinition of a cluster, or a list of resources: apiVersion */
};

enum document_kind document_kind(const json_t *root, const char *file);

/* Each adds what the object at @pointer of @file uses. 0 also with errors (reported), -ENOMEM. */
int usage_read_plugin(const json_t *object, const char *file, const char *pointer, struct usages *usages,
		      struct report *report);
int usage_read_netavark(const json_t *object, const char *file, struct usages *usages, struct report *report);
int usage_read_docker(const json_t *object, const char *file, struct usages *usages, struct report *report);
int usage_read_pool(const json_t *resource, const char *file, const char *pointer, struct usages *usages,
		    struct report *report);
/* The CNI configuration in a NetworkAttachmentDefinition at @at, which then leads to it; NULL: none. A new reference. */
json_t *usage_attachment(const json_t *resource, const char *file, struct pointer *at, struct report *report);
bool usage_is_cluster(const json_t *root);
const char *usage_pool_keeper(const json_t *resource);
/* All of a document of any kind, whatever plugins are in it. */
int usage_read_document(const json_t *root, const char *file, struct usages *usages, struct report *report);
void usages_done(struct usages *usages);

#define USAGES_CLEANUP __attribute__((cleanup(usages_done)))

#endif
