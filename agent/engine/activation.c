#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "engine/engine.h"

/* Connecting to a socket that systemd holds for a service starts that service. Whether it
 * would, systemd tells to everybody, without a privilege. */

#define TIMEOUT_USEC (5 * 1000 * 1000)
#define DESTINATION "org.freedesktop.systemd1"
#define MANAGER_PATH "/org/freedesktop/systemd1"
#define UNIT_PATH "/org/freedesktop/systemd1/unit"
#define PRIVATE_ADDRESS "unix:path=/run/systemd/private"

/* Started for each connection and gone soon after: being asked is what it is there for. */
static const char exempt_socket[] = "podman.socket";

DEFINE_CLEANUP(sd_bus *, bus_close, sd_bus_flush_close_unref)
DEFINE_CLEANUP(sd_bus_message *, message_unref, sd_bus_message_unref)

static bool same_socket(const char *a, const char *b)
{
	_cleanup_free_ char *real_a = realpath(a, NULL), *real_b = realpath(b, NULL);
	struct stat stat_a, stat_b;

	if (strcmp(real_a ? real_a : a, real_b ? real_b : b) == 0)
		return true;
	return stat(a, &stat_a) == 0 && stat(b, &stat_b) == 0 &&
	       stat_a.st_dev == stat_b.st_dev && stat_a.st_ino == stat_b.st_ino;
}

/* 1 if one of the addresses that the unit listens on is ours. */
static int listens_on(sd_bus *bus, const char *unit_path, const char *socket_path)
{
	_cleanup_(message_unrefp) sd_bus_message *reply = NULL;
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	const char *type, *address;
	bool found = false;
	int r = sd_bus_get_property(bus, DESTINATION, unit_path, DESTINATION ".Socket",
				    "Listen", &error, &reply, "a(ss)");

	if (r >= 0)
		r = sd_bus_message_enter_container(reply, 'a', "(ss)");
	while (r >= 0 && (r = sd_bus_message_read(reply, "(ss)", &type, &address)) > 0)
		if (strcmp(type, "Stream") == 0 && same_socket(address, socket_path))
			found = true;
	return r < 0 ? r : found;
}

static int unit_is_running(sd_bus *bus, const char *name)
{
	static const char *const running[] = { "active", "reloading", "activating",
					       "refreshing" };
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_free_ char *path = NULL, *state = NULL;
	int r = sd_bus_path_encode(UNIT_PATH, name, &path);

	if (r >= 0)
		r = sd_bus_get_property_string(bus, DESTINATION, path, DESTINATION ".Unit",
					       "ActiveState", &error, &state);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(running); i++)
		if (strcmp(state, running[i]) == 0)
			return 1;
	return 0;
}

static void free_strings(char **strings)
{
	for (size_t i = 0; strings && strings[i]; i++)
		free(strings[i]);
	free(strings);
}
DEFINE_CLEANUP(char **, free_strings, free_strings)

/* 1 if none of the units that the socket starts is running. */
static int would_start(sd_bus *bus, const char *unit_path)
{
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	_cleanup_(free_stringsp) char **triggers = NULL;
	int r = sd_bus_get_property_strv(bus, DESTINATION, unit_path, DESTINATION ".Unit",
					 "Triggers", &error, &triggers);

	if (r < 0)
		return r;
	for (size_t i = 0; triggers && triggers[i]; i++) {
		r = unit_is_running(bus, triggers[i]);
		if (r != 0)
			return r < 0 ? r : 0;
	}
	return 1;
}

static int list_sockets(sd_bus *bus, sd_bus_message **ret)
{
	_cleanup_(message_unrefp) sd_bus_message *call = NULL;
	_cleanup_(sd_bus_error_free) sd_bus_error error = SD_BUS_ERROR_NULL;
	int r = sd_bus_message_new_method_call(bus, &call, DESTINATION, MANAGER_PATH,
					       DESTINATION ".Manager", "ListUnitsByPatterns");

	if (r >= 0)
		r = sd_bus_message_append(call, "as", 1, "active");
	if (r >= 0)
		r = sd_bus_message_append(call, "as", 1, "*.socket");
	return r < 0 ? r : sd_bus_call(bus, call, TIMEOUT_USEC, &error, ret);
}

static int check_unit(sd_bus *bus, const char *name, const char *unit_path,
		      const char *socket_path)
{
	int r = listens_on(bus, unit_path, socket_path);

	if (r <= 0 || strcmp(name, exempt_socket) == 0)
		return r < 0 ? r : 0;
	return would_start(bus, unit_path);
}

static int ask(sd_bus *bus, const char *socket_path)
{
	_cleanup_(message_unrefp) sd_bus_message *units = NULL;
	const char *name, *unit_path;
	int r = list_sockets(bus, &units);

	if (r >= 0)
		r = sd_bus_message_enter_container(units, 'a', "(ssssssouso)");
	while (r >= 0 &&
	       (r = sd_bus_message_read(units, "(ssssssouso)", &name, NULL, NULL, NULL, NULL,
					NULL, &unit_path, NULL, NULL, NULL)) > 0) {
		r = check_unit(bus, name, unit_path, socket_path);
		if (r > 0)
			return 1;
	}
	return r;
}

/* Without a message bus, root may talk to systemd itself. */
static int open_private(sd_bus **ret)
{
	_cleanup_(bus_closep) sd_bus *bus = NULL;
	int r = sd_bus_new(&bus);

	if (r >= 0)
		r = sd_bus_set_address(bus, PRIVATE_ADDRESS);
	if (r >= 0)
		r = sd_bus_start(bus);
	if (r >= 0)
		*ret = take(bus);
	return r;
}

static int open_system(sd_bus **ret)
{
	int r = sd_bus_open_system(ret);

	return r < 0 && geteuid() == 0 ? open_private(ret) : r;
}

static const struct {
	const char *whose;
	int (*open)(sd_bus **ret);
} managers[] = {
	{ "systemd", open_system },
	{ "the user's systemd", sd_bus_open_user },
};

int engine_would_start(const char *socket_path, struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(managers) && sd_booted() > 0; i++) {
		_cleanup_(bus_closep) sd_bus *bus = NULL;
		int r = managers[i].open(&bus);

		/* No such manager: it holds no socket. */
		if (r < 0)
			continue;
		sd_bus_set_method_call_timeout(bus, TIMEOUT_USEC);
		r = ask(bus, socket_path);
		if (r < 0)
			return err_set(
				err, r,
				"cannot ask %s whether connecting to %s would start a service: %s",
				managers[i].whose, socket_path, strerror(-r));
		if (r > 0)
			return 1;
	}
	return 0;
}
