"""Verbs on finished runs, by the command's own name."""
