// An issuer of OpenID Connect that is not ours, for tests of access tokens: oidc-provider on 127.0.0.1.
// Usage: node oidc.mjs AUDIENCE, with an absolute URI, for which access tokens are JWTs as in RFC 9068.
//
// Prints {"issuer":URL,"control":URL} in one line when both listen; ends with its standard input. JWKS_MAX_AGE is the
// max-age of the JWKS. The control server answers JSON:
//   GET /token?login=alice&client=spa&scope=openid%20deals:read   a login, a consent, and the token endpoint's answer;
//                                                 clients are spa and cli; the email of unverified... is not verified
//   POST /claims?json=OBJECT  access tokens have these claims besides, from now on
//   POST /rotate              a new key signs; it and the one before it are published
//   POST /retire              only the newest key is published
//   POST /outage?mode=MODE    discovery and JWKS fail from now on, see OUTAGES; none ends it
//   GET /counts               requests for discovery and for the JWKS, those that failed included
// oidc-provider is made for Node.js 22, runs on the last releases of 20, and says so there.
import { generateKeyPair, randomBytes } from "node:crypto";
import { promisify } from "node:util";
import { errors, Provider } from "oidc-provider";
// Not the default, which is the same: that one warns, and is empty after each rotation.
import { createMemoryAdapter } from "oidc-provider/lib/adapters/memory_adapter.js";
import { CALLBACK, Refused, tokens } from "./login.mjs";
import { audience as argument, form, json, listening, loginOf, serve } from "./server.mjs";

// The last one is of another API.
const API_SCOPES = "deals:read deals:write account:read account:write pipelines:read crm:write";
const ACCESS_TOKEN_SECONDS = 300;
const HOUR = 3600;

const audience = argument();
const maxAge = process.env.JWKS_MAX_AGE;
// oidc-provider has hints for developers, which are not the one line.
console.info = console.error;

const counts = { discovery: 0, jwks: 0 };
let outage = "none";
let extra = {};
// The first one signs.
let keys = [await newKey()];
let provider;
let answer;

async function newKey() {
  const { privateKey } = await promisify(generateKeyPair)("rsa", { modulusLength: 2048 });
  const kid = randomBytes(8).toString("hex");
  return { ...privateKey.export({ format: "jwk" }), kid, use: "sig", alg: "RS256" };
}

const person = (login) => ({ email: `${login}@acme.example`, email_verified: !login.startsWith("unverified") });

function client(id, applicationType) {
  return {
    client_id: id,
    application_type: applicationType,
    token_endpoint_auth_method: "none",
    redirect_uris: [CALLBACK],
    response_types: ["code"],
    grant_types: ["authorization_code", "refresh_token"],
  };
}

function resourceServer(_context, resource) {
  if (resource !== audience) throw new errors.InvalidTarget();
  const jwt = { sign: { alg: "RS256" } };
  return { audience, scope: API_SCOPES, accessTokenTTL: ACCESS_TOKEN_SECONDS, accessTokenFormat: "jwt", jwt };
}

const CONFIGURATION = {
  adapter: createMemoryAdapter(),
  clients: [client("spa", "web"), client("cli", "native")],
  scopes: ["openid", "offline_access", ...API_SCOPES.split(" ")],
  claims: { openid: ["sub"], email: ["email", "email_verified"] },
  pkce: { required: () => true },
  cookies: { keys: [randomBytes(32).toString("hex")] },
  ttl: {
    AccessToken: ACCESS_TOKEN_SECONDS,
    IdToken: ACCESS_TOKEN_SECONDS,
    AuthorizationCode: 60,
    Interaction: HOUR,
    Session: HOUR,
    Grant: HOUR,
    RefreshToken: HOUR,
  },
  features: {
    devInteractions: { enabled: false },
    resourceIndicators: { enabled: true, getResourceServerInfo: resourceServer },
  },
  findAccount: (_context, login) => ({ accountId: login, claims: () => ({ sub: login, ...person(login) }) }),
  extraTokenClaims: (_context, token) => ({ ...person(token.accountId), ...extra }),
};

// A provider reads its keys once, so that other keys need another provider, behind the same address.
function publish(next) {
  keys = next;
  provider = new Provider(issuer, { ...CONFIGURATION, jwks: { keys } });
  provider.on("server_error", (_context, error) => console.error(error));
  answer = provider.callback();
}

async function interact(request, response) {
  const interaction = await provider.interactionDetails(request, response);
  if (request.method !== "POST") return form(response, interaction.prompt.name);
  const login = await loginOf(request);
  const consented = interaction.prompt.name === "consent";
  const result = consented ? { consent: { grantId: await granted(interaction) } } : { login: { accountId: login } };
  return provider.interactionFinished(request, response, result);
}

// Everything that was asked for.
async function granted({ prompt: { details }, session, params, grantId }) {
  const fresh = () => new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  const grant = (grantId && (await provider.Grant.find(grantId))) || fresh();
  if (details.missingOIDCScope) grant.addOIDCScope(details.missingOIDCScope.join(" "));
  if (details.missingOIDCClaims) grant.addOIDCClaims(details.missingOIDCClaims);
  for (const [resource, scopes] of Object.entries(details.missingResourceScopes ?? {})) {
    grant.addResourceScope(resource, scopes.join(" "));
  }
  return grant.save();
}

// Each takes a request for discovery or for the JWKS, and says with `true` that the provider is to answer all the same.
const OUTAGES = {
  none: () => true,
  refuse: (request) => void request.socket.destroy(),
  error: (_request, response) => void response.writeHead(500).end("out of order"),
  html: (_request, response) => void response.writeHead(200, { "content-type": "text/html" }).end("<h1>Soon back</h1>"),
  empty: (_request, response, what) => what !== "jwks" || void json(aged(response), 200, { keys: [] }),
  slow: (_request, response, what) => what !== "jwks" || trickle(response),
  redirect: (_request, response) => void response.writeHead(302, { location: "http://127.0.0.1:9/" }).end(),
};

function aged(response) {
  if (maxAge !== undefined) response.setHeader("cache-control", `max-age=${maxAge}`);
  return response;
}

// What the provider answers leaves with one byte a second.
function trickle(response) {
  response.end = (body) => {
    const bytes = Buffer.from(body ?? "").values();
    const timer = setInterval(() => {
      const { value, done } = bytes.next();
      if (!done) return response.write(Buffer.of(value));
      clearInterval(timer);
      return Object.getPrototypeOf(response).end.call(response);
    }, 1000);
    response.on("close", () => clearInterval(timer));
    response.flushHeaders();
    return response;
  };
  return true;
}

// "discovery", "jwks", or nothing for the paths that no outage touches.
function kind(path) {
  if (path.startsWith("/.well-known/")) return "discovery";
  return path === provider.pathFor("jwks") ? "jwks" : undefined;
}

async function provide(request, response) {
  const { pathname } = new URL(request.url, issuer);
  if (pathname.startsWith("/interaction/")) return interact(request, response);
  const what = kind(pathname);
  if (what) {
    counts[what] += 1;
    if (!OUTAGES[outage](request, response, what)) return undefined;
  }
  if (what === "jwks") aged(response);
  return answer(request, response);
}

const CONTROLS = {
  "GET /token": async (query) => {
    const { login = "alice", client = "spa", scope = "openid deals:read" } = Object.fromEntries(query);
    const endpoints = { authorization: new URL("/auth", issuer), token: new URL("/token", issuer) };
    return tokens(endpoints, audience, { login, client, scope });
  },
  "POST /claims": (query) => {
    extra = JSON.parse(query.get("json"));
    return extra;
  },
  "POST /rotate": async () => {
    publish([await newKey(), keys[0]]);
    return { kid: keys[0].kid };
  },
  "POST /retire": () => {
    publish([keys[0]]);
    return { kid: keys[0].kid };
  },
  "POST /outage": (query) => {
    const mode = query.get("mode");
    if (!Object.hasOwn(OUTAGES, mode)) throw new Refused(400, { error: `mode is one of ${Object.keys(OUTAGES)}` });
    outage = mode;
    return { mode };
  },
  "GET /counts": () => counts,
};

// The port is part of what a provider is made from, so that the server is there first.
const issuer = await listening(provide);
publish(keys);
await serve(issuer, CONTROLS);
