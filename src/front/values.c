/* SPDX-License-Identifier: Apache-2.0 */
/* values.c: the constructors of values. */
#include <string.h>

#include <tenure/tenure.h>

tenure_value tenure_nil(void)
{
	return (tenure_value){ .kind = TENURE_NIL };
}

tenure_value tenure_bool(bool truth)
{
	return (tenure_value){ .kind = TENURE_BOOL, .as.truth = truth };
}

tenure_value tenure_int(int64_t integer)
{
	return (tenure_value){ .kind = TENURE_INT, .as.integer = integer };
}

tenure_value tenure_uint(uint64_t natural)
{
	return (tenure_value){ .kind = TENURE_UINT, .as.natural = natural };
}

tenure_value tenure_real(double real)
{
	return (tenure_value){ .kind = TENURE_REAL, .as.real = real };
}

tenure_value tenure_string(const char *text)
{
	return (tenure_value){ .kind = TENURE_STRING, .size = text == NULL ? 0 : strlen(text), .as.data = text };
}

tenure_value tenure_span(tenure_bytes bytes)
{
	return (tenure_value){ .kind = TENURE_BYTES, .size = bytes.size, .as.data = bytes.data };
}

tenure_value tenure_items(uint32_t kind, const tenure_value *values, size_t count)
{
	return (tenure_value){ .kind = kind, .size = count, .as.data = values };
}

tenure_value tenure_same_value_(tenure_value value)
{
	return value;
}
