/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include "output.h"

/* Characters as UTF-8, as the client's main() would set them up; fails where there is no such locale. */
void use_utf8(void);

/* An output that is kept in memory: UTF-8, no colours, no emoji; 0 columns are no terminal. */
struct output *output_new(unsigned columns);

/* What was printed since it was asked last; valid until it is asked again. */
const char *output_text(struct output *output);

struct output *output_free(struct output *output);

/* Of a text that began with a hostile "\033[31m" nothing is left that could steer a terminal. */
void assert_harmless(const char *text);

/* From here on standard error is kept; asking gives what was printed there since the last time. */
void keep_stderr(void);
const char *stderr_text(void);
