/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A configuration read with too little memory: nothing of it is dropped in silence, and the error is the one for that. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <stdlib.h>
#include <string.h>

#include "memory_fake.h"
#include "plugin/netconf/netconf.h"
#include "rangeguard/array.h"

static const char *const texts[] = {
	"{\"cniVersion\": \"1.0.0\", \"name\": \"n\", \"type\": \"rangeguard\", \"ipam\": {\"type\": \"rangeguard\","
	" \"ranges\": [[{\"subnet\": \"10.0.0.0/24\"}], [{\"subnet\": \"fd00::/64\"}]], \"routes\": [{\"dst\": \"::/0\"}]}}",
	"{\"cniVersion\": \"1.0.0\", \"name\": \"n\", \"type\": \"rangeguard\", \"snat\": [{\"name\": \"a\", \"source\":"
	" [\"192.0.2.1\"], \"destinations\": [\"198.51.100.0/24\"]}, {\"name\": \"b\", \"source\": [\"192.0.2.2\"]}],"
	" \"ipam\": {\"type\": \"rangeguard\", \"subnet\": \"10.0.0.0/24\"}}",
	"{\"cniVersion\": \"1.0.0\", \"name\": \"n\", \"type\": \"bridge\", \"ipam\": {\"type\": \"rangeguard\","
	" \"ranges\": [[{\"subnet\": \"10.0.0.0/24\"}]]}, \"runtimeConfig\": {\"ips\": [\"10.0.0.7\"], \"ipRanges\":"
	" [[{\"subnet\": \"10.1.0.0/24\"}]]}}",
};

static void each_allocation_fails_once(void **state)
{
	const struct cni_args args = {.ip = "10.0.0.9"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(texts); i++) {
		unsigned n = 0;
		int r;

		do {
			json_t *root = json_loads(texts[i], 0, NULL);
			NETCONF_CLEANUP struct netconf netconf = {0};
			struct first_error listener;
			struct error err = {0};

			assert_non_null(root);
			first_error_init(&listener, &err, ERROR_NONE);
			memory_fail_in = ++n;
			r = netconf_read(root, "test.conf", "", &args, &netconf, &listener.report);
			json_decref(root);
			if (memory_fail_in > 0) {
				assert_int_equal(r, 0);
				assert_int_equal(err.code, ERROR_NONE);
				break;
			}
			assert_int_equal(r, REFUSED);
			assert_int_equal(err.code, ERROR_TRY_AGAIN);
			assert_string_equal(err.msg, "out of memory");
		} while (true);
		memory_fail_in = 0;
		assert_true(n > 5);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_allocation_fails_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
