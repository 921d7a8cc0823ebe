/* SPDX-License-Identifier: Apache-2.0 */
/* input_widget.c: example 5: the value of a widget that a creator reads becomes part of the key. */
#include <tenure/tenure.h>

#include "example.h"
#include "index.h"

/* A front of the program's own: each session has one checkbox. A real one would draw it in a browser. */
struct page {
	const char *user;
	bool checked;
	int drawn;
};

static int value_of(void *front_user, const char *label, const tenure_value low_high_preset[3], tenure_value *ret)
{
	const struct page *page = front_user;

	(void)label, (void)low_high_preset;
	*ret = tenure_bool(page->checked);
	return 0;
}

static int draw(void *front_user, const char *label, const tenure_value low_high_preset[3], tenure_value *ret)
{
	struct page *page = front_user;

	page->drawn++;
	printf("  %s's page: [%c] %s\n", page->user, page->checked ? 'x' : ' ', label);
	return value_of(front_user, label, low_high_preset, ret);
}

static const tenure_front pages = { .size = sizeof(pages), .value = value_of, .ask = draw };
static tenure_cache *models;

TENURE_DECLARE_STATIC(load_model, struct index, (const char *, folder));

static int load(tenure_call *call, const load_model_args *args, struct index **ret)
{
	*ret = index_make(args->folder, tenure_ask_bool(call, "Ignore case", false));
	return *ret != NULL ? 0 : tenure_fail(call, "nothing to read in %s", args->folder);
}
TENURE_DEFINE_STATIC(load_model, .cache = &models, .create = load, .release = index_free);

static size_t count(tenure_session *session, const char *word, int expected)
{
	TENURE_LEASE(load_model, model);

	tenure_session_enter(session, NULL);
	EXPECT(tenure_get(load_model, &model, SOURCES) == expected);
	tenure_session_enter(NULL, NULL);
	return index_count(model.resource, word);
}

void example_input_widget(void)
{
	struct page anna = { .user = "Anna" }, bert = { .user = "Bert", .checked = true };
	tenure_session *annas, *berts;
	size_t exact, folded;

	EXPECT(tenure_cache_open(&models, .name = "models", .front = &pages) == 0);
	EXPECT(tenure_session_open("Anna", &anna, &annas) == 0);
	EXPECT(tenure_session_open("Bert", &bert, &berts) == 0);
	exact = count(annas, "tenure", TENURE_CREATED);
	folded = count(berts, "tenure", TENURE_CREATED); /* another value, another model */
	EXPECT(folded > exact);
	EXPECT(count(annas, "tenure", TENURE_HIT) == exact); /* and the checkbox is drawn again */
	EXPECT(anna.drawn == 2);
	anna.checked = true;
	EXPECT(count(annas, "tenure", TENURE_HIT) == folded); /* Bert's */
	printf("  \"tenure\" stands %zu times in the sources, and %zu times in any case: two models for one call\n", exact,
	       folded);
	tenure_session_end(annas);
	tenure_session_end(berts);
	EXPECT(tenure_cache_close(&models, TENURE_SECONDS(10)) == 0);
}

EXAMPLE(example_input_widget);
