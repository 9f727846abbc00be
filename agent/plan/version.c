#include "plan/planner.h"

#include <ctype.h>
#include <string.h>

/* https://semver.org/spec/v2.0.0.html, section 11, with what tags really look like: a leading
 * "v" and any number of numeric fields ("1.10", "v2", "1.2.3.4"). Docker tags cannot hold "+".
 */

struct version {
	const char *core; /* NULL: no version */
	const char *pre;  /* behind the "-"; NULL: a release */
};

static struct version version_parse(const char *tag)
{
	struct version version = { 0 };
	const char *c = tag + (*tag == 'v' || *tag == 'V');
	const char *start = c;

	for (;;) {
		size_t digits = strspn(c, "0123456789");

		if (digits == 0)
			return version;
		c += digits;
		if (*c != '.')
			break;
		c++;
	}
	if (*c == '-' && c[1] != '\0')
		version.pre = c + 1;
	else if (*c != '\0' && *c != '_')
		return version;
	version.core = start;
	return version;
}

/* Compares runs of digits as numbers of any length and moves past them. */
static int compare_numbers(const char **a, const char **b)
{
	size_t left, right;
	int r;

	*a += strspn(*a, "0");
	*b += strspn(*b, "0");
	left = strspn(*a, "0123456789");
	right = strspn(*b, "0123456789");
	r = left != right ? (left < right ? -1 : 1) : strncmp(*a, *b, left);
	*a += left;
	*b += right;
	return r;
}

static int compare_cores(const char *a, const char *b)
{
	for (;;) {
		int r = compare_numbers(&a, &b);

		if (r != 0)
			return r;
		a += *a == '.';
		b += *b == '.';
		/* "1.2" is "1.2.0". */
		if (!isdigit((unsigned char)*a) && !isdigit((unsigned char)*b))
			return 0;
	}
}

static int compare_identifiers(const char **a, const char **b)
{
	size_t left = strcspn(*a, "._"), right = strcspn(*b, "._");
	bool number_left = left > 0 && strspn(*a, "0123456789") >= left;
	bool number_right = right > 0 && strspn(*b, "0123456789") >= right;
	int r;

	if (number_left && number_right)
		return compare_numbers(a, b);
	if (number_left != number_right)
		return number_left ? -1 : 1;
	r = strncmp(*a, *b, left < right ? left : right);
	if (r == 0 && left != right)
		r = left < right ? -1 : 1;
	*a += left;
	*b += right;
	return r;
}

static int compare_pre(const char *a, const char *b)
{
	if (!a || !b)
		return (b != NULL) - (a != NULL);
	for (;;) {
		int r = compare_identifiers(&a, &b);

		if (r != 0)
			return r;
		if (*a != '.' || *b != '.')
			return (*a == '.') - (*b == '.');
		a++;
		b++;
	}
}

int version_compare(const char *a, const char *b)
{
	struct version left = version_parse(a ? a : ""), right = version_parse(b ? b : "");
	int r;

	if (!left.core || !right.core)
		return (left.core != NULL) - (right.core != NULL);
	r = compare_cores(left.core, right.core);
	return r != 0 ? r : compare_pre(left.pre, right.pre);
}
