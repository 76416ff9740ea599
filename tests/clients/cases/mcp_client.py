"""The official Python client of the Model Context Protocol."""

import asyncio
import contextlib
import importlib.metadata
import json

import httpx2
from mcp import ClientSession, MCPError
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from programs import PATIENCE
from suite import check

NAME = "mcp (Python)"
CURRENT = "2026-07-28"
WITH_HANDSHAKE = "2025-11-25"


def version():
    return importlib.metadata.version("mcp")


@contextlib.asynccontextmanager
async def session_of(stage):
    """A session that begins with `initialize`, and its result."""
    async with streamable_http_client(stage.tools.url("/mcp")) as (read, write):
        async with ClientSession(read, write, read_timeout_seconds=PATIENCE) as session:
            yield session, await session.initialize()


def client_of(stage):
    """A client that finds out which revision the server speaks."""
    return Client(stage.tools.url("/mcp"), read_timeout_seconds=PATIENCE)


async def code_of(call):
    try:
        await call
    except MCPError as error:
        return error.error.code
    return None


async def use(client, text):
    """Tools that are there, one that is not, and arguments that are wrong: the same in all revisions."""
    tools = (await client.list_tools()).tools
    check([tool.name for tool in tools], ["statistics", "add_note", "find_notes"], "tools")
    check([*tools[0].input_schema["properties"]], ["numbers"], "arguments")

    result = await client.call_tool("statistics", {"numbers": [1, 2.5, -5]})
    expected = {"count": 3, "sum": -1.5, "mean": -0.5, "min": -5.0, "max": 2.5}
    check((result.is_error, result.structured_content), (False, expected), "statistics")
    check(json.loads(result.content[0].text), expected, "statistics as text")

    for note in (text, f"{text} again"):
        check((await client.call_tool("add_note", {"text": note})).is_error, False, "note")
    found = await client.call_tool("find_notes", {"words": text.upper()})
    check(found.structured_content, {"notes": [f"{text} again", text]}, "notes")

    for name, arguments, told in [
        ("statistics", {"numbers": []}, "There are no numbers."),
        ("statistics", {"numbers": ["one"]}, "Wrong arguments: invalid type"),
        ("statistics", {}, "Wrong arguments: missing field `numbers`"),
        ("add_note", {"text": "x", "tag": "y"}, "Wrong arguments: unknown field `tag`"),
        ("add_note", {"text": "x" * 2001}, "A note has at most 2000 bytes"),
    ]:
        result = await client.call_tool(name, arguments)
        check((result.is_error, result.content[0].text[: len(told)]), (True, told), f"{name}'s error")
    check(await code_of(client.call_tool("guess", {})), -32602, "error of an unknown tool")
    check(await code_of(client.list_resources()), -32601, "error of a method that is not there")


def case_handshake(stage):
    """A session with a handshake: tools, their errors, those of the protocol, ping"""

    async def work():
        async with session_of(stage) as (session, begun):
            check(begun.protocol_version, WITH_HANDSHAKE, "version")
            check(begun.server_info.name, "tool_server", "name")
            await session.send_ping()
            await use(session, "Käse, handshake")

    asyncio.run(work())


def case_current(stage):
    """The same in the current revision, found by asking"""

    async def work():
        async with client_of(stage) as client:
            check(client.protocol_version, CURRENT, "version")
            check(client.server_info.name, "tool_server", "name")
            await use(client, "Käse, current")

    asyncio.run(work())


def case_at_once(stage):
    """20 clients at once, 10 calls each, and none gets another's answer"""

    async def work():
        async def one(number):
            async with client_of(stage) as client:
                calls = [client.call_tool("statistics", {"numbers": [number, at]}) for at in range(10)]
                return [result.structured_content["sum"] for result in await asyncio.gather(*calls)]

        return await asyncio.gather(*(one(number * 100) for number in range(20)))

    check(asyncio.run(work()), [[number * 100.0 + at for at in range(10)] for number in range(20)], "sums")


def case_foreign(stage):
    """A page of another site, and a name that leads here, are refused"""

    async def status(**headers):
        async with httpx2.AsyncClient(headers=headers, timeout=PATIENCE) as http:
            body = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
            return (await http.post(stage.tools.url("/mcp"), json=body)).status_code

    async def work():
        own = {"MCP-Protocol-Version": WITH_HANDSHAKE}
        foreign = [{"Origin": "http://evil.example"}, {"Origin": "null"}, {"Host": "evil.example"}]
        return [await status(**own, **more) for more in [{}, *foreign]]

    check(asyncio.run(work()), [200, 403, 403, 421], "status codes")
