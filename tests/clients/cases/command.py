"""Runs clients that are programs."""

import os
import re
import shutil
import subprocess

from programs import ENVIRONMENT, PATIENCE
from suite import Missing


def find(name):
    path = shutil.which(name)
    if path is None:
        raise Missing(f"{name} was not found")
    return path


def version_of(command, pattern):
    run = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, stdin=subprocess.DEVNULL)
    match = re.search(pattern, run.stdout + run.stderr)
    return match[1] if match else "?"


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
