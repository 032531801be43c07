#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A shell script with a thousand pipelines of busybox's tools computes the same as on the host.
. "$(dirname "$0")/lib.sh"
cd "$PROGRAMS" || exit 1

same_as_host 'busybox: a thousand pipelines' --cpus 2 -- $BUSYBOX sh pipelines.sh
finish
