/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ways to a host's kernel. */

#include "plugin/host/host.h"

#include <errno.h>
#include <string.h>

#include "plugin/host/ask.h"

/** history_of() - Where a configuration wants its history; its path is borrowed */
struct history history_of(const struct netconf *netconf)
{
	return (struct history){
		.path = netconf->history, .size = netconf->history_size, .files = netconf->history_files};
}

/**
 * host_open() - Open the port on rtnetlink, in the namespace of the calling thread
 * @data_dir:	State directory; borrowed
 * @ret_host:	Host, released by host_done()
 * @reterr:	Code 107
 *
 * Return: 0, REFUSED
 */
int host_open(const char *data_dir, struct host *ret_host, struct error *reterr)
{
	struct host host = {.data_dir = data_dir};
	int r = port_open(&host.rtnetlink);

	if (r)
		return error_set_errno(reterr, ERROR_KERNEL, r, "can't open a netlink socket");
	*ret_host = host;
	return 0;
}

/**
 * host_open_netfilter() - Open the port on nfnetlink, unless it is open
 * @host:	Host
 * @reterr:	Code 107
 *
 * Return: 0, -EPROTONOSUPPORT (error filled) when the kernel has no nfnetlink, REFUSED
 */
int host_open_netfilter(struct host *host, struct error *reterr)
{
	int r = host->netfilter ? 0 : port_open_netfilter(&host->netfilter);

	if (!r)
		return 0;
	(void)error_set_errno(reterr, ERROR_KERNEL, r, "can't open an nfnetlink socket, which snat and ipMasq need");
	return r == -EPROTONOSUPPORT ? r : REFUSED;
}

/** tell_agent() - That a shared source may have lost its last container: no lock is held any more, and nobody waits */
static void tell_agent(const struct host *host)
{
	json_t *message = json_pack("{s:s}", "ask", "source-released");

	if (message)
		ask_tell(host->data_dir, message);
	json_decref(message);
}

/** host_done() - Close the ports that are open */
void host_done(struct host *host)
{
	if (host->shared_released)
		tell_agent(host);
	host->shared_released = false;
	host->rtnetlink = port_close(host->rtnetlink);
	host->netfilter = port_close(host->netfilter);
}
