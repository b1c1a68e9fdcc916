"""How to compare: a value found in an answer against what the suite wrote. (contract stub)"""
