"""Runs clients that are programs."""

import os
import subprocess

from programs import ENVIRONMENT, PATIENCE


def run(command, stdin=b"", folder=None):
    """Runs a command to its end; returns its exit code, output and errors, as bytes."""
    return subprocess.run(
        command,
        input=stdin,
        capture_output=True,
        env={**ENVIRONMENT, "HOME": "/nonexistent"},
        cwd=folder,
        timeout=2 * PATIENCE,
    )


def read(path):
    if not os.path.exists(path):
        return None
    with open(path, "rb") as file:
        return file.read()
