# SPDX-License-Identifier: BSD-2-Clause
"""Exit statuses of the launcher that are not the program's own."""

TIMED_OUT = 124
LAUNCHER_ERROR = 125
KERNEL_PANIC = 126
NOT_FOUND = 127
SIGNAL_BASE = 128


class LaunchError(Exception):
    """Ends the run with a message and a status; `details` are lines that explain, such as the end of the kernel's log."""

    def __init__(self, message, status=LAUNCHER_ERROR, details=()):
        super().__init__(message)
        self.status, self.details = status, list(details)
