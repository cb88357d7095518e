// Another issuer that is not ours: better-auth with its OAuth provider on 127.0.0.1, which keeps everything in memory.
// Usage: node better-auth.mjs AUDIENCE, with an absolute URI, for which access tokens are JWTs as in RFC 9068, signed by EdDSA.
//
// Prints {"issuer":URL,"control":URL} in one line when both listen; ends with its standard input. The control server answers
// JSON:
//   GET /token?login=alice&scope=openid%20deals:read   a sign-in, a consent, and the token endpoint's answer
//   POST /claims?json=OBJECT                           access tokens have these claims besides, from now on
import { randomBytes } from "node:crypto";
import { oauthProvider } from "@better-auth/oauth-provider";
import { betterAuth } from "better-auth";
import { toNodeHandler } from "better-auth/node";
import { jwt } from "better-auth/plugins";
import { CALLBACK, Refused, tokens } from "./login.mjs";
import { audience as argument, form, json, listening, loginOf, serve } from "./server.mjs";

// The last one is of another API.
const SCOPES = "openid email deals:read deals:write account:read account:write pipelines:read crm:write";
const ACCESS_TOKEN_SECONDS = 300;

const audience = argument();
const password = randomBytes(16).toString("hex");
const people = new Set();
let extra = {};

const provider = oauthProvider({
  loginPage: "/login",
  consentPage: "/consent",
  scopes: SCOPES.split(" "),
  accessTokenExpiresIn: ACCESS_TOKEN_SECONDS,
  resources: [audience],
  clientRegistrationDefaultResources: [audience],
  allowDynamicClientRegistration: true,
  allowUnauthenticatedClientRegistration: true,
  customAccessTokenClaims: ({ user }) => ({ email: user.email, email_verified: user.emailVerified, ...extra }),
});

// The email of unverified... is not verified.
const verified = (user) => ({ data: { ...user, emailVerified: !user.email.startsWith("unverified") } });

// The port is part of what an issuer is made from, so that the server is there first.
const origin = await listening(provide);
const auth = betterAuth({
  baseURL: origin,
  secret: randomBytes(32).toString("hex"),
  telemetry: { enabled: false },
  rateLimit: { enabled: false },
  logger: { log: (_level, message, ...more) => console.error(message, ...more) },
  emailAndPassword: { enabled: true },
  databaseHooks: { user: { create: { before: verified } } },
  plugins: [jwt(), provider],
});
const answer = toNodeHandler(auth);
const issuer = `${origin}/api/auth`;

// The pages are the application's: each sends better-auth the query that it was opened with, which better-auth has signed.
const PAGES = {
  "/login": async (oauth_query, request) => {
    const who = { email: `${await loginOf(request)}@acme.example`, password };
    if (!people.has(who.email)) await ask("/sign-up/email", { ...who, name: who.email });
    people.add(who.email);
    return ask("/sign-in/email", { ...who, oauth_query });
  },
  "/consent": (oauth_query, { headers }) => ask("/oauth2/consent", { accept: true, oauth_query }, headers.cookie),
};

async function provide(request, response) {
  const { pathname, search } = new URL(request.url, origin);
  // Node.js sends this with every fetch, and better-auth answers a script otherwise than a browser that goes to a page.
  delete request.headers["sec-fetch-mode"];
  const page = PAGES[pathname];
  if (!page) return answer(request, response);
  if (request.method !== "POST") return form(response, pathname);
  const answered = await page(search.slice(1), request);
  const body = await answered.json();
  if (!answered.ok) throw new Refused(answered.status, { error: "refused", ...body });
  response.writeHead(302, { location: body.url, "set-cookie": answered.headers.getSetCookie() });
  return response.end();
}

// What the issuer answers a page of its own.
function ask(path, body, cookie) {
  const headers = new Headers({ "content-type": "application/json", accept: "application/json", origin });
  if (cookie) headers.set("cookie", cookie);
  return auth.handler(new Request(`${issuer}${path}`, { method: "POST", headers, body: JSON.stringify(body) }));
}

async function registered() {
  const metadata = {
    client_name: "spa",
    application_type: "native",
    token_endpoint_auth_method: "none",
    redirect_uris: [CALLBACK],
    grant_types: ["authorization_code"],
    response_types: ["code"],
  };
  const answered = await ask("/oauth2/register", metadata);
  const client = await answered.json();
  if (!answered.ok) throw new Refused(answered.status, client);
  return client.client_id;
}

const client = await registered();
const endpoints = { authorization: `${issuer}/oauth2/authorize`, token: `${issuer}/oauth2/token` };
await serve(issuer, {
  "GET /token": async (query) => {
    const { login = "alice", scope = "openid deals:read" } = Object.fromEntries(query);
    return tokens(endpoints, audience, { login, client, scope });
  },
  "POST /claims": (query) => {
    extra = JSON.parse(query.get("json"));
    return extra;
  },
});
