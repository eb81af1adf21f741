/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "state_fake.h"

#include "plugin/host/lease_store.h"

struct state_fake state_fake;

int __wrap_lease_store_open(const char *data_dir, const struct state *state, enum state_access access, int wait_ms,
			    struct store **ret_store, struct error *reterr);
int __wrap_lease_store_open(const char *data_dir, const struct state *state, enum state_access access, int wait_ms,
			    struct store **ret_store, struct error *reterr)
{
	(void)data_dir;
	(void)state;
	(void)access;
	(void)wait_ms;
	(void)reterr;
	*ret_store = host_scene_lend(state_fake.scene->store);
	return 0;
}

int __wrap_state_open(const char *path, enum state_access access, struct state *ret_state);
int __wrap_state_open(const char *path, enum state_access access, struct state *ret_state)
{
	(void)path;
	(void)access;
	(void)ret_state;
	return state_fake.open_outcome;
}

int __wrap_state_lock_attachment(const struct state *state, uint64_t hash, int wait_ms);
int __wrap_state_lock_attachment(const struct state *state, uint64_t hash, int wait_ms)
{
	(void)state;
	(void)hash;
	(void)wait_ms;
	if (state_fake.when_locking)
		state_fake.when_locking();
	state_fake.locked += !state_fake.lock_outcome;
	return state_fake.lock_outcome;
}

void __wrap_state_unlock_attachment(const struct state *state, uint64_t hash);
void __wrap_state_unlock_attachment(const struct state *state, uint64_t hash)
{
	(void)state;
	(void)hash;
	state_fake.locked--;
}
