# The round of calls with the client that openapi-python-client has made. BASE and KEY are in the environment, the package
# `lev` is on the path.
import atexit
import os
from datetime import date, datetime, timedelta, timezone

from lev import AuthenticatedClient
from lev.api.account import get_me
from lev.api.api_keys import delete_api_keys_key_id, post_api_keys, post_api_keys_key_id_rotate
from lev.api.deals import delete_deals_deal_id, get_deals, get_deals_deal_id, patch_deals_deal_id, post_deals
from lev.models import (
    GetDealsFilterloanTypeItem,
    PatchDealsDealIdBody,
    PostApiKeysBody,
    PostApiKeysKeyIdRotateBody,
    PostDealsBody,
)
from lev.types import UNSET

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


# One for each secret, closed at the end: each keeps its connections.
clients = {}
atexit.register(lambda: [each.get_httpx_client().close() for each in clients.values()])


def client(key):
    made = AuthenticatedClient(base_url=os.environ["BASE"], token=key, raise_on_unexpected_status=True)
    return clients.setdefault(key, made)


usual = {"client": client(os.environ["KEY"]), "x_origin_app": "round"}
now = datetime.now(timezone.utc)

body = PostDealsBody(title="Round", loan_amount=16777217.25, estimated_close_date=date(2027, 3, 31))
body.loan_type = "construction"
made = post_deals.sync(body=PostDealsBody.from_dict(body.to_dict()), **usual).data
print("made", made.loan_amount)
read = get_deals_deal_id.sync(made.id, **usual).data
print(f"read {read.loan_amount}, to close on {read.estimated_close_date}")


def found(time):
    kinds = [GetDealsFilterloanTypeItem.CONSTRUCTION, GetDealsFilterloanTypeItem.LAND]
    return get_deals.sync(
        filterloan_type=kinds, filterloan_amount=[16777217.25], filtercreated_atgte=time, **usual
    ).data


print(f"found {len(found(now - HOUR))} made since an hour ago, {len(found(now + HOUR))} made an hour from now")
changed = patch_deals_deal_id.sync(made.id, body=PatchDealsDealIdBody(loan_amount=16777217.5), **usual).data
print("changed to", changed.loan_amount)

seen, cursor = set(), UNSET
while True:
    page = get_deals.sync(limit=2, cursor=cursor, **usual)
    seen.update(deal.id for deal in page.data)
    cursor = page.pagination.next_cursor
    if not cursor:
        break
assert made.id in seen and len(seen) == page.pagination.total, (seen, page.pagination)
print("walked over all deals")
assert delete_deals_deal_id.sync(made.id, **usual).data.deleted
assert get_deals_deal_id.sync(made.id, **usual).data.archived
print("archived")


def status(secret):
    return get_me.sync_detailed(client=client(secret), x_origin_app="round").status_code.value


key = post_api_keys.sync(body=PostApiKeysBody(label="round", expires_at=now + DAY), **usual).data
assert abs(key.expires_at - (now + DAY)) < timedelta(seconds=2), key
assert status(key.api_key) == 200
print("a key that ends in a day works")
rotated = post_api_keys_key_id_rotate.sync(key.id, body=PostApiKeysKeyIdRotateBody(), **usual).data
assert status(rotated.api_key) == 200
print("rotated: the new secret works, the old one is", status(key.api_key))
assert delete_api_keys_key_id.sync(key.id, **usual).data.deleted
print("revoked:", status(rotated.api_key))
