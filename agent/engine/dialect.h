#pragma once

#include <stdbool.h>

#include "engine/engine.h"

/* How engines differ, in one place; nothing outside of engine/ asks which engine it is. */

struct refusal;

struct dialect {
	const char *name;
	bool build_cache; /* keeps one that may hold the layers of images */
	bool sums_layers; /* an image's size is the sum of its layers' (d20, d26, d28, live; not
			   * in containerd) */
	bool volume_use;  /* its events tell when a volume is mounted */
	bool retries;	  /* what on-failure has retries left for it starts with itself */
	bool swarm;	  /* may be a node of one, as its info tells */
	bool libpod;	  /* has Podman's own API beside the one it shares with Docker */
	bool quadlet;	  /* is what Quadlet files are run on */
	const struct refusal *refusals;
	size_t n_refusals;
};

extern const struct dialect dialect_docker, dialect_podman;

/* What an answer to a DELETE means; OUTCOME_GONE also of one to an inspect. */
enum outcome dialect_outcome(const struct dialect *dialect, long status, const char *message);
