/* SPDX-License-Identifier: Apache-2.0 */
/* user_sessions.c: a shop with a session for each user: what all share, what depends on settings, what is one user's own.
 *
 *   the catalogue   one for all: whoever comes first makes it, and everybody sees how far it is and what it says
 *   the price list  one for each currency: its creator asks for the user's setting, which so becomes a part of the key
 *   the cart        `.scope = TENURE_SESSION`: each session has its own, and it goes with the session
 *
 * The front is the program's: tenure tells it what happens, on the thread where it happens, together with the user of the
 * session that is current there. Here it writes into that user's transcript; a real one writes into a page. */
#include <pthread.h>
#include <semaphore.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>
#include <tenure/tenure.h>
#include <unistd.h>

#include "example.h"

enum { USERS = 3, VISITS = 3, GOODS = 20000, STEP = 1000, SECONDS_MOST = 60 };

struct user {
	const char *name, *currency; /* the one setting */
	tenure_session *session;
	pthread_t thread;
	char transcript[2000];
	size_t size;
	int waits, told, ends, said, repeated, asked; /* what came to the front */
	sem_t cart_closed;
};

static atomic_int catalogues, price_lists, carts, catalogues_closed, price_lists_closed, carts_closed;

/* ---- the front: on the user's thread, and so without a lock of its own */

__attribute__((format(printf, 2, 3))) static void note(struct user *user, const char *format, ...)
{
	va_list values;
	int size;

	va_start(values, format);
	size = vsnprintf(user->transcript + user->size, sizeof(user->transcript) - user->size, format, values);
	va_end(values);
	EXPECT(size >= 0 && user->size + (size_t)size < sizeof(user->transcript));
	user->size += (size_t)size;
}

static int show_wait(void *front_user, const tenure_activity *activity)
{
	struct user *user = front_user;

	if (user == NULL)
		return 0; /* this thread has no session: there is nobody to show it to */
	user->waits++;
	user->told += activity->fraction >= 0; /* a page would move its bar */
	return 0; /* less: this user does not want to wait any longer */
}

static void show_done(void *front_user, const tenure_activity *activity)
{
	struct user *user = front_user;

	if (user == NULL)
		return;
	user->ends++;
	note(user, "    %s took a moment: it was said %d times how far it is\n", activity->text, user->told);
}

static void show_message(void *front_user, int kind, const void *data, size_t size, bool replayed)
{
	struct user *user = front_user;

	(void)kind;
	if (user == NULL)
		return;
	*(replayed ? &user->repeated : &user->said) += 1;
	if (!replayed)
		note(user, "    %.*s\n", (int)size, (const char *)data);
}

static int value_of(void *front_user, const char *label, const tenure_value low_high_preset[3], tenure_value *ret)
{
	const struct user *user = front_user;

	(void)low_high_preset;
	EXPECT(strcmp(label, "Currency") == 0);
	*ret = tenure_string(user->currency);
	return 0;
}

static int ask(void *front_user, const char *label, const tenure_value low_high_preset[3], tenure_value *ret)
{
	struct user *user = front_user;

	user->asked++; /* a page would draw the box here */
	return value_of(front_user, label, low_high_preset, ret);
}

static const tenure_front pages = {
	.size = sizeof(pages), .tick = 1000000, .wait = show_wait, .done = show_done, .message = show_message,
	.value = value_of, .ask = ask,
};
static tenure_cache *shop;

/* ---- what all share */

/* The number that a query with one number in it gives; -1: none. */
static int number_of(sqlite3 *database, const char *sql, int number_in)
{
	sqlite3_stmt *statement;
	int number = -1;

	EXPECT(sqlite3_prepare_v2(database, sql, -1, &statement, NULL) == SQLITE_OK);
	sqlite3_bind_int(statement, 1, number_in);
	if (sqlite3_step(statement) == SQLITE_ROW)
		number = sqlite3_column_int(statement, 0);
	sqlite3_finalize(statement);
	return number;
}

TENURE_DECLARE_STATIC(get_catalogue, sqlite3);

static int make_catalogue(tenure_call *call, const get_catalogue_args *args, sqlite3 **ret)
{
	char sql[100];

	(void)args;
	catalogues++;
	if (sqlite3_open_v2(":memory:", ret, SQLITE_OPEN_READWRITE | SQLITE_OPEN_FULLMUTEX, NULL) != SQLITE_OK ||
	    sqlite3_exec(*ret, "BEGIN; CREATE TABLE goods (number INTEGER PRIMARY KEY, cents INTEGER)", NULL, NULL, NULL) !=
		    SQLITE_OK)
		return tenure_fail(call, "no catalogue: %s", sqlite3_errmsg(*ret));
	for (int i = 1; i <= GOODS; i++) {
		snprintf(sql, sizeof(sql), "INSERT INTO goods VALUES (%d, %d)", i, 100 * i);
		if (sqlite3_exec(*ret, sql, NULL, NULL, NULL) != SQLITE_OK)
			return tenure_fail(call, "no catalogue: %s", sqlite3_errmsg(*ret));
		if (i % STEP == 0)
			tenure_progress(call, (double)i / GOODS, "%d of %d goods", i, GOODS);
	}
	if (sqlite3_exec(*ret, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
		return tenure_fail(call, "no catalogue: %s", sqlite3_errmsg(*ret));
	return tenure_say(call, TENURE_SUCCESS, "the catalogue has %d goods", GOODS); /* shown again with each hit */
}

static int close_catalogue(sqlite3 *database)
{
	catalogues_closed++;
	return sqlite3_close(database);
}
TENURE_DEFINE_STATIC(get_catalogue, .cache = &shop, .create = make_catalogue, .close = close_catalogue,
		     .spinner = "making the catalogue");

/* ---- what depends on a setting */

struct price_list {
	int price[1 + VISITS]; /* cents, of the goods that are bought here; [0]: none */
};

TENURE_DECLARE_STATIC(get_prices, struct price_list);

static int make_prices(tenure_call *call, const get_prices_args *args, struct price_list **ret)
{
	const char *currency = tenure_ask_text(call, "Currency", "EUR");
	TENURE_LEASE(get_catalogue, catalogue);

	(void)args;
	*ret = calloc(1, sizeof(**ret));
	if (*ret == NULL)
		return tenure_fail(call, "out of memory");
	price_lists++;
	if (tenure_get(get_catalogue, &catalogue) < 0)
		return tenure_fail(call, "%s", tenure_message());
	for (int i = 1; i <= VISITS; i++)
		(*ret)->price[i] = number_of(catalogue.resource, "SELECT cents FROM goods WHERE number = ?", i) *
				   (strcmp(currency, "USD") == 0 ? 2 : 1);
	return tenure_say(call, TENURE_INFO, "prices are in %s", currency);
}

static void free_prices(struct price_list *prices)
{
	free(prices);
	price_lists_closed++;
}
TENURE_DEFINE_STATIC(get_prices, .cache = &shop, .create = make_prices, .release = free_prices, .spinner = "");

/* ---- what is one user's own */

struct cart {
	sqlite3 *database;
	struct user *owner;
};

TENURE_DECLARE_STATIC(get_cart, struct cart, (struct user *, _owner)); /* '_': no part of the key; the session is */

static int make_cart(tenure_call *call, const get_cart_args *args, struct cart **ret)
{
	*ret = calloc(1, sizeof(**ret));
	if (*ret == NULL)
		return tenure_fail(call, "out of memory");
	carts++;
	(*ret)->owner = args->_owner;
	if (sqlite3_open(":memory:", &(*ret)->database) != SQLITE_OK ||
	    sqlite3_exec((*ret)->database, "CREATE TABLE items (cents INTEGER)", NULL, NULL, NULL) != SQLITE_OK)
		return tenure_fail(call, "no cart: %s", sqlite3_errmsg((*ret)->database));
	return tenure_say(call, TENURE_INFO, "%s takes a cart", args->_owner->name);
}

static int close_cart(struct cart *cart)
{
	int result = sqlite3_close(cart->database);

	carts_closed++;
	sem_post(&cart->owner->cart_closed);
	free(cart);
	return result;
}
TENURE_DEFINE_STATIC(get_cart, .cache = &shop, .create = make_cart, .close = close_cart, .scope = TENURE_SESSION,
		     .spinner = "");

/* ---- visits: each is a request, on any thread, that enters the session and leaves it */

static void visit(struct user *user, int what)
{
	char sql[100];
	tenure_session *before;

	EXPECT(tenure_session_enter(user->session, &before) == 0);
	{
		TENURE_LEASE(get_catalogue, catalogue);
		TENURE_LEASE(get_prices, prices);
		TENURE_LEASE(get_cart, cart);

		EXPECT(tenure_get(get_catalogue, &catalogue) >= 0);
		EXPECT(number_of(catalogue.resource, "SELECT count(*) FROM goods WHERE number = ?", what) == 1);
		EXPECT(tenure_get(get_prices, &prices) >= 0);
		EXPECT(tenure_get(get_cart, &cart, user) >= 0);
		EXPECT(cart.resource->owner == user);
		snprintf(sql, sizeof(sql), "INSERT INTO items VALUES (%d)", prices.resource->price[what]);
		EXPECT(sqlite3_exec(cart.resource->database, sql, NULL, NULL, NULL) == SQLITE_OK);
		note(user, "    into the cart: number %d for %d cents\n", what, prices.resource->price[what]);
	}
	EXPECT(tenure_session_enter(before, NULL) == 0);
}

static pthread_barrier_t all_there;

static void *shop_around(void *pointer)
{
	struct user *user = pointer;

	pthread_barrier_wait(&all_there); /* all at once: one of them makes the catalogue, the others wait for it */
	for (int i = 1; i <= VISITS; i++)
		visit(user, i);
	return NULL;
}

/* What is in a user's cart; -1: there is none. */
static int sum_of_cart(struct user *user)
{
	TENURE_LEASE(get_cart, cart);
	int sum = -1;

	EXPECT(tenure_session_enter(user->session, NULL) == 0);
	if (tenure_peek(get_cart, &cart, user) == TENURE_HIT)
		sum = number_of(cart.resource->database, "SELECT sum(cents) FROM items WHERE cents > ?", 0);
	EXPECT(tenure_session_enter(NULL, NULL) == 0);
	return sum;
}

static void say_goodbye(struct user *user, int expected)
{
	tenure_session *session = user->session;

	printf("  %s pays %s:\n%s", user->name, user->currency, user->transcript);
	printf("    in all %d cents; %d messages were shown again, the currency box was drawn %d times\n", sum_of_cart(user),
	       user->repeated, user->asked);
	EXPECT(sum_of_cart(user) == expected);
	EXPECT(user->asked == VISITS && user->ends == (user->waits > 0));
	EXPECT(tenure_session_end(session) == 0); /* from here on nobody has `user` any more: it could be freed */
	sem_wait(&user->cart_closed); /* by a thread of tenure's, since nobody holds it */
	EXPECT(tenure_session_enter(session, NULL) == TENURE_ECLOSED);
}

int main(void)
{
	struct user users[USERS] = {
		{ .name = "Anna", .currency = "EUR" },
		{ .name = "Bert", .currency = "EUR" },
		{ .name = "Carla", .currency = "USD" },
	};
	int waits = 0, told = 0, said = 0, repeated = 0;

	alarm(SECONDS_MOST); /* nothing below waits for so long, unless something is wrong */
	EXPECT(tenure_cache_open(&shop, .name = "shop", .front = &pages) == 0);
	EXPECT(tenure_get(get_cart, NULL, &users[0]) == TENURE_ESESSION); /* whose cart? */
	pthread_barrier_init(&all_there, NULL, USERS);
	for (int i = 0; i < USERS; i++) {
		sem_init(&users[i].cart_closed, 0, 0);
		EXPECT(tenure_session_open(users[i].name, &users[i], &users[i].session) == 0);
		EXPECT(pthread_create(&users[i].thread, NULL, shop_around, &users[i]) == 0);
	}
	for (int i = 0; i < USERS; i++) {
		pthread_join(users[i].thread, NULL);
		waits += users[i].waits;
		told += users[i].told;
		said += users[i].said;
		repeated += users[i].repeated;
	}
	EXPECT(catalogues == 1 && price_lists == 2 && carts == USERS && carts_closed == 0);
	EXPECT(waits > told && told > 0); /* whoever made the catalogue was told of it, before it began and after */
	EXPECT(said == 1 + 2 + USERS); /* each message once when it was new, and again in each visit and each price list */
	EXPECT(said + repeated == USERS * VISITS * 3 + 2);

	for (int i = 0; i < USERS; i++) {
		say_goodbye(&users[i], i == 2 ? 1200 : 600);
		EXPECT(carts_closed == i + 1 && catalogues_closed == 0 && price_lists_closed == 0); /* only what was theirs */
	}
	EXPECT(tenure_cache_close(&shop, TENURE_SECONDS(10)) == 0);
	printf("  made and closed: %d of %d catalogues, %d of %d price lists, %d of %d carts\n", catalogues_closed,
	       catalogues, price_lists_closed, price_lists, carts_closed, carts);
	EXPECT(catalogues_closed == 1 && price_lists_closed == 2 && carts_closed == USERS);
	return 0;
}
