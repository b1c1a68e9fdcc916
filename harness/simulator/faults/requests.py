"""What a gateway does not pass on: the request arrives without it, and the answer is a healthy one to another question."""

from __future__ import annotations

from harness.simulator.faults.registry import forgets

forgets("forgets-system", "the system instruction does not arrive", "systemInstruction")
forgets("forgets-config", "the generationConfig does not arrive", "generationConfig", rule="json-parses")
forgets("forgets-tools", "the tools do not arrive", "tools", "toolConfig")
