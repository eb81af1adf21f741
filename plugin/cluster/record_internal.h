/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_CLUSTER_RECORD_INTERNAL_H
#define PLUGIN_CLUSTER_RECORD_INTERNAL_H

#include "plugin/cluster/record.h"

/* Fill the member of the record's kind from its text. Return: whether it was understood. */
bool record_parse(struct record *record);

#endif
