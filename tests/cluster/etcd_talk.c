/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The etcd client by hand, for etcd.sh: commands on standard input, what happens on standard output, a line each.
 *
 * Usage: etcd_talk LIMIT_MS ENDPOINT… [--ca FILE] [--cert FILE] [--key FILE] [--user NAME PASSWORD]
 * read KEY | list | put KEY VALUE [KEY REVISION [VALUE]]… | delete KEY REVISION | watch REVISION | quit
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugin/etcd/etcd.h"

#define WORDS_MAX 16

struct talk {
	struct etcd *etcd;
	uint64_t id;
	char input[8192];
	size_t size;
};

static void print_record(const struct record *record)
{
	printf(" %s@%lld=%s", record->key, (long long)record->revision, record->text ? record->text : "-");
}

static void on_answered(void *userdata, uint64_t id, const struct engine_answer *answer)
{
	const struct talk *talk = userdata;

	if (!answer) {
		printf("unknown %llu %s\n", (unsigned long long)id, etcd_problem(talk->etcd));
		return;
	}
	printf("answer %llu %s", (unsigned long long)id, answer->won ? "won" : "read");
	for (size_t i = 0; i < answer->n_records; i++)
		print_record(&answer->records[i]);
	printf(" revision %lld\n", (long long)answer->revision);
}

static void on_watched(void *userdata, const struct record *record)
{
	(void)userdata;
	printf("watched");
	print_record(record);
	printf("\n");
}

static void on_watch_lost(void *userdata)
{
	const struct talk *talk = userdata;

	printf("watch-lost %s\n", etcd_problem(talk->etcd));
}

static void on_restored(void *userdata)
{
	(void)userdata;
	printf("restored\n");
}

/** add_conditions() - KEY REVISION [VALUE] after each other; a word that is a number is a revision */
static void add_conditions(struct engine_request *request, char **words, size_t n)
{
	for (size_t i = 0; i + 1 < n && request->n_conditions < REQUEST_CONDITIONS;) {
		struct condition *condition = &request->conditions[request->n_conditions++];

		(void)snprintf(condition->key, sizeof(condition->key), "%s", words[i]);
		condition->revision = strtoll(words[i + 1], NULL, 10);
		i += 2;
		if (i < n && words[i][0] == '=')
			condition->text = strdup(words[i++] + 1);
	}
}

static void send_request(struct talk *talk, enum request_kind kind, char **words, size_t n, size_t conditions)
{
	struct engine_request request = {.id = ++talk->id, .kind = kind};
	int r;

	if (n > 1)
		(void)snprintf(request.key, sizeof(request.key), "%s", words[1]);
	if (kind == REQUEST_SWAP && conditions == 3)
		request.value = strdup(words[2]);
	if (kind == REQUEST_SWAP && conditions == 2)
		add_conditions(&request, words + 1, n - 1);
	else if (kind == REQUEST_SWAP)
		add_conditions(&request, words + conditions, n - conditions);
	r = etcd_send(talk->etcd, &request);
	if (r < 0)
		printf("unsent %llu %s\n", (unsigned long long)request.id, strerror(-r));
	request_clear(&request);
}

static void run_command(struct talk *talk, sd_event *event, char **words, size_t n)
{
	if (strcmp(words[0], "read") == 0 && n == 2)
		send_request(talk, REQUEST_READ, words, n, 0);
	else if (strcmp(words[0], "list") == 0)
		send_request(talk, REQUEST_LIST, words, 1, 0);
	else if (strcmp(words[0], "put") == 0 && n >= 5)
		send_request(talk, REQUEST_SWAP, words, n, 3);
	else if (strcmp(words[0], "delete") == 0 && n == 3)
		send_request(talk, REQUEST_SWAP, words, n, 2);
	else if (strcmp(words[0], "watch") == 0 && n == 2)
		(void)etcd_watch(talk->etcd, strtoll(words[1], NULL, 10));
	else if (strcmp(words[0], "quit") == 0)
		(void)sd_event_exit(event, 0);
	else
		printf("not understood\n");
}

static int on_input(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct talk *talk = userdata;
	ssize_t n = read(fd, talk->input + talk->size, sizeof(talk->input) - 1 - talk->size);
	sd_event *event = sd_event_source_get_event(source);
	char *end;

	(void)events;
	if (n <= 0)
		return sd_event_exit(event, 0);
	talk->size += (size_t)n;
	talk->input[talk->size] = '\0';
	while ((end = strchr(talk->input, '\n'))) {
		char *words[WORDS_MAX], *at = talk->input, *word;
		size_t count = 0;

		*end = '\0';
		while (count < WORDS_MAX && (word = strsep(&at, " ")))
			words[count++] = word;
		if (count > 0 && *words[0])
			run_command(talk, event, words, count);
		talk->size -= (size_t)(end + 1 - talk->input);
		memmove(talk->input, end + 1, talk->size + 1);
	}
	return 0;
}

static void read_options(int argc, char **argv, struct etcd_config *config)
{
	*config = (struct etcd_config){.prefix = "/rangeguard", .limit_ms = argc > 1 ? strtol(argv[1], NULL, 10) : 500};
	for (int i = 2; i < argc; i++) {
		if (strcmp(argv[i], "--ca") == 0)
			config->ca = argv[++i];
		else if (strcmp(argv[i], "--cert") == 0)
			config->certificate = argv[++i];
		else if (strcmp(argv[i], "--key") == 0)
			config->key = argv[++i];
		else if (strcmp(argv[i], "--user") == 0) {
			config->user = argv[++i];
			config->password = argv[++i];
		} else if (config->n_endpoints < ETCD_ENDPOINTS_MAX)
			config->endpoints[config->n_endpoints++] = argv[i];
	}
}

int main(int argc, char **argv)
{
	struct etcd_config config;
	struct talk talk = {0};
	struct etcd_events events = {on_answered, on_watched, on_watch_lost, on_restored, &talk};
	sd_event *event = NULL;
	int r;

	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	read_options(argc, argv, &config);
	r = sd_event_new(&event);
	if (r >= 0)
		r = etcd_new(event, &config, &events, &talk.etcd);
	if (r >= 0)
		r = sd_event_add_io(event, NULL, STDIN_FILENO, 1 /* EPOLLIN */, on_input, &talk);
	if (r >= 0)
		r = sd_event_loop(event);
	etcd_free(talk.etcd);
	sd_event_unref(event);
	if (r < 0)
		(void)fprintf(stderr, "%s\n", strerror(-r));
	return r < 0;
}
