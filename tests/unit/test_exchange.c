/* SPDX-License-Identifier: GPL-2.0-or-later */
/* exchange.c: the netlink protocol's bookkeeping, on datagrams built by hand. */

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>

#include "plugin/network/exchange.h"
#include "rangeguard/array.h"

#define PORT_ID 4711U
#define SEQUENCE 100U

/** struct received - What "the kernel" sends */
struct received {
	size_t used;
	_Alignas(struct nlmsghdr) uint8_t bytes[2048];
};

/** struct heard - What the reply callback heard */
struct heard {
	unsigned count;
	uint16_t types[8];
	int fail_with;
};

static int hear(const struct nlmsghdr *message, void *userdata)
{
	struct heard *heard = userdata;

	assert_non_null(message);
	assert_true(heard->count < ARRAY_LENGTH(heard->types));
	heard->types[heard->count++] = message->nlmsg_type;
	return heard->fail_with;
}

/** put() - Append a message to a datagram; its payload is @size bytes of @payload */
static struct nlmsghdr *put(struct received *datagram, uint16_t type, uint16_t flags, uint32_t sequence,
			    const void *payload, size_t size)
{
	struct nlmsghdr *message = mnl_nlmsg_put_header(datagram->bytes + datagram->used);

	message->nlmsg_type = type;
	message->nlmsg_flags = flags;
	message->nlmsg_seq = sequence;
	message->nlmsg_pid = PORT_ID;
	if (size)
		memcpy(mnl_nlmsg_put_extra_header(message, size), payload, size);
	datagram->used += NLMSG_ALIGN(message->nlmsg_len);
	return message;
}

/** put_error() - Append an NLMSG_ERROR, capped, without text */
static void put_error(struct received *datagram, uint32_t sequence, int errnum)
{
	struct nlmsgerr error = {.error = -errnum, .msg = {.nlmsg_len = 64, .nlmsg_seq = sequence}};

	put(datagram, NLMSG_ERROR, NLM_F_CAPPED, sequence, &error, sizeof(error));
}

/** begin() - An exchange with a batch of @count requests */
static void begin(struct exchange *exchange, struct batch *batch, unsigned count, uint16_t flags, struct heard *heard)
{
	batch_reset(batch);
	for (; batch->count < count; batch->count++) {
		struct nlmsghdr *message = mnl_nlmsg_put_header(batch->buffer + batch->used);

		message->nlmsg_type = RTM_GETLINK;
		message->nlmsg_flags = flags;
		(void)mnl_nlmsg_put_extra_header(message, sizeof(struct ifinfomsg));
		batch->used += NLMSG_ALIGN(message->nlmsg_len);
	}
	*exchange = (struct exchange){.port_id = PORT_ID, .reply = hear, .userdata = heard};
	exchange_begin(exchange, batch, SEQUENCE);
}

static void batch_is_marked_for_its_way(void **state)
{
	const struct nlmsghdr *message;
	struct exchange exchange;
	struct heard heard = {0};
	struct batch batch;
	int rest;

	(void)state;
	begin(&exchange, &batch, 3, 0, &heard);
	message = (const void *)batch.buffer;
	rest = (int)batch.used;
	for (uint32_t i = 0; i < 3; i++) {
		assert_true(mnl_nlmsg_ok(message, rest));
		assert_int_equal(message->nlmsg_seq, SEQUENCE + i);
		assert_int_equal(message->nlmsg_flags, i == 2 ? NLM_F_REQUEST | NLM_F_ACK : NLM_F_REQUEST);
		message = mnl_nlmsg_next(message, &rest);
	}
	assert_int_equal(exchange.count, 3);
	assert_false(exchange.dump);
}

static void dump_asks_for_no_acknowledgement(void **state)
{
	struct exchange exchange;
	struct heard heard = {0};
	struct batch batch;

	(void)state;
	begin(&exchange, &batch, 1, NLM_F_DUMP, &heard);
	assert_true(exchange.dump);
	assert_int_equal(((const struct nlmsghdr *)(const void *)batch.buffer)->nlmsg_flags,
			 NLM_F_REQUEST | NLM_F_DUMP);
}

static void last_acknowledgement_completes(void **state)
{
	struct received datagram = {0};
	struct exchange exchange;
	struct heard heard = {0};
	struct batch batch;

	(void)state;
	begin(&exchange, &batch, 2, 0, &heard);
	put_error(&datagram, SEQUENCE + 1, 0);
	assert_int_equal(exchange_take(&exchange, datagram.bytes, datagram.used), EXCHANGE_COMPLETE);
	assert_false(exchange.refused);
	assert_int_equal(heard.count, 0);
}

/* A GET that asks for an acknowledgement is answered by data and by that. */
static void data_does_not_complete(void **state)
{
	const struct ifinfomsg link = {.ifi_index = 7};
	struct received data = {0}, end = {0};
	struct exchange exchange;
	struct heard heard = {0};
	struct batch batch;

	(void)state;
	begin(&exchange, &batch, 1, 0, &heard);
	put(&data, RTM_NEWLINK, 0, SEQUENCE, &link, sizeof(link));
	assert_int_equal(exchange_take(&exchange, data.bytes, data.used), 0);
	put_error(&end, SEQUENCE, 0);
	assert_int_equal(exchange_take(&exchange, end.bytes, end.used), EXCHANGE_COMPLETE);
	assert_int_equal(heard.count, 1);
}

static void one_datagram_may_hold_it_all(void **state)
{
	const struct ifinfomsg link = {.ifi_index = 7};
	struct received datagram = {0};
	struct exchange exchange;
	struct heard heard = {0};
	struct batch batch;

	(void)state;
	begin(&exchange, &batch, 4, 0, &heard);
	put_error(&datagram, SEQUENCE, EEXIST);
	put(&datagram, RTM_NEWLINK, 0, SEQUENCE + 1, &link, sizeof(link));
	put(&datagram, NLMSG_NOOP, 0, SEQUENCE + 1, NULL, 0);
	put_error(&datagram, SEQUENCE + 2, ENODEV);
	put(&datagram, RTM_NEWADDR, 0, SEQUENCE + 3, &link, sizeof(link));
	put_error(&datagram, SEQUENCE + 3, 0);
	assert_int_equal(exchange_take(&exchange, datagram.bytes, datagram.used), EXCHANGE_COMPLETE);
	assert_true(exchange.refused);
	assert_int_equal(exchange.failure.index, 0);
	assert_int_equal(exchange.failure.errnum, EEXIST);
	assert_string_equal(exchange.failure.text, "");
	assert_int_equal(heard.count, 2);
	assert_int_equal(heard.types[0], RTM_NEWLINK);
	assert_int_equal(heard.types[1], RTM_NEWADDR);
}

static void refused_last_message_completes(void **state)
{
	struct received datagram = {0};
	struct exchange exchange;
	struct heard heard = {0};
	struct batch batch;

	(void)state;
	begin(&exchange, &batch, 3, 0, &heard);
	put_error(&datagram, SEQUENCE + 2, EPERM);
	assert_int_equal(exchange_take(&exchange, datagram.bytes, datagram.used), EXCHANGE_COMPLETE);
	assert_int_equal(exchange.failure.index, 2);
	assert_int_equal(exchange.failure.errnum, EPERM);
}

/* linux/netlink.h: EEXIST of a message that may find its work done is no refusal; any other errno is. */
static void existing_may_be_fine(void **state)
{
	struct received datagram = {0};
	struct exchange exchange;
	struct heard heard = {0};
	struct batch batch;

	(void)state;
	begin(&exchange, &batch, 3, 0, &heard);
	exchange.may_exist = 1 << 0 | 1 << 1;
	put_error(&datagram, SEQUENCE, EEXIST);
	assert_int_equal(exchange_take(&exchange, datagram.bytes, datagram.used), 0);
	assert_false(exchange.refused);
	put_error(&datagram, SEQUENCE + 1, ENODEV);
	put_error(&datagram, SEQUENCE + 2, EEXIST);
	assert_int_equal(exchange_take(&exchange, datagram.bytes, datagram.used), EXCHANGE_COMPLETE);
	assert_true(exchange.refused);
	assert_int_equal(exchange.failure.index, 1);

	begin(&exchange, &batch, 3, 0, &heard);
	exchange.may_exist = 1 << 0 | 1 << 1;
	memset(&datagram, 0, sizeof(datagram));
	put_error(&datagram, SEQUENCE + 2, EEXIST);
	assert_int_equal(exchange_take(&exchange, datagram.bytes, datagram.used), EXCHANGE_COMPLETE);
	assert_true(exchange.refused);
}

/** put_extack() - Append an NLMSG_ERROR with @text; @payload bytes of the refused message stand in it unless capped */
static void put_extack(struct received *datagram, bool capped, size_t payload, const char *text)
{
	struct nlmsgerr error = {.error = -EINVAL, .msg = {.nlmsg_len = (uint32_t)(sizeof(struct nlmsghdr) + payload)}};
	uint16_t flags = (uint16_t)(NLM_F_ACK_TLVS | (capped ? NLM_F_CAPPED : 0));
	struct nlmsghdr *message = put(datagram, NLMSG_ERROR, flags, SEQUENCE, &error, sizeof(error));

	if (!capped && payload)
		memset(mnl_nlmsg_put_extra_header(message, payload), 0xff, payload);
	mnl_attr_put_u32(message, NLMSGERR_ATTR_OFFS, 20);
	mnl_attr_put_strz(message, NLMSGERR_ATTR_MSG, text);
	datagram->used = NLMSG_ALIGN(message->nlmsg_len);
}

static void kernel_text_is_found_behind_the_refused_message(void **state)
{
	static const struct {
		bool capped;
		size_t payload;
	} cases[] = {{true, 0}, {true, 61}, {false, 0}, {false, 1}, {false, 16}, {false, 61}};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct received datagram = {0};
		struct exchange exchange;
		struct heard heard = {0};
		struct batch batch;

		begin(&exchange, &batch, 1, 0, &heard);
		put_extack(&datagram, cases[i].capped, cases[i].payload, "Nexthop has invalid gateway");
		assert_int_equal(exchange_take(&exchange, datagram.bytes, datagram.used), EXCHANGE_COMPLETE);
		assert_int_equal(exchange.failure.errnum, EINVAL);
		assert_string_equal(exchange.failure.text, "Nexthop has invalid gateway");
	}
}

static void long_kernel_text_is_cut(void **state)
{
	struct received datagram = {0};
	char text[2 * PORT_TEXT_MAX];
	struct exchange exchange;
	struct heard heard = {0};
	struct batch batch;

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	begin(&exchange, &batch, 1, 0, &heard);
	put_extack(&datagram, true, 0, text);
	assert_int_equal(exchange_take(&exchange, datagram.bytes, datagram.used), EXCHANGE_COMPLETE);
	assert_int_equal(strlen(exchange.failure.text), PORT_TEXT_MAX - 1);
}

/* The length of the refused message is the other side's word: it may point behind the datagram. */
static void lying_length_of_the_refused_message_yields_no_text(void **state)
{
	static const uint32_t lengths[] = {0, 15, 17, 200, 0x7fffffff, 0xffffffff};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(lengths); i++) {
		struct nlmsgerr error = {.error = -EINVAL, .msg = {.nlmsg_len = lengths[i]}};
		struct received datagram = {0};
		struct exchange exchange;
		struct heard heard = {0};
		struct batch batch;

		begin(&exchange, &batch, 1, 0, &heard);
		put(&datagram, NLMSG_ERROR, NLM_F_ACK_TLVS, SEQUENCE, &error, sizeof(error));
		assert_int_equal(exchange_take(&exchange, datagram.bytes, datagram.used), EXCHANGE_COMPLETE);
		assert_int_equal(exchange.failure.errnum, EINVAL);
		assert_string_equal(exchange.failure.text, "");
	}
}

static void dump_goes_on_until_done(void **state)
{
	const struct ifinfomsg link = {.ifi_index = 7};
	struct received first = {0}, second = {0};
	struct exchange exchange;
	struct heard heard = {0};
	struct batch batch;
	int no_error = 0;

	(void)state;
	begin(&exchange, &batch, 1, NLM_F_DUMP, &heard);
	put(&first, RTM_NEWLINK, NLM_F_MULTI, SEQUENCE, &link, sizeof(link));
	put(&first, RTM_NEWLINK, NLM_F_MULTI, SEQUENCE, &link, sizeof(link));
	assert_int_equal(exchange_take(&exchange, first.bytes, first.used), 0);
	put(&second, RTM_NEWLINK, NLM_F_MULTI, SEQUENCE, &link, sizeof(link));
	put(&second, NLMSG_DONE, NLM_F_MULTI, SEQUENCE, &no_error, sizeof(no_error));
	assert_int_equal(exchange_take(&exchange, second.bytes, second.used), EXCHANGE_COMPLETE);
	assert_int_equal(heard.count, 3);
	assert_false(exchange.refused);
	assert_false(exchange.interrupted);
}

/* libmnl's own callback overlooks this one. */
static void done_may_carry_an_error_and_a_text(void **state)
{
	struct received datagram = {0};
	struct nlmsghdr *message;
	struct exchange exchange;
	struct heard heard = {0};
	int error = -EMSGSIZE;
	struct batch batch;

	(void)state;
	begin(&exchange, &batch, 1, NLM_F_DUMP, &heard);
	message = put(&datagram, NLMSG_DONE, NLM_F_MULTI | NLM_F_ACK_TLVS, SEQUENCE, &error, sizeof(error));
	mnl_attr_put_strz(message, NLMSGERR_ATTR_MSG, "dump broke off");
	assert_int_equal(exchange_take(&exchange, datagram.bytes, NLMSG_ALIGN(message->nlmsg_len)), EXCHANGE_COMPLETE);
	assert_true(exchange.refused);
	assert_int_equal(exchange.failure.errnum, EMSGSIZE);
	assert_string_equal(exchange.failure.text, "dump broke off");
}

static void done_may_be_empty(void **state)
{
	struct received datagram = {0};
	struct exchange exchange;
	struct heard heard = {0};
	struct batch batch;

	(void)state;
	begin(&exchange, &batch, 1, NLM_F_DUMP, &heard);
	put(&datagram, NLMSG_DONE, NLM_F_MULTI, SEQUENCE, NULL, 0);
	assert_int_equal(exchange_take(&exchange, datagram.bytes, datagram.used), EXCHANGE_COMPLETE);
	assert_false(exchange.refused);
}

static void interruption_is_seen_on_any_message(void **state)
{
	const struct ifinfomsg link = {.ifi_index = 7};
	int no_error = 0;

	(void)state;
	for (int on_done = 0; on_done < 2; on_done++) {
		struct received datagram = {0};
		struct exchange exchange;
		struct heard heard = {0};
		struct batch batch;

		begin(&exchange, &batch, 1, NLM_F_DUMP, &heard);
		put(&datagram, RTM_NEWLINK, (uint16_t)(NLM_F_MULTI | (on_done ? 0 : NLM_F_DUMP_INTR)), SEQUENCE, &link,
		    sizeof(link));
		put(&datagram, NLMSG_DONE, (uint16_t)(NLM_F_MULTI | (on_done ? NLM_F_DUMP_INTR : 0)), SEQUENCE,
		    &no_error, sizeof(no_error));
		assert_int_equal(exchange_take(&exchange, datagram.bytes, datagram.used), EXCHANGE_COMPLETE);
		assert_true(exchange.interrupted);
		assert_int_equal(heard.count, on_done ? 1 : 0);

		exchange_begin(&exchange, &batch, SEQUENCE + 1);
		assert_false(exchange.interrupted);
	}
}

static void what_is_not_for_us_is_passed_over(void **state)
{
	const struct ifinfomsg link = {.ifi_index = 7};
	struct received datagram = {0};
	struct exchange exchange;
	struct heard heard = {0};
	struct batch batch;

	(void)state;
	begin(&exchange, &batch, 2, 0, &heard);
	put_error(&datagram, SEQUENCE - 1, EPERM);
	put_error(&datagram, SEQUENCE + 2, EPERM);
	put_error(&datagram, 0, EPERM);
	put(&datagram, RTM_NEWLINK, 0, SEQUENCE, &link, sizeof(link))->nlmsg_pid = PORT_ID + 1;
	assert_int_equal(exchange_take(&exchange, datagram.bytes, datagram.used), 0);
	assert_false(exchange.refused);
	assert_int_equal(heard.count, 0);
}

static void sequence_numbers_may_wrap(void **state)
{
	struct received datagram = {0};
	struct exchange exchange;
	struct heard heard = {0};
	struct batch batch;

	(void)state;
	begin(&exchange, &batch, 3, 0, &heard);
	exchange_begin(&exchange, &batch, UINT32_MAX);
	put_error(&datagram, 0, EPERM);
	put_error(&datagram, 1, 0);
	assert_int_equal(exchange_take(&exchange, datagram.bytes, datagram.used), EXCHANGE_COMPLETE);
	assert_int_equal(exchange.failure.index, 1);
}

static void callback_is_not_called_after_it_failed(void **state)
{
	const struct ifinfomsg link = {.ifi_index = 7};
	struct heard heard = {.fail_with = -EBADMSG};
	struct received datagram = {0};
	struct exchange exchange;
	struct batch batch;

	(void)state;
	begin(&exchange, &batch, 1, NLM_F_DUMP, &heard);
	put(&datagram, RTM_NEWLINK, NLM_F_MULTI, SEQUENCE, &link, sizeof(link));
	put(&datagram, RTM_NEWLINK, NLM_F_MULTI, SEQUENCE, &link, sizeof(link));
	assert_int_equal(exchange_take(&exchange, datagram.bytes, datagram.used), 0);
	assert_int_equal(heard.count, 1);
	assert_int_equal(exchange.reply_error, -EBADMSG);
}

static void malformed_datagrams_are_refused(void **state)
{
	const struct nlmsgerr good = {.error = -EINVAL};
	const struct nlmsgerr positive = {.error = 22};
	const struct nlmsgerr huge = {.error = INT32_MIN};
	const struct {
		uint16_t type;
		const void *payload;
		size_t size;
		size_t cut;
		int result;
	} cases[] = {
		{NLMSG_ERROR, &good, sizeof(good), 0, EXCHANGE_COMPLETE},
		{NLMSG_ERROR, &good, sizeof(good), 1, -EBADMSG},
		{NLMSG_ERROR, &good, sizeof(good), sizeof(good), -EBADMSG},
		{NLMSG_ERROR, &good, sizeof(good), sizeof(good) + 8, -EBADMSG},
		{NLMSG_ERROR, &good, sizeof(good.error), 0, -EBADMSG},
		{NLMSG_ERROR, &positive, sizeof(positive), 0, -EBADMSG},
		{NLMSG_ERROR, &huge, sizeof(huge), 0, -EBADMSG},
		{NLMSG_DONE, &huge, sizeof(huge), 0, -EBADMSG},
		{NLMSG_OVERRUN, NULL, 0, 0, -ENOBUFS},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct received datagram = {0};
		struct exchange exchange;
		struct heard heard = {0};
		struct batch batch;

		begin(&exchange, &batch, 1, 0, &heard);
		put(&datagram, cases[i].type, 0, SEQUENCE, cases[i].payload, cases[i].size);
		assert_int_equal(exchange_take(&exchange, datagram.bytes, datagram.used - cases[i].cut),
				 cases[i].result);
	}
}

/** begin_transaction() - An exchange with an nfnetlink batch of @count messages, begin and end included */
static void begin_transaction(struct exchange *exchange, struct batch *room, unsigned count)
{
	batch_reset(room);
	room->atomic = true;
	for (; room->count < count; room->count++) {
		struct nlmsghdr *message = mnl_nlmsg_put_header(room->buffer + room->used);

		message->nlmsg_type = (uint16_t)(16 + room->count);
		room->used += NLMSG_ALIGN(message->nlmsg_len);
	}
	*exchange = (struct exchange){.port_id = PORT_ID};
	exchange_begin(exchange, room, SEQUENCE);
}

/* Its end is acknowledged by new kernels only. */
static void a_transaction_asks_before_its_end(void **state)
{
	static struct batch room;
	struct received received = {0};
	const struct nlmsghdr *message = (const void *)room.buffer;
	struct exchange exchange;

	(void)state;
	begin_transaction(&exchange, &room, 4);
	for (unsigned i = 0; i < 4; i++, message = (const void *)((const uint8_t *)message + message->nlmsg_len)) {
		assert_int_equal(message->nlmsg_seq, SEQUENCE + i);
		assert_int_equal(message->nlmsg_flags, i == 2 ? NLM_F_REQUEST | NLM_F_ACK : NLM_F_REQUEST);
	}
	put_error(&received, SEQUENCE + 2, 0);
	assert_int_equal(exchange_take(&exchange, received.bytes, received.used), EXCHANGE_COMPLETE);
	assert_false(exchange.refused);
}

/* Refused messages are told in their order, the acknowledgement asked for comes all the same. */
static void a_refused_message_of_a_transaction(void **state)
{
	static struct batch room;
	struct received received = {0};
	struct exchange exchange;

	(void)state;
	begin_transaction(&exchange, &room, 5);
	put_error(&received, SEQUENCE + 1, ENOENT);
	put_error(&received, SEQUENCE + 2, EEXIST);
	assert_int_equal(exchange_take(&exchange, received.bytes, received.used), 0);
	received.used = 0;
	put_error(&received, SEQUENCE + 3, 0);
	assert_int_equal(exchange_take(&exchange, received.bytes, received.used), EXCHANGE_COMPLETE);
	assert_true(exchange.refused);
	assert_int_equal(exchange.failure.index, 1);
	assert_int_equal(exchange.failure.errnum, ENOENT);
}

/* Without the privilege, the subsystem or the memory the answer is to the begin, and no other may follow. */
static void a_transaction_refused_as_a_whole(void **state)
{
	static struct batch room;
	struct received received = {0};
	struct exchange exchange;

	(void)state;
	begin_transaction(&exchange, &room, 3);
	put_error(&received, SEQUENCE, EOPNOTSUPP);
	assert_int_equal(exchange_take(&exchange, received.bytes, received.used), EXCHANGE_COMPLETE);
	assert_int_equal(exchange.failure.index, 0);
	assert_int_equal(exchange.failure.errnum, EOPNOTSUPP);
}

static void short_header_is_refused(void **state)
{
	struct received datagram = {0};
	struct exchange exchange;
	struct heard heard = {0};
	struct batch batch;

	(void)state;
	begin(&exchange, &batch, 1, 0, &heard);
	put_error(&datagram, SEQUENCE, 0);
	((struct nlmsghdr *)(void *)datagram.bytes)->nlmsg_len = sizeof(struct nlmsghdr) - 1;
	assert_int_equal(exchange_take(&exchange, datagram.bytes, datagram.used), -EBADMSG);
}

/* To libmnl, which compares it as an int, such a message fits everywhere. */
static void length_above_2_gib_is_refused(void **state)
{
	static struct batch batch;
	struct received datagram = {0};
	struct exchange exchange;
	struct heard heard = {0};
	struct nlmsghdr *message;

	(void)state;
	begin(&exchange, &batch, 1, NLM_F_DUMP, &heard);
	message = put(&datagram, RTM_NEWLINK, 0, SEQUENCE, NULL, 0);
	message->nlmsg_len = 0xb7000014U;
	assert_int_equal(exchange_take(&exchange, datagram.bytes, datagram.used), -EBADMSG);
	assert_int_equal(heard.count, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(batch_is_marked_for_its_way),
		cmocka_unit_test(dump_asks_for_no_acknowledgement),
		cmocka_unit_test(last_acknowledgement_completes),
		cmocka_unit_test(data_does_not_complete),
		cmocka_unit_test(one_datagram_may_hold_it_all),
		cmocka_unit_test(refused_last_message_completes),
		cmocka_unit_test(existing_may_be_fine),
		cmocka_unit_test(kernel_text_is_found_behind_the_refused_message),
		cmocka_unit_test(long_kernel_text_is_cut),
		cmocka_unit_test(lying_length_of_the_refused_message_yields_no_text),
		cmocka_unit_test(dump_goes_on_until_done),
		cmocka_unit_test(done_may_carry_an_error_and_a_text),
		cmocka_unit_test(done_may_be_empty),
		cmocka_unit_test(interruption_is_seen_on_any_message),
		cmocka_unit_test(what_is_not_for_us_is_passed_over),
		cmocka_unit_test(sequence_numbers_may_wrap),
		cmocka_unit_test(callback_is_not_called_after_it_failed),
		cmocka_unit_test(malformed_datagrams_are_refused),
		cmocka_unit_test(short_header_is_refused),
		cmocka_unit_test(length_above_2_gib_is_refused),
		cmocka_unit_test(a_transaction_asks_before_its_end),
		cmocka_unit_test(a_refused_message_of_a_transaction),
		cmocka_unit_test(a_transaction_refused_as_a_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
