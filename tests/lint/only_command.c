/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One command as a program, to see what it links: tests/lint/offline.sh. */

#include "plugin/commands/commands.h"

int main(int argc, char **argv)
{
	return COMMAND(argc, argv);
}
