/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "host_scene.h"

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/enforce/classifier.h"
#include "plugin/host/protection_internal.h"
#include "plugin/network/identity.h"

/** The name of a list of destinations of pins, but for its digest (nf_set_name()) */
#define LIST_PREFIX "pin4-"
/** More calls than anything here makes */
#define CALLS_MAX 2000U

int host_scene_classifier;

/** The operations of a store that was lent, all of which are of the same kind; NULL: none was */
static const struct store_ops *owned;

static char where[128] = "no call fails";

/** faults - Where calls fail, and how: a negative errno for the port's own failure, a positive one for the kernel's refusal */
enum seam { SEAM_NONE, SEAM_STORE, SEAM_RTNETLINK, SEAM_RTNETLINK_MESSAGE, SEAM_NETFILTER };

static const struct {
	enum seam seam;
	const char *name;
	int errnum;
} faults[] = {
	{SEAM_STORE, "store", EIO},
	{SEAM_STORE, "store", ENOMEM},
	{SEAM_RTNETLINK, "rtnetlink", ENOBUFS},
	{SEAM_RTNETLINK, "rtnetlink", ENOMEM},
	{SEAM_RTNETLINK_MESSAGE, "message to rtnetlink", EPERM},
	{SEAM_NETFILTER, "nfnetlink", -ENOBUFS},
	{SEAM_NETFILTER, "nfnetlink", ENOMEM},
};

const char *host_scene_where(void)
{
	return where;
}

/** __wrap_classifier_open_kept() - In place of classifier.c */
int __wrap_classifier_open_kept(struct port *host, struct classifier *ret_classifier);
int __wrap_classifier_open_kept(struct port *host, struct classifier *ret_classifier)
{
	(void)host;
	(void)ret_classifier;
	return host_scene_classifier;
}

/** port_open_netfilter() - In place of port_mnl.c: the host has one from the beginning */
int port_open_netfilter(struct port **ret_port)
{
	(void)ret_port;
	return -EPROTONOSUPPORT;
}

void host_scene_begin(struct host_scene *scene)
{
	fake_reset();
	nf_fake_reset();
	host_scene_classifier = -ENOENT;
	*scene = (struct host_scene){
		.store = store_fake_new(),
		.host = {.data_dir = "/somewhere", .rtnetlink = fake_host_port(), .netfilter = nf_fake_port()},
		.state = STATE_INIT,
		.guard = GUARD_EMPTY(),
		.range = range_of("10.0.0.0/16", NULL, NULL),
	};
	scene->set = (struct range_set){.ranges = &scene->range, .n_ranges = 1};
}

void host_scene_end(struct host_scene *scene)
{
	if (owned)
		scene->store->ops = owned;
	guard_free(scene->guard);
	store_close(scene->store);
}

struct attachment host_scene_attachment(const char *id)
{
	return (struct attachment){.network = "net", .container_id = id, .ifname = "eth0"};
}

/** pin_to() - What a pin says, into a request: to be freed */
static void *pin_to(struct ipam_request *request, uint8_t pin)
{
	struct address source = {.family = FAMILY_IPV4, .value = 0xc0000200 + pin};
	struct span destination = span_of("198.51.100.0/24");
	EGRESS_CLEANUP struct egress egress = {0};
	void *data;
	size_t size;

	assert_int_equal(egress_add(&egress, &(struct egress_source){.family = FAMILY_IPV4, .address = &source},
				    &destination, 1),
			 0);
	assert_int_equal(egress_encode(&egress, &data, &size), 0);
	request->egress = bytes_of(data, size);
	request->lease.egress = egress_digest(request->egress);
	return data;
}

uint64_t host_scene_take(struct host_scene *scene, const char *id, const char *netns, uint8_t pin)
{
	struct ipam_request request = {
		.lease = lease_of("net", id, "eth0", NOW),
		.sets = &scene->set,
		.n_sets = 1,
		.guard = scene->guard,
	};
	struct ipam_refusal refusal;
	struct ipam_grant grant;
	void *definition = pin ? pin_to(&request, pin) : NULL;

	request.lease.netns = netns;
	assert_int_equal(ipam_take(scene->store, &request, &grant, &refusal), 0);
	free(definition);
	return request.lease.egress;
}

void host_scene_make_table(struct host_scene *scene)
{
	struct error err = {0};

	assert_int_equal(protection_make_table(&scene->host, scene->store, &err), 0);
}

void host_scene_put_link(const char *id)
{
	struct attachment attachment = host_scene_attachment(id);

	fake.host_end = (struct link_info){.index = 40, .peer_index = 2, .mtu = 1500, .kind = "veth"};
	identity_host_name(&attachment, fake.host_end.name);
	identity_alias(&attachment, fake.host_end.alias);
	identity_host_mac(&attachment, fake.host_end.mac);
}

/** ignore_lease() - ipam_each_fn: that it is there is enough */
static int ignore_lease(void *userdata, const struct lease *lease)
{
	(void)userdata;
	(void)lease;
	return 0;
}

bool host_scene_holds(struct host_scene *scene, const char *id)
{
	struct attachment attachment = host_scene_attachment(id);
	int r = ipam_find(scene->store, &attachment, ignore_lease, NULL);

	assert_true(r == 0 || r == IPAM_E_NOT_FOUND);
	return r == 0;
}

bool host_scene_is_pinned(uint8_t pin)
{
	uint8_t source[] = {192, 0, 2, pin};

	for (size_t i = 0; i < nf_fake.now.n_elements; i++)
		if (memcmp(nf_fake.now.elements[i].data, source, sizeof(source)) == 0)
			return true;
	return false;
}

bool host_scene_has_list(void)
{
	for (size_t i = 0; i < nf_fake.now.n_sets; i++)
		if (strncmp(nf_fake.now.sets[i], LIST_PREFIX, strlen(LIST_PREFIX)) == 0)
			return true;
	return false;
}

/** keep_open() - store_ops: for who lends a store */
static void keep_open(struct store *store)
{
	(void)store;
}

struct store *host_scene_lend(struct store *store)
{
	static struct store_ops ops;

	if (store->ops->close != keep_open)
		owned = store->ops;
	ops = *owned;
	ops.close = keep_open;
	store->ops = &ops;
	return store;
}

/** arm_fault() - Have the n-th call from now on fail; n 0: none */
static void arm_fault(struct host_scene *scene, size_t fault, unsigned n)
{
	store_fake_fail_at(scene->store, 0);
	fake.calls = fake.fail_call = fake.messages = fake.fail_message = 0;
	nf_fake.calls = nf_fake.fail_call = 0;
	if (!n)
		return;
	switch (faults[fault].seam) {
	case SEAM_STORE:
		store_fake_fail_at(scene->store, n);
		store_fake_fail_with(scene->store, faults[fault].errnum);
		break;
	case SEAM_RTNETLINK:
		fake.fail_call = n;
		fake.fail_errnum = faults[fault].errnum;
		break;
	case SEAM_RTNETLINK_MESSAGE:
		fake.fail_message = n;
		fake.fail_errnum = faults[fault].errnum;
		break;
	case SEAM_NETFILTER:
		nf_fake.fail_call = n;
		nf_fake.fail_errnum = faults[fault].errnum;
		break;
	case SEAM_NONE:
	default:
		break;
	}
	(void)snprintf(where, sizeof(where), "call %u of the %s fails with %d", n, faults[fault].name,
		       faults[fault].errnum);
}

/** has_failed() - Whether that call has come */
static bool has_failed(const struct host_scene *scene)
{
	return store_fake_has_failed(scene->store) || (fake.fail_call && fake.calls >= fake.fail_call) ||
	       (fake.fail_message && fake.messages >= fake.fail_message) ||
	       (nf_fake.fail_call && nf_fake.calls >= nf_fake.fail_call);
}

/** try() - Once, with the n-th call failing: whether it came */
static bool try(const struct host_sweep *sweep, size_t fault, unsigned n)
{
	struct host_scene scene;
	bool failed;
	int outcome;

	host_scene_begin(&scene);
	sweep->prepare(&scene);
	arm_fault(&scene, fault, n);
	outcome = sweep->act(&scene);
	failed = has_failed(&scene);
	arm_fault(&scene, 0, 0);
	sweep->judge(&scene, outcome, failed);
	host_scene_end(&scene);
	return failed;
}

unsigned host_scene_sweep(const struct host_sweep *sweep)
{
	unsigned tried = 0;

	(void)snprintf(where, sizeof(where), "no call fails");
	(void)try(sweep, 0, 0);
	for (size_t fault = 0; fault < sizeof(faults) / sizeof(faults[0]); fault++) {
		unsigned n = 1;

		while (try(sweep, fault, n) && n < CALLS_MAX)
			n++;
		assert_true(n < CALLS_MAX);
		tried += n - 1;
	}
	return tried;
}
