/* SPDX-License-Identifier: Apache-2.0 */
/* names_missing.cc: demands: no match|no matching|could not convert */
#include <tenure/tenure.hpp>

struct model {
	int layers;
};
struct closer {
	void operator()(model *m) const { delete m; }
};
using owned = std::unique_ptr<model, closer>;

static tenure::function<model, closer, std::string, bool> get{ "get", { "path" },
	[](tenure_call *, std::string, bool) { return owned(); } };

int main()
{
	return get.clear();
}
