#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# aarch64.sh: brings cmocka for aarch64 into build/aarch64-root, for the cross build of tools/aarch64.ini.
#
# The system keeps its own architecture: apt works here on lists and a status of its own, and the packages are only
# unpacked. Prints what is missing and ends with 1 when that cannot be done.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
to=$PWD/build/aarch64-root

[ -f "$to/done" ] && exit 0
for tool in aarch64-linux-gnu-gcc qemu-aarch64-static; do
	command -v "$tool" >/dev/null || { echo "$tool is not installed"; exit 1; }
done
for tool in apt-get dpkg-deb; do
	command -v "$tool" >/dev/null || { echo "no Debian packages on this system"; exit 1; }
done
rm -rf "$to"
mkdir -p "$to/apt/state/lists/partial" "$to/apt/cache/archives/partial"
: >"$to/apt/status"
own=(-o APT::Architecture=arm64 -o APT::Architectures::=arm64 -o "Dir::State=$to/apt/state"
	-o "Dir::State::status=$to/apt/status" -o "Dir::Cache=$to/apt/cache" -o "APT::Sandbox::User=$(id -un)"
	-o Acquire::Languages=none)
(cd "$to/apt" && apt-get "${own[@]}" update >log 2>&1 && apt-get "${own[@]}" download libcmocka-dev libcmocka0 >>log 2>&1) || {
	echo "libcmocka-dev of arm64 cannot be had: $(tail -n 1 "$to/apt/log")"
	exit 1
}
for package in "$to"/apt/*.deb; do
	dpkg-deb -x "$package" "$to"
done
rm -rf "$to/apt"
touch "$to/done"
