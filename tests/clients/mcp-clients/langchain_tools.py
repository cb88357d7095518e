"""LangChain: makes its tools of ours, and calls some.

Usage: python langchain_tools.py BASE_URL API_KEY
"""

import asyncio

from judge import Judge, arguments
from langchain_core.utils.function_calling import convert_to_openai_tool
from langchain_mcp_adapters.client import MultiServerMCPClient


async def main(base, key):
    judge = Judge()
    server = {"transport": "streamable_http", "url": f"{base}/mcp/key", "headers": {"Authorization": f"Bearer {key}"}}
    tools = {tool.name: tool for tool in await MultiServerMCPClient({"keyward": server}).get_tools()}
    for name, tool in tools.items():
        judge.check(f"{name}: for a model", convert_to_openai_tool(tool, strict=True)["function"]["name"], name)
    await judge.works("LangChain", list(tools), lambda name, given: tools[name].ainvoke(given))
    judge.ends()


asyncio.run(main(*arguments(2)[:2]))
