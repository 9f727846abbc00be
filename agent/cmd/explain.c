#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "cmd/session.h"
#include "report/explain.h"
#include "report/report.h"

/* Names that people give: that of a container, a volume or a network, an image's reference, or
 * the beginning of an ID. */

#define MIN_PREFIX 4

/* Before the ID of an untagged image, in every table. */
#define UNNAMED "<none> "

struct matches {
	size_t *v; /* indices of verdicts */
	size_t n;
};

static bool has_name(const struct verdict *verdict, const char *name,
		     const struct reference *reference)
{
	const char *own = verdict->kind == KIND_VOLUME	  ? verdict->volume->name
			  : verdict->kind == KIND_NETWORK ? verdict->network->name
							  : NULL;

	if (verdict->kind == KIND_CONTAINER)
		return strings_contain(&verdict->container->names, name);
	if (own)
		return strcmp(own, name) == 0;
	return verdict->reference && reference &&
	       reference_equal(verdict->reference, reference);
}

static bool has_prefix(const struct verdict *verdict, const char *prefix)
{
	const char *id = verdict_id(verdict);
	const char *digits = strchr(id, ':');

	return strlen(prefix) >= MIN_PREFIX &&
	       (text_starts_with(id, prefix) ||
		(digits && text_starts_with(digits + 1, prefix)));
}

static void add(struct matches *matches, size_t index)
{
	matches->v = mem_grow(matches->v, matches->n, sizeof(*matches->v));
	matches->v[matches->n++] = index;
}

static void find(const struct session *session, const char *name, struct matches *matches)
{
	const struct plan *plan = session->plan;
	struct reference reference;
	bool parsed = reference_parse_default(session->arena, name, &reference);
	const char *prefix = text_starts_with(name, UNNAMED) ? name + strlen(UNNAMED) : name;

	for (size_t i = 0; i < plan->n; i++)
		if (has_name(&plan->verdicts[i], name, parsed ? &reference : NULL))
			add(matches, i);
	if (matches->n > 0)
		return;
	for (size_t i = 0; i < plan->n; i++)
		if (has_prefix(&plan->verdicts[i], prefix))
			add(matches, i);
}

/* What a name without tag is that of, if nothing is called latest. */
static void find_repository(const struct session *session, const char *name,
			    struct matches *matches)
{
	const struct plan *plan = session->plan;
	struct reference reference;

	if (!reference_parse_default(session->arena, name, &reference))
		return;
	for (size_t i = 0; i < plan->n; i++) {
		const struct reference *one = plan->verdicts[i].reference;

		if (one && strcmp(one->repository, reference.repository) == 0)
			add(matches, i);
	}
}

/* All rows of one image are one match. */
static bool is_ambiguous(const struct plan *plan, const struct matches *matches)
{
	for (size_t i = 1; i < matches->n; i++)
		if (strcmp(verdict_id(&plan->verdicts[matches->v[i]]),
			   verdict_id(&plan->verdicts[matches->v[0]])) != 0)
			return true;
	return false;
}

static void refuse(const struct session *session, const char *name, struct matches *matches)
{
	_cleanup_free_ char *shown = text_escape(name);

	if (matches->n == 0)
		find_repository(session, name, matches);
	if (matches->n == 0) {
		session_fail(
			session, STATUS_FAILED,
			"there is no container, image, volume, network or build cache record '%s'",
			shown);
		return;
	}
	session_fail(session, STATUS_FAILED, "'%s' may be one of:", shown);
	for (size_t i = 0; i < matches->n; i++) {
		const struct verdict *verdict = &session->plan->verdicts[matches->v[i]];
		_cleanup_free_ char *candidate = report_name(verdict);

		fprintf(stderr, "  %s %s\n", kind_to_string(verdict->kind), candidate);
	}
}

/* Whether the name is that of one object; if not, that is said. */
static bool add_named(const struct session *session, const char *name, struct matches *all)
{
	struct matches matches = { 0 };
	bool is_one;

	find(session, name, &matches);
	is_one = matches.n > 0 && !is_ambiguous(session->plan, &matches);
	if (!is_one)
		refuse(session, name, &matches);
	for (size_t i = 0; is_one && i < matches.n; i++)
		add(all, matches.v[i]);
	free(matches.v);
	return is_one;
}

static void print(struct session *session, const struct matches *matches)
{
	const struct explanation **explanations =
		arena_array(session->arena, matches->n, sizeof(*explanations));
	const struct plan_input input = session_plan_input(session);

	for (size_t i = 0; i < matches->n; i++)
		explanations[i] = plan_explain(session->arena, &input, session->plan,
					       &session->plan->verdicts[matches->v[i]]);
	if (session->options->json) {
		report_explanations_json(explanations, matches->n, session->plan, stdout);
		return;
	}
	for (size_t i = 0; i < matches->n; i++) {
		if (i > 0)
			putchar('\n');
		report_explanation(explanations[i], session->plan, stdout);
	}
}

static int explain_all(struct session *session)
{
	struct matches matches = { 0 };
	int status = session_preview(session);

	if (status != STATUS_GO_ON)
		return status;
	status = STATUS_DONE;
	for (size_t i = 0; i < session->options->n_arguments; i++)
		if (!add_named(session, session->options->arguments[i], &matches))
			status = STATUS_FAILED;
	for (size_t i = 0; i < matches.n; i++)
		session_inspect(session, &session->plan->verdicts[matches.v[i]]);
	session_plan(session);
	print(session, &matches);
	free(matches.v);
	return status;
}

enum status cmd_explain(const struct options *options)
{
	struct session session;
	int status;

	session_open(&session, options);
	session.names = true;
	status = explain_all(&session);
	session_close(&session);
	return (enum status)status;
}
