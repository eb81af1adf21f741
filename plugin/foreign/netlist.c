/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a list of plugins says for all of them. Pure. */

#include "plugin/foreign/netlist.h"

#include <string.h>
#include <strings.h>

#include "plugin/cni/request.h"
#include "plugin/cni/version.h"
#include "plugin/foreign/subject.h"
#include "rangeguard/array.h"

/** struct list_choice - The version chosen so far, and where it stands: an element of cniVersions, SIZE_MAX: cniVersion */
struct list_choice {
	const char *version;
	size_t index;
};

/** is_malformed() - Whether a text is no version at all */
static bool is_malformed(const char *text)
{
	enum cni_version version;

	return cni_version_parse(text, &version) == CNI_VERSION_E_MALFORMED;
}

/** consider() - Take a version if it is newer than the one chosen; one that is newer than any known does not count */
static void consider(struct list_choice *choice, const char *version, size_t index)
{
	if (!*version)
		version = cni_version_text(CNI_0_1_0);
	if (strverscmp(version, cni_version_text(CNI_NEWEST)) > 0)
		return;
	if (!choice->version || strverscmp(version, choice->version) > 0)
		*choice = (struct list_choice){.version = version, .index = index};
}

/** consider_array() - The elements of `cniVersions`; one that is no version makes a runtime refuse the list */
static void consider_array(struct reader *reader, const json_t *list, struct list_choice *choice)
{
	const json_t *array = json_member_array(reader, list, "cniVersions", SIZE_MAX);
	size_t mark = pointer_push_key(&reader->at, "cniVersions");

	for (size_t i = 0; i < json_array_size(array); i++) {
		const char *text = json_string_value(json_array_get(array, i));
		size_t inner = pointer_push_index(&reader->at, i);

		if (!text || is_malformed(text))
			reader_error(reader, NULL, RULE_VERSION,
				     "an element of cniVersions must be a version in the form \"1.0.0\"");
		else
			consider(choice, text, i);
		pointer_pop(&reader->at, inner);
	}
	pointer_pop(&reader->at, mark);
}

/** refuse_version() - Report a version that rangeguard does not speak, where it stands */
static void refuse_version(struct reader *reader, const struct list_choice *choice)
{
	size_t mark = reader->at.length;

	(void)pointer_push_key(&reader->at, choice->index == SIZE_MAX ? "cniVersion" : "cniVersions");
	if (choice->index != SIZE_MAX)
		(void)pointer_push_index(&reader->at, choice->index);
	reader_error(reader, NULL, RULE_VERSION,
		     "cniVersion \"%.32s\", which a runtime takes here, is not supported; use 0.1.0, 0.2.0, 0.3.0, "
		     "0.3.1, 0.4.0, 1.0.0 or 1.1.0",
		     choice->version);
	pointer_pop(&reader->at, mark);
}

/**
 * read_version() - The version that a runtime takes: the newest of cniVersions and cniVersion that it knows
 * @reader:	Reader, at the list
 * @list:	List
 *
 * Source: libcni's NetworkConfFromBytes() (conf.go). Where all are newer than 1.1.0 it takes cniVersion as it is.
 *
 * Return: the version, the newest one when (reported) it is not supported
 */
static const char *read_version(struct reader *reader, const json_t *list)
{
	const char *text = json_member_text(reader, list, "cniVersion");
	struct list_choice choice = {.index = SIZE_MAX};
	enum cni_version parsed;

	if (text && is_malformed(text))
		reader_error(reader, "cniVersion", RULE_VERSION, "cniVersion \"%.32s\" is not in the form \"1.0.0\"",
			     text);
	else if (text)
		consider(&choice, text, SIZE_MAX);
	consider_array(reader, list, &choice);
	if (!choice.version && (!text || is_malformed(text)))
		return text ? cni_version_text(CNI_NEWEST) : "";
	if (!choice.version)
		choice.version = text;
	if (!cni_version_parse(choice.version, &parsed))
		return cni_version_text(parsed);
	refuse_version(reader, &choice);
	return cni_version_text(CNI_NEWEST);
}

/** read_name() - `name` of a list, checked; a stand-in when it is wrong, so that it is reported only once */
static const char *read_name(struct reader *reader, const json_t *list)
{
	const char *name = json_member_text(reader, list, "name");

	if (name && request_valid_name(name))
		return name;
	if (!name && json_member(list, "name"))
		return "unnamed";
	reader_error(reader, "name", RULE_INVALID_VALUE,
		     name ? "invalid characters found in network name \"%.64s\"" : "missing network name%s",
		     name ? name : "");
	return "unnamed";
}

/**
 * netlist_read() - Read name and version of a list
 * @reader:		Reader, at the list
 * @list:		List
 * @ret_netlist:	Always written; what is wrong is reported and gets a stand-in
 */
void netlist_read(struct reader *reader, const json_t *list, struct netlist *ret_netlist)
{
	const json_t *plugins = json_member_array(reader, list, "plugins", SIZE_MAX);

	*ret_netlist = (struct netlist){.name = read_name(reader, list), .version = read_version(reader, list)};
	if (plugins && !json_array_size(plugins))
		reader_error(reader, "plugins", RULE_INVALID_VALUE, "plugins must not be empty");
}

/** check_switches() - Keys that libcni's NetworkConfFromBytes() (conf.go) reads as true or false, also as texts, and null as neither */
static void check_switches(struct reader *reader, const json_t *list)
{
	static const char *const keys[] = {"disableCheck", "disableGC", "loadOnlyInlinedPlugins"};

	for (size_t i = 0; i < ARRAY_LENGTH(keys); i++) {
		const json_t *value = json_object_get(list, keys[i]);
		const char *text = json_string_value(value);

		if (value && !json_is_boolean(value) &&
		    (!text || (strcasecmp(text, "true") != 0 && strcasecmp(text, "false") != 0)))
			reader_error(reader, keys[i], RULE_INVALID_VALUE,
				     "%s must be true or false; with another value runtimes don't load the list",
				     keys[i]);
	}
}

/** check_misplaced() - Keys of rangeguard's own beside `plugins`: no runtime hands them to a plugin, so they guard nothing */
static void check_misplaced(struct reader *reader, const json_t *list)
{
	static const char keys[][sizeof("runtimeConfig")] = {"guard",	    "snat",	    "ipam",	    "ipMasq",
							     "nonMasq",	    "antiSpoof",    "history",	    "markMask",
							     "annotations", "capabilities", "runtimeConfig"};

	for (size_t i = 0; i < ARRAY_LENGTH(keys); i++)
		if (json_object_get(list, keys[i]))
			reader_error(reader, keys[i], RULE_UNKNOWN_KEY,
				     "no plugin gets what stands beside plugins, so %s has no effect; put it into the "
				     "object of the plugin that it is for",
				     keys[i]);
}

/** has_ours() - Whether rangeguard is one of a list's plugins, or their IPAM */
static bool has_ours(const json_t *list)
{
	const json_t *plugins = json_object_get(list, "plugins");

	for (size_t i = 0; i < json_array_size(plugins); i++)
		if (subject_is_ours(json_array_get(plugins, i)))
			return true;
	return false;
}

/**
 * netlist_check_keys() - Keys of a list beside name and versions: those that runtimes refuse, and those that nobody reads
 * @reader:	Reader, at the list
 * @list:	List
 */
void netlist_check_keys(struct reader *reader, const json_t *list)
{
	if (json_is_null(json_object_get(list, "plugins")))
		reader_error(reader, "plugins", RULE_INVALID_VALUE, "plugins must be an array, not null");
	check_switches(reader, list);
	if (has_ours(list))
		check_misplaced(reader, list);
}

/** netlist_check_capabilities() - `capabilities` of another plugin's object: true and false, or the whole list is not loaded */
void netlist_check_capabilities(struct reader *reader, const json_t *object)
{
	json_t *value, *capabilities = json_object_get(object, "capabilities");
	size_t mark = pointer_push_key(&reader->at, "capabilities");
	const char *key;

	if (capabilities && !json_is_object(capabilities) && !json_is_null(capabilities))
		reader_error(reader, NULL, RULE_INVALID_VALUE,
			     "capabilities must be an object; runtimes don't load the network as it is");
	json_object_foreach(capabilities, key, value)
		if (!json_is_boolean(value) && !json_is_null(value))
			reader_error(
				reader, key, RULE_INVALID_VALUE,
				"capability \"%.64s\" must be true or false; with another value runtimes don't load "
				"the network",
				key);
	pointer_pop(&reader->at, mark);
}

/**
 * netlist_note_version() - Say where a list, or a plugin's object that stands alone, works only with what is new
 * @reader:	Reader, at the object
 * @object:	It
 *
 * Who does not know 1.1.0 refuses each result that says so, DEL included. A runtime that knows it reads `cniVersions`, and
 * one that does not reads `cniVersion` alone.
 */
void netlist_note_version(struct reader *reader, const json_t *object)
{
	const char *text = json_string_value(json_member(object, "cniVersion"));
	enum cni_version version;

	if (text && !cni_version_parse(text, &version) && version > CNI_1_0_0)
		reader_note(
			reader, "cniVersion", RULE_VERSION,
			"cniVersion %s is not known to containerd before 2.0, CRI-O before 1.32, podman, and older "
			"plugins: with one of these no container starts, and none can be removed. A list with "
			"\"cniVersion\": \"1.0.0\" and \"cniVersions\": [\"1.0.0\", \"%s\"] lets a runtime take the "
			"newest that it knows",
			text, text);
}
