/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "attributes.h"

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

/** struct wanted - An attribute that is looked for */
struct wanted {
	uint16_t type;
	const struct nlattr *found;
};

static int match(const struct nlattr *attribute, void *userdata)
{
	struct wanted *wanted = userdata;

	if (mnl_attr_get_type(attribute) == wanted->type)
		wanted->found = attribute;
	return MNL_CB_OK;
}

const struct nlattr *attribute(const struct nlmsghdr *message, size_t head, uint16_t type)
{
	struct wanted wanted = {.type = type};

	assert_int_equal(mnl_attr_parse(message, (unsigned)head, match, &wanted), MNL_CB_OK);
	return wanted.found;
}

const struct nlattr *nested_behind(const struct nlattr *outer, size_t head, uint16_t type)
{
	struct wanted wanted = {.type = type};
	const uint8_t *payload;

	assert_non_null(outer);
	payload = mnl_attr_get_payload(outer);
	assert_true(mnl_attr_get_payload_len(outer) >= head);
	assert_int_equal(mnl_attr_parse_payload(payload + head, mnl_attr_get_payload_len(outer) - head, match, &wanted),
			 MNL_CB_OK);
	return wanted.found;
}

const struct nlattr *nested(const struct nlattr *outer, uint16_t type)
{
	return nested_behind(outer, 0, type);
}

uint32_t u32(const struct nlattr *attr)
{
	assert_non_null(attr);
	assert_int_equal(mnl_attr_get_payload_len(attr), 4);
	return mnl_attr_get_u32(attr);
}

const void *bytes(const struct nlattr *attr, size_t size)
{
	assert_non_null(attr);
	assert_int_equal(mnl_attr_get_payload_len(attr), size);
	return mnl_attr_get_payload(attr);
}
