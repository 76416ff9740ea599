"""The scanners."""
