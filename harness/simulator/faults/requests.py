"""Fields of the request that a gateway drops. The answer is a healthy one to the remaining request."""

from __future__ import annotations

from harness.simulator.faults.registry import forgets

forgets("forgets-system", "the system instruction is dropped", "systemInstruction")
forgets("forgets-config", "the generationConfig is dropped", "generationConfig", rule="json-parses")
forgets("forgets-tools", "the tools are dropped", "tools", "toolConfig")
