#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run.sh: the protocol's models and their mutants: spin for every interleaving, loom for the memory orders.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
wrong=0

verdict() { # NAME STATUS
	if [ "$2" -eq 0 ]; then echo "ok $1"; else echo "not ok $1"; wrong=1; fi
}

spin_says() { # FLAGS...: 0 when no error was found in the whole space
	(cd "$folder" && rm -f pan* && spin -a "$@" "$here/lease.pml" >/dev/null && cc -O2 -w -DSAFETY -DCOLLAPSE -o pan pan.c &&
		./pan -m1000000 >pan.log 2>&1 && grep -q 'errors: 0' pan.log && ! grep -q 'Search not completed' pan.log)
}

if command -v spin >/dev/null; then
	spin_says; verdict "spin: the lease protocol" $?
	for mutant in PLAIN_PIN NO_BIAS NO_CLOSE NO_SECOND_LOOK LOST_GIVE_BACK SKIP_FREE_RECORD; do
		! spin_says "-D$mutant"; verdict "spin: the mutant $mutant is caught" $?
	done
else
	echo "skip spin: not installed"
fi

if command -v cargo >/dev/null; then
	cp -r "$here/loom" "$folder/loom"
	(cd "$folder/loom" && cargo test --release >cargo.log 2>&1); verdict "loom: the memory orders" $?
	for mutant in weak_give_back weak_close weak_shared plain_pin no_second_look; do
		! (cd "$folder/loom" && cargo test --release --features "$mutant" >cargo.log 2>&1)
		verdict "loom: the mutant $mutant is caught" $?
	done
else
	echo "skip loom: cargo is not installed"
fi
exit "$wrong"
