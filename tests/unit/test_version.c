#include "unit.h"

#include "plan/planner.h"

/* In ascending order; the list of semver.org section 11 is in it. */
static const char *const ascending[] = {
	"latest", /* no version: below all that are */
	"0.9",
	"v0.9.1",
	"1.0.0-alpha",
	"1.0.0-alpha.1",
	"1.0.0-alpha.beta",
	"1.0.0-beta",
	"1.0.0-beta.2",
	"1.0.0-beta.11",
	"1.0.0-rc.1",
	"1.0.0",
	"1.0.0.1",
	"1.9",
	"v1.10",
	"1.10.1_build7",
	"2.0.0-rc.1",
	"2",
	"10.0.0",
	"20231114",
	"18446744073709551616.0",
	"18446744073709551617.0",
};

static const char *const equal[][2] = {
	{ "1.0.0", "v1.0.0" },	  { "1", "1.0.0" },	  { "1.2", "1.02.0" },
	{ "latest", "main" },	  { "latest", "1.2.3x" }, { "", "1." },
	{ "1.0.0_a", "1.0.0_b" },
};

static int sign(int value)
{
	return (value > 0) - (value < 0);
}

static void versions_have_an_order(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(ascending); i++)
		for (size_t k = 0; k < ARRAY_SIZE(ascending); k++)
			if (sign(version_compare(ascending[i], ascending[k])) !=
			    sign((int)i - (int)k))
				fail_msg("%s against %s", ascending[i], ascending[k]);
}

static void what_is_the_same_is_equal(void **state _unused_)
{
	for (size_t i = 0; i < ARRAY_SIZE(equal); i++)
		if (version_compare(equal[i][0], equal[i][1]) != 0)
			fail_msg("%s against %s", equal[i][0], equal[i][1]);
	assert_int_equal(version_compare(NULL, "latest"), 0);
	assert_true(version_compare(NULL, "1.0") < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_have_an_order),
		cmocka_unit_test(what_is_the_same_is_equal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
