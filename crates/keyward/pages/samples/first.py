# The first three deals: title and amount.
import os

import httpx

headers = {"Authorization": f"Bearer {os.environ['KEY']}", "X-Origin-App": "my-integration"}
query = {"limit": 3, "fields": "title,loan_amount"}
response = httpx.get(f"{os.environ['API']}/deals", params=query, headers=headers)
response.raise_for_status()
for deal in response.json()["data"]:
    print(f"{deal['title']}: {deal['loan_amount']}")
