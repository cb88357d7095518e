"""Pydantic AI: an agent whose model only calls the tools that it is given.

Usage: python pydantic_ai_agent.py BASE_URL API_KEY
"""

import asyncio

from judge import Judge, arguments
from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import FunctionModel


async def main(base, key):
    judge, offered = Judge(), []
    toolset = MCPToolset(f"{base}/mcp/key", headers={"Authorization": f"Bearer {key}"})

    async def call(name, given):
        """One run of the agent, in which the model calls this tool; what it is then shown."""
        returned = []

        def model(messages, info):
            offered[:] = [tool.name for tool in info.function_tools]
            returned[:] = [part.model_response_str() for part in messages[-1].parts if isinstance(part, ToolReturnPart)]
            return ModelResponse(parts=[TextPart("Done.") if returned else ToolCallPart(name, given)])

        async with Agent(FunctionModel(model), toolsets=[toolset]) as agent:
            judge.check("ends", (await agent.run("Two deals.")).output, "Done.")
        return returned[0]

    await call("get_my_profile", {})
    await judge.works("Pydantic AI", list(offered), call)
    judge.ends()


asyncio.run(main(*arguments(2)[:2]))
