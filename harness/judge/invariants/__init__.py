"""What every answer must satisfy without anyone asserting it: one file per family, one function per rule.

A rule that needs the request is silent where there is none; a rule about the answer is silent where there is no whole
answer to judge, so that one fault is told once: a 429 by ``http-status``, a cut by ``stream-end`` or ``finish-reason``.
"""

from __future__ import annotations

import importlib
import pkgutil

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
