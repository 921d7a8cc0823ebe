/* SPDX-License-Identifier: Apache-2.0 */
/* options.h: the users' option structures: sizes, bounds, duration texts. */
#ifndef TN_OPTIONS_H
#define TN_OPTIONS_H

#include "core/function.h"

/* Read and check a definition, with `other` options in place of its own if not NULL. `spinner_room` holds the default text.
 * 0; TENURE_EINVAL or TENURE_EVERSION with a message that says what is allowed; TENURE_ENOMEM. */
int tn_options_read(const tenure_function *face, const tenure_options *other, char spinner_room[256],
		    struct tn_options *ret_options);

/* The same for a cache; fills in the front that the environment names. */
int tn_options_read_cache(const tenure_cache_options *given, tenure_cache_options *ret_options);

/* The process-wide cache; made with the front that the environment names at the first need. NULL: no memory. */
tenure_cache *tn_options_default_cache(void);

/* Put a structure of the library's size into one that the caller's header knows, or the reverse: the common head is
 * copied, the rest zeroed. */
void tn_options_copy(void *to, size_t to_size, const void *from, size_t from_size);

#endif
