/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libmnl's interface as static programs have it (plugin/mnl) beside libmnl itself: the same bytes, answers and errno. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdlib.h>

#define ROUNDS 20000
#define BUFFER_BYTES 256

/** real() - The function @name of libmnl itself; its type is that of @ours */
#define real(ours) ((__typeof__(&(ours)))(uintptr_t)symbol(#ours))

static void *library;

static void *symbol(const char *name)
{
	void *found = dlsym(library, name);

	assert_non_null(found);
	return found;
}

static int open_library(void **state)
{
	(void)state;
	library = dlopen("libmnl.so.0", RTLD_NOW | RTLD_LOCAL);
	return library ? 0 : -1;
}

static int close_library(void **state)
{
	(void)state;
	return dlclose(library);
}

/** lot() - A number below @n, the same ones in each run */
static unsigned lot(unsigned n)
{
	/* NOLINTNEXTLINE(cert-msc30-c,cert-msc50-cpp,concurrency-mt-unsafe): repeatable, nothing secret */
	return (unsigned)random() % n;
}

/** struct buffer - Room for messages */
struct buffer {
	_Alignas(struct nlmsghdr) uint8_t bytes[BUFFER_BYTES];
};

/** fill() - Bytes by lot; small ones, so that lengths are often possible */
static void fill(struct buffer *buffer)
{
	for (size_t i = 0; i < sizeof(buffer->bytes); i++)
		buffer->bytes[i] = (uint8_t)(lot(2) ? 0 : lot(48));
}

static void attributes_are_validated_alike(void **state)
{
	__typeof__(&mnl_attr_validate) validate = real(mnl_attr_validate);
	__typeof__(&mnl_attr_type_valid) type_valid = real(mnl_attr_type_valid);

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct buffer buffer;
		struct nlattr *attr = (void *)buffer.bytes;
		enum mnl_attr_data_type type = lot(MNL_TYPE_MAX + 1);
		uint16_t maxtype = (uint16_t)lot(48);
		int expected, expected_errno;

		fill(&buffer);
		attr->nla_len = (uint16_t)(sizeof(*attr) + lot(12));
		errno = 0;
		expected = validate(attr, type);
		expected_errno = errno;
		errno = 0;
		assert_int_equal(mnl_attr_validate(attr, type), expected);
		assert_int_equal(errno, expected_errno);
		assert_int_equal(mnl_attr_type_valid(attr, maxtype), type_valid(attr, maxtype));
		assert_int_equal(mnl_attr_get_type(attr), real(mnl_attr_get_type)(attr));
		assert_int_equal(mnl_attr_get_u16(attr), real(mnl_attr_get_u16)(attr));
		assert_int_equal(mnl_attr_get_u64(attr), real(mnl_attr_get_u64)(attr));
	}
}

/** struct seen - What a callback was given */
struct seen {
	const void *items[BUFFER_BYTES];
	size_t n;
	size_t stop_after;
};

static int see(struct seen *seen, const void *item)
{
	assert_true(seen->n < BUFFER_BYTES);
	seen->items[seen->n++] = item;
	return seen->n == seen->stop_after ? MNL_CB_STOP : MNL_CB_OK;
}

static int see_attribute(const struct nlattr *attr, void *data)
{
	return see(data, attr);
}

static int see_message(const struct nlmsghdr *nlh, void *data)
{
	return see(data, nlh);
}

static void attributes_are_parsed_alike(void **state)
{
	__typeof__(&mnl_attr_parse) parse = real(mnl_attr_parse);

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct seen expected = {.stop_after = lot(6)}, seen = {.stop_after = expected.stop_after};
		struct buffer buffer;
		struct nlmsghdr *nlh = (void *)buffer.bytes;
		unsigned offset = lot(40);

		fill(&buffer);
		nlh->nlmsg_len = (uint32_t)sizeof(*nlh) + lot(BUFFER_BYTES - sizeof(*nlh));
		assert_int_equal(mnl_attr_parse(nlh, offset, see_attribute, &seen),
				 parse(nlh, offset, see_attribute, &expected));
		assert_memory_equal(&seen, &expected, sizeof(seen));
	}
}

static void replies_are_run_alike(void **state)
{
	__typeof__(&mnl_cb_run) run = real(mnl_cb_run);

	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct seen expected = {.stop_after = lot(6)}, seen = {.stop_after = expected.stop_after};
		struct buffer buffer;
		unsigned seq = lot(2), portid = lot(2);
		int r, expected_errno;

		fill(&buffer);
		for (size_t at = 0; at + 2 * sizeof(struct nlmsghdr) < BUFFER_BYTES; at += 36) {
			struct nlmsghdr *nlh = (void *)(buffer.bytes + at);

			*nlh = (struct nlmsghdr){.nlmsg_len = lot(8) ? 36 : lot(36),
						 .nlmsg_type = (uint16_t)(lot(2) ? NLMSG_MIN_TYPE : lot(6)),
						 .nlmsg_flags = lot(8) ? 0 : NLM_F_DUMP_INTR,
						 .nlmsg_seq = lot(16) ? 1 : 2,
						 .nlmsg_pid = lot(16) ? 1 : 2};
		}
		errno = 0;
		r = run(buffer.bytes, BUFFER_BYTES, seq, portid, see_message, &expected);
		expected_errno = errno;
		errno = 0;
		assert_int_equal(mnl_cb_run(buffer.bytes, BUFFER_BYTES, seq, portid, see_message, &seen), r);
		assert_int_equal(errno, expected_errno);
		assert_memory_equal(&seen, &expected, sizeof(seen));
	}
}

/** put_all() - A message with an attribute of each kind, by ours() or real() functions */
#define put_all(buffer, call)                                                                                          \
	do {                                                                                                           \
		struct nlmsghdr *nlh_ = call(mnl_nlmsg_put_header)((buffer)->bytes);                                   \
		uint8_t *extra_ = call(mnl_nlmsg_put_extra_header)(nlh_, 6);                                           \
		struct nlattr *nest_, *inner_;                                                                         \
		extra_[0] = 7;                                                                                         \
		call(mnl_attr_put)(nlh_, 1, 6, "\1\2\3\4\5\6");                                                        \
		nest_ = call(mnl_attr_nest_start)(nlh_, 2);                                                            \
		call(mnl_attr_put_u8)(nlh_, 3, 4);                                                                     \
		inner_ = call(mnl_attr_nest_start)(nlh_, 5);                                                           \
		call(mnl_attr_put_u16)(nlh_, 6, 0x789a);                                                               \
		call(mnl_attr_put_u32)(nlh_, 7, 0x789abcde);                                                           \
		call(mnl_attr_put_u64)(nlh_, 8, 0x789abcdef0123456);                                                   \
		call(mnl_attr_nest_end)(nlh_, inner_);                                                                 \
		call(mnl_attr_put_str)(nlh_, 9, "text");                                                               \
		call(mnl_attr_nest_end)(nlh_, nest_);                                                                  \
		call(mnl_attr_put_strz)(nlh_, 10, "text");                                                             \
		call(mnl_attr_put)(nlh_, 11, 0, NULL);                                                                 \
	} while (0)
#define ours(function) function

static void messages_are_built_alike(void **state)
{
	/* libmnl leaves padding as it finds it. */
	struct buffer built = {0}, expected = {0};

	(void)state;
	put_all(&built, ours);
	put_all(&expected, real);
	assert_memory_equal(&built, &expected, sizeof(built));
}

static void batches_fill_alike(void **state)
{
	struct buffer buffers[2] = {0};
	struct mnl_nlmsg_batch *batch = mnl_nlmsg_batch_start(buffers[0].bytes, 100);
	struct mnl_nlmsg_batch *expected = real(mnl_nlmsg_batch_start)(buffers[1].bytes, 100);

	(void)state;
	assert_non_null(batch);
	assert_non_null(expected);
	assert_true(mnl_nlmsg_batch_is_empty(batch));
	assert_ptr_equal(mnl_nlmsg_batch_head(batch), buffers[0].bytes);
	for (int i = 0; i < 4; i++) {
		uint8_t *current = mnl_nlmsg_batch_current(batch);
		uint8_t *expected_current = real(mnl_nlmsg_batch_current)(expected);

		assert_int_equal(current - buffers[0].bytes, expected_current - buffers[1].bytes);
		(void)mnl_nlmsg_put_extra_header(mnl_nlmsg_put_header(current), 20);
		(void)mnl_nlmsg_put_extra_header(mnl_nlmsg_put_header(expected_current), 20);
		assert_int_equal(mnl_nlmsg_batch_next(batch), real(mnl_nlmsg_batch_next)(expected));
		assert_int_equal(mnl_nlmsg_batch_size(batch), real(mnl_nlmsg_batch_size)(expected));
		assert_int_equal(mnl_nlmsg_batch_is_empty(batch), real(mnl_nlmsg_batch_is_empty)(expected));
	}
	mnl_nlmsg_batch_stop(batch);
	real(mnl_nlmsg_batch_stop)(expected);
}

static void socket_speaks_to_the_kernel(void **state)
{
	struct mnl_socket *nl = mnl_socket_open(NETLINK_ROUTE);
	struct buffer buffer = {0}, reply;
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buffer.bytes);
	ssize_t size;

	(void)state;
	assert_non_null(nl);
	assert_int_equal(mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID), 0);
	nlh->nlmsg_type = NLMSG_NOOP;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	assert_int_equal(mnl_socket_sendto(nl, nlh, nlh->nlmsg_len), nlh->nlmsg_len);
	size = mnl_socket_recvfrom(nl, &reply, sizeof(reply));
	assert_true(size > 0);
	assert_int_equal(mnl_cb_run(&reply, (size_t)size, 0, mnl_socket_get_portid(nl), NULL, NULL), MNL_CB_STOP);
	/* Cut, it is no answer. */
	assert_int_equal(mnl_socket_sendto(nl, nlh, sizeof(*nlh)), sizeof(*nlh));
	assert_int_equal(mnl_socket_recvfrom(nl, &reply, 8), -1);
	assert_int_equal(errno, ENOSPC);
	assert_int_equal(mnl_socket_close(nl), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attributes_are_validated_alike),
		cmocka_unit_test(attributes_are_parsed_alike),
		cmocka_unit_test(replies_are_run_alike),
		cmocka_unit_test(messages_are_built_alike),
		cmocka_unit_test(batches_fill_alike),
		cmocka_unit_test(socket_speaks_to_the_kernel),
	};

	return cmocka_run_group_tests(tests, open_library, close_library);
}
