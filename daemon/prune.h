/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Prune: once an hour, when there is something to do anyway, the archive forgets what is older or more
 * than the configuration allows, in small steps.
 */
struct manager;

void prune_if_due(struct manager *manager);
