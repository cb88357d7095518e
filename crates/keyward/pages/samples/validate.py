# Before a run: is the key good, and may it do what the run needs?
import os
import sys

import httpx

NEEDED = ["deals:read", "deals:write"]

response = httpx.post(
    f"{os.environ['API']}/auth/validate-api-key",
    json={"api_key": os.environ["KEY"]},
    headers={"X-Origin-App": "my-integration"},
)
response.raise_for_status()
key = response.json()["data"]

if not key["valid"]:
    sys.exit("The key is not valid.")
missing = [scope for scope in NEEDED if scope not in key["scopes"]]
if missing:
    sys.exit(f"The key lacks the scope {', '.join(missing)}.")
print(f"The key is valid and has {' '.join(NEEDED)}.")
