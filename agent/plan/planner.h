#pragma once

#include "model/holders.h"
#include "plan/plan.h"
#include "plan/use.h"

/* What the files of plan/ share among themselves; nobody else includes this. */

/* An answer that may hang on a fact which costs a request. */
enum answer {
	ANSWER_NO,
	ANSWER_YES,
	ANSWER_NOT_ASKED,   /* the fact is missing: it has been added to the needs */
	ANSWER_UNAVAILABLE, /* the engine failed to tell */
};

struct mates {
	const struct container **v;
	size_t n;
};

struct planner {
	struct arena *arena;
	const struct rules *rules;
	const struct settings *settings;
	const struct snapshot *snapshot;
	const struct strings *approved;
	int64_t need_free;
	const struct plan *before;
	struct service_runs *runs; /* NULL until a rule asks */
	struct holders holders;	   /* of volumes and networks */
	struct joiner *joiners;	   /* joiners.c; sorted by target */
	size_t n_joiners;
	struct mates mates;	/* pods.c: of all pods; sorted by pod */
	int64_t *ended;		/* per image: age.c; NULL until it is asked for */
	bool *stored;		/* per record of the build cache: within keep-storage */
	bool asked_for_joiners; /* joiners_known() has its answer */
	enum answer joiners_known;
	bool rules_preserve; /* some rule has preserve-as */
	int64_t now;
	struct plan *plan;

	unsigned *container_needs, *image_needs; /* NEED_… per object of the snapshot */
	size_t *first_row; /* per image: index of its first verdict; n_images + 1 long */
	size_t first_volume, first_network, first_cache; /* index of the first verdict */
};

/* select.c: the first rule whose selectors all match becomes verdict->rule. Anything but YES
 * leaves a reason in the verdict. */
enum answer select_owner(struct planner *planner, struct verdict *verdict);

/* Whether the verdict's names, tag or labels match a pin of its rule; sets reason and key. */
bool select_pinned(struct planner *planner, struct verdict *verdict);

/* The first pin of its rule that holds. */
bool select_pin(struct planner *planner, const struct verdict *verdict, enum rule_key *ret_pin);

/* Whether something outside of the engine names it, rules or not; sets reason and holder. */
bool select_pinned_outside(const struct snapshot *snapshot, struct verdict *verdict);

/* The parts of these, for explanations: whether one rule's selectors match (*ret_failed is
 * the one that does not), whether one pin holds, and the kind of section that rules for the
 * object have. */
enum answer select_rule(struct planner *planner, const struct rule *rule,
			const struct verdict *verdict, enum rule_key *ret_failed);
bool select_pin_holds(struct planner *planner, const struct verdict *verdict,
		      enum rule_key pin);
enum kind select_section(const struct verdict *verdict);

/* Whether its rule names the restart policy of a stopped container positively. */
bool select_names_policy(const struct rule *rule, const char *policy);

/* object.c: what every kind of object has. NULL: this kind has none. */
const struct labels *labels_of(const struct verdict *verdict);
const void *object_of(const struct verdict *verdict); /* in the snapshot's list */
int64_t created_of(const struct verdict *verdict);    /* TIME_UNKNOWN: not told */
/* Whether its rule selects a container positively by one of the labels that swarm gives it. */
bool select_names_swarm(const struct rule *rule, const struct labels *labels);

#define UNTAGGED_NAME "<none>"

/* names.c: all that an object goes by. An untagged image is UNTAGGED_NAME and what it was once
 * called. */
struct values {
	const char **v;
	size_t n;
};
void values_clear(struct values *values);
static inline _unused_ void values_clearp(struct values *values)
{
	values_clear(values);
}
void names_of(const struct planner *planner, const struct verdict *verdict,
	      struct values *values);

/* The references that an untagged or preserved image once had, and has no more, as far as they
 * can be parsed, newest first, digests last. *ret lies in the arena. */
size_t former_names(const struct planner *planner, const struct verdict *verdict,
		    const struct reference **ret);

/* The repositories of a reference, or those that an untagged or preserved image once had. */
void repositories_of(const struct planner *planner, const struct verdict *verdict,
		     struct values *values);

/* One name for people: of a container its first, of an image its reference or "<none>". */
const char *name_of(const struct verdict *verdict);

/* facts.c: asks for the facts if they are not known; ANSWER_YES means they are. */
enum answer need_inspect(struct planner *planner, const struct verdict *verdict);
enum answer need_inspect_container(struct planner *planner, const struct container *container);
enum answer need_container_name(struct planner *planner, const struct container *container);
void need_add(struct planner *planner, enum kind kind, size_t index, unsigned facts);

/* age.c: the time an age counts from. */
enum answer age_of(struct planner *planner, const struct verdict *verdict, enum age_from from,
		   struct age *ret);

/* Since when no use of a volume was missed; TIME_UNKNOWN: nobody watches, or cannot. */
int64_t volumes_watched_from(const struct planner *planner);

/* The newest of all that min-age goes by. Answers YES without asking the engine when what is
 * known already is younger than `enough` seconds. */
enum answer age_of_arrival(struct planner *planner, const struct verdict *verdict,
			   int64_t enough, struct age *ret);

/* The last sign that somebody wanted it, for an order only: of two images that this run sees
 * for the first time it tells which was tagged before, which no keeper may go by. */
enum answer age_of_last_use(struct planner *planner, const struct verdict *verdict,
			    struct age *ret);

/* rank.c: fills rank, group and group_size of every verdict whose rule has keep-last. */
void rank_all(struct planner *planner);

/* version.c: semantic-version precedence of two tags; a tag that is no version comes below all
 * that are. Negative, 0, positive as strcmp(3). */
int version_compare(const char *a, const char *b);

/* runs.c: which images each service ran, by the state and by the containers that are here. */
struct service_runs *runs_new(struct planner *planner);

/* A run that shows the image to be among the last that its service ran; NULL if there is none.
 */
const struct service_run *runs_among_last(const struct service_runs *runs,
					  const struct image *image, int64_t last);

/* keep.c: what guards, pins and keepers of its rule say about an owned object. */
void keep_judge(struct planner *planner, struct verdict *verdict);

/* Whether pins, action and keepers of its rule keep the object, whatever guards say. */
enum answer keep_by_rule(struct planner *planner, const struct verdict *verdict);

/* Whether the approved plan has the key, or none is asked for. */
bool keep_approves(const struct planner *planner, const char *key);

/* Keeps an image that is among the last that a service ran, as many as its rule says. */
bool keep_if_run_last(struct planner *planner, struct verdict *verdict);

/* Where only approved removals are wanted: keeps what would go otherwise. */
void keep_unless_approved(struct planner *planner, struct verdict *verdict);

/* preserve.c: whether the verdict's reference is what the rule's preserve-as gave its image,
 * and all that the image has: it may be judged as preserved. */
bool preserve_recognises(const struct planner *planner, const struct rule *rule,
			 const struct verdict *verdict);

/* A rule that matches the preserved image, as it is or as it was, and whose action or pin
 * (*ret_key) holds it; NULL if there is none. */
const struct rule *preserve_holder(struct planner *planner, const struct verdict *verdict,
				   enum rule_key *ret_key);

/* Turns what is kept into VERDICT_TAG where its rule gives names, and fills plan->tags. Runs
 * when images are judged. */
void preserve_name_images(struct planner *planner);

/* images.c: judges the images by their rules, by what ties them to containers, to each other
 * and to their names, and appends what goes to plan->removals. Runs when containers are judged.
 */
void images_judge(struct planner *planner);

/* cache.c, volumes.c, networks.c: the same for the other kinds. The last two need
 * planner->holders. */
void cache_judge(struct planner *planner);
void volumes_judge(struct planner *planner);
void networks_judge(struct planner *planner);

/* Once more those that containers have, when it is settled which of these go. */
void volumes_judge_held(struct planner *planner);

/* Fills planner->stored from the rules that the rows have. */
void cache_mark_stored(struct planner *planner);

/* The index of the record's parent k, n_cache if it is not there. */
size_t cache_parent(const struct snapshot *snapshot, size_t index, size_t k);

/* Whether a build, an image or the engine has it, whatever rules say. */
bool cache_is_guarded(const struct cache_record *record);

/* joiners.c: fills planner->joiners. */
void joiners_find(struct planner *planner);

/* A container, in whatever state, that cannot start without this one; NULL: none is known. */
const struct container *joiner_of(const struct planner *planner,
				  const struct container *container);

/* Whether that is all: lists do not tell whose PID and IPC namespaces a container shares. */
enum answer joiners_known(struct planner *planner);

/* pods.c: fills planner->mates. */
void pods_find(struct planner *planner);

/* The containers of the pod that it is in, itself among them, without the engine's own. */
struct mates pods_mates(const struct planner *planner, const struct container *container);

static inline bool is_stopped(enum container_state state)
{
	return state == STATE_CREATED || state == STATE_EXITED || state == STATE_DEAD;
}

/* Puts a row that goes at the end of plan->removals. */
void removals_add(struct planner *planner, const struct verdict *verdict);

/* Whether containers that stay, or names from outside, hold the image, whatever rules say. */
struct image_users {
	const struct users *staying, *listed; /* containers that stay; all of them */
};
bool images_held(struct planner *planner, const struct image_users *users, size_t index);

/* Its first tag, else its ID. */
const char *images_name(const struct image *image);

/* The index of the image it was built on, n_images for none. */
size_t images_parent(const struct snapshot *snapshot, size_t index);

/* Asks for the names by which those containers hold images for which goes(data) is false. */
void images_need_names(struct planner *planner,
		       bool (*goes)(const struct container *container, void *data), void *data);

/* claim.c: bytes of what goes, each layer once; asks for what is missing. */
void claim_bytes(struct planner *planner);

/* Whether the disk can be believed to hold so much. */
bool claim_is_sane(const struct planner *planner, int64_t bytes);

/* The same of an image's size and of all its layers, and that they do not contradict. */
bool claim_image_is_sane(const struct planner *planner, const struct image *image);

/* Sums up plan->predicted, from what was claimed. */
void claim_predict(struct planner *planner);

/* pressure.c: what pressure rules take beside the rest, when what the rest frees is known. */
void pressure_judge(struct planner *planner);

/* brake.c */
void brake_measure(struct planner *planner);

static inline bool rules_preserve(const struct rules *rules)
{
	for (size_t i = 0; i < rules->n; i++)
		if (rules->v[i].preserve_as)
			return true;
	return false;
}

static inline void verdict_set(struct verdict *verdict, enum verdict_action action,
			       enum reason reason)
{
	verdict->action = action;
	verdict->reason = reason;
}
