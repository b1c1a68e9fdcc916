"""Starts a simulator and runs each client's tests in the environment that has it: ``python -m tests.clients [pytest options]``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from harness.simulator import serve

ROOT = Path(__file__).parents[2]
ENVIRONMENTS = {
    "clients": ["google_genai", "llm_gemini", "openai"],
    "clients-genai2": ["google_genai", "instructor", "langchain", "openai", "pydantic_ai"],
}
"""Dependency group of ``pyproject.toml`` (installed in ``.venv-GROUP``) -> its clients."""
URL = "GEMINI_SIMULATOR"
_KEYS = (
    "GOOGLE_API_KEY",
    "GEMINI_API_KEY",
    "OPENAI_API_KEY",
    "GOOGLE_GEMINI_BASE_URL",
    "OPENAI_BASE_URL",
    "LLM_GEMINI_KEY",
)


def main(options: list[str]) -> int:
    """Run the tests in all environments. Returns the worst exit code."""
    with serve.start() as simulator:
        return max(_run(group, clients, simulator.url, options) for group, clients in ENVIRONMENTS.items())


def _run(group: str, clients: list[str], url: str, options: list[str]) -> int:
    python = ROOT / f".venv-{group}" / "bin" / "python"
    if not python.exists():
        print(f"no environment {python.parents[1].name}: `make clients` installs it", file=sys.stderr)
        return 4
    print(f"{group}: {', '.join(clients)}", flush=True)
    environment = {name: value for name, value in os.environ.items() if name not in _KEYS} | {URL: url}
    files = [f"tests/clients/test_{client}.py" for client in clients]
    # Only the conftest of the clients: the other one needs packages that these environments do not have.
    alone = ["-p", "no:cacheprovider", "--confcutdir", "tests/clients", "-W", "ignore"]
    command = [str(python), "-m", "pytest", "-q", *alone, *files, *options]
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
