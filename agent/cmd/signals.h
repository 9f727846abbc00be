#pragma once

/* From now on the first SIGTERM or SIGINT only sets the flag that is returned; the second ends
 * the process at once. */
const volatile int *signals_catch(void);
