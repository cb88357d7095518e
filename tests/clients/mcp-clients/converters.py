"""Google's SDK and LangChain convert our tools for Gemini, LangChain for OpenAI's strict mode, and llguidance compiles them.

Usage: python converters.py BASE_URL API_KEY
"""

import asyncio
import json

from fastmcp import Client
from google.genai import _mcp_utils
from judge import Judge, arguments
from langchain_core.tools import StructuredTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from langchain_google_genai._function_utils import convert_to_genai_function_declarations
from llguidance import LLMatcher


def declared(tools):
    """The declarations of tools as Gemini is sent them."""
    sent = [tool.model_dump(mode="json", exclude_none=True, by_alias=True) for tool in tools]
    found = [each for tool in sent for each in tool.get("functionDeclarations", tool.get("function_declarations"))]
    return [{"name": each["name"], "schema": each.get("parameters", each.get("parametersJsonSchema"))} for each in found]


async def main(base, key):
    judge, shown = Judge(), []
    async with Client(f"{base}/mcp/key", auth=key) as client:
        tools = await client.list_tools()
    judge.check("all of them", len(tools) >= 26)

    def converted(by, dialect, convert):
        """Each alone, so that every tool that is not taken is named."""
        taken = []
        for tool in tools:
            try:
                taken += convert(tool)
            except Exception as error:
                judge.check(f"{by}: {tool.name}", f"{type(error).__name__}: {error}"[:400], "taken")
        judge.check(f"{by}: all of them", len(taken), len(tools))
        shown.append({"by": by, "as": dialect, "tools": taken})

    def offered(tool):
        """As LangChain's adapters of MCP hand it on."""
        return StructuredTool(name=tool.name, description=tool.description, args_schema=schema(tool), func=lambda **_: None)

    def strict(tool):
        function = convert_to_openai_tool(offered(tool), strict=True)["function"]
        return [{"name": function["name"], "schema": function["parameters"]}]

    converted("google-genai", "gemini", lambda tool: declared([_mcp_utils.mcp_to_gemini_tool(tool)]))
    converted("langchain-google-genai", "gemini", lambda tool: declared(convert_to_genai_function_declarations([offered(tool)])))
    converted("langchain for OpenAI", "strict", strict)
    for tool in tools:
        grammar = LLMatcher.grammar_from_json_schema(json.dumps(schema(tool)))
        judge.check(f"llguidance: {tool.name}", LLMatcher.validate_grammar(grammar), "")
    judge.ends(shown)


def schema(tool):
    """The schema of its arguments, by the name that this version of the SDK gives it."""
    return getattr(tool, "input_schema", None) or tool.inputSchema


asyncio.run(main(*arguments(2)[:2]))
