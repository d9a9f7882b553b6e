# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scripts: the class they are made from, their configuration, and the packaged ones."""
