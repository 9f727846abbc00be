#include "unit.h"

#include <stdlib.h>
#include <time.h>

#include "apply/pace.h"
#include "folder.h"

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* What is left of a second after waiting with that text in the file of pressure. */
static int64_t left_with(const char *text, int stop)
{
	_cleanup_free_ char *folder = folder_make();
	_cleanup_free_ char *path = folder_write_text(folder, "io", text);
	const char *const files[] = { "/nonexistent/io", path, NULL };
	const volatile int stop_now = stop;
	struct pace pace = { files, &stop_now, 1000 };

	pace_wait(&pace);
	folder_remove(take(folder));
	return pace.left_ms;
}

static void a_busy_disk_is_waited_for(void **state _unused_)
{
	int64_t start = now_ms();

	assert_true(left_with("some avg10=99.00 avg60=1.00 avg300=0.00 total=1\n"
			      "full avg10=10.01 avg60=0.00 avg300=0.00 total=1\n",
			      0) <= 0);
	assert_true(now_ms() - start >= 1000);
}

static void what_is_not_busy_is_not(void **state _unused_)
{
	static const char *const texts[] = {
		("some avg10=99.00 avg60=99.00 avg300=99.00 total=9\n"
		 "full avg10=9.99 avg60=99.00 avg300=99.00 total=9\n"),
		"some avg10=99.00 avg60=99.00 avg300=99.00 total=9\n",
		"full avg10=\n",
		"full avg10",
		"",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_equal(left_with(texts[i], 0), 1000);
}

static void a_signal_ends_the_pause(void **state _unused_)
{
	assert_int_equal(left_with("full avg10=100.00 avg60=0.00\n", 1), 1000);
}

static void a_kernel_that_does_not_tell_is_not_waited_for(void **state _unused_)
{
	static const char *const none[] = { NULL };
	const volatile int stop = 0;
	struct pace pace = { none, &stop, 1000 };

	pace_wait(&pace);
	assert_int_equal(pace.left_ms, 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_busy_disk_is_waited_for),
		cmocka_unit_test(what_is_not_busy_is_not),
		cmocka_unit_test(a_signal_ends_the_pause),
		cmocka_unit_test(a_kernel_that_does_not_tell_is_not_waited_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
