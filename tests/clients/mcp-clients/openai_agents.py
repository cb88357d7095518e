"""OpenAI's Agents SDK: connects, converts every tool to strict mode, and calls some.

Usage: python openai_agents.py BASE_URL API_KEY
"""

import asyncio
import json

from agents import Agent, RunContextWrapper
from agents.mcp import MCPServerStreamableHttp, MCPUtil
from agents.tool_context import ToolContext
from judge import Judge, arguments, first_text


def strict(tool):
    return tool.params_json_schema if tool.strict_json_schema else None


async def main(base, key):
    judge = Judge()
    params = {"url": f"{base}/mcp/key", "headers": {"Authorization": f"Bearer {key}"}, "timeout": 20}
    async with MCPServerStreamableHttp(params=params, client_session_timeout_seconds=20) as server:
        agent = Agent(name="judge", mcp_servers=[server])
        context = RunContextWrapper(context=None)
        tools = await MCPUtil.get_all_function_tools([server], True, context, agent)
        by_name = {tool.name: tool for tool in tools}
        for tool in tools:
            # Without arguments there is nothing to be strict about.
            if tool.params_json_schema["properties"]:
                judge.check(f"{tool.name}: strict mode takes it", tool.strict_json_schema)

        async def call(name, given):
            text = json.dumps(given)
            shown = await by_name[name].on_invoke_tool(
                ToolContext(context=None, tool_name=name, tool_call_id=f"call_{name}", tool_arguments=text), text
            )
            return first_text(shown)

        await judge.works("OpenAI Agents", list(by_name), call)
        # In strict mode a model gives every argument: what it leaves out is empty.
        listed = by_name["list_deals"].params_json_schema["properties"]
        empty = {name: {"array": [], "string": ""}.get(schema.get("type")) for name, schema in listed.items() if "enum" not in schema}
        answer = await call("list_deals", {**empty, "limit": 2})
        judge.check("all arguments given, most of them empty", len(json.loads(answer)["deals"]) if answer.startswith("{") else answer, 2)
    judge.ends([{"by": "OpenAI Agents", "as": "strict", "tools": [{"name": tool.name, "schema": strict(tool)} for tool in tools]}])


asyncio.run(main(*arguments(2)[:2]))
