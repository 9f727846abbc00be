#include "plan/planner.h"

/* DESIGN 2.3: what the engine does not know counts from when a run first saw it so, else from
 * now; an older fact never stands in for a newer one. */

/* How long after a run began its tags may have been made. */
#define OWN_TAG_SECONDS (10 * 60)

static struct age from_engine(enum age_from from, int64_t at)
{
	return (struct age){ .at = at, .source = SOURCE_ENGINE, .from = from };
}

static struct age since_seen(const struct planner *planner, enum age_from from, int64_t seen)
{
	if (seen == TIME_UNKNOWN)
		return (struct age){ .at = planner->now, .source = SOURCE_NOW, .from = from };
	return (struct age){ .at = seen, .source = SOURCE_FIRST_SEEN, .from = from };
}

static struct age told_or_seen(const struct planner *planner, enum age_from from, int64_t told,
			       const struct memory *memory)
{
	if (told != TIME_UNKNOWN)
		return from_engine(from, told);
	return since_seen(planner, from, memory->first_seen);
}

static void newest(struct age *age, struct age other)
{
	if (other.at > age->at)
		*age = other;
}

static enum answer container_finished(struct planner *planner, const struct verdict *verdict,
				      struct age *ret)
{
	const struct container *container = verdict->container;
	enum answer answer = need_inspect(planner, verdict);

	if (answer != ANSWER_YES)
		return answer;
	/* A container that never started has no finish time; two well-known tools take its year
	 * 1 for an age. One that started and has none was cut off: Podman 4.3 shows what ran
	 * before a reboot as "created". Nobody knows when it ended. */
	if (container->started == TIME_UNKNOWN)
		*ret = told_or_seen(planner, AGE_CREATED, container->created,
				    &container->memory);
	else if (container->finished == TIME_UNKNOWN ||
		 container->finished < container->started)
		*ret = since_seen(planner, AGE_FINISHED, TIME_UNKNOWN);
	else
		*ret = from_engine(AGE_FINISHED, container->finished);
	return ANSWER_YES;
}

static enum answer container_age(struct planner *planner, const struct verdict *verdict,
				 enum age_from from, struct age *ret)
{
	const struct container *container = verdict->container;

	if (from != AGE_CREATED)
		return container_finished(planner, verdict, ret);
	*ret = told_or_seen(planner, from, container->created, &container->memory);
	return ANSWER_YES;
}

static enum answer container_arrival(struct planner *planner, const struct verdict *verdict,
				     int64_t enough, struct age *ret)
{
	const struct container *container = verdict->container;
	struct age finished;
	enum answer answer;

	*ret = told_or_seen(planner, AGE_CREATED, container->created, &container->memory);
	if (planner->now - ret->at < enough)
		return ANSWER_YES;
	answer = container_finished(planner, verdict, &finished);
	if (answer == ANSWER_YES)
		newest(ret, finished);
	return answer;
}

/* A pull makes an image new again, even if it was there already. Engines note no time. */
static struct age pulled(const struct image *image)
{
	return (struct age){ image->memory.pulled, SOURCE_PULLED, AGE_TAGGED };
}

/* Pulls and loads that name what is there already leave no time with the engine, nor does
 * anything with Podman (live): a name that came after its image counts from when it was seen.
 */
static struct age named(const struct planner *planner, const struct verdict *verdict)
{
	const struct memory *memory = &verdict->image->memory;
	struct age none = { TIME_UNKNOWN, SOURCE_NOW, AGE_TAGGED };
	int64_t since;

	if (verdict->kind != KIND_TAG || verdict->preserved || !memory->named ||
	    verdict->reference->digest)
		return none;
	since = memory->named[verdict->reference - verdict->image->tags];
	if (since != TIME_UNKNOWN && since <= memory->first_seen)
		return none;
	return since_seen(planner, AGE_TAGGED, since);
}

/* The last tag's time is asked for even of an untagged image: it may have been tagged again
 * since a run first saw it without one. */
static enum answer image_tagged(struct planner *planner, const struct verdict *verdict,
				struct age *ret)
{
	enum answer answer = need_inspect(planner, verdict);

	if (answer != ANSWER_YES)
		return answer;
	*ret = told_or_seen(planner, AGE_TAGGED, verdict->image->last_tagged,
			    &verdict->image->memory);
	newest(ret, named(planner, verdict));
	newest(ret, pulled(verdict->image));
	return answer;
}

/* Engines note the time of our tag as that of anybody else's. */
static bool tagged_by_others(const struct verdict *verdict)
{
	const struct image *image = verdict->image;

	if (image->last_tagged == TIME_UNKNOWN)
		return false;
	return !verdict->preserved || image->memory.preserved_at == TIME_UNKNOWN ||
	       image->last_tagged > image->memory.preserved_at + OWN_TAG_SECONDS;
}

static enum answer image_untagged(struct planner *planner, const struct verdict *verdict,
				  struct age *ret)
{
	const struct image *image = verdict->image;
	enum answer answer;

	*ret = since_seen(planner, AGE_UNTAGGED, image->memory.untagged_since);
	if (ret->source == SOURCE_NOW)
		return ANSWER_YES;
	answer = need_inspect(planner, verdict);
	if (answer == ANSWER_YES && tagged_by_others(verdict))
		newest(ret, from_engine(AGE_TAGGED, image->last_tagged));
	if (answer == ANSWER_YES)
		newest(ret, pulled(image));
	return answer;
}

/* Per image when the last of the containers that are here still ended: what is remembered is as
 * old as the look before this one, and a container may go in the same run as its image. */
static void find_ends(struct planner *planner)
{
	const struct snapshot *snapshot = planner->snapshot;

	planner->ended =
		arena_array(planner->arena, snapshot->n_images, sizeof(*planner->ended));
	for (size_t i = 0; i < snapshot->n_images; i++)
		planner->ended[i] = TIME_UNKNOWN;
	for (size_t i = 0; i < snapshot->n_containers; i++) {
		const struct container *container = &snapshot->containers[i];
		const struct image *image =
			container->image_id ? snapshot_image(snapshot, container->image_id)
					    : NULL;

		if (image && container->inspected == FACT_KNOWN &&
		    container->finished > planner->ended[image - snapshot->images])
			planner->ended[image - snapshot->images] = container->finished;
	}
}

static int64_t last_used(struct planner *planner, const struct image *image)
{
	int64_t remembered = image->memory.last_used, ended;

	if (!planner->ended)
		find_ends(planner);
	ended = planner->ended[image - planner->snapshot->images];
	return ended > remembered ? ended : remembered;
}

static enum answer image_arrival(struct planner *planner, const struct verdict *verdict,
				 int64_t enough, struct age *ret)
{
	const struct image *image = verdict->image;
	const struct memory *memory = &image->memory;
	int64_t used = last_used(planner, image);
	struct age tagged;
	enum answer answer;

	*ret = since_seen(planner, AGE_TAGGED, memory->first_seen);
	if (verdict->kind == KIND_IMAGE || verdict->preserved)
		newest(ret, since_seen(planner, AGE_UNTAGGED, memory->untagged_since));
	if (used != TIME_UNKNOWN)
		newest(ret, (struct age){ used, SOURCE_LAST_USED, AGE_USED });
	newest(ret, pulled(image));
	/* A build date in the future says nothing; first seen covers the arrival. */
	if (image->created != TIME_UNKNOWN && image->created <= planner->now)
		newest(ret, from_engine(AGE_CREATED, image->created));
	if (planner->now - ret->at < enough)
		return ANSWER_YES;
	answer = image_tagged(planner, verdict, &tagged);
	if (answer == ANSWER_YES)
		newest(ret, tagged);
	return answer;
}

/* Time that nobody watched may all have been use; before it arrived nobody used an image. */
static enum answer image_used(struct planner *planner, const struct verdict *verdict,
			      struct age *ret)
{
	int64_t watched_from = planner->snapshot->watched_from;
	enum answer answer;

	*ret = (struct age){ planner->now, SOURCE_NOW, AGE_USED };
	if (watched_from == TIME_UNKNOWN)
		return ANSWER_YES;
	answer = image_arrival(planner, verdict, 0, ret);
	if (answer == ANSWER_YES)
		newest(ret, (struct age){ watched_from, SOURCE_UNWATCHED, AGE_USED });
	return answer;
}

/* A rule for tagged and untagged images whose policy does not say what ages count from. */
static bool counts_from_tag(const struct verdict *verdict)
{
	return verdict->kind == KIND_TAG && !verdict->preserved && verdict->rule &&
	       !rule_has(verdict->rule, RULE_AGE_FROM);
}

static enum answer image_age(struct planner *planner, const struct verdict *verdict,
			     enum age_from from, struct age *ret)
{
	const struct image *image = verdict->image;

	if (from == AGE_UNTAGGED && counts_from_tag(verdict))
		from = AGE_TAGGED;
	switch (from) {
	case AGE_CREATED:
		*ret = told_or_seen(planner, from, image->created, &image->memory);
		return ANSWER_YES;
	case AGE_UNTAGGED:
		return image_untagged(planner, verdict, ret);
	case AGE_USED:
		return image_used(planner, verdict, ret);
	case AGE_FINISHED:
	case AGE_TAGGED:
	case AGE_VERSION_:
		break;
	}
	return image_tagged(planner, verdict, ret);
}

int64_t volumes_watched_from(const struct planner *planner)
{
	const struct snapshot *snapshot = planner->snapshot;

	return snapshot->tells_volume_use ? snapshot->watched_from : TIME_UNKNOWN;
}

/* A job of its own may have used a named volume between two looks; only the watcher saw it. An
 * anonymous one belongs to the container that made it. */
static struct age volume_unused(const struct planner *planner, const struct volume *volume)
{
	const struct memory *memory = &volume->memory;
	struct age age = since_seen(planner, AGE_UNTAGGED, memory->untagged_since);
	int64_t watched_from = volumes_watched_from(planner);

	if (memory->last_used != TIME_UNKNOWN)
		newest(&age, (struct age){ memory->last_used, SOURCE_LAST_USED, AGE_UNTAGGED });
	if (volume->anonymous)
		return age;
	if (watched_from == TIME_UNKNOWN)
		return since_seen(planner, AGE_UNTAGGED, TIME_UNKNOWN);
	newest(&age, (struct age){ watched_from, SOURCE_UNWATCHED, AGE_UNTAGGED });
	return age;
}

static struct age volume_age(const struct planner *planner, const struct verdict *verdict,
			     enum age_from from)
{
	const struct volume *volume = verdict->volume;

	if (from == AGE_CREATED)
		return told_or_seen(planner, from, volume->created, &volume->memory);
	return volume_unused(planner, volume);
}

static struct age network_age(const struct planner *planner, const struct verdict *verdict,
			      enum age_from from)
{
	const struct network *network = verdict->network;

	if (from == AGE_CREATED)
		return told_or_seen(planner, from, network->created, &network->memory);
	return since_seen(planner, AGE_UNTAGGED, network->memory.untagged_since);
}

/* A record that was never used again was used by the build that made it. */
static struct age cache_age(const struct planner *planner, const struct verdict *verdict,
			    enum age_from from)
{
	const struct cache_record *record = verdict->cache;
	int64_t at = record->created;

	if (from == AGE_USED && record->last_used != TIME_UNKNOWN)
		at = record->last_used;
	return at == TIME_UNKNOWN ? since_seen(planner, from, TIME_UNKNOWN)
				  : from_engine(from, at);
}

static const struct {
	struct age (*of)(const struct planner *planner, const struct verdict *verdict,
			 enum age_from from);
	enum age_from idle; /* the age without use */
} known_ages[KIND_MAX_] = {
	[KIND_VOLUME] = { volume_age, AGE_UNTAGGED },
	[KIND_NETWORK] = { network_age, AGE_UNTAGGED },
	[KIND_BUILD_CACHE] = { cache_age, AGE_USED },
};

/* Made or left without use, whichever was last. */
static void known_arrival(const struct planner *planner, const struct verdict *verdict,
			  struct age *ret)
{
	struct age created = known_ages[verdict->kind].of(planner, verdict, AGE_CREATED);

	*ret = known_ages[verdict->kind].of(planner, verdict, known_ages[verdict->kind].idle);
	if (created.at <= planner->now)
		newest(ret, created);
}

enum answer age_of(struct planner *planner, const struct verdict *verdict, enum age_from from,
		   struct age *ret)
{
	if (verdict->kind == KIND_CONTAINER)
		return container_age(planner, verdict, from, ret);
	if (known_ages[verdict->kind].of) {
		*ret = known_ages[verdict->kind].of(planner, verdict, from);
		return ANSWER_YES;
	}
	return image_age(planner, verdict, from, ret);
}

enum answer age_of_arrival(struct planner *planner, const struct verdict *verdict,
			   int64_t enough, struct age *ret)
{
	if (verdict->kind == KIND_CONTAINER)
		return container_arrival(planner, verdict, enough, ret);
	if (known_ages[verdict->kind].of) {
		known_arrival(planner, verdict, ret);
		return ANSWER_YES;
	}
	return image_arrival(planner, verdict, enough, ret);
}

enum answer age_of_last_use(struct planner *planner, const struct verdict *verdict,
			    struct age *ret)
{
	const struct image *image = verdict->image;
	int64_t used;

	if (!is_image_row(verdict))
		return age_of_arrival(planner, verdict, INT64_MIN, ret);
	used = last_used(planner, image);
	*ret = from_engine(AGE_TAGGED, TIME_UNKNOWN);
	if (image->inspected == FACT_KNOWN)
		ret->at = image->last_tagged;
	newest(ret, pulled(image));
	if (used != TIME_UNKNOWN)
		newest(ret, (struct age){ used, SOURCE_LAST_USED, AGE_USED });
	return ret->at != TIME_UNKNOWN ? ANSWER_YES
				       : age_of_arrival(planner, verdict, INT64_MIN, ret);
}
