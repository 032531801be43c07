#!/bin/sh
# SPDX-License-Identifier: BSD-2-Clause
# Debian's servers and their clients, who talk over the loopback interface.
. "$(dirname "$0")/debian.sh"
cd "$WORK" || exit 1
SECONDS_ALLOWED=900

tool debian_network.sh tools
tool debian_network.sh web
tool debian_network.sh repository
tool debian_network.sh redis
tool debian_network.sh secure_shell
tool debian_network.sh interfaces
finish
