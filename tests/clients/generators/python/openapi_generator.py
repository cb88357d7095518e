# The round of calls with the client that openapi-generator has made. BASE and KEY are in the environment, the package `lev`
# is on the path.
import os
from datetime import date, datetime, timedelta, timezone

import lev
from lev.exceptions import ApiException

APP = "round"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def client(key):
    return lev.ApiClient(lev.Configuration(host=os.environ["BASE"], access_token=key))


def status(call):
    try:
        call()
    except ApiException as refused:
        return refused.status
    return 200


mine = client(os.environ["KEY"])
deals, keys = lev.DealsApi(mine), lev.APIKeysApi(mine)
now = datetime.now(timezone.utc)

made = deals.post_deals(
    x_origin_app=APP,
    post_deals_request=lev.PostDealsRequest(
        title="Round",
        loan_amount=16777217.25,
        loan_type="construction",
        estimated_close_date=date(2027, 3, 31),
    ),
).data
print("made", made.loan_amount)
read = deals.get_deals_deal_id(x_origin_app=APP, deal_id=made.id).data
print(f"read {read.loan_amount}, to close on {read.estimated_close_date}")
wanted = {"x_origin_app": APP, "filter_loan_type": ["construction", "land"], "filter_loan_amount": [16777217.25]}
since = deals.get_deals(filter_created_at_gte=now - HOUR, **wanted).data
later = deals.get_deals(filter_created_at_gte=now + HOUR, **wanted).data
print(f"found {len(since)} made since an hour ago, {len(later)} made an hour from now")
changed = deals.patch_deals_deal_id(
    x_origin_app=APP, deal_id=made.id, patch_deals_deal_id_request=lev.PatchDealsDealIdRequest(loan_amount=16777217.5)
).data
print("changed to", changed.loan_amount)

seen, cursor = set(), None
while True:
    page = deals.get_deals(x_origin_app=APP, limit=2, cursor=cursor)
    seen.update(deal.id for deal in page.data)
    cursor = page.pagination.next_cursor
    if not cursor:
        break
assert made.id in seen and len(seen) == page.pagination.total, (seen, page.pagination)
print("walked over all deals")
assert deals.delete_deals_deal_id(x_origin_app=APP, deal_id=made.id).data.deleted
assert deals.get_deals_deal_id(x_origin_app=APP, deal_id=made.id).data.archived
print("archived")


def works(secret):
    return status(lambda: lev.AccountApi(client(secret)).get_me(x_origin_app=APP))


key = keys.post_api_keys(
    x_origin_app=APP, post_api_keys_request=lev.PostApiKeysRequest(label="round", expires_at=now + DAY)
).data
assert abs(key.expires_at - (now + DAY)) < timedelta(seconds=2), key
assert works(key.api_key) == 200
print("a key that ends in a day works")
rotated = keys.post_api_keys_key_id_rotate(x_origin_app=APP, key_id=key.id).data
assert works(rotated.api_key) == 200
print("rotated: the new secret works, the old one is", works(key.api_key))
assert keys.delete_api_keys_key_id(x_origin_app=APP, key_id=key.id).data.deleted
print("revoked:", works(rotated.api_key))
