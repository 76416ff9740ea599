"""Builds the programs of this workspace."""

import json
import os
import subprocess
import sys

from .servers import HERE


def build(programs, no_build=False, profile="release"):
    """Builds them, and returns the path of each."""
    programs = sorted(set(programs))
    if not programs:
        return {}
    manifest = os.path.join(HERE, "Cargo.toml")
    if no_build:
        command = ["cargo", "metadata", "--no-deps", "--format-version=1", "--manifest-path", manifest]
        output = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
        folder = os.path.join(json.loads(output)["target_directory"], profile)
        return {program: os.path.join(folder, program) for program in programs}
    command = ["cargo", "build", "--profile", profile, "--manifest-path", manifest]
    command += ["--message-format=json-render-diagnostics"]
    command += [argument for program in programs for argument in ("--bin", program)]
    output = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if output.returncode != 0:
        sys.exit("the build failed")
    found = {}
    for line in output.stdout.splitlines():
        message = json.loads(line)
        if message.get("executable"):
            found[message["target"]["name"]] = message["executable"]
    return found
