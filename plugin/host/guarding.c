/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The classifier at containers' interfaces. Owns nothing. */

#include "plugin/host/guarding.h"

#include <errno.h>
#include <string.h>

#include "plugin/enforce/classifier_attach.h"
#include "plugin/enforce/deadlines.h"
#include "plugin/enforce/marks.h"
#include "plugin/host/guarding_marks.h"
#include "plugin/network/link.h"
#include "plugin/report/log.h"
#include "plugin/snat/backstop.h"

_Static_assert(CLASSIFIER_SHARED_MAX == LIMIT_SHARED_PER_CONTAINER, "two names of one limit");

/** guarding_wanted() - Whether a container's interface needs the classifier */
bool guarding_wanted(const struct protection *protection)
{
	return protection->member.anti_spoof || member_pinned(&protection->member);
}

/** is_unset() - Whether a value is that of no address */
static bool is_unset(const uint32_t *words)
{
	return !(words[0] | words[1] | words[2] | words[3]);
}

/** put_address() - Into an element: the first one of a family has a place of its own */
static void put_address(struct classifier_element *element, const struct address *address)
{
	static const uint8_t mapped[12] = {[10] = 0xff, 0xff};
	uint8_t bytes[ADDRESS_BYTES_MAX];
	bool ipv4 = address->family == FAMILY_IPV4;

	address_to_bytes(address, bytes);
	if (ipv4 && !element->ipv4) {
		memcpy(&element->ipv4, bytes, sizeof(element->ipv4));
	} else if (!ipv4 && is_unset(element->ipv6)) {
		memcpy(element->ipv6, bytes, sizeof(element->ipv6));
	} else if (element->n_more < CLASSIFIER_MORE_ADDRESSES) {
		uint8_t *to = (uint8_t *)element->more[element->n_more++];

		if (ipv4)
			memcpy(mempcpy(to, mapped, sizeof(mapped)), bytes, 4);
		else
			memcpy(to, bytes, sizeof(element->more[0]));
	}
}

/** has_shared() - Whether an element has a shared source */
static bool has_shared(const struct classifier_element *element, const uint32_t key[static 4])
{
	for (uint32_t i = 0; i < element->n_shared; i++)
		if (memcmp(element->shared[i], key, sizeof(element->shared[i])) == 0)
			return true;
	return false;
}

/** put_shared() - A source that the container's packets may get, and that hosts share; pinning_make() counts them */
static void put_shared(struct classifier_element *element, const uint32_t key[static 4])
{
	if (!has_shared(element, key) && element->n_shared < CLASSIFIER_SHARED_MAX)
		memcpy(element->shared[element->n_shared++], key, sizeof(element->shared[0]));
}

/** put_clauses() - The shared sources of a container's pins */
static void put_clauses(struct classifier_element *element, const struct egress *egress)
{
	for (size_t i = 0; egress && i < egress->n_clauses; i++) {
		uint32_t key[4];

		if (!egress->clauses[i].shared)
			continue;
		deadlines_key(&egress->clauses[i].source, key);
		put_shared(element, key);
	}
}

/** put_link_local() - The container's link-local address: a modified EUI-64 of its MAC address, RFC 4291 appendix A */
static void put_link_local(struct classifier_element *element, const uint8_t mac[static ETH_ALEN])
{
	const uint8_t bytes[8] = {mac[0] ^ 2, mac[1], mac[2], 0xff, 0xfe, mac[3], mac[4], mac[5]};

	memcpy(element->link_local, bytes, sizeof(bytes));
}

/** make_element() - What the classifier is to know of a container, all bytes of it */
static void make_element(const struct host *host, const struct protection *protection,
			 struct classifier_element *element)
{
	const struct marks bits = marks();

	memset(element, 0, sizeof(*element));
	for (size_t i = 0; i < protection->member.n_addresses; i++)
		put_address(element, &protection->member.addresses[i]);
	put_clauses(element, protection->member.egress);
	put_link_local(element, protection->mac);
	memcpy(element->mac, protection->mac, sizeof(protection->mac));
	element->marks = marks_mask();
	element->mark = bits.guarded | (member_pinned(&protection->member) ? bits.pinned : 0);
	element->late = bits.late;
	element->flags = protection->member.anti_spoof ? 0 : CLASSIFIER_ANY_SOURCE;
	if (strlen(host->data_dir) < sizeof(element->data_dir))
		(void)snprintf(element->data_dir, sizeof(element->data_dir), "%s", host->data_dir);
}

/**
 * join() - What an older element of the same interface says, and a new one must not take back
 * @element:	New one, of rangeguard in the chained role
 * @older:	Of its interface role in the same list: both protect the same container
 */
static void join(struct classifier_element *element, const struct classifier_element *older)
{
	element->mark |= older->mark;
	element->flags &= older->flags | ~CLASSIFIER_ANY_SOURCE;
	for (uint32_t i = 0; i < older->n_shared && i < CLASSIFIER_SHARED_MAX; i++)
		put_shared(element, older->shared[i]);
}

/** group_of() - The link group of a container's interface */
static uint32_t group_of(const struct classifier_element *element)
{
	return (element->mark & marks().pinned) ? CLASSIFIER_GROUP_PINNED : CLASSIFIER_GROUP;
}

/** knows_mac() - Whether it is known which MAC address the container has: no lease says it */
static bool knows_mac(const struct protection *protection)
{
	static const uint8_t unknown[ETH_ALEN];

	return memcmp(protection->mac, unknown, sizeof(unknown)) != 0;
}

/**
 * find_mac() - The link-local address, and the MAC address, of a container of which the caller does not know them
 * @host:	Host
 * @ifindex:	Its interface
 * @older:	What the classifier knew of it; NULL: nothing any more, so the other end of the interface is asked
 * @element:	Filled
 */
static void find_mac(struct host *host, uint32_t ifindex, const struct classifier_element *older,
		     struct classifier_element *element)
{
	struct link_info peer;

	if (older && (older->link_local[0] || older->link_local[1])) {
		memcpy(element->link_local, older->link_local, sizeof(element->link_local));
		memcpy(element->mac, older->mac, sizeof(element->mac));
	} else if (link_peer(host->rtnetlink, ifindex, &peer) == 0) {
		put_link_local(element, peer.mac);
		memcpy(element->mac, peer.mac, sizeof(peer.mac));
	}
}

/**
 * take_over() - What an older element of the same interface says
 * @host:	Host
 * @classifier:	Classifier
 * @ifindex:	Interface
 * @protection:	What the lease says
 * @element:	New one, completed
 * @reterr:	Code 107: without knowing the older one, a new one could take back what it protects
 *
 * Return: 0, REFUSED
 */
static int take_over(struct host *host, const struct classifier *classifier, uint32_t ifindex,
		     const struct protection *protection, struct classifier_element *element, struct error *reterr)
{
	struct classifier_element older;
	int r = classifier_get(classifier, ifindex, &older);

	if (r && r != -ENOENT)
		return error_set_errno(reterr, ERROR_KERNEL, r, "reading the BPF map");
	if (!knows_mac(protection))
		find_mac(host, ifindex, r ? NULL : &older, element);
	if (!r && protection->shared_interface && older.marks == element->marks)
		join(element, &older);
	return 0;
}

/** note_bridge() - Whether the interface is a bridge's port, where frames from another's MAC address draw what is meant for him */
static void note_bridge(struct host *host, uint32_t ifindex, struct classifier_element *element)
{
	static const uint8_t unknown[sizeof(element->mac)];
	struct link_info link;

	if (link_get(host->rtnetlink, ifindex, &link) || !link.master)
		return;
	element->flags |= CLASSIFIER_BRIDGED;
	if (memcmp(element->mac, unknown, sizeof(unknown)) != 0)
		element->flags |= CLASSIFIER_OWN_MAC;
}

/** stop_bridging() - See that a bridge forwards nothing that was not guarded, where the kernel has nf_tables: 0, REFUSED */
static int stop_bridging(struct host *host, struct error *reterr)
{
	int r = host_open_netfilter(host, reterr);

	if (!r)
		r = backstop_ensure_bridge(host->netfilter, reterr);
	if (r != -EPROTONOSUPPORT && r != BACKSTOP_E_UNAVAILABLE)
		return r;
	log_line(
		"no nf_tables for bridges in this kernel: the classifier guards what containers send to each other alone");
	return 0;
}

/** take_bridged() - classifier_each() callback: 1 for a container behind a bridge */
static int take_bridged(void *userdata, uint32_t ifindex, const struct classifier_element *element)
{
	(void)userdata;
	(void)ifindex;
	return element->flags & CLASSIFIER_BRIDGED ? 1 : 0;
}

/**
 * guarding_stop_bridging() - See that what bridges forward is guarded, if a container is behind one
 * @host:	Host
 * @ifindex:	Whose interface it may be; 0: any container's
 * @reterr:	Code 107
 *
 * Return: 0, REFUSED
 */
int guarding_stop_bridging(struct host *host, uint32_t ifindex, struct error *reterr)
{
	CLASSIFIER_CLEANUP struct classifier kept = CLASSIFIER_INIT;
	struct classifier_element element;
	int bridged = 0;

	if (classifier_open_kept(host->rtnetlink, &kept))
		return 0;
	if (!ifindex)
		bridged = classifier_each(&kept, take_bridged, NULL);
	else if (classifier_get(&kept, ifindex, &element) == 0)
		bridged = take_bridged(NULL, ifindex, &element);
	return bridged == 1 ? stop_bridging(host, reterr) : 0;
}

/**
 * guarding_put() - Put the classifier to a container's interface
 * @host:	Host; the calling thread is in its namespace
 * @ifindex:	Interface
 * @protection:	What the lease says
 * @reterr:	Codes 7, 103, 107
 *
 * Return: 0, REFUSED
 */
int guarding_put(struct host *host, uint32_t ifindex, const struct protection *protection, struct error *reterr)
{
	CLASSIFIER_CLEANUP struct classifier classifier = CLASSIFIER_INIT;
	struct classifier_element element;
	int r;

	if (!guarding_wanted(protection) || !ifindex)
		return 0;
	make_element(host, protection, &element);
	r = classifier_open(host->rtnetlink, &classifier, reterr);
	if (!r)
		r = guarding_check_marks(host, &classifier, ifindex, reterr);
	if (!r && !protection->new_interface)
		r = take_over(host, &classifier, ifindex, protection, &element, reterr);
	if (!r && !protection->new_interface)
		note_bridge(host, ifindex, &element);
	if (!r)
		r = classifier_put(&classifier, ifindex, &element, reterr);
	if (!r)
		r = protection->new_interface
			    ? classifier_attach_new(host->rtnetlink, &classifier, ifindex, group_of(&element),
						    element.flags & CLASSIFIER_ANY_SOURCE, reterr)
			    : classifier_attach(host->rtnetlink, &classifier, ifindex, group_of(&element), reterr);
	if (!r && (element.flags & CLASSIFIER_BRIDGED))
		r = stop_bridging(host, reterr);
	if (r && reterr->code == ERROR_KERNEL && member_pinned(&protection->member))
		(void)error_recode(reterr, ERROR_SNAT);
	return r;
}

/** same_mac() - Whether an element lets the container send from a MAC address that it is known to have */
static bool same_mac(const struct classifier_element *wanted, const struct classifier_element *there)
{
	static const uint8_t unknown[sizeof(wanted->mac)];

	return !(there->flags & CLASSIFIER_OWN_MAC) || memcmp(wanted->mac, unknown, sizeof(unknown)) == 0 ||
	       memcmp(wanted->mac, there->mac, sizeof(there->mac)) == 0;
}

/** same_element() - Whether an element says what is wanted; what follows from MAC address and bridge is others' to know */
static bool same_element(const struct classifier_element *wanted, struct classifier_element *there)
{
	if ((there->mark & wanted->mark) != wanted->mark || !same_mac(wanted, there))
		return false;
	there->flags = (there->flags & CLASSIFIER_ANY_SOURCE) | (wanted->flags & ~CLASSIFIER_ANY_SOURCE);
	memcpy(there->mac, wanted->mac, sizeof(there->mac));
	there->mark = wanted->mark; /* of another role, there may be more */
	memcpy(there->link_local, wanted->link_local, sizeof(there->link_local));
	return memcmp(wanted, there, sizeof(*wanted)) == 0;
}

/** in_group() - Whether an interface is in the group by which the nftables tables know it: 1, 0, negative errno */
static int in_group(struct host *host, uint32_t ifindex, const struct classifier_element *element)
{
	struct link_info link;
	int r = link_get(host->rtnetlink, ifindex, &link);

	if (r)
		return r == -ENODEV || r == -ENOENT ? 0 : r;
	return link.group == group_of(element);
}

/** opener_fn - How the classifier that should be there is opened: 0, REFUSED */
typedef int (*opener_fn)(struct port *host, struct classifier *ret_classifier, struct error *reterr);

/** look() - guarding_look() with what @open opens */
static int look(struct host *host, opener_fn open, uint32_t ifindex, const struct protection *protection,
		struct error *reterr)
{
	CLASSIFIER_CLEANUP struct classifier wanted = CLASSIFIER_INIT;
	CLASSIFIER_CLEANUP struct classifier there = CLASSIFIER_INIT;
	struct classifier_element element, found;
	bool first;
	int r;

	if (!guarding_wanted(protection) || !ifindex)
		return 0;
	make_element(host, protection, &element);
	if (open(host->rtnetlink, &wanted, reterr))
		return REFUSED;
	r = classifier_find(host->rtnetlink, &wanted, ifindex, &there, &first, reterr);
	if (r)
		return r == CLASSIFIER_E_MISSING ? GUARDING_E_MISSING : r;
	if (!first || classifier_get(&there, ifindex, &found) < 0 || !classifier_agrees(&there, ifindex, &found) ||
	    !same_element(&element, &found))
		return GUARDING_E_MISSING;
	r = in_group(host, ifindex, &found);
	if (r < 0)
		return error_set_errno(reterr, ERROR_KERNEL, r, "looking at the container's interface");
	if (!r)
		return GUARDING_E_MISSING;
	/* Nobody tells a map whose name was lost until when its sources may be used. */
	if (element.n_shared && there.deadlines_id != wanted.deadlines_id)
		return GUARDING_E_MISSING;
	return 0;
}

/**
 * guarding_look() - Whether the classifier is at a container's interface, the first one, and knows it, and the nftables tables
 * know the interface
 * @host:	Host; the calling thread is in its namespace
 * @ifindex:	Interface
 * @protection:	What the lease says
 * @reterr:	Code 107
 *
 * Return: 0, GUARDING_E_MISSING, REFUSED
 */
int guarding_look(struct host *host, uint32_t ifindex, const struct protection *protection, struct error *reterr)
{
	return look(host, classifier_open, ifindex, protection, reterr);
}

/** guarding_look_only() - The same, and nothing is kept in the kernel where there was nothing */
int guarding_look_only(struct host *host, uint32_t ifindex, const struct protection *protection, struct error *reterr)
{
	return look(host, classifier_open_to_look, ifindex, protection, reterr);
}

/** is_of() - Whether the classifier knows a container at an interface, by its addresses; without @protection any: 1, 0, errno */
static int is_of(struct host *host, const struct classifier *classifier, uint32_t ifindex,
		 const struct protection *protection)
{
	struct classifier_element wanted, found;
	int r;

	if (!protection)
		return 1;
	make_element(host, protection, &wanted);
	r = classifier_get(classifier, ifindex, &found);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return found.ipv4 == wanted.ipv4 && memcmp(found.ipv6, wanted.ipv6, sizeof(found.ipv6)) == 0;
}

/** forget() - Have a classifier forget a container's interface: 0, negative errno */
static int forget(struct host *host, const struct classifier *classifier, uint32_t ifindex,
		  const struct protection *protection)
{
	int r = is_of(host, classifier, ifindex, protection);

	return r > 0 ? classifier_forget(classifier, ifindex) : r;
}

/** open_kept() - The classifier that is kept: 0, -ENOENT also in a kernel that lets nobody have one, negative errno */
static int open_kept(struct host *host, struct classifier *ret_kept)
{
	int r = classifier_open_kept(host->rtnetlink, ret_kept);

	return r == -ENOSYS || r == -EPERM ? -ENOENT : r;
}

/**
 * guarding_close() - Let nothing pass that comes through an interface any more, if the classifier is there
 * @host:	Host
 * @ifindex:	Interface; 0: none
 * @protection:	Whose it was, if its name may have gone to another one; NULL: it is known to be this one's
 * @reterr:	Code 107: the classifier can't be looked at, and may let the container go on
 *
 * Return: 0, REFUSED
 */
int guarding_close(struct host *host, uint32_t ifindex, const struct protection *protection, struct error *reterr)
{
	CLASSIFIER_CLEANUP struct classifier kept = CLASSIFIER_INIT;
	CLASSIFIER_CLEANUP struct classifier there = CLASSIFIER_INIT;
	struct error ignored = {0};
	bool first;
	int r = ifindex ? open_kept(host, &kept) : -ENOENT;

	if (!r)
		r = forget(host, &kept, ifindex, protection);
	/* One that was loaded before the name was lost has a map of its own. */
	if (!r && protection && classifier_find(host->rtnetlink, &kept, ifindex, &there, &first, &ignored) == 0)
		r = forget(host, &there, ifindex, protection);
	return !r || r == -ENOENT
		       ? 0
		       : error_set_errno(
				 reterr, ERROR_KERNEL, r,
				 "what guards the container's interface can't be looked at, and may let it send");
}

/** sweep_one() - classifier_each() callback: forget an interface that is gone; userdata is the classifier */
static int sweep_one(void *userdata, uint32_t ifindex, const struct classifier_element *element)
{
	char name[IFNAMSIZ];

	(void)element;
	if (!if_indextoname(ifindex, name) && errno == ENXIO)
		(void)classifier_forget(userdata, ifindex);
	return 0;
}

/**
 * guarding_sweep() - Have the classifier forget interfaces that are gone: other plugins', of containers without a lease here
 * @host:	Host; the calling thread is in its namespace
 */
void guarding_sweep(struct host *host)
{
	CLASSIFIER_CLEANUP struct classifier kept = CLASSIFIER_INIT;

	if (classifier_open_kept(host->rtnetlink, &kept) == 0)
		(void)classifier_each(&kept, sweep_one, &kept);
}
