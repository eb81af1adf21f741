/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables of NetBox, phpIPAM and Infoblox: which entries they become, and that no row that is wanted is passed over. */

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
/* clang-format on */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/policy/import.h"
#include "rangeguard/array.h"

/** struct heard - Listener that writes down "FILE PLACE: MESSAGE" lines */
struct heard {
	struct report report;
	char text[8192];
};

static void hear(struct report *report, const struct finding *finding)
{
	struct heard *heard = (struct heard *)report;
	size_t length = strlen(heard->text);

	assert_int_equal(finding->severity, SEVERITY_ERROR);
	(void)snprintf(heard->text + length, sizeof(heard->text) - length, "%s%s %s: %s\n",
		       finding->rule == RULE_POLICY ? "" : "rule! ", finding->file, finding->pointer, finding->message);
}

/** struct subject - What an import came to */
struct subject {
	struct heard heard;
	struct guard *guard;
	size_t n_rows;
	int outcome;
};

static void clear(struct subject *subject)
{
	subject->guard = guard_free(subject->guard);
}

/** import_text() - Import @table, a text of @size bytes, as @spec says; released by clear() */
static void import_text(const char *spec_text, const char *table, size_t size, struct subject *subject)
{
	struct reader reader = {.file = "p.json", .report = &subject->heard.report};
	json_t *json = json_loads(spec_text, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
	struct import_spec spec;
	struct import import;
	const char *file;
	int r;

	*subject = (struct subject){0};
	subject->heard.report.heard = hear;
	assert_int_equal(guard_new(&subject->guard), 0);
	(void)pointer_push_key(&reader.at, "imports");
	(void)pointer_push_index(&reader.at, 0);
	if (!json)
		fail_msg("not JSON: %s", spec_text);
	r = import_spec_read(&reader, json, &spec, &file);
	assert_int_equal(r, subject->heard.report.errors ? REFUSED : 0);
	if (!r) {
		assert_int_equal(import_init(&import, &spec, &reader, "t.csv", subject->guard), 0);
		r = import_feed(&import, table, size);
		if (!r)
			r = import_finish(&import);
		subject->n_rows = import.n_rows;
		import_done(&import);
	}
	subject->outcome = r;
	import_spec_done(&spec);
	json_decref(json);
	assert_string_equal(reader.at.text, "/imports/0");
}

/** assert_entries() - The guard's entries, as "SPAN owner|reason|ref PLACE" lines */
static void assert_entries(const struct subject *subject, const char *expected)
{
	char text[8192] = "", span[SPAN_TEXT_MAX];
	size_t length = 0;

	for (size_t i = 0; i < guard_n_entries(subject->guard); i++) {
		struct guard_entry entry = guard_entry(subject->guard, i);

		assert_string_equal(entry.file, "t.csv");
		assert_int_equal(entry.kind, GUARD_RESERVED);
		length += (size_t)snprintf(text + length, sizeof(text) - length, "%s %s|%s|%s %s\n",
					   span_format(&entry.span, span), entry.owner, entry.reason, entry.ref,
					   entry.pointer);
	}
	assert_string_equal(text, expected);
}

/** assert_imports() - A table without faults becomes those entries */
static void assert_imports(const char *spec, const char *table, const char *entries)
{
	struct subject subject;

	import_text(spec, table, strlen(table), &subject);
	assert_string_equal(subject.heard.text, "");
	assert_int_equal(subject.outcome, 0);
	assert_entries(&subject, entries);
	clear(&subject);
}

#define NETBOX_EXPORT                                                                                                  \
	"Prefix,Status,VRF,Tenant,Site,VLAN,Role,Is a Pool,Description\r\n"                                            \
	"10.20.0.0/16,Active,,db-platform,fra1,,Database,False,\"Oracle RAC,\r\nproduction\"\r\n"                      \
	"10.21.0.0/16,Deprecated,,db-platform,fra1,,Database,False,old\r\n"                                            \
	"10.22.0.0/16,Reserved,,,fra1,,database,False,\r\n"                                                            \
	"10.23.0.0/16,Active,,web,fra1,,Web,False,\r\n"                                                                \
	"2001:db8:20::/48,active,,db-platform,,,DATABASE,False,v6\r\n"

#define NETBOX_ENTRIES                                                                                                 \
	"10.20.0.0/16 db-platform|Oracle RAC,  production| line 2\n"                                                   \
	"10.22.0.0/16 || line 5\n"                                                                                     \
	"2001:db8:20::/48 db-platform|v6| line 7\n"

static void test_netbox_prefixes(void **state)
{
	static const char contract[] =
		"{\"file\": \"netbox.csv\", \"format\": \"netbox\", \"where\": {\"status\": [\"active\", \"reserved\"],"
		" \"role\": [\"database\"]}, \"owner\": \"tenant\", \"reason\": \"description\", \"x-why\": 1}";
	static const char labels[] =
		"{\"file\": \"netbox.csv\", \"format\": \"netbox\", \"where\": {\"Status\": [\"Active\", \"Reserved\"],"
		" \"Role\": [\"Database\"]}, \"owner\": \"Tenant\", \"reason\": \"Description\"}";

	(void)state;
	assert_imports(contract, NETBOX_EXPORT, NETBOX_ENTRIES);
	assert_imports(labels, NETBOX_EXPORT, NETBOX_ENTRIES);
	assert_imports(contract, "\xef\xbb\xbf" NETBOX_EXPORT "\r\n,,,,,,,,\r\n", NETBOX_ENTRIES);
	assert_imports(contract,
		       "prefix,vrf,tenant,vlan_group,status,role,description\n"
		       "10.20.0.0/16,,db-platform,,active,Database,RAC\n"
		       "10.21.0.0/16,,db-platform,,active,Web,RAC\n",
		       "10.20.0.0/16 db-platform|RAC| line 2\n");
}

static void test_netbox_ranges(void **state)
{
	static const char spec[] =
		"{\"file\": \"r.csv\", \"format\": \"netbox\", \"owner\": \"tenant\", \"ref\": \"VLAN Group\"}";

	(void)state;
	assert_imports(spec,
		       "Start address,End address,Size,VRF,Status,Role,Tenant,VLAN group\n"
		       "10.31.4.10/24,10.31.4.99/24,90,,Active,,telephony,A\n"
		       "10.31.5.0/25,10.31.5.255/24,256,,Active,,telephony,\n"
		       "2001:db8::10/64,2001:db8::1f/64,16,,Active,,,\n"
		       "::ffff:10.0.0.1,10.0.0.1,1,,Active,,,\n",
		       "10.31.4.10-10.31.4.99 telephony||A line 2\n"
		       "10.31.5.0/24 telephony|| line 3\n"
		       "2001:db8::10/124 || line 4\n"
		       "10.0.0.1 || line 5\n");
	assert_imports(spec,
		       "start_address,end_address,status,tenant,vlan_group\n10.31.4.10/24,10.31.4.99/24,active,x,y\n",
		       "10.31.4.10-10.31.4.99 x||y line 2\n");
}

static void test_phpipam(void **state)
{
	static const char spec[] = "{\"file\": \"p.csv\", \"format\": \"phpipam\", \"owner\": \"Customer\","
				   " \"reason\": \"Description\", \"where\": {\"section\": [\"Customers\"]}}";

	(void)state;
	assert_imports(
		spec,
		"Section,Subnet,Description,VLAN,VLAN Domain,VRF,Master Subnet,Requests,Host check,Discover,Customer\n"
		"Customers,Databases (folder),Databases,NA,,,/,0,0,0,\n"
		"Customers,10.20.0.0/16,Oracle RAC,20,default,red,Databases [folder],0,0,0,db-platform\n"
		"IPv6,2001:db8::/32,all,NA,,,/,0,0,0,\n"
		"Customers,2001:db8:1::/48,v6,NA,,,/,0,0,0,db-platform\n",
		"10.20.0.0/16 db-platform|Oracle RAC| line 3\n"
		"2001:db8:1::/48 db-platform|v6| line 5\n");
	assert_imports("{\"file\": \"p.csv\", \"format\": \"phpipam\", \"reason\": \"description\"}",
		       "Section,Subnet,Mask,Description,VLAN,Domain,VRF\n"
		       "c,10.20.0.0,16,one,,,\n"
		       "c,10.21.0.0,255.255.0.0,two,,,\n"
		       "c,10.22.0.0/16,,three,,,\n"
		       "c,2001:db8::,32,four,,,\n",
		       "10.20.0.0/16 |one| line 2\n"
		       "10.21.0.0/16 |two| line 3\n"
		       "10.22.0.0/16 |three| line 4\n"
		       "2001:db8::/32 |four| line 5\n");
}

#define INFOBLOX                                                                                                       \
	"HEADER-NETWORK,ADDRESS*,NETMASK*,COMMENT,EA-Site,EAInherited-Site\n"                                          \
	"NETWORK,10.20.0.0,255.255.0.0,Oracle RAC,FRA,OVERRIDE\n"                                                      \
	"NETWORK,10.21.0.0,255.255.0.0,other,BER,OVERRIDE\n"                                                           \
	"network,10.22.0.0,20\n"                                                                                       \
	"header-networkcontainer,address*,netmask*,comment\n"                                                          \
	"networkcontainer,10.0.0.0,255.0.0.0,everything\n"                                                             \
	",,,\n"                                                                                                        \
	"header-IPv6Network,address*,cidr*,comment,EA-site\n"                                                          \
	"IPv6Network,2001:db8:20::,48,Oracle v6,fra\n"                                                                 \
	"header-HostRecord,fqdn*,addresses\n"                                                                          \
	"HostRecord,a.example.com,\"10.1.1.1,10.1.1.2\"\n"                                                             \
	"header-DhcpRange,end_address*,start_address*,EA-Site,comment\n"                                               \
	"DhcpRange,10.31.4.99,10.31.4.10,FRA,phones\n"

static void test_infoblox(void **state)
{
	(void)state;
	assert_imports(
		"{\"file\": \"i.csv\", \"format\": \"infoblox\", \"reason\": \"comment\", \"owner\": {\"value\": \"net\"}}",
		INFOBLOX,
		"10.20.0.0/16 net|Oracle RAC| line 2\n"
		"10.21.0.0/16 net|other| line 3\n"
		"10.22.0.0/20 net|| line 4\n"
		"10.0.0.0/8 net|everything| line 6\n"
		"2001:db8:20::/48 net|Oracle v6| line 9\n"
		"10.31.4.10-10.31.4.99 net|phones| line 13\n");
	assert_imports("{\"file\": \"i.csv\", \"format\": \"infoblox\", \"owner\": \"EA-Site\","
		       " \"where\": {\"EA-Site\": [\"FRA\"], \"type\": [\"network\", \"ipv6network\", \"dhcprange\"]}}",
		       INFOBLOX,
		       "10.20.0.0/16 FRA|| line 2\n"
		       "2001:db8:20::/48 fra|| line 9\n"
		       "10.31.4.10-10.31.4.99 FRA|| line 13\n");
	/* An owner is not needed in every section, only in one. */
	assert_imports("{\"file\": \"i.csv\", \"format\": \"infoblox\", \"owner\": \"ea-site\","
		       " \"where\": {\"type\": [\"networkcontainer\", \"dhcprange\"]}}",
		       INFOBLOX, "10.0.0.0/8 || line 6\n10.31.4.10-10.31.4.99 FRA|| line 13\n");
	/* Without a match: no entry, no error. */
	assert_imports(
		"{\"file\": \"i.csv\", \"format\": \"infoblox\", \"owner\": \"ea-site\", \"where\": {\"type\": [\"netwrok\"]}}",
		INFOBLOX, "");
}

static void test_infoblox_sections(void **state)
{
	static const char spec[] = "{\"file\": \"i.csv\", \"format\": \"infoblox\"}";

	(void)state;
	/* A header is for all rows of its type until the next one of that type (NIOS, "CSV File Example 3"). */
	assert_imports(spec,
		       "header-network,address*,netmask*,EA-Gateway\n"
		       "header-networkcontainer,address*,netmask*\n"
		       "network,10.176.90.0,255.255.255.128,10.176.90.1\n"
		       "networkcontainer,10.176.0.0,255.255.0.0\n"
		       "Header-Network,netmask*,EA-Host Range,address*\n"
		       "network,255.255.255.128,10.176.90.132-254,10.176.90.128\n",
		       "10.176.90.0/25 || line 3\n10.176.0.0/16 || line 4\n10.176.90.128/25 || line 6\n");
	assert_imports(spec,
		       "header-ipv6networkcontainer,address*,cidr*\nipv6networkcontainer,2001:db8::,32\n"
		       "Header-IPv6DhcpRange,address_type,start_address,end_address,ipv6_start_prefix,ipv6_end_prefix,"
		       "ipb6_prefix_bits\n"
		       "IPv6DhcpRange,ADDRESS,2001:db8::10,2001:db8::1f,,,\n"
		       "IPv6DhcpRange,PREFIX,,,2001:db8:0:100::,2001:db8:0:1f0::,60\n"
		       "IPv6DhcpRange,BOTH,2001:db8::20,2001:db8::2f,2001:db8:1::,2001:db8:2::,48\n",
		       "2001:db8::/32 || line 2\n"
		       "2001:db8::10/124 || line 4\n"
		       "2001:db8:0:100::/56 || line 5\n"
		       "2001:db8::20/124 || line 6\n"
		       "2001:db8:1::-2001:db8:2:ffff:ffff:ffff:ffff:ffff || line 6\n");
}

/** struct fault - A spec, a table and the one thing said of them */
struct fault {
	const char *spec;
	const char *table;
	const char *heard;
	const char *clause;
};

#define NETBOX "{\"file\": \"t.csv\", \"format\": \"netbox\"}"
#define PHPIPAM "{\"file\": \"t.csv\", \"format\": \"phpipam\"}"
#define INFOBLOX_ALL "{\"file\": \"t.csv\", \"format\": \"infoblox\"}"
#define WITH(members) "{\"file\": \"t.csv\", \"format\": \"netbox\", " members "}"

/** assert_fault() - One thing is said, and entries there are as many as rows without fault */
static void assert_fault(const struct fault *fault)
{
	struct subject subject;
	const char *newline;

	import_text(fault->spec, fault->table ? fault->table : "prefix\n", fault->table ? strlen(fault->table) : 7,
		    &subject);
	newline = strchr(subject.heard.text, '\n');
	if (!newline || newline[1] || strncmp(subject.heard.text, fault->heard, strlen(fault->heard)) != 0 ||
	    !strstr(subject.heard.text, fault->clause))
		fail_msg("%s: heard \"%s\" instead of \"%s\" \"%s\"", fault->table ? fault->table : fault->spec,
			 subject.heard.text, fault->heard, fault->clause);
	clear(&subject);
}

static void test_faults_of_rows(void **state)
{
	static const struct fault faults[] = {
		{NETBOX, "prefix\n10.0.0.0/8\n10.20.0/16\n",
		 "t.csv line 3: ", "prefix \"10.20.0/16\" must be ADDRESS/LENGTH"},
		{NETBOX, "prefix\n10.20.0.0/33\n", "t.csv line 2: ", "must be ADDRESS/LENGTH"},
		{NETBOX, "prefix\nDatabases (folder)\n", "t.csv line 2: ", "must be ADDRESS/LENGTH"},
		{NETBOX, "prefix\n10.20.0.0\n", "t.csv line 2: ", "must be ADDRESS/LENGTH"},
		{NETBOX, "prefix\n\"a\n\nb\"\n", "t.csv line 2: ", "prefix \"a  b\" must be"},
		{NETBOX, "prefix\n\xe4\x1b\n", "t.csv line 2: ", "prefix \"? \" must be"},
		{NETBOX, "Prefix\n10.20.5.0/16\n",
		 "t.csv line 2: ", "bits set after its prefix length; the network is 10.20.0.0/16"},
		{NETBOX, "prefix,role\n,db\n", "t.csv line 2: ", "prefix is empty"},
		{NETBOX, "prefix,role\n10.0.0.0/8,a,b\n", "t.csv line 2: ", "3 columns and its header 2"},
		{NETBOX, "prefix,role\n10.0.0.0/8\n", "t.csv line 2: ", "1 columns and its header 2"},
		{NETBOX, "start_address,end_address\n10.0.0.9/24,10.0.0.1/24\n", "t.csv line 2: ",
		 "start_address 10.0.0.9 and end_address 10.0.0.1 must be of one family, the first not above the last"},
		{NETBOX, "start_address,end_address\n10.0.0.9/24,2001:db8::1/64\n",
		 "t.csv line 2: ", "must be of one family"},
		{NETBOX, "start_address,end_address\n10.0.0.9/24,\n",
		 "t.csv line 2: ", "end_address \"\" must be an address"},
		{NETBOX, "start_address,end_address\n10.0.0.9/240,10.0.0.10\n",
		 "t.csv line 2: ", "start_address \"10.0.0.9/240\" must"},
		{NETBOX, "prefix\n10.0.0.0/8\na\"b\n", "t.csv line 3: ", "a quote stands inside"},
		{NETBOX, "prefix\n10.0.0.0/8\n\"10.0.0.0\n", "t.csv line 3: ", "never closed"},
		{PHPIPAM, "Subnet,Mask\n10.0.0.0,255.0.255.0\n", "t.csv line 2: ",
		 "mask \"255.0.255.0\" must be ADDRESS and LENGTH, or an IPv4 address and its netmask"},
		{PHPIPAM, "Subnet,Mask\n10.0.0.0,\n", "t.csv line 2: ", "subnet \"10.0.0.0\" must be"},
		{PHPIPAM, "Subnet,Mask\n10.0.0.0/8,16\n", "t.csv line 2: ", "subnet \"10.0.0.0/8/16\" must be"},
		{PHPIPAM, "Subnet,Mask\n2001:db8::,255.255.0.0\n", "t.csv line 2: ", "mask \"255.255.0.0\" must be"},
		{PHPIPAM, "Subnet\nDatabases\n", "t.csv line 2: ", "must be"},
		{INFOBLOX_ALL, "header-network,address*,netmask*\nnetwork,10.176.80.255,255.255.252.0\n",
		 "t.csv line 2: ", "the network is 10.176.80.0/22"},
		{INFOBLOX_ALL, "header-network,address*,netmask*\nnetwork,10.0.0.0,9999999999999\n",
		 "t.csv line 2: ", "must be ADDRESS"},
		{INFOBLOX_ALL, "header-network,address*,netmask*\nnetwork,10.0.0.0\n",
		 "t.csv line 2: ", "must be ADDRESS/LENGTH"},
		{INFOBLOX_ALL, "header-network,address*,netmask*\nnetwork,10.0.0.0,8,x\n",
		 "t.csv line 2: ", "4 columns"},
		{INFOBLOX_ALL, "header-network,address*,netmask*\nnetwrok,10.0.0.0,8\n",
		 "t.csv line 2: ", "rows of type \"netwrok\" must follow a header-netwrok"},
		{INFOBLOX_ALL, "network,10.0.0.0,8\n", "t.csv line 1: ", "must follow a header-network"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(faults); i++)
		assert_fault(&faults[i]);
}

static void test_faults_of_headers(void **state)
{
	static const struct fault faults[] = {
		{NETBOX, "", "t.csv line 1: ", "there is no header line"},
		{NETBOX, "\n\n,,\n", "t.csv line 1: ", "there is no header line"},
		{NETBOX, "\nid,Name\n1,x\n", "t.csv line 2: ",
		 "must have columns prefix, or start_address and end_address, each once, not id, Name"},
		{NETBOX, "Prefix;Status\n10.0.0.0/8;active\n", "t.csv line 1: ", "columns are separated by commas"},
		{NETBOX, "prefix,Prefix\n10.0.0.0/8,10.0.0.0/8\n", "t.csv line 1: ", "each once"},
		{NETBOX, "start_address\n10.0.0.0\n", "t.csv line 1: ", "must have columns"},
		{PHPIPAM, "Network\n10.0.0.0/8\n", "t.csv line 1: ", "must have columns subnet"},
		{INFOBLOX_ALL, "", "t.csv line 1: ", "no header-network line"},
		{INFOBLOX_ALL, "header-hostrecord,fqdn*\nhostrecord,a\n",
		 "t.csv line 1: ", "no header line announces rows with ranges"},
		{INFOBLOX_ALL, "header-network,address*\nnetwork,10.0.0.0\n",
		 "t.csv line 1: ", "must have columns address and netmask"},
		{WITH("\"where\": {\"stauts\": [\"active\"]}"), "Prefix,Status\n10.0.0.0/8,active\n",
		 "p.json /imports/0/where/stauts: ", "t.csv line 1 has no column \"stauts\", only Prefix, Status"},
		{WITH("\"where\": {\"status\": [\"active\"]}"), "Prefix,Status,status\n10.0.0.0/8,active,x\n",
		 "p.json /imports/0/where/status: ", "several columns \"status\""},
		{WITH("\"owner\": \"tenant\""), "Prefix\n10.0.0.0/8\n",
		 "p.json /imports/0/owner: ", "no column \"tenant\""},
		{WITH("\"ref\": \"a\""), "Prefix,a,A\n10.0.0.0/8,,\n",
		 "p.json /imports/0/ref: ", "several columns \"a\""},
		{"{\"file\": \"t.csv\", \"format\": \"infoblox\", \"where\": {\"EA-Site\": [\"FRA\"]}}", INFOBLOX,
		 "p.json /imports/0/where/EA-Site: ", "t.csv line 5 has no column \"EA-Site\", only type, address*"},
		{"{\"file\": \"t.csv\", \"format\": \"infoblox\", \"owner\": \"EA-Owner\"}", INFOBLOX,
		 "p.json /imports/0/owner: ",
		 "no header of t.csv that is of rows with ranges has a column \"EA-Owner\""},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(faults); i++)
		assert_fault(&faults[i]);
}

static void test_faults_of_specs(void **state)
{
	static const struct fault faults[] = {
		{"7", NULL, "p.json /imports/0: ", "an import must be an object"},
		{"{\"format\": \"netbox\"}", NULL, "p.json /imports/0/file: ", "not absent"},
		{"{\"file\": \"\", \"format\": \"netbox\"}", NULL, "p.json /imports/0/file: ", "file must be"},
		{"{\"file\": \"/etc/t.csv\", \"format\": \"netbox\"}", NULL,
		 "p.json /imports/0/file: ", "below the directory"},
		{"{\"file\": \"../t.csv\", \"format\": \"netbox\"}", NULL,
		 "p.json /imports/0/file: ", "below the directory"},
		{"{\"file\": \"a//../t.csv\", \"format\": \"netbox\"}", NULL,
		 "p.json /imports/0/file: ", "below the directory"},
		{"{\"file\": \"a/..\", \"format\": \"netbox\"}", NULL,
		 "p.json /imports/0/file: ", "below the directory"},
		{"{\"file\": \"t.csv\"}", NULL, "p.json /imports/0/format: ",
		 "\"netbox\", \"phpipam\", \"infoblox\", \"csv\", \"json\" or \"routes\", not absent"},
		{"{\"file\": \"t.csv\", \"format\": \"nautobot\"}", NULL,
		 "p.json /imports/0/format: ", "not \"nautobot\""},
		{WITH("\"wheer\": {}"), NULL, "rule! p.json /imports/0/wheer: ", "did you mean \"where\"?"},
		{WITH("\"where\": [\"active\"]"), NULL, "p.json /imports/0/where: ", "an object such as"},
		{WITH("\"where\": {\"status\": \"active\"}"), NULL,
		 "p.json /imports/0/where/status: ", "an array of texts"},
		{WITH("\"where\": {\"status\": []}"), NULL, "p.json /imports/0/where/status: ", "an array of texts"},
		{WITH("\"where\": {\"status\": [1]}"), NULL, "p.json /imports/0/where/status: ", "an array of texts"},
		{WITH("\"where\": {\"status\": null}"), NULL, "p.json /imports/0/where/status: ", "an array of texts"},
		{WITH("\"owner\": 7"), NULL, "p.json /imports/0/owner: ", "the name of a column, or {\"value\""},
		{WITH("\"owner\": \"\""), NULL, "p.json /imports/0/owner: ", "the name of a column"},
		{WITH("\"owner\": {\"value\": 1}"), NULL, "p.json /imports/0/owner: ", "the name of a column"},
		{WITH("\"owner\": {\"value\": \"a\", \"colunm\": \"b\"}"), NULL,
		 "rule! p.json /imports/0/owner/colunm: ", "unknown key"},
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(faults); i++)
		assert_fault(&faults[i]);
}

static void test_file_names(void **state)
{
	static const char *const names[] = {"t.csv", "a/t.csv", "..t.csv", "a..", "./t.csv", "...", "a/.../b"};

	(void)state;
	for (size_t i = 0; i < ARRAY_LENGTH(names); i++) {
		char spec[128];

		(void)snprintf(spec, sizeof(spec), "{\"file\": \"%s\", \"format\": \"netbox\"}", names[i]);
		assert_imports(spec, "prefix\n", "");
	}
}

static void test_every_fault_is_reported(void **state)
{
	static const char table[] = "prefix\nx\n10.0.0.0/8\ny\n";
	struct subject subject;

	(void)state;
	import_text(NETBOX, table, sizeof(table) - 1, &subject);
	assert_int_equal(subject.heard.report.errors, 2);
	assert_entries(&subject, "10.0.0.0/8 || line 3\n");
	clear(&subject);
}

static void test_rows_that_are_not_wanted_need_not_be_right(void **state)
{
	(void)state;
	assert_imports(WITH("\"where\": {\"status\": [\"active\"]}"),
		       "prefix,status\nsoon,planned\n10.0.0.0/8,active\n", "10.0.0.0/8 || line 3\n");
	assert_imports(NETBOX, "prefix\n10.0.0.0/8,,\n", "10.0.0.0/8 || line 2\n");
	assert_imports(WITH("\"where\": {\"tenant\": [\"\"]}"), "prefix,tenant\n10.0.0.0/8,\n11.0.0.0/8,x\n",
		       "10.0.0.0/8 || line 2\n");
}

static void test_unused_columns_may_stand_twice(void **state)
{
	(void)state;
	assert_imports(WITH("\"owner\": \"tenant\""), "prefix,,,note,note,tenant\n10.0.0.0/8,,,a,b,c\n",
		       "10.0.0.0/8 c|| line 2\n");
}

static void test_texts_are_cut_between_characters(void **state)
{
	char owner[2 * LIMIT_IMPORT_TEXT] = "x", table[3 * LIMIT_IMPORT_TEXT];
	struct subject subject;

	(void)state;
	while (strlen(owner) < LIMIT_IMPORT_TEXT + 4)
		memcpy(owner + strlen(owner), "\xc3\xa4", 3);
	(void)snprintf(table, sizeof(table), "prefix,tenant\n10.0.0.0/8,%s\n", owner);
	import_text(WITH("\"owner\": \"tenant\""), table, strlen(table), &subject);
	/* The first byte of a character would fit. */
	owner[LIMIT_IMPORT_TEXT - 1] = '\0';
	assert_string_equal(guard_entry(subject.guard, 0).owner, owner);
	clear(&subject);
}

static void test_many_faults_end_the_reading(void **state)
{
	char *table = NULL;
	size_t size;
	FILE *stream = open_memstream(&table, &size);
	struct subject subject;

	(void)state;
	assert_non_null(stream);
	(void)fputs("prefix\n", stream);
	for (unsigned i = 0; i < LIMIT_IMPORT_ERRORS + 100; i++)
		(void)fputs("x\n", stream);
	assert_int_equal(fclose(stream), 0);
	import_text(NETBOX, table, size, &subject);
	assert_int_equal(subject.heard.report.errors, LIMIT_IMPORT_ERRORS + 1);
	assert_int_equal(subject.outcome, REFUSED);
	assert_int_equal(subject.n_rows, LIMIT_IMPORT_ERRORS);
	free(table);
	clear(&subject);
}

static void test_too_many_types(void **state)
{
	char *table = NULL;
	size_t size;
	FILE *stream = open_memstream(&table, &size);
	struct subject subject;

	(void)state;
	assert_non_null(stream);
	for (unsigned i = 0; i <= LIMIT_IMPORT_SECTIONS; i++)
		(void)fprintf(stream, "header-a%u,b\n", i);
	assert_int_equal(fclose(stream), 0);
	import_text(INFOBLOX_ALL, table, size, &subject);
	assert_string_equal(subject.heard.text, "t.csv line 257: there are headers for more than 256 types of rows\n");
	free(table);
	clear(&subject);
}

static void test_utf16(void **state)
{
	static const char table[] = "\xff\xfeP\0r\0e\0f\0i\0x\0\n\0";
	struct subject subject;

	(void)state;
	import_text(NETBOX, table, sizeof(table) - 1, &subject);
	assert_string_equal(subject.heard.text,
			    "t.csv line 1: there is a NUL byte; the file must be text in UTF-8, not in UTF-16\n");
	assert_int_equal(subject.outcome, REFUSED);
	clear(&subject);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_netbox_prefixes),
		cmocka_unit_test(test_netbox_ranges),
		cmocka_unit_test(test_phpipam),
		cmocka_unit_test(test_infoblox),
		cmocka_unit_test(test_infoblox_sections),
		cmocka_unit_test(test_faults_of_rows),
		cmocka_unit_test(test_faults_of_headers),
		cmocka_unit_test(test_faults_of_specs),
		cmocka_unit_test(test_file_names),
		cmocka_unit_test(test_every_fault_is_reported),
		cmocka_unit_test(test_rows_that_are_not_wanted_need_not_be_right),
		cmocka_unit_test(test_unused_columns_may_stand_twice),
		cmocka_unit_test(test_texts_are_cut_between_characters),
		cmocka_unit_test(test_many_faults_end_the_reading),
		cmocka_unit_test(test_too_many_types),
		cmocka_unit_test(test_utf16),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
