/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_FOREIGN_FLAGS_H
#define PLUGIN_FOREIGN_FLAGS_H

/* Command lines: the flags of Kubernetes' programs, k3s and dockerd that declare addresses. Pure. */

#include "plugin/foreign/declaration_reader.h"

void flags_read(struct declaration_reader *declaration, const json_t *value, bool of_podman);

#endif
