"""Unmodified clients of the API, pointed at the simulator by base URL only. ``make clients`` runs them in separate environments."""
