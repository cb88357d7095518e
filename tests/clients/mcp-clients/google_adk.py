"""Google's ADK: an agent whose model only calls the tools that it is given.

Usage: python google_adk.py BASE_URL API_KEY
"""

import asyncio

from google.adk.agents import LlmAgent
from google.adk.models import BaseLlm, LlmResponse
from google.adk.runners import InMemoryRunner
from google.adk.tools.mcp_tool import McpToolset, StreamableHTTPConnectionParams
from google.genai import types
from judge import Judge, arguments

OFFERED, RETURNED = [], []


class Calls(BaseLlm):
    """Calls one tool, and then ends."""

    tool: str
    given: dict

    async def generate_content_async(self, llm_request, stream=False):
        OFFERED[:] = [declared.name for tool in llm_request.config.tools for declared in tool.function_declarations]
        RETURNED[:] = [part.function_response.response for part in llm_request.contents[-1].parts if part.function_response]
        part = types.Part(text="Done.") if RETURNED else types.Part(function_call=types.FunctionCall(name=self.tool, args=self.given))
        yield LlmResponse(content=types.Content(role="model", parts=[part]))


async def main(base, key):
    judge = Judge()
    where = StreamableHTTPConnectionParams(url=f"{base}/mcp/key", headers={"Authorization": f"Bearer {key}"})

    async def call(name, given):
        """One run of the agent; what its model is shown."""
        toolset = McpToolset(connection_params=where)
        runner = InMemoryRunner(agent=LlmAgent(name="judge", model=Calls(model="calls", tool=name, given=given), tools=[toolset]), app_name="judge")
        session = await runner.session_service.create_session(app_name="judge", user_id="judge")
        asked = types.Content(role="user", parts=[types.Part(text="Two deals.")])
        async for _ in runner.run_async(user_id="judge", session_id=session.id, new_message=asked):
            pass
        await toolset.close()
        return RETURNED[0]["content"]

    await call("get_my_profile", {})
    await judge.works("ADK", list(OFFERED), call)
    judge.ends()


asyncio.run(main(*arguments(2)[:2]))
