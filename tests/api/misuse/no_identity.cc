/* SPDX-License-Identifier: Apache-2.0 */
/* no_identity.cc: demands: no identity: specialise tenure::identity */
#include <tenure/tenure.hpp>

struct model {
	int layers;
};
struct closer {
	void operator()(model *m) const { delete m; }
};
using owned = std::unique_ptr<model, closer>;

struct point {
	int x;
};
static tenure::function<model, closer, point> get{ "get", { "where" }, [](point) { return owned(); } };

int main()
{
	return get.clear();
}
