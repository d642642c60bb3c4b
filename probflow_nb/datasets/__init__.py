"""Small real data sets with their sources; imports nothing of this package."""
