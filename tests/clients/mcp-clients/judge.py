"""What a client of MCP must be able to do with an admin's full_access key, and how a script here ends."""

import json
import sys

USAGE = "usage: python SCRIPT BASE_URL API_KEY [EMAIL PASSWORD]"


def arguments(least):
    """The arguments of the script, at least this many."""
    if len(sys.argv) - 1 < least:
        sys.exit(USAGE)
    return sys.argv[1:]


def first_text(content):
    """What a client that shows a model one text shows it: of blocks, objects or dictionaries, the first."""
    if isinstance(content, str):
        return content
    block = content[0] if isinstance(content, (list, tuple)) else content
    return block["text"] if isinstance(block, dict) else block.text


class Judge:
    def __init__(self):
        self.checks = 0
        self.failures = 0

    def check(self, what, found, expected=True):
        self.checks += 1
        if found != expected:
            self.failures += 1
            print(f"{what}: {found!r} instead of {expected!r}", file=sys.stderr)

    async def works(self, name, tools, call):
        """Lists, reads and creates. `tools` are names; `call` answers what the model would be shown."""
        self.check(f"{name}: the tools are there", {"list_deals", "get_deal", "create_deal", "create_api_key"} - set(tools), set())
        self.check(f"{name}: all of them", len(tools) >= 26)

        async def data(tool, arguments):
            answer = await call(tool, arguments)
            try:
                return json.loads(first_text(answer))
            except ValueError:
                self.check(f"{name}: {tool}: data", first_text(answer)[:300], "JSON")
                return None

        listed = await data("list_deals", {"limit": 2})
        self.check(f"{name}: a page", listed and len(listed["deals"]), 2)
        deal = listed["deals"][0] if listed else {"id": 1, "title": None}
        read = await data("get_deal", {"deal_id": deal["id"]})
        self.check(f"{name}: a deal", read and read["deal"]["title"], deal["title"])
        title = f"Made by {name}"
        made = await data("create_deal", {"title": title, "loan_amount": 1_000_000, "loan_type": "permanent"})
        self.check(f"{name}: made", made and made["deal"]["title"], title)

    def ends(self, shown=()):
        """`shown`: how converters hand our tools to a provider, for the test to judge."""
        print(json.dumps({"checks": self.checks, "failures": self.failures, "shown": list(shown)}))
        sys.exit(1 if self.failures else 0)
