#pragma once

/* The kinds of entries in the journal; config/reclaimd.catalog explains each to people. */

enum event {
	EVENT_OBJECT_REMOVED,
	EVENT_OBJECT_TAGGED,
	EVENT_RULE_REMOVED, /* many objects of one rule */
	EVENT_OBJECT_FAILED,
	EVENT_TAG_FAILED,
	EVENT_RULE_FAILED,	/* many objects of one rule, some of which stayed */
	EVENT_VOLUME_ANNOUNCED, /* will go when its quarantine is over */
	EVENT_RULE_ANNOUNCED,	/* many volumes of one rule */
	EVENT_RUN_REMOVED,
	EVENT_RUN_NOTHING,
	EVENT_RUN_MISSED, /* the disk is fuller than pressure rules were to leave it */
	EVENT_FIRST_LOOK,
	EVENT_BRAKE,
	EVENT_PROBLEM, /* a part of the engine could not be read */
	EVENT_NO_RUN,
	EVENT_MAX_,
};

struct event_row {
	const char *message_id; /* 32 hex digits, never used for anything else */
	int priority;		/* LOG_… */
};

const struct event_row *event_row(enum event event);
