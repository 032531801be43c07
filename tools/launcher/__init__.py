# SPDX-License-Identifier: BSD-2-Clause
"""The parts of `cowslip run`: options, the machine, and the session with the program in it."""
