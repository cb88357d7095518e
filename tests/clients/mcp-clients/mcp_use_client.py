"""mcp-use: connects, calls, and makes tools of LangChain of ours.

Usage: python mcp_use_client.py BASE_URL API_KEY
"""

import asyncio
import os

# Before it is imported: it would tell others about each run.
os.environ["MCP_USE_ANONYMIZED_TELEMETRY"] = "false"

from judge import Judge, arguments
from mcp_use import MCPClient
from mcp_use.agents.adapters import LangChainAdapter


async def main(base, key):
    judge = Judge()
    servers = {"keyward": {"url": f"{base}/mcp/key", "auth": key}}
    client = MCPClient.from_dict({"mcpServers": servers})
    session = await client.create_session("keyward")
    names = [tool.name for tool in await session.list_tools()]

    async def call(name, given):
        return (await session.call_tool(name, given)).content

    await judge.works("mcp-use", names, call)
    adapter = LangChainAdapter()
    await adapter.create_tools(client)
    made = {tool.name: tool for tool in adapter.tools}
    judge.check("for LangChain: all of them", len(set(names) - set(made)), 0)
    listed = await made["list_deals"].ainvoke({"limit": 2})
    judge.check("for LangChain: a call", "next_cursor" in str(listed))
    await client.close_all_sessions()
    judge.ends()


asyncio.run(main(*arguments(2)[:2]))
