/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <stdbool.h>

#include <exposured/macro.h>

struct board;

/*
 * What was told in this session, in a file of the session's runtime folder: an agent that is started anew
 * tells nothing twice, and can still close what its predecessor showed.
 */
struct record;

/*
 * In the folder that systemd made for the service, else in one of $XDG_RUNTIME_DIR. The session is a word
 * that tells this session from others that use the same folder. -ENOENT where there is no such folder.
 */
int record_new(struct record **ret, const char *session);
struct record *record_free(struct record *record);
DEFINE_CLEANUP(struct record *, record_free)

/* Reads it into the board; that there is none, or none of this session, is fine. 0 or a negative errno. */
int record_load(struct record *record, struct board *board);

/* Whether something was told in this session before, if only that there was nothing to tell. */
bool record_is_found(const struct record *record);

/* The server that showed what was loaded; NULL: none. */
const char *record_server(const struct record *record);

/* Writes what the board knows; the server may be NULL. */
int record_save(struct record *record, const struct board *board, const char *server);
