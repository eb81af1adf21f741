/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libcurl's multi interface in sd-event's loop: its sockets, its timer, its news. */

#include <errno.h>
#include <sys/epoll.h>

#include "plugin/etcd/etcd_internal.h"

/** take_news() - Transfers that have ended, and what the watch has got. Callbacks may begin others. */
static void take_news(struct etcd *etcd)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(etcd->multi, &left))) {
		CURLcode code = message->data.result;
		char *post = NULL;

		if (message->msg == CURLMSG_DONE &&
		    curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &post) == CURLE_OK && post)
			client_finished((struct post *)(void *)post, code);
	}
	watch_received(etcd);
}

/** on_ready() - sd_event_io_handler_t */
static int on_ready(sd_event_source *source, int fd, uint32_t events, void *userdata)
{
	struct etcd *etcd = userdata;
	int mask = ((events & EPOLLIN) ? CURL_CSELECT_IN : 0) | ((events & EPOLLOUT) ? CURL_CSELECT_OUT : 0) |
		   ((events & (EPOLLERR | EPOLLHUP)) ? CURL_CSELECT_ERR : 0),
	    running;

	(void)source;
	(void)curl_multi_socket_action(etcd->multi, fd, mask, &running);
	take_news(etcd);
	return 0;
}

/** on_time() - sd_event_time_handler_t */
static int on_time(sd_event_source *source, uint64_t usec, void *userdata)
{
	struct etcd *etcd = userdata;
	int running;

	(void)source;
	(void)usec;
	(void)curl_multi_socket_action(etcd->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	take_news(etcd);
	return 0;
}

/** on_socket() - CURLMOPT_SOCKETFUNCTION: libcurl wants to be told of a socket, or no longer */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *userdata, void *socketdata)
{
	static const uint32_t masks[] = {
		[CURL_POLL_IN] = EPOLLIN, [CURL_POLL_OUT] = EPOLLOUT, [CURL_POLL_INOUT] = EPOLLIN | EPOLLOUT};
	struct etcd *etcd = userdata;
	sd_event_source *source = socketdata;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		(void)curl_multi_assign(etcd->multi, fd, NULL);
		(void)sd_event_source_disable_unref(source);
		return 0;
	}
	if (what < CURL_POLL_IN || what > CURL_POLL_INOUT)
		return 0;
	if (source)
		return sd_event_source_set_io_events(source, masks[what]) < 0 ? -1 : 0;
	if (sd_event_add_io(etcd->event, &source, fd, masks[what], on_ready, etcd) < 0)
		return -1;
	return curl_multi_assign(etcd->multi, fd, source) == CURLM_OK ? 0 : -1;
}

/** on_timer() - CURLMOPT_TIMERFUNCTION: libcurl wants to be called then */
static int on_timer(CURLM *multi, long ms, void *userdata)
{
	struct etcd *etcd = userdata;

	(void)multi;
	if (ms < 0)
		return sd_event_source_set_enabled(etcd->timer, SD_EVENT_OFF) < 0 ? -1 : 0;
	if (sd_event_source_set_time(etcd->timer, now_us() + (uint64_t)ms * 1000) < 0)
		return -1;
	return sd_event_source_set_enabled(etcd->timer, SD_EVENT_ONESHOT) < 0 ? -1 : 0;
}

/** loop_start() - Hang libcurl into the loop. Return: 0, negative errno */
int loop_start(struct etcd *etcd)
{
	int r;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -ENOMEM;
	etcd->multi = curl_multi_init();
	if (!etcd->multi)
		return -ENOMEM;
	r = sd_event_add_time(etcd->event, &etcd->timer, CLOCK_MONOTONIC, 0, 1000, on_time, etcd);
	if (r >= 0)
		r = sd_event_source_set_enabled(etcd->timer, SD_EVENT_OFF);
	(void)curl_multi_setopt(etcd->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	(void)curl_multi_setopt(etcd->multi, CURLMOPT_SOCKETDATA, etcd);
	(void)curl_multi_setopt(etcd->multi, CURLMOPT_TIMERFUNCTION, on_timer);
	(void)curl_multi_setopt(etcd->multi, CURLMOPT_TIMERDATA, etcd);
	return r < 0 ? r : 0;
}

/** loop_stop() - Take libcurl out of the loop; all transfers have ended */
void loop_stop(struct etcd *etcd)
{
	if (etcd->multi)
		(void)curl_multi_cleanup(etcd->multi);
	(void)sd_event_source_disable_unref(etcd->timer);
	(void)sd_event_source_disable_unref(etcd->check);
}
