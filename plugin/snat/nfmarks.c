/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A rule's expressions are followed through the registers, as far as these hold constants: `meta mark set 0x1`,
 * `meta mark set mark or 0x1`, and iptables' target MARK. What comes from elsewhere (a map, the flow's mark) counts as no bit:
 * so nothing is said of a rule that is not certain.
 */

#include "plugin/snat/nfmarks.h"

#include <libnftnl/expr.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_mark.h>
#include <string.h>

/** Registers have numbers below this: NFT_REG32_15 of linux/netfilter/nf_tables.h is the last */
#define REGISTERS 32U

/** struct following - What registers hold, of constants; @set: the bits that came into the mark */
struct following {
	uint32_t bits[REGISTERS];
	uint32_t set;
};

/** load() - The first four bytes of a value */
static uint32_t load(const struct nftnl_expr *expression, uint16_t attribute)
{
	uint32_t size = 0, value = 0;
	const void *data = nftnl_expr_get(expression, attribute, &size);

	if (data && size >= sizeof(value))
		memcpy(&value, data, sizeof(value));
	return value;
}

/** put() - What a register holds now */
static void put(struct following *following, uint32_t number, uint32_t bits)
{
	if (number < REGISTERS)
		following->bits[number] = bits;
}

/** get() - What a register holds */
static uint32_t get(const struct following *following, uint32_t number)
{
	return number < REGISTERS ? following->bits[number] : 0;
}

/** follow_immediate() - A constant */
static void follow_immediate(struct following *following, const struct nftnl_expr *expression)
{
	if (nftnl_expr_is_set(expression, NFTNL_EXPR_IMM_DATA))
		put(following, nftnl_expr_get_u32(expression, NFTNL_EXPR_IMM_DREG),
		    load(expression, NFTNL_EXPR_IMM_DATA));
}

/** follow_bitwise() - Bits that stay, and bits that are turned */
static void follow_bitwise(struct following *following, const struct nftnl_expr *expression)
{
	uint32_t held = get(following, nftnl_expr_get_u32(expression, NFTNL_EXPR_BITWISE_SREG));

	put(following, nftnl_expr_get_u32(expression, NFTNL_EXPR_BITWISE_DREG),
	    (held & load(expression, NFTNL_EXPR_BITWISE_MASK)) | load(expression, NFTNL_EXPR_BITWISE_XOR));
}

/** follow_meta() - The mark is set, or something is loaded */
static void follow_meta(struct following *following, const struct nftnl_expr *expression)
{
	if (nftnl_expr_is_set(expression, NFTNL_EXPR_META_DREG))
		put(following, nftnl_expr_get_u32(expression, NFTNL_EXPR_META_DREG), 0);
	else if (nftnl_expr_get_u32(expression, NFTNL_EXPR_META_KEY) == NFT_META_MARK)
		following->set |= get(following, nftnl_expr_get_u32(expression, NFTNL_EXPR_META_SREG));
}

/** follow_target() - A target of iptables: MARK of revision 2, the only one that kernels have had since 2010 */
static void follow_target(struct following *following, const struct nftnl_expr *expression)
{
	const char *name = nftnl_expr_get_str(expression, NFTNL_EXPR_TG_NAME);
	uint32_t size = 0;
	const struct xt_mark_tginfo2 *info = nftnl_expr_get(expression, NFTNL_EXPR_TG_INFO, &size);

	if (name && strcmp(name, "MARK") == 0 && info && size >= sizeof(*info))
		following->set |= info->mark;
}

/** follow() - nftnl_expr_foreach() callback */
static int follow(struct nftnl_expr *expression, void *userdata)
{
	const char *name = nftnl_expr_get_str(expression, NFTNL_EXPR_NAME);
	struct following *following = userdata;

	if (strcmp(name, "immediate") == 0)
		follow_immediate(following, expression);
	else if (strcmp(name, "bitwise") == 0)
		follow_bitwise(following, expression);
	else if (strcmp(name, "meta") == 0)
		follow_meta(following, expression);
	else if (strcmp(name, "target") == 0)
		follow_target(following, expression);
	else if (strcmp(name, "cmp") != 0 && strcmp(name, "counter") != 0)
		/* It may have written any register. */
		memset(following->bits, 0, sizeof(following->bits));
	return 0;
}

/** nf_marks_set_by() - The bits that a rule may set, as far as its constants tell */
uint32_t nf_marks_set_by(const struct nftnl_rule *rule)
{
	struct following following = {.set = 0};

	/* libnftnl only reads it. */
	(void)nftnl_expr_foreach((struct nftnl_rule *)(uintptr_t)rule, follow, &following);
	return following.set;
}
