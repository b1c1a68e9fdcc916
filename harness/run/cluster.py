"""A Ray cluster to play on, ``run --ray [ADDRESS]``: joined, or started on this machine; and what has to be the same on its
machines."""

from __future__ import annotations

import logging
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from harness.errors import UsageError
from harness.gemini.providers import secrets as keys_of
from harness.run import processes
from harness.run.case_worker import Facts, WorkerSetup
from harness.run.resume import changed_files
from harness.run.session import Plan, RecordPolicy
from harness.transport import journal

LOCAL = "local"
"""The address that stands for this machine."""
MOST = 1_000
"""Workers."""
_CONNECTS, _ANSWERS = 5.0, 20.0
"""Seconds: for a port to open, and for a cluster to answer."""
_QUIET = {"RAY_USAGE_STATS_ENABLED": "0"}
_STORE = 200 * 2**20
"""Bytes of shared memory: rows do not stay there."""


@contextmanager
def connected(address: str, workers: int | None) -> Iterator[tuple[Any, int]]:
    """(Ray, the number of workers). It is started for ``LOCAL``, else it is the one at ``address``. Leaving the block disconnects,
    and stops a Ray that was started here. Raises UsageError, after ``_CONNECTS`` + ``_ANSWERS`` seconds at most, if there is none.
    """
    if find_spec("ray") is None:
        raise UsageError("--ray needs Ray, which is not installed: pip install 'gemini-harness[ray]'")
    os.environ.update(_environment(address))
    import ray

    logging.getLogger("ray").setLevel(logging.CRITICAL)
    cores, before = workers or processes.cores(), signal.getsignal(signal.SIGTERM)
    with TemporaryDirectory(prefix="harness-", ignore_cleanup_errors=True) as folder:
        try:
            _join(ray, address, cores, folder)
            signal.signal(signal.SIGTERM, before)  # Ray sets its own
            free = cores if address == LOCAL else int(ray.available_resources().get("CPU", 0))
            yield ray, max(1, min(workers or free, free, MOST))
        finally:
            ray.shutdown()


def _environment(address: str) -> dict[str, str]:
    """The variables of Ray that are not set, for this address. It reads them while it is imported.

    On this machine only who knows a token of ours may send work. A cluster says whether it wants one.
    """
    if address == LOCAL:
        own = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    else:
        _check_port(address)
        own = {"RAY_AUTH_MODE": _mode_of(address)}
    return {**_QUIET, **own, **{name: os.environ[name] for name in (*_QUIET, *own) if name in os.environ}}


def _join(ray: Any, address: str, cores: int, folder: str) -> None:
    own: dict[str, Any] = {}
    if address == LOCAL:
        own = {"num_cpus": cores, "object_store_memory": _STORE, "_temp_dir": folder}
    try:
        ray.init(address, include_dashboard=False if own else None, log_to_driver=False, configure_logging=False, **own)
    except Exception as fault:  # noqa: BLE001 - Ray raises many kinds, and each is about the cluster
        raise UsageError(f"--ray {address}: {_reason(fault)}") from None


def _reason(fault: BaseException) -> str:
    text = " ".join(str(fault).split())
    if "Version mismatch" in text:
        return f"another Python or Ray on the cluster; install the same here. {text}"
    return text.partition(". ")[0] or type(fault).__name__


def _check_port(address: str) -> None:
    """Raises UsageError if nothing listens there."""
    found = re.fullmatch(r"(?:\[(.+)\]|([^:/]+)):(\d{1,5})", address)
    if not found or int(found[3]) > 65535:
        raise UsageError(
            f"--ray {address}: write HOST:PORT, as in --ray 10.0.0.1:6379; without an address it is this machine"
        )
    try:
        socket.create_connection((found[1] or found[2], int(found[3])), _CONNECTS).close()
    except OSError as fault:
        why = fault.strerror or str(fault)
        raise UsageError(
            f"--ray {address}: no Ray cluster answers there: {why}; `ray start --head` starts one"
        ) from None


def _mode_of(address: str) -> str:
    """How a cluster wants to be asked. Raises UsageError if none answers; Ray itself would try again for minutes."""
    given = os.environ.get("RAY_AUTH_MODE")
    for mode in [given] if given else ["disabled", "token"]:
        fault = _fault_of(address, mode)
        if not fault:
            return mode
        if "AuthToken" not in fault:
            break
    raise UsageError(f"--ray {address}: the cluster refuses: {fault.partition('. ')[0]}")


def _fault_of(address: str, mode: str) -> str:
    """Why the cluster cannot be joined in this mode; empty if it can."""
    asked = [sys.executable, "-m", "ray.scripts.scripts", "health-check", "--skip-version-check", "--address", address]
    try:
        done = subprocess.run(  # noqa: S603 - Ray's own command
            asked,
            capture_output=True,
            text=True,
            timeout=_ANSWERS,
            check=False,
            env={**os.environ, **_QUIET, "RAY_AUTH_MODE": mode},
        )
    except subprocess.TimeoutExpired:
        raise UsageError(
            f"--ray {address}: what answers there is no Ray cluster, or it did not answer for {_ANSWERS:g} s"
        ) from None
    return (done.stderr.strip().splitlines() or ["no reason"])[-1] if done.returncode else ""


# --- what has to be the same --------------------------------------------------------------------------

_VARIABLE = re.compile(rb"\$\{env:([^}]*)\}")


def setup(plan: Plan, policy: RecordPolicy, workers: int, since: datetime | None) -> WorkerSetup:
    """What every worker has to know. ``workers``: their number. ``since``: see `Recorder`."""
    config, folders = plan.config, plan.trials.folders()
    return WorkerSetup(
        folder=Path.cwd(),
        files=[Path(suite.file) for suite in plan.suites],
        selection=plan.trials.selection,
        config=config,
        policy=policy,
        at_once=-(-config.concurrency // workers),
        environment=environment(plan),
        since=since,
        interrupted=frozenset(path for folder in folders for path in journal.unfinished(folder)),
    )


def environment(plan: Plan) -> dict[str, str]:
    """The variables that workers need: the keys of providers, and those that the suites read."""
    found = {name: value for row in plan.config.providers.values() for name, value in keys_of(row, os.environ).items()}
    for suite in plan.suites:
        for names in _VARIABLE.findall(Path(suite.file).read_bytes()):
            wanted = (name.strip() for name in names.decode(errors="replace").split("|"))
            found |= {name: os.environ[name] for name in wanted if name in os.environ}
    return found


def differences(here: Facts, there: Facts) -> Iterator[str]:
    """What is not the same on a worker's machine, in sentences."""
    if there.harness != here.harness:
        yield f"gemini-harness is {there.harness} there and {here.harness} here"
    if there.python != here.python:
        yield f"Python is {there.python} there and {here.python} here"
    yield from changed_files(here.suites, there.suites)
    for folder, listed in here.cassettes.items():
        if there.cassettes.get(folder) != listed:
            yield f"{folder} holds other cassettes: share the folder, or copy it to every machine"


def compare(here: Facts, there: Facts) -> None:
    """Raises UsageError if the machines are not alike."""
    if found := list(differences(here, there)):
        more = f"\n  and {len(found) - 5:,} more" if len(found) > 5 else ""
        lines = "".join(f"\n  {line}" for line in found[:5])
        raise UsageError(f"--ray: the worker on {there.machine} would not play the same:{lines}{more}")
