"""Runs the ``run:`` steps of a composite action as GitHub does: conditions, contexts, outputs, a file of the step's summary."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]


@dataclass
class Job:
    """A job that runs the action at the top of this repository. ``bin`` is a folder that comes first on the path."""

    workspace: Path
    bin: Path
    temp: Path
    pull_request: int | None = None
    printed: str = ""
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    uploaded: list[str] = field(default_factory=list)

    def run(self, **given: str) -> int:
        """The exit code of the action with these inputs (``_`` for ``-``)."""
        action = yaml.safe_load((ROOT / "action.yml").read_text())
        inputs = {name: str(row.get("default", "")) for name, row in action["inputs"].items()}
        inputs |= {name.replace("_", "-"): value for name, value in given.items()}
        self.outputs, self.uploaded, self.printed = {}, [], ""
        for step in action["runs"]["steps"]:
            if not self.value(step.get("if", "${{ true }}"), inputs):
                continue
            if "uses" in step:
                self.use(step, inputs)
            elif code := self.step(step, inputs):
                return code
        return 0

    def use(self, step: Mapping[str, Any], inputs: Mapping[str, str]) -> None:
        if step["uses"].startswith("actions/upload-artifact@"):
            self.uploaded.append(str(self.value(step["with"]["name"], inputs)))
            assert Path(str(self.value(step["with"]["path"], inputs))).is_dir()

    def step(self, step: Mapping[str, Any], inputs: Mapping[str, str]) -> int:
        output = self.temp / "output"
        output.write_text("")
        self.temp.mkdir(exist_ok=True)
        environ = {
            **{
                name: value for name, value in os.environ.items() if not name.startswith(("GITHUB", "GEMINI", "GOOGLE"))
            },
            **{name: str(self.value(text, inputs)) for name, text in step.get("env", {}).items()},
            "PATH": f"{self.bin}{os.pathsep}{os.environ['PATH']}",
            "RUNNER_TEMP": str(self.temp),
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(self.temp / "summary.md"),
            "GITHUB_WORKSPACE": str(self.workspace),
            "GITHUB_REPOSITORY": "someone/project",
            "GITHUB_ACTIONS": "true",
        }
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
            cwd=self.workspace / str(self.value(step.get("working-directory", "."), inputs)),
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        self.printed += done.stdout + done.stderr
        lines = (line.partition("=") for line in output.read_text().splitlines())
        self.outputs[step.get("id", step["name"])] = {name: value for name, _, value in lines}
        return done.returncode

    def value(self, text: str, inputs: Mapping[str, str]) -> Any:
        """A text with its one ``${{ }}`` filled in."""
        whole = re.fullmatch(r"\$\{\{ (.*) \}\}", text)
        return self.expression(whole[1], inputs) if whole else text

    def expression(self, text: str, inputs: Mapping[str, str]) -> Any:
        for mark, every in (("&&", all), ("||", any)):
            if mark in text:
                return every(self.expression(part.strip(), inputs) for part in text.split(mark))
        if comparison := re.fullmatch(r"(\S+) ([!=]=) '(.*)'", text):
            same = str(self.expression(comparison[1], inputs)) == comparison[3]
            return same == (comparison[2] == "==")
        scope, _, name = text.partition(".")
        if scope == "inputs":
            return inputs[name]
        if scope == "steps":
            step, _, output = name.partition(".outputs.")
            return self.outputs.get(step, {}).get(output, "")
        known: dict[str, Any] = {
            "true": True,
            "!cancelled()": True,
            "github.token": "token",
            "github.event.pull_request.number": self.pull_request or "",
        }
        return known[text]
