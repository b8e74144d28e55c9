/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* The names on the bus that daemon, client and tests share. */
#define EXPOSURED_BUS_NAME "org.exposured.Exposure1"
#define EXPOSURED_PATH "/org/exposured/Exposure1"
#define EXPOSURED_UNIT_PATH EXPOSURED_PATH "/unit"
#define EXPOSURED_MANAGER_INTERFACE "org.exposured.Exposure1.Manager"
#define EXPOSURED_UNIT_INTERFACE "org.exposured.Exposure1.Unit"

#define EXPOSURED_ERROR_NO_SUCH_UNIT "org.exposured.Exposure1.Error.NoSuchUnit"
#define EXPOSURED_ERROR_UNIT_MASKED "org.exposured.Exposure1.Error.UnitMasked"
#define EXPOSURED_ERROR_UNIT_BAD_SETTING "org.exposured.Exposure1.Error.UnitBadSetting"
#define EXPOSURED_ERROR_INVALID_NAME "org.exposured.Exposure1.Error.InvalidName"
#define EXPOSURED_ERROR_LIMIT_EXCEEDED "org.exposured.Exposure1.Error.LimitExceeded"
#define EXPOSURED_ERROR_MANAGER_UNAVAILABLE "org.exposured.Exposure1.Error.ManagerUnavailable"

#define EXPOSURED_ERROR_NOTHING_TO_ACCEPT "org.exposured.Exposure1.Error.NothingToAccept"
#define EXPOSURED_ERROR_BECAME_WEAKER "org.exposured.Exposure1.Error.BecameWeaker"
#define EXPOSURED_ERROR_INVALID_ARGUMENT "org.exposured.Exposure1.Error.InvalidArgument"
#define EXPOSURED_ERROR_STORE_UNAVAILABLE "org.exposured.Exposure1.Error.StoreUnavailable"

/* What a caller needs leave for from polkit. */
#define EXPOSURED_ACTION_ACCEPT "org.exposured.Exposure1.accept"

/* An element of Findings, as a D-Bus struct. */
#define EXPOSURED_FINDING_SIGNATURE "ssstttdss"
/* A row of ListUnits. */
#define EXPOSURED_LIST_SIGNATURE "sdsdbo"
/* A row of ListFreshness. */
#define EXPOSURED_FRESHNESS_SIGNATURE "stb"
/* A check that differs: json_field, badness before and after, 255 is "not applicable". */
#define EXPOSURED_CHECKS_SIGNATURE "a(stt)"
/* A cause: path, change, time, the lines that differ. */
#define EXPOSURED_CAUSES_SIGNATURE "a(sstas)"
/* The arguments of every event signal: id, time, unit, units, before, after, checks, causes. */
#define EXPOSURED_EVENT_SIGNATURE "stsasdd" EXPOSURED_CHECKS_SIGNATURE EXPOSURED_CAUSES_SIGNATURE
/* A row of GetHistory: the same with the event's word after the id, and reason, uid, until at the end. */
#define EXPOSURED_HISTORY_SIGNATURE "sstsasdd" EXPOSURED_CHECKS_SIGNATURE EXPOSURED_CAUSES_SIGNATURE "sut"
/*
 * A row of GetEventUnits: unit, exposure before, as the new model rates what was before, and after; the checks
 * that the model changed; whether the unit's settings changed, and the checks that those changed.
 */
#define EXPOSURED_EVENT_UNIT_SIGNATURE "sddd" EXPOSURED_CHECKS_SIGNATURE "b" EXPOSURED_CHECKS_SIGNATURE
/* A row of ListRegressions: id, since, unit, units, baseline, exposure, checks, causes. */
#define EXPOSURED_REGRESSION_SIGNATURE EXPOSURED_EVENT_SIGNATURE

/* The agent on the bus of a session. */
#define NOTIFY_BUS_NAME "org.exposured.Notify1"
#define NOTIFY_PATH "/org/exposured/Notify1"
#define NOTIFY_INTERFACE "org.exposured.Notify1"
#define NOTIFY_ERROR_SERVER "org.exposured.Notify1.Error.NoServer"
