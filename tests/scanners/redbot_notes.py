"""Prints what REDbot notes about resources, as JSON. The argument is a list of their URLs, methods and fields, as JSON."""

import json
import sys
from configparser import ConfigParser

import thor
from redbot.resource import HttpResource


def shown(notes):
    """The level, name and text of notes and of the notes below them."""
    every = []
    for note in notes:
        every.append((note.level.value, type(note).__name__, str(note.summary)))
        every.extend(shown(note.subnotes))
    return every


def report(resource):
    responses = {"response": resource.response}
    for name, request in resource.subreqs.items():
        if request.response.status_code:
            responses[name] = request.response
    return {
        "status": resource.response.status_code,
        "error": None if resource.fetch_error is None else str(resource.fetch_error.desc),
        "notes": {name: shown(response.notes) for name, response in responses.items()},
    }


config = ConfigParser()
config.read_dict({"redbot": {"enable_local_access": "True"}})
resources = []
for url, method, fields in json.loads(sys.argv[1]):
    resource = HttpResource(config["redbot"])
    resource.set_request(url, method=method, headers=[tuple(field) for field in fields])
    resources.append(resource)
left = iter(resources)


def check_next():
    """One after the other: REDbot measures how long an answer takes."""
    resource = next(left, None)
    if resource is None:
        thor.stop()
        return
    resource.on("check_done", lambda: thor.schedule(0, check_next))
    resource.check()


check_next()
thor.run()
print(json.dumps([report(resource) for resource in resources]))
