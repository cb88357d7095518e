"""Authlib as a judge of the authorization server: registration, code with PKCE, ID token, refresh, revocation.

Usage: python authlib_client.py BASE_URL EMAIL PASSWORD, with a user of one account. Prints a line of JSON; exits 1 at the first
thing that is wrong.
"""

import json
import pathlib
import subprocess
import sys

import httpx
from authlib.common.security import generate_token
from authlib.integrations.httpx_client import OAuth2Client, OAuthError
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet

BASE, EMAIL, PASSWORD = sys.argv[1:4]
REDIRECT = "http://127.0.0.1:45457/callback"
SIGN_IN = pathlib.Path(__file__).with_name("sign_in.mjs")
checks = 0


def check(holds, what):
    global checks
    checks += 1
    if not holds:
        sys.exit(f"wrong: {what}")


metadata = httpx.get(f"{BASE}/.well-known/openid-configuration").json()
check(metadata["issuer"] == BASE, "the issuer is the one that was asked")
registration = httpx.post(
    metadata["registration_endpoint"],
    json={
        "client_name": "Authlib",
        "redirect_uris": [REDIRECT],
        "grant_types": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_method": "client_secret_basic",
    },
)
check(registration.status_code == 201, registration.text)
registered = registration.json()
client = OAuth2Client(
    registered["client_id"],
    registered["client_secret"],
    token_endpoint_auth_method="client_secret_basic",
    revocation_endpoint_auth_method="client_secret_basic",
    scope="openid email deals:read",
    redirect_uri=REDIRECT,
    code_challenge_method="S256",
)
verifier, nonce = generate_token(64), generate_token(32)
url, state = client.create_authorization_url(metadata["authorization_endpoint"], code_verifier=verifier, nonce=nonce)
back = subprocess.run(
    ["node", str(SIGN_IN), url, EMAIL, PASSWORD], check=True, capture_output=True, text=True
).stdout.strip()
token = client.fetch_token(metadata["token_endpoint"], authorization_response=back, code_verifier=verifier, state=state)
check(token["expires_in"] == 900 and token["token_type"] == "Bearer", "the token's life")

keys = KeySet.import_key_set(httpx.get(metadata["jwks_uri"]).json())
decoded = jwt.decode(token["id_token"], keys, algorithms=["RS256"])
claims = CodeIDToken(decoded.claims, decoded.header, {"iss": {"value": BASE}}, {"nonce": nonce, "client_id": registered["client_id"]})
claims.validate()
check(claims["email"] == EMAIL, "the ID token says who it is")


def api(access):
    headers = {"authorization": f"Bearer {access}", "x-origin-app": "authlib"}
    return httpx.get(f"{BASE}/api/external/v2/deals?limit=1", headers=headers).status_code


check(api(token["access_token"]) == 200, "the API takes it")
fresh = client.refresh_token(metadata["token_endpoint"], refresh_token=token["refresh_token"])
check(fresh["refresh_token"] != token["refresh_token"], "the refresh token rotates")
check(api(fresh["access_token"]) == 200, "the new access token is taken")
revoked = client.revoke_token(metadata["revocation_endpoint"], token=fresh["refresh_token"], token_type_hint="refresh_token")
check(revoked.status_code == 200, "it is revoked")
check(api(fresh["access_token"]) == 401, "after the revocation the access token is dead")
try:
    client.refresh_token(metadata["token_endpoint"], refresh_token=fresh["refresh_token"])
    check(False, "a revoked refresh token is refused")
except OAuthError as error:
    check(error.error == "invalid_grant", error.error)
print(json.dumps({"client": "authlib", "checks": checks, "failures": 0}))
