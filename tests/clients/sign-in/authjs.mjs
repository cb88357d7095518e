// Auth.js (next-auth v5) as it is configured for any OpenID provider: with a secret and without, and with the claims of the ID token
// and of the userinfo endpoint.
// Usage: node authjs.mjs BASE_URL EMAIL PASSWORD, with a user of one account. Prints a line of JSON; exits 1 at the first thing that
// is wrong.
import { randomBytes } from "node:crypto";
import { Auth } from "@auth/core";
import { Browser, check, done, listening, person, registered } from "./app.mjs";

let name;
for (const [method, idToken] of [
  ["client_secret_basic", true],
  ["client_secret_basic", false],
  ["client_secret_post", true],
  ["none", false],
]) {
  const problems = [];
  let config;
  const app = await listening((request) => Auth(request, config));
  const { client_id, client_secret } = await registered(`${app}/auth/callback/keyward`, method);
  config = {
    basePath: "/auth",
    secret: randomBytes(32).toString("hex"),
    trustHost: true,
    logger: { error: (error) => problems.push(`${error} ${error.cause?.err ?? ""}`), warn() {}, debug() {} },
    callbacks: { session: ({ session, token }) => ({ ...session, subject: token.sub }) },
    providers: [
      {
        id: "keyward",
        name: "Keyward",
        type: "oidc",
        issuer: person.base,
        clientId: client_id,
        clientSecret: client_secret,
        client: { token_endpoint_auth_method: method },
        idToken,
      },
    ],
  };
  const browser = new Browser();
  const { csrfToken } = await (await browser.go(`${app}/auth/csrf`)).json();
  const begun = await browser.go(`${app}/auth/signin/keyward`, {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded", "x-auth-return-redirect": "1" },
    body: new URLSearchParams({ csrfToken, callbackUrl: `${app}/welcome` }).toString(),
  });
  const { url } = await begun.json();
  check(url?.startsWith(`${person.base}/oauth/authorize?`), `it is sent to ${url}: ${problems}`);
  const back = await browser.signsInAt(url);
  check(back.headers.get("location") === `${app}/welcome`, `it ends at ${back.headers.get("location")}: ${problems}`);
  const { user } = await (await browser.go(`${app}/auth/session`)).json();
  check(user?.email === person.email && user.name, `${method}, ID token ${idToken}: ${JSON.stringify(user)}: ${problems}`);
  check(!name || name === user.name, `the ID token says ${name}, the userinfo endpoint ${user.name}`);
  name = user.name;
}
done("Auth.js", { flows: 4, name });
