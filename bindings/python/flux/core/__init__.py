"""The handle and what it works with."""
