#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Gentle with a host that is busy: a pause while others wait for the disk. */

struct pace {
	const char *const *pressure; /* files of pressure stall information; the first that can
				      * be read counts; ends with NULL */
	const volatile int *stop;    /* once set no pause goes on */
	int64_t left_ms;	     /* of all pauses together */
};

/* The whole system's, at the places where a sandboxed unit sees it as well. */
extern const char *const pace_pressure_files[];

/* Returns when the tasks that wait for the disk with nothing else to do ("full avg10") took at
 * most 10 % of the time, when left_ms is used up or *stop is set. At once where the kernel does
 * not tell. */
void pace_wait(struct pace *pace);
