"""nginx as a reverse proxy. The servers in nginx.conf are the ways to proxy."""

import os

from cases import proxy
from programs import find, retried, version_of

NAME = "nginx"


def version():
    return version_of([find("nginx"), "-v"], r"nginx/([\d.]+)")


def begin(stage):
    command = ["nginx", "-p", stage.scratch, "-e", "stderr"]
    if os.geteuid() == 0:
        # Otherwise its worker's user could not read the scratch folder.
        command += ["-g", "user root;"]
    command.append("-c")
    return retried(
        lambda: proxy.Proxy(stage, "nginx", "nginx.conf", command, ["kept", "closed", "unbuffered", "socket"])
    )


def cases(_stage, started):
    return proxy.cases(started)
