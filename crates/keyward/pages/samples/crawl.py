# Every deal, page by page: each page names the cursor of the next.
import os
from collections.abc import Iterator

import httpx


def pages(client: httpx.Client, path: str, query: dict[str, str]) -> Iterator[dict]:
    query = dict(query)
    while True:
        response = client.get(path, params=query)
        response.raise_for_status()
        page = response.json()
        yield page
        if not page["pagination"]["has_more"]:
            return
        query["cursor"] = page["pagination"]["next_cursor"]


headers = {"Authorization": f"Bearer {os.environ['KEY']}", "X-Origin-App": "my-integration"}
deals: list[dict] = []
total = 0
with httpx.Client(base_url=os.environ["API"], headers=headers) as client:
    for page in pages(client, "/deals", {"limit": "200", "fields": "title"}):
        deals += page["data"]
        total = page["pagination"]["total"]

# `total` is that of the last page: it can have changed since the first.
print(f"{len(deals)} deals of {total}")
