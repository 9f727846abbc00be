#pragma once

#include "engine/field.h"

/* What engines answer, as the objects of the snapshot. Each fails with -EBADMSG when a field is
 * missing or of a wrong type. */

/* An entry of the list of containers, of images. */
_must_check_ int decode_container(struct decoder *decoder, struct json_object *object,
				  struct container *ret, struct err *err);
_must_check_ int decode_image(struct decoder *decoder, struct json_object *object,
			      struct image *ret, struct err *err);

/* An inspect: the facts that come with it. The image's layers go into the snapshot. */
_must_check_ int decode_container_facts(struct decoder *decoder, struct json_object *object,
					struct container *container, struct err *err);
_must_check_ int decode_image_facts(struct decoder *decoder, struct json_object *object,
				    struct snapshot *snapshot, struct image *image,
				    struct err *err);

/* An inspect directly before a removal: ID, names, state and facts; ID, tags and digests,
 * sorted as in a sealed snapshot. */
_must_check_ int decode_container_now(struct decoder *decoder, struct json_object *object,
				      struct container *ret, struct err *err);
_must_check_ int decode_image_now(struct decoder *decoder, struct json_object *object,
				  struct image *ret, struct err *err);

/* An entry of the list with sizes. */
struct container_size {
	const char *id;
	int64_t size;
};
_must_check_ int decode_container_size(struct decoder *decoder, struct json_object *object,
				       struct container_size *ret, struct err *err);

/* An entry of an image's history. */
struct history_entry {
	int64_t size;
	const char *created_by;
};
_must_check_ int decode_history_entry(struct decoder *decoder, struct json_object *object,
				      struct history_entry *ret, struct err *err);

/* An entry of Podman's own list, which has what the one it shares with Docker leaves out. */
struct podman_entry {
	struct container container; /* enough to hold an image */
	bool infra;
	const char *pod; /* "" outside of pods */
};
_must_check_ int decode_podman_entry(struct decoder *decoder, struct json_object *object,
				     struct podman_entry *ret, struct err *err);

/* An entry of the list of volumes, of networks, of build cache; an inspect of the first two has
 * the same shape. */
_must_check_ int decode_volume(struct decoder *decoder, struct json_object *object,
			       struct volume *ret, struct err *err);
_must_check_ int decode_network(struct decoder *decoder, struct json_object *object,
				struct network *ret, struct err *err);
_must_check_ int decode_cache_record(struct decoder *decoder, struct json_object *object,
				     struct cache_record *ret, struct err *err);

/* The list of volumes. */
struct volume_list {
	struct volume *v; /* by mem_grow() */
	size_t n;
	struct strings warnings; /* of drivers that did not list theirs */
};
_must_check_ int decode_volume_list(struct decoder *decoder, struct json_object *object,
				    struct volume_list *ret, struct err *err);

/* What the disk is used for: sizes of volumes, and the only list of build cache. */
struct volume_size {
	const char *name;
	int64_t size; /* bytes, -1 unknown */
};
struct disk_usage {
	struct volume_size *volumes; /* by mem_grow() */
	size_t n_volumes;
	struct cache_record *cache; /* by mem_grow() */
	size_t n_cache;
};
_must_check_ int decode_disk_usage(struct decoder *decoder, struct json_object *object,
				   struct disk_usage *ret, struct err *err);

/* What a prune of build cache did: the IDs of the records that went. */
_must_check_ int decode_cache_prune(struct decoder *decoder, struct json_object *object,
				    struct strings *ret, struct err *err);

/* What a DELETE of an image did. Docker answers with a list of these; Podman's own API with one
 * object that also has the refusal, under a status of 200. */
struct image_deletion {
	struct strings deleted; /* IDs of images that went as a whole */
	struct strings errors;
};
_must_check_ int decode_deletion(struct decoder *decoder, struct json_object *object,
				 struct image_deletion *ret, struct err *err);
_must_check_ int decode_podman_deletion(struct decoder *decoder, struct json_object *object,
					struct image_deletion *ret, struct err *err);
