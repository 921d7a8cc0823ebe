/* SPDX-License-Identifier: Apache-2.0 */
/* deleter_with_state.cc: demands: the deleter must be a class without state */
#include <tenure/tenure.hpp>

struct model {
	int layers;
};
struct closer {
	void operator()(model *m) const { delete m; }
};
using owned = std::unique_ptr<model, closer>;

using by_pointer = std::unique_ptr<model, void (*)(model *)>;
static tenure::function<model, void (*)(model *)> get{ "get", {}, [] { return by_pointer(nullptr, nullptr); } };

int main()
{
	return get.clear();
}
