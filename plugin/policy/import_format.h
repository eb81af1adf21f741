/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_POLICY_IMPORT_FORMAT_H
#define PLUGIN_POLICY_IMPORT_FORMAT_H

/*
 * In which columns the address managers write ranges, and in which form. Pure.
 *
 * NetBox: the labels of an export ("Prefix", "Start address") and the fields of an import (netbox/ipam/forms/bulk_import.py:
 * prefix, start_address) are the same names but for case and blanks. phpIPAM: "Subnet" of an export has its mask
 * (app/admin/import-export/export-subnets.php), an import has a column "Mask" (import-template.php). Infoblox: CSV Import
 * Reference of NIOS 9.0, "Supported Object Types".
 */

#include <stdbool.h>

#include "ipam/address/address.h"
#include "rangeguard/outcome.h"

enum import_format {
	IMPORT_NETBOX,
	IMPORT_PHPIPAM,
	IMPORT_INFOBLOX,
	IMPORT_CSV,    /* its columns are named by the policy */
	IMPORT_JSON,   /* likewise, by JSON pointers */
	IMPORT_ROUTES, /* ip -json route */
};

/** As a policy names them, NULL behind the last; the index is the enum import_format */
extern const char *const import_format_names[];

enum import_form {
	IMPORT_PREFIX, /* first: ADDRESS/LENGTH */
	IMPORT_MASK,   /* first: ADDRESS, second: LENGTH or netmask; or first: ADDRESS/LENGTH, second: nothing else */
	IMPORT_RANGE,  /* first and second: ADDRESS, with or without /LENGTH */
	IMPORT_ANY,    /* first: ADDRESS/LENGTH, ADDRESS or ADDRESS - ADDRESS */
	IMPORT_DELEGATED, /* first and second: IPv6 prefixes, third: the length of each */
};

/** Columns of one range at most */
#define IMPORT_SPAN_COLUMNS 3U

/**
 * struct import_layout - Where a range stands in a row
 * @format:	Of which format
 * @kind:	Type of the rows (Infoblox); NULL: all
 * @form:	In which form
 * @n_required:	Columns that a header must have for it
 * @columns:	Names of the columns, NULL behind the last
 */
struct import_layout {
	enum import_format format;
	const char *kind;
	enum import_form form;
	unsigned n_required;
	const char *columns[IMPORT_SPAN_COLUMNS];
};

/** Space for what import_span_read() says */
#define IMPORT_FLAW_MAX 512

/** Named outcomes of import_span_read() */
enum import_outcome {
	IMPORT_E_UNREADABLE = OUTCOMES_IMPORT,
	IMPORT_E_NO_RANGE, /* a phpIPAM folder */
};

/* Whether two names of columns are the same: letter case does not count, a blank is an underscore, a final * (Infoblox:
 * "required") is left out. */
bool import_same_name(const char *a, const char *b);
/* The layout of @format for rows of @kind that follows @after, NULL: the first one. NULL when there is none. */
const struct import_layout *import_layout_next(enum import_format format, const char *kind,
					       const struct import_layout *after);
int import_span_read(const struct import_layout *layout, const char *const cells[IMPORT_SPAN_COLUMNS],
		     struct span *ret_span, char reterr_flaw[static IMPORT_FLAW_MAX]);

#endif
