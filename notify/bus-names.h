/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The desktop's side. */
#define NOTIFICATIONS_BUS_NAME "org.freedesktop.Notifications"
#define NOTIFICATIONS_PATH "/org/freedesktop/Notifications"
#define NOTIFICATIONS_INTERFACE "org.freedesktop.Notifications"
