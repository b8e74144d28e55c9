/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <exposured/assessment.h>

/* Whether the rules are those of the systemd version, or later ones. */
bool model_since(const struct model *model, unsigned systemd_version);
