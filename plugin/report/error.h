/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef PLUGIN_REPORT_ERROR_H
#define PLUGIN_REPORT_ERROR_H

/*
 * The CNI error: code, message, details; an owned struct of fixed arrays, never heap. Text for the user is written
 * once, here at the border: `return error_set(err, …)`. kubelet shows `msg` only, so everything that somebody needs at
 * 3 a.m. belongs into it; `details` adds the other side's own words (kernel, parser).
 */

#include <stdio.h>

/** Codes of the CNI specification (section "Error") and of rangeguard (100 and above) */
enum error_code {
	ERROR_NONE = 0,
	ERROR_INCOMPATIBLE_VERSION = 1,
	ERROR_UNSUPPORTED_FIELD = 2,
	ERROR_UNKNOWN_CONTAINER = 3,
	ERROR_ENVIRONMENT = 4,
	ERROR_IO = 5,
	ERROR_DECODE = 6,
	ERROR_CONFIG = 7,
	ERROR_NETNS = 8, /* not in the specification's table; types.ErrInvalidNetNS of the Go library */
	ERROR_TRY_AGAIN = 11,
	ERROR_NOT_READY = 50,
	ERROR_RESERVED = 100,
	ERROR_NO_FREE_ADDRESS = 101,
	ERROR_POLICY = 102,
	ERROR_SNAT = 103,
	ERROR_HOST_ROUTE = 104,
	ERROR_ADDRESS_NOT_AVAILABLE = 105,
	ERROR_STORE = 106,
	ERROR_KERNEL = 107,
};

#define ERROR_MSG_MAX 2048
#define ERROR_DETAILS_MAX 1024

/** struct error - One failure; @code 0: none */
struct error {
	int code;
	char msg[ERROR_MSG_MAX];
	char details[ERROR_DETAILS_MAX];
};

/** What a function at the border returns when it has filled its error */
enum { REFUSED = 1 };

int error_set(struct error *err, enum error_code code, const char *format, ...) __attribute__((format(printf, 3, 4)));
enum error_code error_code_of(int outcome, enum error_code code);
int error_set_errno(struct error *err, enum error_code code, int outcome, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void error_details(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));
int error_recode(struct error *err, enum error_code code);
int error_no_memory(struct error *err);
int error_print(FILE *stream, const struct error *err, const char *cni_version);

#endif
