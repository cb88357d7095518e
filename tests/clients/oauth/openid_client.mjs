// openid-client as a judge of the authorization server: discovery both ways, code with PKCE, ID token, refresh, revocation.
// Usage: node openid_client.mjs BASE_URL EMAIL PASSWORD, with a user of one account. Prints a line of JSON; exits 1 at the first
// thing that is wrong.
import assert from "node:assert/strict";
import { createRemoteJWKSet, jwtVerify } from "jose";
import * as client from "openid-client";
import { signIn } from "./sign_in.mjs";

const [base, email, password] = process.argv.slice(2);
if (!base || !email || !password) {
  console.error("usage: node openid_client.mjs BASE_URL EMAIL PASSWORD");
  process.exit(2);
}
const REDIRECT = "http://127.0.0.1:45456/callback";
const RESOURCE = `${base}/api/external/v2`;
let checks = 0;
const check = (holds, what) => {
  checks += 1;
  assert.ok(holds, what);
};
const api = (token, path) =>
  fetch(`${RESOURCE}${path}`, { headers: { authorization: `Bearer ${token}`, "x-origin-app": "openid-client" } });

for (const algorithm of ["oauth2", "oidc"]) {
  const config = await client.discovery(new URL(base), "lev-demo", undefined, client.None(), {
    algorithm,
    execute: [client.allowInsecureRequests],
  });
  const verifier = client.randomPKCECodeVerifier();
  const [state, nonce] = [client.randomState(), client.randomNonce()];
  const openid = algorithm === "oidc";
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: REDIRECT,
    scope: openid ? "openid email deals:read" : "deals:read pipelines:read",
    resource: RESOURCE,
    code_challenge: await client.calculatePKCECodeChallenge(verifier),
    code_challenge_method: "S256",
    state,
    ...(openid && { nonce }),
  });
  const back = new URL(await signIn(url.href, { email, password }));
  check(back.searchParams.get("iss") === base, "iss is the issuer (RFC 9207)");
  const expected = { pkceCodeVerifier: verifier, expectedState: state, ...(openid && { expectedNonce: nonce, idTokenExpected: true }) };
  const tokens = await client.authorizationCodeGrant(config, back, expected, { resource: RESOURCE });
  check(tokens.expires_in === 900, "the access token lives 900 s");
  if (openid) {
    const claims = tokens.claims();
    check(claims.email === email && claims.email_verified === false && claims.nonce === nonce, "the ID token says who it is");
  }
  const keys = createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri));
  const { payload, protectedHeader } = await jwtVerify(tokens.access_token, keys, { issuer: base, audience: RESOURCE, typ: "at+jwt" });
  check(protectedHeader.alg === "RS256" && payload.client_id === "lev-demo" && payload.exp - payload.iat === 900, "RFC 9068");
  check(payload.aud === RESOURCE && payload.scope.includes("deals:read"), "aud is the resource that was asked for (RFC 8707)");
  check((await api(tokens.access_token, "/deals?limit=1")).status === 200, "the API takes it");
  const next = await client.refreshTokenGrant(config, tokens.refresh_token, { resource: RESOURCE });
  check(next.refresh_token !== tokens.refresh_token, "the refresh token rotates");
  const again = await client.refreshTokenGrant(config, tokens.refresh_token);
  check(again.refresh_token === next.refresh_token, "within the grace the old one has the same successor");
  check((await api(next.access_token, "/deals?limit=1")).status === 200, "the new access token is taken");
  await client.tokenRevocation(config, next.refresh_token);
  await assert.rejects(client.refreshTokenGrant(config, next.refresh_token), (error) => error.error === "invalid_grant");
  checks += 1;
  check((await api(next.access_token, "/me")).status === 401, "after the revocation the access token is dead");
}
console.log(JSON.stringify({ client: "openid-client", flows: 2, checks, failures: 0 }));
