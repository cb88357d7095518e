"""The Python SDK as a judge of the MCP endpoint: it signs in by itself, headless, and works with deals.

Usage: python python_client.py BASE_URL EMAIL PASSWORD, with an editor. Prints a line of JSON; exits 1 unless everything is right.
"""

import asyncio
import json
import subprocess
import sys
import urllib.parse
from pathlib import Path

import httpx2 as httpx
from mcp import Client
from mcp.client.auth import AuthorizationCodeResult, OAuthClientProvider
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.auth import OAuthClientMetadata
from pydantic import AnyUrl

SIGN_IN = Path(__file__).parent.parent / "oauth" / "sign_in.mjs"


async def data(client, tool, arguments):
    """The data of a result, which its one text holds."""
    return json.loads((await client.call_tool(tool, arguments)).content[0].text)


class Kept:
    """What an application keeps."""

    tokens = None
    client = None

    async def get_tokens(self):
        return self.tokens

    async def set_tokens(self, tokens):
        self.tokens = tokens

    async def get_client_info(self):
        return self.client

    async def set_client_info(self, client):
        self.client = client


class Judge:
    checks = 0
    failures = 0

    def check(self, what, found, expected):
        self.checks += 1
        if found != expected:
            self.failures += 1
            print(f"{what}: {found!r} instead of {expected!r}", file=sys.stderr)


async def main(base, email, password):
    judge, answer, consents = Judge(), {}, []

    async def redirect(url):
        consents.append(url)
        back = subprocess.run(["node", str(SIGN_IN), url, email, password], capture_output=True, text=True, check=True)
        answer.update(urllib.parse.parse_qsl(urllib.parse.urlparse(back.stdout.strip()).query))

    async def callback():
        return AuthorizationCodeResult(code=answer["code"], state=answer.get("state"), iss=answer.get("iss"))

    metadata = OAuthClientMetadata(
        client_name="Python judge",
        redirect_uris=[AnyUrl("http://127.0.0.1:45454/callback")],
        grant_types=["authorization_code", "refresh_token"],
        response_types=["code"],
    )
    url, kept = f"{base}/mcp", Kept()
    for attempt in ("first", "again"):
        provider = OAuthClientProvider(url, metadata, kept, redirect, callback)
        async with Client(streamable_http_client(url, http_client=httpx.AsyncClient(auth=provider, timeout=20))) as client:
            tools = [tool.name for tool in (await client.list_tools()).tools]
            judge.check(f"{attempt}: deals are there", {"list_deals", "get_deal", "create_deal"} <= set(tools), True)
            judge.check(f"{attempt}: what it may not is not", "invite_team_member" in tools or "create_api_key" in tools, False)
            listed = await data(client, "list_deals", {"limit": 2})
            judge.check(f"{attempt}: a page", listed["showing"], 2)
            deal = listed["deals"][0]
            read = await data(client, "get_deal", {"deal_id": deal["id"]})
            judge.check(f"{attempt}: a deal", read["deal"]["title"], deal["title"])
            made = await data(client, "create_deal", {"title": f"Made {attempt}"})
            judge.check(f"{attempt}: made", made["deal"]["title"], f"Made {attempt}")
            refused = await client.call_tool("invite_team_member", {"email": "x@acme.example", "role": "admin"})
            judge.check(f"{attempt}: refused", (refused.is_error, refused.content[0].text[:11]), (True, "Not allowed"))
            pages = (await client.list_resources()).resources
            read = await client.read_resource(pages[0].uri)
            judge.check(f"{attempt}: a page of the documentation", len(read.contents[0].text) > 100, True)
    judge.check("signed in once", len(consents), 1)
    print(json.dumps({"checks": judge.checks, "failures": judge.failures}))
    return 1 if judge.failures else 0


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit("usage: python python_client.py BASE_URL EMAIL PASSWORD")
    sys.exit(asyncio.run(main(*sys.argv[1:])))
