/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_ATTRIBUTES_H
#define TESTS_UNIT_ATTRIBUTES_H

/* Attributes of netlink messages, for tests that read back what was built. */

#include <stddef.h>
#include <stdint.h>

#include <libmnl/libmnl.h>

/* The attribute of a type in a message whose head has so many bytes, NULL when there is none. */
const struct nlattr *attribute(const struct nlmsghdr *message, size_t head, uint16_t type);

/* The attribute of a type inside another, NULL when there is none. */
const struct nlattr *nested(const struct nlattr *outer, uint16_t type);

/* The same where so many bytes of a head come before the attributes inside. */
const struct nlattr *nested_behind(const struct nlattr *outer, size_t head, uint16_t type);

/* Their payloads, which must be there and have that size. */
uint32_t u32(const struct nlattr *attr);
const void *bytes(const struct nlattr *attr, size_t size);

#endif
