"""The Inspector's command line as a judge of the MCP endpoint. It signs in only at a terminal, so it is given one.

Usage: python inspector.py NODE BASE_URL EMAIL PASSWORD DIRECTORY, with an editor and a Node of version 22.19 or later. Prints a line
of JSON; exits 1 unless everything is right.
"""

import json
import os
import pty
import random
import re
import select
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

HERE = Path(__file__).parent.parent
CLI = HERE / "node_modules" / "@modelcontextprotocol" / "inspector" / "clients" / "launcher" / "build" / "index.js"


def run(node, arguments, directory, signs_in=None):
    """Runs it at a terminal to its end; what it printed, and its exit code."""
    program = [node, str(CLI), "--cli", *arguments]
    environment = {"HOME": directory, "PATH": os.environ["PATH"], "LC_ALL": "C", "MCP_INSPECTOR_SECRET_STORE": "file", "COLUMNS": "4000"}
    terminal, end = pty.openpty()
    process = subprocess.Popen(program, stdin=end, stdout=end, stderr=end, env=environment, close_fds=True)
    os.close(end)
    text, until, signed_in = "", time.monotonic() + 60, False
    while time.monotonic() < until:
        ready, _, _ = select.select([terminal], [], [], 0.2)
        if ready:
            try:
                chunk = os.read(terminal, 65536)
            except OSError:
                break
            if not chunk:
                break
            text += chunk.decode("utf-8", "replace")
        elif process.poll() is not None:
            break
        found = re.search(r"https?://[!-~]*?/oauth/authorize\?[!-~]+", text)
        if found and signs_in is not None and not signed_in and len(text) > found.end():
            signed_in = True
            try:
                signs_in(found.group(0))
            except Exception:
                process.kill()
                raise
    if process.poll() is None and time.monotonic() >= until:
        process.kill()
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text), process.wait()


def free_port():
    """A port that is free, and below those that the system gives to connections on their way out: nobody takes it meanwhile."""
    while True:
        port = random.randint(20_000, 30_000)
        with socket.socket() as listener:
            try:
                listener.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def last_json(text):
    """The JSON that it ended with."""
    for start in [match.start() for match in re.finditer(r"(?m)^\s*[\[{]", text)]:
        try:
            found = json.JSONDecoder().raw_decode(text[start:].lstrip())[0]
            return found.get("result", found) if isinstance(found, dict) else found
        except ValueError:
            continue
    raise ValueError(f"no JSON in: {text[-2000:]}")


def main(node, base, email, password, directory):
    checks, failures, consents = 0, 0, []

    def check(what, found, expected):
        nonlocal checks, failures
        checks += 1
        if found != expected:
            failures += 1
            print(f"{what}: {found!r} instead of {expected!r}", file=sys.stderr)

    def signs_in(url):
        consents.append(url)
        command = ["node", str(HERE / "oauth" / "sign_in.mjs"), url, email, password]
        back = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
        urllib.request.urlopen(back, timeout=20).read()

    callback = f"http://127.0.0.1:{free_port()}/oauth/callback"
    usual = [f"{base}/mcp", "--transport", "http", "--format", "json", "--callback-url", callback]
    text, code = run(node, [*usual, "--method", "tools/list"], directory, signs_in)
    check("lists after signing in", code, 0)
    tools = [tool["name"] for tool in last_json(text)["tools"]] if code == 0 else [text[-1500:]]
    check("deals are there", {"list_deals", "get_deal", "create_deal"} <= set(tools), True)
    check("what it may not is not", "invite_team_member" in tools, False)

    def call(tool, *arguments):
        more = ["--tool-arg", *arguments] if arguments else []
        said, _ = run(node, [*usual, "--method", "tools/call", "--tool-name", tool, *more, "--stored-auth-only"], directory)
        return last_json(said)

    def data(tool, *arguments):
        return json.loads(call(tool, *arguments)["content"][0]["text"])

    deal = data("list_deals", "limit=1")["deals"][0]
    check("a deal", data("get_deal", f"deal_id={deal['id']}")["deal"]["title"], deal["title"])
    made = data("create_deal", "title=Made by the Inspector")["deal"]["title"]
    check("made", made, "Made by the Inspector")
    refused = call("invite_team_member", "email=x@acme.example", "role=admin")
    check("what is not listed is not there for it", refused.get("error", {}).get("code"), "tool_not_found")
    missing = call("get_deal", "deal_id=999999999")
    check("missing", (missing.get("isError"), missing["content"][0]["text"]), (True, "Deal with id 999999999 not found"))
    for era in ("modern", "legacy"):
        said, code = run(node, [*usual, "--method", "tools/list", "--stored-auth-only", "--protocol-era", era], directory)
        check(f"{era}: lists", (code, len(last_json(said)["tools"]) == len(tools)), (0, True))
    check("signed in once", len(consents), 1)
    print(json.dumps({"checks": checks, "failures": failures}))
    return 1 if failures else 0


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit("usage: python inspector.py NODE BASE_URL EMAIL PASSWORD DIRECTORY")
    sys.exit(main(*sys.argv[1:]))
