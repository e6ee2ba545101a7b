"""Patterns that people write and agents' texts are searched for. Law: a search takes bounded work, or it is not begun."""

from workflows.patterns.searching import LONGEST, MOST_WORK, Pattern, escaped, pattern, why_no_pattern

__all__ = ["LONGEST", "MOST_WORK", "Pattern", "escaped", "pattern", "why_no_pattern"]
