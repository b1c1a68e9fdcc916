"""Moves the clock of every Python process to a day: ``make clock`` puts this folder on the path, with time-machine.

The day stands in ``CLOCK``, as in ``CLOCK=2027-06-01``. Without it the clock is right.
"""

import os
from datetime import datetime

if day := os.environ.get("CLOCK"):
    import time_machine  # type: ignore[import-not-found]

    time_machine.travel(datetime.fromisoformat(f"{day}T10:00:00+00:00"), tick=True).start()
