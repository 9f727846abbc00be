#pragma once

#include <stdbool.h>

/* The only requests that this program can send. The table is compiled in: whatever goes wrong
 * above it, nothing is forced, no volumes go along with a container, nothing is made but tags,
 * and nothing is pruned but single records of the build cache, for which engines have no other
 * way. */

enum http_method { HTTP_GET, HTTP_DELETE, HTTP_POST };

/* Whether method and path, with its query, are in the table. */
bool request_is_allowed(enum http_method method, const char *path);
