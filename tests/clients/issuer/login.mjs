// A person with a browser and an application: the authorization code flow with PKCE, request by request.
import { createHash, randomBytes } from "node:crypto";

// Nothing listens there: the code is read from the redirect, which is not followed.
export const CALLBACK = "http://127.0.0.1:1/callback";
const STEPS = 12;

// The answer with which the provider ended the flow when it gave no token.
export class Refused extends Error {
  constructor(status, answer) {
    super(answer.error);
    this.status = status;
    this.answer = answer;
  }
}

const secret = () => randomBytes(32).toString("base64url");

// What the token endpoint gives an application to which `login` has consented.
export async function tokens(endpoints, resource, { login, client, scope }) {
  const [verifier, state] = [secret(), secret()];
  const start = new URL(endpoints.authorization);
  start.search = new URLSearchParams({
    response_type: "code",
    client_id: client,
    redirect_uri: CALLBACK,
    scope,
    resource,
    state,
    code_challenge: createHash("sha256").update(verifier).digest("base64url"),
    code_challenge_method: "S256",
    // Without it no offline_access.
    prompt: "consent",
  });
  const back = await browse(start, login);
  if (back.has("error")) throw new Refused(400, Object.fromEntries(back));
  if (back.get("state") !== state) throw new Error("the answer belongs to another request");
  return exchange(endpoints.token, {
    grant_type: "authorization_code",
    client_id: client,
    redirect_uri: CALLBACK,
    code: back.get("code"),
    code_verifier: verifier,
    resource,
  });
}

async function exchange(endpoint, form) {
  const response = await fetch(endpoint, { method: "POST", body: new URLSearchParams(form) });
  const answer = await response.json();
  if (!response.ok) throw new Refused(response.status, answer);
  return answer;
}

// Follows redirects and sends each form that comes, until the way leads back to the application; what it brings there.
export async function browse(start, login) {
  const jar = new Map();
  let url = start;
  let form;
  for (let step = 0; step < STEPS; step += 1) {
    const headers = { cookie: [...jar].map((pair) => pair.join("=")).join("; ") };
    const method = form ? "POST" : "GET";
    const response = await fetch(url, { method, body: form, headers, redirect: "manual" });
    keep(jar, response.headers.getSetCookie());
    const page = await response.text();
    const location = response.headers.get("location");
    if (response.status >= 400) throw new Refused(response.status, { error: "no_redirect", error_description: page });
    if (location?.startsWith(`${CALLBACK}?`)) return new URL(location).searchParams;
    form = location ? undefined : new URLSearchParams({ login });
    if (location) url = new URL(location, url);
  }
  throw new Error(`no end after ${STEPS} requests`);
}

// Paths and ages are left out: one flow has each name once at a time, and a cookie that is taken away comes empty.
function keep(jar, cookies) {
  for (const cookie of cookies) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(cookie);
    if (value) jar.set(name, value);
    else jar.delete(name);
  }
}
