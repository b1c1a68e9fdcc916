"""Speed, beside floors taken in the same run. Prints ratios; asserts nothing (machines are noisy)."""
