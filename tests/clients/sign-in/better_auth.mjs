// better-auth as an application whose people sign in here, by its plugin for any OpenID provider.
// Usage: node better_auth.mjs BASE_URL EMAIL PASSWORD, with a user of one account. Prints a line of JSON; exits 1 at the first thing
// that is wrong.
import { randomBytes } from "node:crypto";
import { betterAuth } from "better-auth";
import { genericOAuth } from "better-auth/plugins";
import { Browser, check, done, listening, person, registered } from "./app.mjs";

let name;
for (const method of ["client_secret_post", "client_secret_basic", "none"]) {
  const problems = [];
  let auth;
  const app = await listening((request) => auth.handler(request));
  const { client_id, client_secret } = await registered(`${app}/api/auth/callback/keyward`, method);
  auth = betterAuth({
    baseURL: app,
    secret: randomBytes(32).toString("hex"),
    telemetry: { enabled: false },
    rateLimit: { enabled: false },
    logger: { log: (_level, message, ...more) => problems.push([message, ...more].join(" ")) },
    plugins: [
      genericOAuth({
        config: [
          {
            providerId: "keyward",
            clientId: client_id,
            clientSecret: client_secret,
            discoveryUrl: `${person.base}/.well-known/openid-configuration`,
            tokenEndpointAuth: { method },
            scopes: ["openid", "profile", "email"],
            pkce: true,
          },
        ],
      }),
    ],
  });
  const browser = new Browser();
  const ask = (path, body) =>
    browser.go(`${app}/api/auth${path}`, {
      method: body ? "POST" : "GET",
      headers: { "content-type": "application/json" },
      body: body && JSON.stringify(body),
    });
  const { url } = await (await ask("/sign-in/social", { provider: "keyward", callbackURL: `${app}/welcome` })).json();
  check(url?.startsWith(`${person.base}/oauth/authorize?`), `it is sent to ${url}: ${problems}`);
  const back = await browser.signsInAt(url);
  check(back.headers.get("location") === `${app}/welcome`, `it ends at ${back.headers.get("location")}: ${problems}`);
  const session = await (await ask("/get-session")).json();
  check(session?.user.email === person.email && session.user.name, `${JSON.stringify(session)}: ${problems}`);
  name = session.user.name;
}
done("better-auth", { flows: 3, name });
