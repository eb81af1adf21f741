/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_TEXT_BASE64_H
#define PLUGIN_TEXT_BASE64_H

/* RFC 4648 section 4 with padding: as etcd's JSON gateway has bytes, and in lines, as YAML has them. Pure. */

#include <stddef.h>

char *base64_encode(const char *bytes, size_t size);
char *base64_decode(const char *text, size_t *ret_size);
char *base64_decode_lines(const char *text, size_t *ret_size);

#endif
