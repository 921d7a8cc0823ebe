/* SPDX-License-Identifier: Apache-2.0 */
/* creator_result.cc: demands: the creator takes */
#include <tenure/tenure.hpp>

struct model {
	int layers;
};
struct closer {
	void operator()(model *m) const { delete m; }
};
using owned = std::unique_ptr<model, closer>;

static tenure::function<model, closer, int> get{ "get", { "n" }, [](int) { return new model; } };

int main()
{
	return get.clear();
}
