/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's bits of the packet mark. */

#include "plugin/host/guarding_marks.h"

#include <string.h>

#include "plugin/enforce/marks.h"

/**
 * struct marks_search - What containers of the host use
 * @except:	An interface that does not count; 0: none
 * @wanted:	What they should use; 0: whatever the first one does
 * @found:	They use something else
 * @element:	One of them
 */
struct marks_search {
	uint32_t except;
	uint32_t wanted;
	bool found;
	struct classifier_element element;
};

/** take() - classifier_each() callback: the first element that counts tells for all, which have the same mask: 1, which ends the walk */
static int take(void *userdata, uint32_t ifindex, const struct classifier_element *element)
{
	struct marks_search *search = userdata;

	if (ifindex == search->except || !element->marks)
		return 0;
	search->found = element->marks != search->wanted;
	search->element = *element;
	return 1;
}

/** guarding_use_marks() - Use the bits that a configuration says; 0: it says nothing, which means the default ones */
void guarding_use_marks(uint32_t mask)
{
	marks_use(mask);
}

/** guarding_adopt_marks() - Use the bits that the host's containers use, if it has any: for who has no configuration */
void guarding_adopt_marks(struct host *host)
{
	CLASSIFIER_CLEANUP struct classifier kept = CLASSIFIER_INIT;
	struct marks_search search = {.wanted = 0};

	if (classifier_open_kept(host->rtnetlink, &kept) == 0)
		(void)classifier_each(&kept, take, &search);
	if (search.found)
		marks_use(search.element.marks);
}

/**
 * is_noted() - Whether the host's element says that its containers use the bits of this process
 * @classifier:	Classifier
 *
 * It is written when all of them have been looked at. A walk over an almost empty map takes longer than all else that an
 * ADD asks of the kernel's BPF.
 *
 * Return: so; false when it says something else, which may be no container's any more
 */
static bool is_noted(const struct classifier *classifier)
{
	struct classifier_element host;

	return classifier_get(classifier, CLASSIFIER_HOST, &host) == 0 && host.marks == marks_mask();
}

/** differ() - Whether another container uses other bits than this process */
static bool differ(const struct classifier *classifier, struct marks_search *search)
{
	search->found = false;
	(void)classifier_each(classifier, take, search);
	return search->found;
}

/**
 * guarding_check_marks() - Whether all other containers of the host use the same bits
 * @host:	Host
 * @classifier:	Classifier
 * @ifindex:	The interface that is about to be guarded
 * @reterr:	Codes 7, 107
 *
 * Return: 0, REFUSED
 */
int guarding_check_marks(struct host *host, const struct classifier *classifier, uint32_t ifindex, struct error *reterr)
{
	const struct classifier_element noted = {.marks = marks_mask()};
	struct marks_search search = {.except = ifindex, .wanted = marks_mask()};
	bool differs;

	if (is_noted(classifier))
		return 0;
	differs = differ(classifier, &search);
	/* An element of an interface that is gone, another plugin's, says nothing. */
	if (differs)
		guarding_sweep(host);
	if (!differs || !differ(classifier, &search))
		return classifier_put(classifier, CLASSIFIER_HOST, &noted, reterr);
	return error_set(
		reterr, ERROR_CONFIG,
		"markMask is 0x%08x here, and 0x%08x for containers that this host already has (state directory "
		"%.128s); a host has one markMask: give all networks the same one, and delete the containers "
		"that have another",
		marks_mask(), search.element.marks, search.element.data_dir);
}
