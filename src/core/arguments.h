/* SPDX-License-Identifier: Apache-2.0 */
/* arguments.h: deep copies of arguments, for what outlives the call that brought them. */
#ifndef TN_ARGUMENTS_H
#define TN_ARGUMENTS_H

#include <tenure/tenure.h>

/* A deep copy of arguments: texts, bytes and values too; what '_' parameters and identify functions point to is shared.
 * NULL: no memory. */
tenure_arguments *tn_arguments_copy(const tenure_definition *definition, const tenure_arguments *arguments);
void tn_arguments_free(const tenure_definition *definition, tenure_arguments *copy);

#endif
