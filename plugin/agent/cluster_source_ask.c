/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who waits for a shared source, which of them serves whom, and why there is none. */

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/agent/cluster_sources.h"

/** An ADD waits for a source; it hears why not a little before it gives up */
#define SOURCE_WAIT_NS (2 * MACHINE_SECOND)
/** An ADD that has its answer takes its lease within this time */
#define ANSWERED_NS (10 * MACHINE_SECOND)
/** A takeover that no ADD waits for any more goes on for so long; the runtime tries again meanwhile */
#define TAKEOVER_NS (60 * MACHINE_SECOND)
/** The address's lifetime is in whole seconds */
#define TTL_MS_MIN 2000

/** refuse() - Answer with an error */
static void refuse(struct ask *ask, enum error_code code, const char *text)
{
	struct error err = {0};

	(void)error_set(&err, code, "%s", text);
	ask_refuse(ask, &err);
}

/** tell_wanted() - The machine hears which pins are wanted by who asks */
static void tell_wanted(struct cluster *cluster)
{
	struct sources *sources = cluster->sources;
	int64_t now = cluster_now();

	for (size_t i = 0; i < sources->n_pins; i++) {
		unsigned wanted = now < sources->pins[i].until;

		for (size_t j = 0; j < sources->n_waiting; j++)
			wanted += sources->waiting[j].pin == i;
		machine_wanted(cluster->machine, sources->pins[i].pin, wanted);
	}
	cluster_run_soon(cluster);
}

/** asked_counted() - Leases were counted: an ADD that was answered and has its lease needs no one to keep its source */
void asked_counted(struct cluster *cluster)
{
	struct sources *sources = cluster->sources;

	for (size_t i = 0; i < sources->n_pins; i++) {
		struct asked_pin *pin = &sources->pins[i];

		for (size_t j = 0; j < pin->n_sources; j++) {
			if (sources->all[pin->sources[j]]->users > 0)
				pin->until = INT64_MIN;
		}
	}
	tell_wanted(cluster);
}

/** read_sources() - What a question names: 0, -EINVAL, -ENOMEM, -E2BIG; @ret_new: some were unknown */
static int read_sources(struct cluster *cluster, const json_t *request, struct asked_pin *pin, bool *ret_new)
{
	const char *name = json_string_value(json_object_get(request, "pin"));
	const char *network = json_string_value(json_object_get(request, "network"));
	const char *interface = json_string_value(json_object_get(request, "interface"));
	const json_t *list = json_object_get(request, "sources");
	struct known_source known = {.open = false};
	size_t before = cluster->sources->n;

	if (!name || !record_name_valid(name) || !network || !interface ||
	    strlen(interface) >= sizeof(known.interface) || json_array_size(list) == 0 ||
	    json_array_size(list) > PIN_SOURCES)
		return -EINVAL;
	(void)snprintf(known.interface, sizeof(known.interface), "%s", interface);
	(void)snprintf(known.pin, sizeof(known.pin), "%s", name);
	(void)snprintf(known.network, sizeof(known.network), "%s", network);
	memcpy(pin->name, known.pin, sizeof(pin->name));
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *text = json_string_value(json_array_get(list, i));
		int index = text && address_parse(text, &known.address) == 0 ? sources_know(cluster, &known) : -EINVAL;

		if (index < 0)
			return index;
		pin->sources[pin->n_sources++] = (unsigned)index;
	}
	*ret_new = cluster->sources->n != before;
	return 0;
}

/** same_pin() - The same name, and the same sources in the same order */
static bool same_pin(const struct asked_pin *a, const struct asked_pin *b)
{
	return strcmp(a->name, b->name) == 0 && a->n_sources == b->n_sources &&
	       memcmp(a->sources, b->sources, a->n_sources * sizeof(a->sources[0])) == 0;
}

/** find_pin() - Index of a pin that is asked for, new if need be; negative errno */
static int find_pin(struct cluster *cluster, const struct asked_pin *wanted)
{
	struct sources *sources = cluster->sources;
	struct asked_pin *pins;
	int pin;

	for (size_t i = 0; i < sources->n_pins; i++) {
		if (same_pin(&sources->pins[i], wanted))
			return (int)i;
	}
	pins = reallocarray(sources->pins, sources->n_pins + 1, sizeof(*pins));
	if (!pins)
		return -ENOMEM;
	sources->pins = pins;
	pin = machine_add_pin(cluster->machine, wanted->name, wanted->sources, wanted->n_sources);
	if (pin < 0)
		return pin;
	pins[sources->n_pins] = *wanted;
	pins[sources->n_pins].pin = (unsigned)pin;
	pins[sources->n_pins].until = INT64_MIN;
	return (int)sources->n_pins++;
}

/** on_source() - ask_fn: a source of any of these, for a container that is about to get it */
static void on_source(void *userdata, const json_t *request, struct ask *ask)
{
	struct cluster *cluster = userdata;
	struct sources *sources = cluster->sources;
	struct asked_pin pin = {.until = INT64_MIN};
	bool is_new = false;
	int index;

	if (cluster->config.ttl_ms < TTL_MS_MIN) {
		refuse(ask, ERROR_CONFIG, "shared sources need a ttl of at least 2 s in " CLUSTER_CONFIG_FILE);
		return;
	}
	if (sources->n_waiting == WAITING_MAX) {
		refuse(ask, ERROR_TRY_AGAIN, "too many ADDs wait for a source");
		return;
	}
	index = read_sources(cluster, request, &pin, &is_new);
	if (index == 0)
		index = find_pin(cluster, &pin);
	if (index < 0) {
		refuse(ask, index == -EINVAL ? ERROR_CONFIG : ERROR_TRY_AGAIN, strerror(-index));
		return;
	}
	if (is_new)
		(void)sources_keep(cluster);
	sources->waiting[sources->n_waiting++] =
		(struct source_waiting){.ask = ask, .pin = (size_t)index, .until = cluster_now() + SOURCE_WAIT_NS};
	tell_wanted(cluster);
}

/** on_released() - ask_fn: a container that had a shared source is gone */
static void on_released(void *userdata, const json_t *request, struct ask *ask)
{
	struct cluster *cluster = userdata;
	struct sources *sources = cluster->sources;

	(void)request;
	for (size_t i = 0; i < sources->n_pins; i++) {
		if (sources->pins[i].answered)
			sources->pins[i].until = INT64_MIN;
	}
	sources_recount(cluster);
	ask_answer_consume(ask, json_object());
}

/** held_of() - A source of a pin that this host holds; NULL: none */
static const struct shared *held_of(const struct cluster *cluster, const struct asked_pin *pin)
{
	for (size_t i = 0; i < pin->n_sources; i++) {
		if (machine_holds(cluster->machine, pin->sources[i]))
			return cluster->sources->all[pin->sources[i]];
	}
	return NULL;
}

/** drop() - Somebody waits no longer */
static void drop(struct sources *sources, size_t i)
{
	sources->waiting[i] = sources->waiting[--sources->n_waiting];
}

/** sources_answer() - Those whose pin has a source now hear which */
void sources_answer(struct cluster *cluster)
{
	struct sources *sources = cluster->sources;
	char text[ADDRESS_TEXT_MAX];
	bool answered = false;

	for (size_t i = 0; i < sources->n_waiting;) {
		struct asked_pin *pin = &sources->pins[sources->waiting[i].pin];
		const struct shared *held = held_of(cluster, pin);

		if (!held) {
			i++;
			continue;
		}
		pin->until = cluster_now() + ANSWERED_NS;
		pin->answered = answered = true;
		ask_answer_consume(sources->waiting[i].ask,
				   json_pack("{s:s}", "source", address_format(&held->known.address, text)));
		drop(sources, i);
	}
	if (answered)
		tell_wanted(cluster);
}

/** silence_of() - For how long the holder of a source has been silent, as this host sees it; -1: nobody holds it */
static int64_t silence_of(const struct cluster *cluster, const struct seen *seen, int64_t now)
{
	const struct seen *alive;
	char key[RECORD_KEY_MAX];

	(void)snprintf(key, sizeof(key), "alive/%s", seen->record.source.host);
	alive = cache_find(machine_cache(cluster->machine), key);
	return now - (alive ? alive->at : seen->at);
}

/** struct reasons - Why there is no source of a pin, source by source; @silent: a holder may be gone; @coming: soon */
struct reasons {
	char text[768];
	bool silent;
	bool coming;
};

/** note() - One more reason */
static void note(struct reasons *reasons, const char *source, const char *what, const char *which)
{
	size_t used = strlen(reasons->text);

	(void)snprintf(reasons->text + used, sizeof(reasons->text) - used, "%s%s %s%s", used ? ", " : "", source, what,
		       which);
}

/** sources_are_reserved() - Whether the policy in force reserves a source */
bool sources_are_reserved(struct cluster *cluster, unsigned source)
{
	const struct known_source *known = &cluster->sources->all[source]->known;

	return policy_reserves_address(cluster, known->network, &known->address);
}

/** note_own() - Why a source that this host has claimed can't be used yet, or can't at all */
static void note_own(const struct cluster *cluster, unsigned index, const char *text, struct reasons *reasons)
{
	const char *problem = cluster->sources->all[index]->problem;
	bool coming = machine_claims(cluster->machine, index);

	reasons->coming |= coming || !*problem;
	note(reasons, text,
	     !*problem ? "is being claimed"
	     : coming  ? "can't be used here yet: "
		       : "can't be used here: ",
	     problem);
}

/** reason_of() - Why a source can't be had; a holder is heard of each fifth of the ttl, or a tenth later */
static void reason_of(struct cluster *cluster, unsigned index, struct reasons *reasons)
{
	const struct shared *shared = cluster->sources->all[index];
	int64_t now = cluster_now();
	char text[ADDRESS_TEXT_MAX], key[RECORD_KEY_MAX], silent[RECORD_NAME_MAX + 64];
	const struct seen *seen;

	(void)snprintf(key, sizeof(key), "source/%s", address_format(&shared->known.address, text));
	seen = cache_find(machine_cache(cluster->machine), key);
	if (sources_are_reserved(cluster, index)) {
		note(reasons, text, "is reserved by the policy in force", "");
		return;
	}
	if (!seen || !seen->record.text || !seen->record.readable) {
		if (shared->problem[0] != '\0')
			note(reasons, text, "can't be used here: ", shared->problem);
		return;
	}
	if (strcmp(seen->record.source.host, cluster->config.host) == 0) {
		note_own(cluster, index, text, reasons);
		return;
	}
	if (silence_of(cluster, seen, now) > cluster->config.ttl_ms * RECORD_MS * 3 / 10) {
		reasons->silent = true;
		(void)snprintf(silent, sizeof(silent), "%s, which has been silent for %lld s", seen->record.source.host,
			       (long long)(silence_of(cluster, seen, now) / MACHINE_SECOND));
		note(reasons, text, "is held by host ", silent);
	} else {
		note(reasons, text, "is held by host ", seen->record.source.host);
	}
}

/** explain() - Why there is no source: others hold them all, a takeover goes on, etcd */
static void explain(struct cluster *cluster, struct asked_pin *pin, struct error *err)
{
	const char *problem = etcd_problem(cluster->etcd);
	struct reasons reasons = {.text = ""};

	for (size_t i = 0; i < pin->n_sources; i++)
		reason_of(cluster, pin->sources[i], &reasons);
	if (machine_is_refused(cluster->machine))
		(void)error_set(err, ERROR_TRY_AGAIN,
				"another machine is registered as host \"%.64s\" in the cluster: give this one another "
				"name, or, if the other one is gone for good, `rangeguard cluster forget %.64s` there",
				cluster->config.host, cluster->config.host);
	else if (*cluster->problem)
		(void)error_set(err, ERROR_TRY_AGAIN, "no source of snat entry \"%.64s\" is claimed: %s", pin->name,
				cluster->problem);
	else if (*problem)
		(void)error_set(err, ERROR_TRY_AGAIN, "no source of snat entry \"%.64s\" in time; etcd: %.300s",
				pin->name, problem);
	else if (reasons.silent)
		(void)error_set(err, ERROR_TRY_AGAIN,
				"no source of snat entry \"%.64s\" yet: %s; it is taken over after %lld s of silence: "
				"try again",
				pin->name, reasons.text, (long long)cluster->config.ttl_ms / 1000);
	else if (reasons.coming)
		(void)error_set(err, ERROR_TRY_AGAIN, "no source of snat entry \"%.64s\" yet: %s: try again", pin->name,
				reasons.text);
	else if (reasons.text[0] != '\0')
		(void)error_set(err, ERROR_SNAT, "no free source of snat entry \"%.64s\": %s", pin->name, reasons.text);
	else
		(void)error_set(err, ERROR_TRY_AGAIN,
				"no source of snat entry \"%.64s\" in time: etcd at %.128s answers slowly", pin->name,
				etcd_endpoint(cluster->etcd));
	if (reasons.silent || reasons.coming) {
		pin->until = cluster_now() + TAKEOVER_NS;
		pin->answered = false;
	}
}

/** sources_tick() - Those whose time is over hear why; what is in use is counted; links are told again */
void sources_tick(struct cluster *cluster, int64_t now)
{
	struct sources *sources = cluster->sources;

	for (size_t i = 0; i < sources->n_waiting;) {
		struct error err = {0};

		if (now < sources->waiting[i].until) {
			i++;
			continue;
		}
		explain(cluster, &sources->pins[sources->waiting[i].pin], &err);
		ask_refuse(sources->waiting[i].ask, &err);
		drop(sources, i);
	}
	for (size_t i = 0; i < sources->n; i++) {
		if (sources->all[i]->announce > 0 && sources->all[i]->known.open)
			probe_announce(cluster, sources->all[i]);
	}
	if (sources->unwritten)
		(void)sources_keep(cluster);
	(void)sources_count(cluster, 0);
}

/** asked_stop() - Those who wait hear that it was in vain */
void asked_stop(struct sources *sources)
{
	while (sources->n_waiting > 0)
		refuse(sources->waiting[--sources->n_waiting].ask, ERROR_TRY_AGAIN,
		       "rangeguard-agent ends, or reads its configuration again: try again");
}

/** sources_start_asks() - Hear what is in use from the start, and add the questions: 0, negative errno */
int sources_start_asks(struct cluster *cluster)
{
	int r = ask_server_add(cluster->agent->ask, "source", on_source, cluster);

	(void)sources_count(cluster, CLUSTER_LOCK_WAIT_MS);
	return r ? r : ask_server_add(cluster->agent->ask, "source-released", on_released, cluster);
}
