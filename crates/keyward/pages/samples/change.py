# Read a deal, look at it, then change it, if nobody else has changed it since.
import os
import sys
import uuid

import httpx

headers = {"Authorization": f"Bearer {os.environ['KEY']}", "X-Origin-App": "my-integration"}
with httpx.Client(base_url=os.environ["API"], headers=headers) as client:
    read = client.get("/deals/7")
    read.raise_for_status()
    if read.json()["data"]["archived"]:
        print("The deal is archived: nothing is changed.")
        sys.exit()

    changed = client.patch(
        "/deals/7",
        json={"loan_amount": 35000000},
        headers={"If-Match": read.headers["ETag"], "Idempotency-Key": str(uuid.uuid4())},
    )
    if changed.status_code == httpx.codes.PRECONDITION_FAILED:
        sys.exit("Somebody else has changed the deal: read it again.")
    changed.raise_for_status()

print(f"The loan amount is {changed.json()['data']['loan_amount']}.")
