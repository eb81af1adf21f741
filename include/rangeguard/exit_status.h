/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef RANGEGUARD_EXIT_STATUS_H
#define RANGEGUARD_EXIT_STATUS_H

/** Exit statuses of the commands */
enum exit_status {
	EXIT_FINE = 0,
	EXIT_FINDINGS = 1,
	EXIT_USAGE = 2,
};

#endif
