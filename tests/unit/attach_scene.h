/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_ATTACH_SCENE_H
#define TESTS_UNIT_ATTACH_SCENE_H

/* What the tests of attachments share: a container, its plan, and a look at what is left of it in port_fake's kernel. */

#include "plugin/network/attach.h"
#include "port_fake.h"

extern const struct attachment pod;

/* A container's namespace that nobody has looked at; valid until the next call. */
struct netns *nowhere(void);
/* Texts to values; a text that is none fails the test. */
struct address address(const char *text);
struct prefix prefix(const char *text);
/* A plan with default routes; @second NULL: one address only. */
struct plan make_plan(const char *first, const char *second);
/* The attachment of @plan, as attach_create() makes it, or the test fails. */
void make_attachment(const struct plan *plan);
/* Neither interface nor open port. */
bool nothing_is_left(void);

#endif
