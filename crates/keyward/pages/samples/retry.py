# A call that waits when it is told to: after 429 and 503 for Retry-After and up to two seconds more, at most
# five attempts. Give a write an Idempotency-Key, which all its attempts share.
import os
import random
import time
from typing import Any

import httpx

ATTEMPTS = 5


def call(client: httpx.Client, method: str, path: str, **options: Any) -> httpx.Response:
    for attempt in range(1, ATTEMPTS + 1):
        response = client.request(method, path, **options)
        if response.status_code not in (429, 503) or attempt == ATTEMPTS:
            break
        seconds = int(response.headers.get("Retry-After", "1"))
        time.sleep(seconds + random.uniform(0, 2))
    response.raise_for_status()
    return response


headers = {"Authorization": f"Bearer {os.environ['KEY']}", "X-Origin-App": "my-integration"}
with httpx.Client(base_url=os.environ["API"], headers=headers) as client:
    answer = call(client, "GET", "/deals", params={"limit": 1, "fields": "title"})
for deal in answer.json()["data"]:
    print(f"{deal['id']}: {deal['title']}")
