"""Declarative tests and evals for Gemini's native API."""

__version__ = "0.1.0"
