"""FastMCP with a key, and signing in by itself: the browser that it opens is a person who consents.

Usage: python fastmcp_client.py BASE_URL API_KEY EMAIL PASSWORD, with an admin's key and an editor.
"""

import asyncio
import subprocess
import threading
import time
import urllib.error
import urllib.request
import webbrowser
from pathlib import Path

from fastmcp import Client
from judge import Judge, arguments

SIGN_IN = Path(__file__).parent.parent / "oauth" / "sign_in.mjs"


class Person(webbrowser.BaseBrowser):
    """Signs in, consents, and follows the way back as soon as the client listens there."""

    def __init__(self, email, password):
        super().__init__("person")
        self.email, self.password, self.consents = email, password, 0

    def open(self, url, new=0, autoraise=True):
        self.consents += 1
        threading.Thread(target=self.consent, args=(url,), daemon=True).start()
        return True

    def consent(self, url):
        command = ["node", str(SIGN_IN), url, self.email, self.password]
        back = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        for _ in range(100):
            try:
                return urllib.request.urlopen(back, timeout=10).read()
            except urllib.error.URLError:
                time.sleep(0.1)


async def main(base, key, email, password):
    judge, person = Judge(), Person(email, password)
    webbrowser.register("person", None, person, preferred=True)
    for name, url, auth in [
        ("FastMCP with a key", f"{base}/mcp/key", key),
        ("FastMCP with a key at the other address", f"{base}/mcp", key),
    ]:
        async with Client(url, auth=auth) as client:
            names = [tool.name for tool in await client.list_tools()]
            await judge.works(name, names, lambda tool, given: text(client, tool, given))
    for consents, url in [(1, f"{base}/mcp"), (2, f"{base}/mcp/")]:
        async with Client(url, auth="oauth") as client:
            names = [tool.name for tool in await client.list_tools()]
            judge.check("signed in: deals are there", {"list_deals", "get_deal", "create_deal"} <= set(names))
            judge.check("signed in: what it may not is not", "create_api_key" in names, False)
            listed = await client.call_tool("list_deals", {"limit": 1})
            judge.check("signed in: a call", listed.is_error, False)
        judge.check("signed in once for each", person.consents, consents)
    judge.ends()


async def text(client, tool, given):
    return (await client.call_tool(tool, given)).content


asyncio.run(main(*arguments(4)[:4]))
