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

/* An element of Findings, as a D-Bus struct. */
#define EXPOSURED_FINDING_SIGNATURE "ssstttdss"
/* A row of ListUnits. */
#define EXPOSURED_LIST_SIGNATURE "sdsdbo"
