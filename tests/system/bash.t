#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# A bash script: arrays, process substitution, a coprocess, background jobs, traps, limits.
. "$(dirname "$0")/lib.sh"
cd "$PROGRAMS" || exit 1

same_as_host bash --package coreutils --with /usr/bin/diff -- /bin/bash work.bash
finish
