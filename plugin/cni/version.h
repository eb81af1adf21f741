/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_CNI_VERSION_H
#define PLUGIN_CNI_VERSION_H

/* The versions of the CNI specification and how they are told apart. Pure but for the printing. */

#include <stdbool.h>

#include "rangeguard/outcome.h"

/** In the order of their age, so that `version >= CNI_0_4_0` reads as it should */
enum cni_version {
	CNI_0_1_0,
	CNI_0_2_0,
	CNI_0_3_0,
	CNI_0_3_1,
	CNI_0_4_0,
	CNI_1_0_0,
	CNI_1_1_0,
	CNI_N_VERSIONS,
};

#define CNI_NEWEST CNI_1_1_0

/** Named outcomes of cni_version_parse() */
enum cni_version_outcome {
	CNI_VERSION_E_UNSUPPORTED = OUTCOMES_CNI_VERSION, /* well-formed, but not one of ours */
	CNI_VERSION_E_MALFORMED,			  /* not MAJOR[.MINOR[.MICRO]] in decimal */
};

const char *cni_version_text(enum cni_version version);
int cni_version_parse(const char *text, enum cni_version *ret_version);
int cni_version_print_supported(int fd, const char *cni_version);

#endif
