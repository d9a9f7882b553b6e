# This file is part of ts_scriptqueue.
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests of the script author's guide, which shows them beside the script."""
