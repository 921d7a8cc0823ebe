/* SPDX-License-Identifier: Apache-2.0 */
/* function_copied.cc: demands: deleted */
#include <tenure/tenure.hpp>

struct model {
	int layers;
};
struct closer {
	void operator()(model *m) const { delete m; }
};
using owned = std::unique_ptr<model, closer>;

static tenure::function<model, closer, std::string, bool> get{ "get", { "path", "fast" },
	[](tenure_call *, std::string, bool) { return owned(new model{ 3 }); } };

int main()
{
	auto other = get;

	return other.clear();
}
