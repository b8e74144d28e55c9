/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* Names of others on the bus: systemd's manager (org.freedesktop.systemd1(5)) and the bus itself. */
#define SYSTEMD_BUS_NAME "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"
#define SYSTEMD_UNIT_PATH SYSTEMD_PATH "/unit"
#define SYSTEMD_MANAGER_INTERFACE "org.freedesktop.systemd1.Manager"
#define SYSTEMD_UNIT_INTERFACE "org.freedesktop.systemd1.Unit"
#define SYSTEMD_SERVICE_INTERFACE "org.freedesktop.systemd1.Service"
#define SYSTEMD_ERROR_ALREADY_SUBSCRIBED "org.freedesktop.systemd1.AlreadySubscribed"
#define PROPERTIES_INTERFACE "org.freedesktop.DBus.Properties"
#define DBUS_BUS_NAME "org.freedesktop.DBus"
