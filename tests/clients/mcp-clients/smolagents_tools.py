"""smolagents: makes its tools of ours, and calls some.

Usage: python smolagents_tools.py BASE_URL API_KEY
"""

import asyncio

from judge import Judge, arguments
from smolagents import ToolCollection


def main(base, key):
    judge = Judge()
    server = {"url": f"{base}/mcp/key", "transport": "streamable-http", "headers": {"Authorization": f"Bearer {key}"}}
    with ToolCollection.from_mcp(server, trust_remote_code=True) as collection:
        tools = {tool.name: tool for tool in collection.tools}

        async def call(name, given):
            return tools[name](**given)

        asyncio.run(judge.works("smolagents", list(tools), call))
    judge.ends()


main(*arguments(2)[:2])
