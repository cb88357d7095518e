"""What the OpenAPI document cannot tell schemathesis: which cursors, ids and ETags are real at the moment.

A request that fits the document must be accepted, unless the state of the server stands against it. So wherever a value that
fits the document is refused by its state alone with 400, 412 or 422, a real one is put in its place here. Requests that do
not fit the document stay as they are, but for the rule that keeps the run alive.

KEYWARD_URL is the server, KEYWARD_KEY the key of an admin.
"""

import functools
import os
import re
import uuid

import httpx
import schemathesis
from hypothesis import strategies as st

API = "/api/external/v2"
ABSENT = 2**53 - 1  # A good id that nothing has.
FUTURE = "2999-12-31T23:59:59Z"
RANGES = ["203.0.113.0/24", "198.51.100.7", "2001:db8::/32"]
LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
LOCAL = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
EMAIL = re.compile(f"(?=.{{1,64}}@){LOCAL}(\\.{LOCAL})*@{LABEL}(\\.{LABEL})+")

server = httpx.Client(
    base_url=os.environ["KEYWARD_URL"],
    headers={"Authorization": f"Bearer {os.environ['KEYWARD_KEY']}", "X-Origin-App": "schemathesis-hooks"},
)


def get(path, **query):
    answer = server.get(path, params=query)
    answer.raise_for_status()
    return answer.json()["data"]


me = get(f"{API}/me")
OWN_KEY, OWN_USER, ACCOUNT = me["platform"]["credential"]["id"], me["user"]["id"], me["account"]["slug"]
DEALS = [deal["id"] for deal in get(f"{API}/deals", limit=50)]
STATUSES = {pipeline["id"]: [status["id"] for status in pipeline["statuses"]] for pipeline in get(f"{API}/pipelines")}
PIPELINES = list(STATUSES)


@functools.cache
def cursor(path):
    """The cursor of the second page of a list, if it has one."""
    answer = server.get(path, params={"limit": 1})
    return answer.json()["pagination"].get("next_cursor") if answer.is_success else None


# `cursor` is opaque and signed: no schema describes it, and any text of one's own is refused with 400.
schemathesis.openapi.format("keyward-cursor", st.just(cursor(f"{API}/deals")))


@schemathesis.hook
def before_call(ctx, case, kwargs):
    keep_alive(case)
    if case.meta is not None and case.meta.generation.mode.is_positive:
        if case.meta.phase.name.value != "stateful":  # There they come from the answers before.
            real_path(case)
        page(case)
        real_headers(case)
        real_body(case)


def keep_alive(case):
    """Nothing ends or rotates the key of the run, and nothing demotes or removes its user: all that follows would be 401."""
    for name, path, own in (("key_id", "/api-keys/", OWN_KEY), ("user_id", "/account/team/", OWN_USER)):
        if path in case.path and str(case.path_parameters.get(name)).strip().lstrip("+0") == str(own):
            case.path_parameters[name] = ABSENT


def page(case):
    """How the parameters of a list go together, which OpenAPI has no words for."""
    query = case.query
    for name in [name for name, value in query.items() if isinstance(value, str)]:
        query[name] = query[name].replace("\0", "")
    for name in [name for name in query if name.startswith("filter[loan_amount]")]:
        # In some phases a list is written out already.
        amounts = query[name].split(",") if isinstance(query[name], str) else query[name]
        query[name] = ",".join(map(str, map(cents, amounts))) if isinstance(amounts, list) else cents(amounts)
    if "cursor" in query:
        # A cursor belongs to one list and to its filters, and is not for a list that is sorted: 400 else.
        alone = not any(name == "sort" or name.startswith("filter[") for name in query)
        query["cursor"] = cursor(case.formatted_path) if alone else None
        if query["cursor"] is None:
            del query["cursor"]
    if query.get("sort"):
        # Each field once, whichever way round: 400 else. In some phases a list is written out already.
        fields = query["sort"].split(",") if isinstance(query["sort"], str) else query["sort"]
        query["sort"] = ",".join({field.lstrip("-"): field for field in fields}.values())
    if "offset" in query and "sort" not in query and takes(case, "sort"):
        # Where a list has cursors, `offset` is for a sorted list only: 400 else.
        del query["offset"]


def takes(case, name):
    return any(parameter.name == name for parameter in case.operation.query)


def real_path(case):
    """Half of the ids in paths are of something that is there, or hardly anything but 404 would be seen."""
    if case.path.startswith(f"{API}/api-keys/"):
        ids = {"key_id": lambda: [key["id"] for key in get(f"{API}/api-keys", limit=200) if key["id"] != OWN_KEY]}
    elif case.path.startswith(f"{API}/account/team/"):
        ids = {"user_id": lambda: [member["user_id"] for member in team() if member["user_id"] != OWN_USER]}
    elif case.path.endswith("/team/{user_id}"):
        ids = {"deal_id": lambda: DEALS, "user_id": lambda: on_the_team_of(case)}
    else:
        ids = {"deal_id": lambda: DEALS, "pipeline_id": lambda: PIPELINES}
    for name, there in ids.items():
        value = case.path_parameters.get(name)
        if is_integer(value) and value % 2 == 0 and (found := there()):
            case.path_parameters[name] = pick(found, value // 2)


def real_headers(case):
    if "Idempotency-Key" in case.headers:
        # Two requests with one key are one: the second would be a replay or 409.
        case.headers["Idempotency-Key"] = str(uuid.uuid4())
    if "If-Match" in case.headers:
        # Anything but the current ETag is 412: that of the deal, also where its team or its pipeline is changed.
        subject = re.match(f"{API}/[^/]+/[^/]+", case.formatted_path)
        etag = server.get(subject.group()).headers.get("ETag") if subject else None
        case.headers["If-Match"] = etag or "*"
    if "X-Active-Account" in case.headers:
        # Any other account is 403, whatever else there is to see.
        case.headers["X-Active-Account"] = ACCOUNT


def real_body(case):
    """What the state of the server refuses with 422: ids of nothing, people who are there already, the past."""
    body = readable(rounded(case.body))
    if not isinstance(body, dict):
        return
    if body.get("permission") is not None and body.get("scopes") is not None:
        # Not together, which the document says in words: generators take a `not` for a model.
        del body["scopes"]
    for name in ("label", "title", "deal_role", "slug"):
        if isinstance(body.get(name), str) and not body[name].strip():
            body[name] = "x"
    if is_integer(body.get("pipeline_id")):
        body["pipeline_id"] = pick(PIPELINES, body["pipeline_id"])
    if is_integer(body.get("pipeline_status_id")):
        body["pipeline_status_id"] = pick(STATUSES[body["pipeline_id"]], body["pipeline_status_id"])
    if isinstance(body.get("pipeline_ids"), list):
        body["pipeline_ids"] = sorted({pick(PIPELINES, value) for value in body["pipeline_ids"]})
    if is_integer(body.get("user_id")):
        # A member of the account who is not on the team of the deal. Where everybody is, no deal has this id.
        on_it = on_the_team_of(case)
        others = [member["user_id"] for member in members() if member["user_id"] not in on_it]
        if others:
            body["user_id"] = pick(others, body["user_id"])
        else:
            case.path_parameters["deal_id"] = ABSENT
    if isinstance(body.get("email"), str):
        taken = [member["email"].lower() for member in members()]
        if body["email"].lower() in taken or not EMAIL.fullmatch(body["email"]):
            body["email"] = f"{uuid.uuid4().hex}@acme.example"
    amounts = body.get("deal_financials")
    if isinstance(amounts, dict) and all(amount is None for amount in amounts.values()):
        # Amounts can be cleared only where there are any.
        body["deal_financials"] = dict.fromkeys(amounts, 1)
    if isinstance(body.get("expires_at"), str):
        body["expires_at"] = FUTURE
    if isinstance(body.get("allowed_ips"), list):
        body["allowed_ips"] = [pick(RANGES, len(text)) for text in body["allowed_ips"]]
    case.body = body


def cents(value):
    """Money has two decimal places, which JSON Schema can say only by division, and in binary that fails for 19.99."""
    return round(float(value), 2)


def rounded(value):
    """The same for every amount in a body."""
    if isinstance(value, dict):
        return {name: rounded(member) for name, member in value.items()}
    return cents(value) if isinstance(value, float) else value


def readable(value):
    """No text may contain NUL, which the document says in words: not every language reads a pattern for it."""
    if isinstance(value, dict):
        return {name: readable(member) for name, member in value.items()}
    if isinstance(value, list):
        return [readable(item) for item in value]
    return value.replace("\0", "") if isinstance(value, str) else value


def is_integer(value):
    """5.0 is one to JSON Schema."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and value == int(value)


def team():
    """Who is in the account now, or invited: the run changes that."""
    return get(f"{API}/account/team", limit=200)


def members():
    return [member for member in team() if member["status"] == "active"]


def on_the_team_of(case):
    answer = server.get(f"{API}/deals/{case.path_parameters['deal_id']}/team", params={"limit": 200})
    return [member["user_id"] for member in answer.json()["data"]] if answer.is_success else []


def pick(values, number):
    return values[int(number) % len(values)]


@schemathesis.check
class EveryOperationSucceeds:
    """Each operation has been answered with success at least once. A run of refusals alone would find nothing, and pass."""

    def __init__(self):
        self.asked, self.succeeded = set(), set()

    def after_response(self, ctx, response, case):
        # Other methods are tried on the same path: OPTIONS succeeds everywhere.
        if response.request.method == case.operation.method.upper():
            self.asked.add(case.operation.label)
            if 200 <= response.status_code < 300:
                self.succeeded.add(case.operation.label)

    def after_run(self, ctx):
        refused = sorted(self.asked - self.succeeded)
        if refused:
            raise AssertionError(f"never answered with success: {', '.join(refused)}")
