#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# GNU coreutils, forty of them in one script.
. "$(dirname "$0")/lib.sh"
cd "$PROGRAMS" || exit 1

same_as_host coreutils --package coreutils -- /bin/bash coreutils.sh
finish
