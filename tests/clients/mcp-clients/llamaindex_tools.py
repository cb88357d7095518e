"""LlamaIndex: makes its tools of ours, and calls some.

Usage: python llamaindex_tools.py BASE_URL API_KEY
"""

import asyncio

from judge import Judge, arguments
from llama_index.tools.mcp import BasicMCPClient, McpToolSpec


async def main(base, key):
    judge = Judge()
    client = BasicMCPClient(f"{base}/mcp/key", headers={"Authorization": f"Bearer {key}"})
    tools = {tool.metadata.name: tool for tool in await McpToolSpec(client=client).to_tool_list_async()}
    for name, tool in tools.items():
        judge.check(f"{name}: for a model", tool.metadata.to_openai_tool()["function"]["name"], name)

    async def call(name, given):
        return (await tools[name].acall(**given)).raw_output.content

    await judge.works("LlamaIndex", list(tools), call)
    judge.ends()


asyncio.run(main(*arguments(2)[:2]))
