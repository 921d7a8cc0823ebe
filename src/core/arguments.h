/* SPDX-License-Identifier: Apache-2.0 */
/* arguments.h: deep copies of arguments, for what outlives the call that brought them. */
#ifndef TN_ARGUMENTS_H
#define TN_ARGUMENTS_H

#include <stdbool.h>

#include <tenure/tenure.h>

/* A deep copy of a structure or a bound list in one block, for tn_free(): texts, bytes and values too, those of '_'
 * parameters included; objects (what has an identify function, or a type that tenure does not know) are shared. NULL: no
 * memory, or a '_' value too deep. */
tenure_arguments *tn_arguments_copy(const tenure_definition *definition, const tenure_arguments *arguments);

#endif
