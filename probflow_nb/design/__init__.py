"""Meaning and data to arrays; imports `spec` and what lies below it."""
