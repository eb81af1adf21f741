/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events as lines of the history and as entries of the journal, stamped and sent. */

#include "plugin/history/history.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "ipam/store/state.h"
#include "plugin/history/journal.h"
#include "plugin/history/when.h"
#include "rangeguard/cleanup.h"

/** Hexadecimal digits of the boot id and of the counters' id in a run's name */
#define RUN_PART 8
#define RUN_MAX 32
/** What is shown of a container id in the journal's message */
#define SHORT_ID 64U
#define MS_PER_S 1000
#define NS_PER_MS 1000000
/** Priorities of syslog(3) */
#define PRIORITY_NOTICE "5"
#define PRIORITY_INFO "6"

/** run_format() - Name of the series that sequence numbers count in: a boot and a state directory. Return: @buffer */
static const char *run_format(const struct history_stamp *stamp, char buffer[static RUN_MAX])
{
	static const char digits[] = "0123456789abcdef";
	char *at = buffer;

	for (int i = 0; i < RUN_PART && stamp->boot_id[i]; i++)
		*at++ = stamp->boot_id[i];
	*at++ = '-';
	for (int i = 0; i < RUN_PART; i++)
		*at++ = digits[stamp->counters_id >> (4 * i) & 0xf];
	*at = '\0';
	return buffer;
}

/** put_stamp() - What each line begins with. "gapBefore" is what readers look for: before this event some may be missing */
static void put_stamp(struct line *line, const struct history_stamp *stamp)
{
	char when[WHEN_TEXT_MAX], run[RUN_MAX];

	line_text(line, "time", when_format(stamp->milliseconds, when));
	line_text(line, "host", stamp->host);
	if (stamp->counters_id) {
		line_text(line, "run", run_format(stamp, run));
		line_number(line, "seq", stamp->sequence);
	}
	if (stamp->first_of_boot)
		line_text(line, "gapBefore", "boot");
	else if (stamp->untold)
		line_text(line, "gapBefore", "lost");
	if (stamp->untold)
		line_number(line, "lost", stamp->untold);
}

/** put_addresses() - A list of addresses, left out when it is empty */
static void put_addresses(struct line *line, const char *key, const struct address *addresses, size_t n)
{
	char text[ADDRESS_TEXT_MAX];

	if (!n || !line_list_begin(line, key))
		return;
	for (size_t i = 0; i < n; i++) {
		(void)address_format(&addresses[i], text);
		line_list_text(line, text, strlen(text));
	}
	line_list_end(line);
}

/** put_pins() - Names of pins, which a lease keeps with a blank between them */
static void put_pins(struct line *line, const char *pins)
{
	if (!pins || !*pins || !line_list_begin(line, "pins"))
		return;
	while (*pins) {
		size_t length = strcspn(pins, " ");

		line_list_text(line, pins, length);
		pins += length + strspn(pins + length, " ");
	}
	line_list_end(line);
}

/**
 * history_line() - An event as a line of the history
 * @event:	Event
 * @stamp:	When and where
 * @ret_line:	Line, with its newline
 */
void history_line(const struct history_event *event, const struct history_stamp *stamp, struct line *ret_line)
{
	const struct lease *lease = event->lease;

	line_begin(ret_line);
	put_stamp(ret_line, stamp);
	line_text(ret_line, "event", event->name);
	line_text(ret_line, "network", lease->attachment.network);
	put_addresses(ret_line, "addresses", lease->addresses, lease->n_addresses);
	line_text(ret_line, "container", lease->attachment.container_id);
	line_text(ret_line, "ifname", lease->attachment.ifname);
	if (lease->attachment.chained)
		line_text(ret_line, "role", "chained");
	line_text(ret_line, "netns", lease->netns);
	line_text(ret_line, "namespace", lease->pod_namespace);
	line_text(ret_line, "pod", lease->pod_name);
	line_text(ret_line, "uid", event->pod_uid);
	put_pins(ret_line, lease->pins);
	put_addresses(ret_line, "source", event->sources, event->n_sources);
	if (event->code)
		line_number(ret_line, "code", (uint64_t)event->code);
	line_text(ret_line, "message", event->message);
	line_end(ret_line);
}

/** put_field() - A field of a journal entry, cut as the same text of a line is */
static void put_field(struct line *line, const char *key, const char *text)
{
	line_field(line, key, text, text ? strnlen(text, LINE_TEXT_MAX) : 0);
}

/** put_address_fields() - A field per address: a journal entry may have several of one name */
static void put_address_fields(struct line *line, const char *key, const struct address *addresses, size_t n)
{
	char text[ADDRESS_TEXT_MAX];

	for (size_t i = 0; i < n; i++)
		put_field(line, key, address_format(&addresses[i], text));
}

/** put_word() - A text of the message, with a blank before it; at most one line of it */
static void put_word(struct line *line, const char *text, size_t limit)
{
	size_t length = text ? strnlen(text, limit) : 0;

	if (!length)
		return;
	line_raw(line, " ", 1);
	line_raw(line, text, length);
}

/** put_message() - What `journalctl` shows. The texts of it have no line breaks: they are names, and our own messages */
static void put_message(struct line *line, const struct history_event *event)
{
	static const char key[] = "MESSAGE=";
	const struct lease *lease = event->lease;
	char address[ADDRESS_TEXT_MAX];

	line_raw(line, key, sizeof(key) - 1);
	line_raw(line, event->name, strlen(event->name));
	put_word(line, lease->attachment.network, LINE_TEXT_MAX);
	if (lease->n_addresses)
		put_word(line, address_format(&lease->addresses[0], address), sizeof(address));
	put_word(line, lease->attachment.container_id, SHORT_ID);
	put_word(line, event->message, LINE_TEXT_MAX);
	line_raw(line, "\n", 1);
}

/**
 * history_entry() - An event as an entry of the journal
 * @event:	Event
 * @stamp:	When and where
 * @ret_line:	Fields
 */
void history_entry(const struct history_event *event, const struct history_stamp *stamp, struct line *ret_line)
{
	const struct lease *lease = event->lease;
	char code[8] = "", run[RUN_MAX];

	ret_line->size = 0;
	ret_line->cut = false;
	put_message(ret_line, event);
	put_field(ret_line, "PRIORITY", event->code ? PRIORITY_NOTICE : PRIORITY_INFO);
	put_field(ret_line, "SYSLOG_IDENTIFIER", "rangeguard");
	put_field(ret_line, "RANGEGUARD_EVENT", event->name);
	put_field(ret_line, "RANGEGUARD_RUN", stamp->counters_id ? run_format(stamp, run) : "");
	put_field(ret_line, "RANGEGUARD_NETWORK", lease->attachment.network);
	put_address_fields(ret_line, "RANGEGUARD_ADDRESS", lease->addresses, lease->n_addresses);
	put_field(ret_line, "RANGEGUARD_CONTAINER", lease->attachment.container_id);
	put_field(ret_line, "RANGEGUARD_IFNAME", lease->attachment.ifname);
	put_field(ret_line, "RANGEGUARD_NETNS", lease->netns);
	put_field(ret_line, "RANGEGUARD_NAMESPACE", lease->pod_namespace);
	put_field(ret_line, "RANGEGUARD_POD", lease->pod_name);
	put_field(ret_line, "RANGEGUARD_UID", event->pod_uid);
	put_field(ret_line, "RANGEGUARD_PINS", lease->pins);
	put_address_fields(ret_line, "RANGEGUARD_SOURCE", event->sources, event->n_sources);
	if (event->code)
		(void)snprintf(code, sizeof(code), "%d", event->code);
	put_field(ret_line, "RANGEGUARD_CODE", code);
}

/** boot_number() - A boot id as a number, its first hexadecimal digits */
static uint64_t boot_number(const char *boot_id)
{
	uint64_t bytes = 0;

	memcpy(&bytes, boot_id, strnlen(boot_id, sizeof(bytes)));
	return be64toh(bytes);
}

/** make_stamp() - Take a number in the sequence, and the time */
static struct history_stamp make_stamp(const struct counters *counters, const char *host, const char *boot_id)
{
	struct history_stamp stamp = {.host = host, .boot_id = boot_id, .counters_id = counters_id(counters)};
	struct timespec now;

	stamp.sequence = counters_add(counters, COUNTER_HISTORY_EVENTS, 1);
	stamp.first_of_boot = counters_replace(counters, COUNTER_BOOT, boot_number(boot_id));
	stamp.untold = counters_take(counters, COUNTER_HISTORY_UNTOLD);
	(void)clock_gettime(CLOCK_REALTIME, &now);
	stamp.milliseconds = (int64_t)now.tv_sec * MS_PER_S + now.tv_nsec / NS_PER_MS;
	return stamp;
}

/** note_in_journal() - The same for the journal, where there is one; @line is space for it */
static void note_in_journal(const struct history_event *event, const struct history_stamp *stamp, struct line *line)
{
	CLEANUP_CLOSE int fd = -1;

	if (journal_open(&fd) < 0)
		return;
	history_entry(event, stamp, line);
	(void)journal_send(fd, line);
}

/**
 * history_note() - Write an event to the history and to the journal
 * @history:	Where to
 * @counters:	For the sequence number, and for what could not be written
 * @event:	Event
 *
 * Return: 0, also when the history is switched off; negative errno when it could not be written, which is counted
 */
int history_note(const struct history *history, const struct counters *counters, const struct history_event *event)
{
	char boot_id[BOOT_ID_MAX] = "";
	struct history_stamp stamp;
	struct utsname host;
	struct line line;
	int r;

	if (!history->path)
		return 0;
	if (uname(&host) < 0)
		*host.nodename = '\0';
	(void)state_boot_id(boot_id);
	stamp = make_stamp(counters, host.nodename, boot_id);
	history_line(event, &stamp, &line);
	r = history_append(history, &line);
	if (r < 0) {
		(void)counters_add(counters, COUNTER_HISTORY_UNTOLD, stamp.untold + 1);
		(void)counters_add(counters, COUNTER_HISTORY_LOST, 1);
	}
	note_in_journal(event, &stamp, &line);
	return r;
}
