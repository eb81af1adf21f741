/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_NETWORK_SYSCTL_H
#define PLUGIN_NETWORK_SYSCTL_H

#include <stdint.h>

/* Sysctls of the calling thread's network namespace, below /proc/sys/net. */

/* Read @name ("ipv4/ip_forward"), write @value only where it differs. 0, -ENOENT when the kernel has no such sysctl. */
int sysctl_ensure(const char *name, const char *value);
/* The same for net/FAMILY/conf/INTERFACE/NAME. */
int sysctl_ensure_interface(const char *family, const char *interface, const char *name, const char *value);
/* Whether @name says @value: 1, 0, -ENOENT when the kernel has no such sysctl, negative errno. */
int sysctl_has_value(const char *name, const char *value);
/* The decimal number that @name says: 0, -ENOENT, -EBADMSG when it is not one, negative errno. */
int sysctl_number(const char *name, uint64_t *ret_number);
/* For who moves the calling thread into another network namespace, and back into its own. */
void sysctl_visit(void);
void sysctl_return(void);

#endif
