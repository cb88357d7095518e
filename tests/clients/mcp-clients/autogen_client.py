"""AutoGen: makes its tools of ours, and calls some.

Usage: python autogen_client.py BASE_URL API_KEY
"""

import asyncio
import json

from autogen_core import CancellationToken
from autogen_ext.tools.mcp import StreamableHttpServerParams, mcp_server_tools
from judge import Judge, arguments


async def main(base, key):
    judge = Judge()
    params = StreamableHttpServerParams(url=f"{base}/mcp/key", headers={"Authorization": f"Bearer {key}"})
    tools = {tool.name: tool for tool in await mcp_server_tools(params)}
    for tool in tools.values():
        judge.check(f"{tool.name}: a schema for the model", tool.schema["parameters"]["type"], "object")

    async def call(name, given):
        answer = await tools[name].run_json(given, CancellationToken())
        return json.loads(tools[name].return_value_as_string(answer))

    await judge.works("AutoGen", list(tools), call)
    judge.ends()


asyncio.run(main(*arguments(2)[:2]))
