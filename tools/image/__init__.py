# SPDX-License-Identifier: BSD-2-Clause
"""What goes into a machine: ELF dependencies, the tree of files, the cpio archive."""
