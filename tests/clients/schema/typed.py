# A page of deals by a client that was generated from the OpenAPI document. Usage: typed.py BASE_URL, with the client
# `lev` on the path and KEY in the environment.
import importlib
import os
import pkgutil
import sys

import lev
from lev import AuthenticatedClient

# Every module of the client can be imported; those of the operations are looked for by their names.
modules = [importlib.import_module(module.name) for module in pkgutil.walk_packages(lev.__path__, "lev.")]
operations = {module.__name__.rsplit(".", 1)[1]: module for module in modules if ".api." in module.__name__}

with AuthenticatedClient(base_url=sys.argv[1], token=os.environ["KEY"], raise_on_unexpected_status=True) as client:
    answer = operations["get_deals"].sync_detailed(client=client, limit=2, x_origin_app="generated-client")
    assert answer.status_code == 200, answer
    print(answer.parsed.data[0].title)

    # An error has its own type, also for an answer that a client rarely sees.
    absent = operations["get_deals_deal_id"].sync_detailed(
        9007199254740991, client=client, x_origin_app="generated-client"
    )
    assert absent.status_code == 404, absent
    assert absent.parsed.error.code == "NOT_FOUND", absent
