#include "conf/template.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"
#include "model/reference.h"

#define DIGITS "0123456789"
#define WORD "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" DIGITS "_.-"

static size_t span_day(const char *text)
{
	size_t digits = strspn(text, DIGITS);

	if (text_starts_with(text, UNITS_DAY_UNKNOWN))
		return strlen(UNITS_DAY_UNKNOWN);
	return digits < UNITS_DAY_LENGTH ? 0 : UNITS_DAY_LENGTH;
}

static size_t span_word(const char *text)
{
	return strspn(text, WORD);
}

static size_t span_repository(const char *text)
{
	return strspn(text, WORD "/:[]");
}

static const struct {
	const char *name, *sample;
	size_t (*span)(
		const char *text); /* how much of it the hole may have been filled with */
	size_t least;
} holes[] = {
	[HOLE_REPOSITORY] = { "{repository}", "app", span_repository, 1 },
	[HOLE_TAG] = { "{tag}", "latest", span_word, 1 },
	[HOLE_CREATED] = { "{created}", "20260131", span_day, strlen(UNITS_DAY_UNKNOWN) },
	[HOLE_ID] = { "{id}", "0a1b2c3d4e5f", span_word, HOLE_ID_LENGTH },
	[HOLE_DATE] = { "{date}", "20260131", span_day, strlen(UNITS_DAY_UNKNOWN) },
};
static_assert(ARRAY_SIZE(holes) == HOLE_MAX_, "a row per hole");

/* HOLE_MAX_: there is none. */
static enum hole hole_at(const char *template)
{
	size_t hole = 0;

	while (hole < HOLE_MAX_ && !text_starts_with(template, holes[hole].name))
		hole++;
	return (enum hole)hole;
}

static int check_holes(const char *template, struct err *err)
{
	unsigned seen = 0;

	for (const char *at = strchr(template, '{'); at; at = strchr(at + 1, '{')) {
		enum hole hole = hole_at(at);

		if (hole == HOLE_MAX_)
			return err_set(err, -EINVAL,
				       "'%.*s' is none of: {repository}, {tag}, {created}, "
				       "{id}, {date}",
				       (int)(strcspn(at, "}") + (strchr(at, '}') != NULL)), at);
		if (seen & 1u << hole)
			return err_set(err, -EINVAL, "'%s' is here a second time",
				       holes[hole].name);
		seen |= 1u << hole;
	}
	if (!(seen & 1u << HOLE_ID))
		return err_set(err, -EINVAL,
			       "'%s' has no {id}, so that two builds could get one name",
			       template);
	return 0;
}

int template_check(const char *template, struct err *err)
{
	_cleanup_(arena_freep) struct arena *arena = arena_new();
	const char *samples[HOLE_MAX_], *sample;
	struct reference reference;
	int r = check_holes(template, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < HOLE_MAX_; i++)
		samples[i] = holes[i].sample;
	sample = template_fill(arena, template, samples);
	if (!reference_parse(arena, sample, &reference) || !reference.tag || reference.digest)
		return err_set(err, -EINVAL, "'%s' gives no name with a valid tag, but '%s'",
			       template, sample);
	return 0;
}

static const char *append(struct arena *arena, const char *text, const char *more,
			  size_t length)
{
	return arena_printf(arena, "%s%.*s", text, (int)length, more);
}

const char *template_fill(struct arena *arena, const char *template,
			  const char *const values[HOLE_MAX_])
{
	const char *text = "";

	while (*template) {
		enum hole hole = hole_at(template);
		size_t plain = 1 + strcspn(template + 1, "{");

		if (hole == HOLE_MAX_) {
			text = append(arena, text, template, plain);
			template += plain;
		} else if (values[hole]) {
			text = append(arena, text, values[hole], strlen(values[hole]));
			template += strlen(holes[hole].name);
		} else {
			return NULL;
		}
	}
	return text;
}

/* No hole is there twice, so two of them at most have no fixed length. */
bool template_matches(const char *template, const char *const values[HOLE_MAX_],
		      const char *text)
{
	enum hole hole = hole_at(template);
	size_t most, least;

	if (!*template)
		return !*text;
	if (hole == HOLE_MAX_)
		return *template == *text && template_matches(template + 1, values, text + 1);
	template += strlen(holes[hole].name);
	if (values[hole])
		return text_starts_with(text, values[hole]) &&
		       template_matches(template, values, text + strlen(values[hole]));
	most = holes[hole].span(text);
	least = holes[hole].least;
	for (size_t length = most; length >= least; length--)
		if (template_matches(template, values, text + length))
			return true;
	return false;
}
