#include "report/event.h"

#include <assert.h>
#include <syslog.h>

#include "base/mem.h"

static const struct event_row events[] = {
	[EVENT_OBJECT_REMOVED] = { "b2be74d1cee748438d7ced308353ef80", LOG_NOTICE },
	[EVENT_OBJECT_TAGGED] = { "fde7799d65c54893bf658974380971cc", LOG_NOTICE },
	[EVENT_RULE_REMOVED] = { "71a38f8c61ff40108aefc7340c588663", LOG_NOTICE },
	[EVENT_OBJECT_FAILED] = { "698bc721181b43d2a8ed7ef0940f96ef", LOG_WARNING },
	[EVENT_TAG_FAILED] = { "491ca288668d44a08115ac89bde97df0", LOG_WARNING },
	[EVENT_RULE_FAILED] = { "6d97e54b45cb40fab7dfdf36837e1da7", LOG_WARNING },
	[EVENT_VOLUME_ANNOUNCED] = { "b4d2cf42d4f641ce8dbedc6aef7c97ff", LOG_NOTICE },
	[EVENT_RULE_ANNOUNCED] = { "fee9ffe227804e72862fca7172cf2718", LOG_NOTICE },
	[EVENT_RUN_REMOVED] = { "4ec9b96243484371adcce32e5bece293", LOG_NOTICE },
	[EVENT_RUN_NOTHING] = { "3290cc5beff64e138bd95d1c9090ba20", LOG_INFO },
	[EVENT_RUN_MISSED] = { "ae0263d996844bdea6ef21b1e7321991", LOG_WARNING },
	[EVENT_FIRST_LOOK] = { "a3f1c164a0cd4aceb5bfee4c99045856", LOG_INFO },
	[EVENT_BRAKE] = { "199d723c67ca46ed9e4be2e497fec88b", LOG_WARNING },
	[EVENT_PROBLEM] = { "1e6d59fb92e44b11bfe6d4a8ff752efb", LOG_WARNING },
	[EVENT_NO_RUN] = { "aeab93b2e2a94898b2a9bc1c5a399aa7", LOG_ERR },
};
static_assert(ARRAY_SIZE(events) == EVENT_MAX_, "a row per event");

const struct event_row *event_row(enum event event)
{
	return &events[event];
}
