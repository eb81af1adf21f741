/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libmnl's interface (libmnl/libmnl.h, whose words describe it) for programs that are linked statically: Debian 12 has
 * no archive of it, and a program that loads two shared libraries takes half as long again to start. Only what this
 * program and libnftnl call. Here: attributes. Pure.
 */

#include <errno.h>
#include <libmnl/libmnl.h>
#include <string.h>

uint16_t mnl_attr_get_type(const struct nlattr *attr)
{
	return (uint16_t)(attr->nla_type & (unsigned)NLA_TYPE_MASK);
}

uint16_t mnl_attr_get_payload_len(const struct nlattr *attr)
{
	return (uint16_t)(attr->nla_len - sizeof(*attr));
}

void *mnl_attr_get_payload(const struct nlattr *attr)
{
	/* The interface takes const away. */
	return (void *)((uintptr_t)attr + sizeof(*attr));
}

uint8_t mnl_attr_get_u8(const struct nlattr *attr)
{
	return *(const uint8_t *)mnl_attr_get_payload(attr);
}

uint16_t mnl_attr_get_u16(const struct nlattr *attr)
{
	return *(const uint16_t *)mnl_attr_get_payload(attr);
}

uint32_t mnl_attr_get_u32(const struct nlattr *attr)
{
	return *(const uint32_t *)mnl_attr_get_payload(attr);
}

/** mnl_attr_get_u64() - Attributes are aligned to 4 bytes, so that this is not */
uint64_t mnl_attr_get_u64(const struct nlattr *attr)
{
	uint64_t number;

	memcpy(&number, mnl_attr_get_payload(attr), sizeof(number));
	return number;
}

const char *mnl_attr_get_str(const struct nlattr *attr)
{
	return mnl_attr_get_payload(attr);
}

bool mnl_attr_ok(const struct nlattr *attr, int len)
{
	return len >= (int)sizeof(*attr) && attr->nla_len >= sizeof(*attr) && attr->nla_len <= len;
}

struct nlattr *mnl_attr_next(const struct nlattr *attr)
{
	return (struct nlattr *)((uintptr_t)attr + NLMSG_ALIGN((size_t)attr->nla_len));
}

int mnl_attr_type_valid(const struct nlattr *attr, uint16_t maxtype)
{
	if (mnl_attr_get_type(attr) <= maxtype)
		return 1;
	errno = EOPNOTSUPP;
	return -1;
}

/** fails() - Set errno to @errnum; returns -1 */
static int fails(int errnum)
{
	errno = errnum;
	return -1;
}

int mnl_attr_validate(const struct nlattr *attr, enum mnl_attr_data_type type)
{
	static const size_t sizes[MNL_TYPE_MAX] = {
		[MNL_TYPE_U8] = 1, [MNL_TYPE_U16] = 2, [MNL_TYPE_U32] = 4, [MNL_TYPE_U64] = 8, [MNL_TYPE_MSECS] = 8};
	size_t length = mnl_attr_get_payload_len(attr);

	if (type >= MNL_TYPE_MAX)
		return fails(EINVAL);
	if (sizes[type] && length != sizes[type])
		return fails(ERANGE);
	if (type == MNL_TYPE_FLAG && length)
		return fails(ERANGE);
	if ((type == MNL_TYPE_STRING || type == MNL_TYPE_NUL_STRING) && !length)
		return fails(ERANGE);
	if (type == MNL_TYPE_NUL_STRING && mnl_attr_get_str(attr)[length - 1])
		return fails(EINVAL);
	if (type == MNL_TYPE_NESTED && length && length < sizeof(*attr))
		return fails(ERANGE);
	return 0;
}

int mnl_attr_parse_payload(const void *payload, size_t payload_len, mnl_attr_cb_t cb, void *data)
{
	const struct nlattr *attr = payload;
	const char *end = (const char *)payload + payload_len;
	int r = MNL_CB_OK;

	for (; r > MNL_CB_STOP && mnl_attr_ok(attr, (int)(end - (const char *)attr)); attr = mnl_attr_next(attr))
		r = cb(attr, data);
	return r;
}

int mnl_attr_parse_nested(const struct nlattr *attr, mnl_attr_cb_t cb, void *data)
{
	return mnl_attr_parse_payload(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr), cb, data);
}

int mnl_attr_parse(const struct nlmsghdr *nlh, unsigned int offset, mnl_attr_cb_t cb, void *data)
{
	const char *payload = mnl_nlmsg_get_payload(nlh);
	size_t begin = NLMSG_ALIGN((size_t)offset), size = NLMSG_ALIGN(mnl_nlmsg_get_payload_len(nlh));

	return begin < size ? mnl_attr_parse_payload(payload + begin, size - begin, cb, data) : MNL_CB_OK;
}

/** tail() - Where the next attribute of a message begins */
static void *tail(struct nlmsghdr *nlh)
{
	return (char *)nlh + NLMSG_ALIGN(nlh->nlmsg_len);
}

void mnl_attr_put(struct nlmsghdr *nlh, uint16_t type, size_t len, const void *data)
{
	struct nlattr *attr = tail(nlh);
	char *payload = (char *)attr + sizeof(*attr);

	attr->nla_type = type;
	attr->nla_len = (uint16_t)(sizeof(*attr) + len);
	if (len)
		memcpy(payload, data, len);
	memset(payload + len, 0, NLMSG_ALIGN(len) - len);
	nlh->nlmsg_len += (uint32_t)NLMSG_ALIGN((size_t)attr->nla_len);
}

void mnl_attr_put_u8(struct nlmsghdr *nlh, uint16_t type, uint8_t data)
{
	mnl_attr_put(nlh, type, sizeof(data), &data);
}

void mnl_attr_put_u16(struct nlmsghdr *nlh, uint16_t type, uint16_t data)
{
	mnl_attr_put(nlh, type, sizeof(data), &data);
}

void mnl_attr_put_u32(struct nlmsghdr *nlh, uint16_t type, uint32_t data)
{
	mnl_attr_put(nlh, type, sizeof(data), &data);
}

void mnl_attr_put_u64(struct nlmsghdr *nlh, uint16_t type, uint64_t data)
{
	mnl_attr_put(nlh, type, sizeof(data), &data);
}

void mnl_attr_put_str(struct nlmsghdr *nlh, uint16_t type, const char *data)
{
	mnl_attr_put(nlh, type, strlen(data), data);
}

void mnl_attr_put_strz(struct nlmsghdr *nlh, uint16_t type, const char *data)
{
	mnl_attr_put(nlh, type, strlen(data) + 1, data);
}

struct nlattr *mnl_attr_nest_start(struct nlmsghdr *nlh, uint16_t type)
{
	struct nlattr *start = tail(nlh);

	start->nla_type = NLA_F_NESTED | type;
	nlh->nlmsg_len += (uint32_t)sizeof(*start);
	return start;
}

void mnl_attr_nest_end(struct nlmsghdr *nlh, struct nlattr *start)
{
	start->nla_len = (uint16_t)((char *)tail(nlh) - (char *)start);
}
