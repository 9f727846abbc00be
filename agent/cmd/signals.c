#include "cmd/signals.h"

#include <signal.h>

#include "base/mem.h"

static volatile sig_atomic_t stop;

static void on_signal(int signal_number _unused_)
{
	stop = 1;
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
}

const volatile int *signals_catch(void)
{
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	return &stop;
}
