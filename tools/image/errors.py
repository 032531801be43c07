# SPDX-License-Identifier: BSD-2-Clause
"""The one error of the image tools: its text is meant for the person at the terminal."""


class ImageError(Exception):
    pass


class ProgramNotFound(ImageError):
    pass
