"""Speed compared with floors that the same run measures. Prints ratios and asserts nothing, because machines are noisy."""
