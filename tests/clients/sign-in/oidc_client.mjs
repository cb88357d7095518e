// oidc-client-ts in a browser, in a page of another origin: signing in with the userinfo endpoint, calling the API and the MCP
// endpoint, renewing silently, and signing out.
// Usage: node oidc_client.mjs BASE_URL EMAIL PASSWORD, with a user of one account. Prints a line of JSON; exits 1 at the first thing
// that is wrong. The browser is that of browser.mjs.
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { launch } from "../browser.mjs";
import { API, check, done, listening, person, registered } from "./app.mjs";

const SCOPE = "openid profile email offline_access account:read deals:read";
const script = readFileSync(createRequire(import.meta.url).resolve("oidc-client-ts").replace(/umd/, "browser"));
const page = readFileSync(new URL("oidc_client.html", import.meta.url));
let settings;
const app = await listening((request) => {
  const { pathname } = new URL(request.url);
  if (pathname === "/settings.json") return Response.json(settings);
  const [body, kind] = pathname === "/oidc-client-ts.js" ? [script, "text/javascript"] : [page, "text/html; charset=utf-8"];
  return new Response(body, { headers: { "content-type": kind } });
});
const { client_id } = await registered(`${app}/callback`, "none");
settings = {
  authority: person.base,
  client_id,
  redirect_uri: `${app}/callback`,
  post_logout_redirect_uri: `${app}/bye`,
  scope: SCOPE,
  loadUserInfo: true,
  automaticSilentRenew: false,
  revokeTokensOnSignout: true,
};

let name;
const browser = await launch();
try {
  const tab = await (await browser.newContext()).newPage();
  tab.setDefaultTimeout(15_000);
  const said = () => tab.locator("#said").textContent();
  const says = (word) => tab.waitForFunction((word) => document.getElementById("said")?.textContent.startsWith(word), word);
  await tab.goto(app);
  await says("ready");
  await tab.locator("#in").click();
  await tab.getByLabel("E-mail address", { exact: true }).fill(person.email);
  await tab.getByLabel("Password", { exact: true }).fill(person.password);
  await tab.getByRole("button", { name: "Sign in", exact: true }).click();
  await tab.getByRole("button", { name: "Allow" }).click();
  await tab.waitForURL(`${app}/callback**`);
  await tab.waitForFunction(() => /^(signed in|wrong)/.test(document.getElementById("said").textContent));
  check((await said()).includes(person.email), `the application says: ${await said()}`);
  const user = await tab.evaluate(() => manager.getUser().then(({ profile, scope, access_token }) => ({ profile, scope, access_token })));
  check(user.profile.name && user.profile.given_name, `its profile is ${JSON.stringify(user.profile)}`);
  check(user.scope.split(" ").sort().join() === SCOPE.split(" ").sort().join(), `all that it asked for is granted: ${user.scope}`);

  // What the page of an application reads of the API and of the MCP endpoint.
  const calls = ([url, token, message]) =>
    fetch(url, {
      method: message ? "POST" : "GET",
      headers: {
        authorization: `Bearer ${token}`,
        "x-origin-app": "spa",
        ...(message && { "content-type": "application/json", accept: "application/json, text/event-stream", "mcp-protocol-version": "2025-11-25" }),
      },
      body: message && JSON.stringify(message),
    }).then(({ status }) => status, (error) => `${error}`);
  check((await tab.evaluate(calls, [`${API}/deals?limit=1`, user.access_token])) === 200, "the API lets the page call");
  const ping = { jsonrpc: "2.0", id: 1, method: "ping" };
  check((await tab.evaluate(calls, [`${person.base}/mcp`, user.access_token, ping])) === 200, "the MCP endpoint lets the page call");

  const renewed = await tab.evaluate(() => manager.signinSilent().then((user) => user.access_token, (error) => `${error}`));
  check(renewed.split(".").length === 3 && renewed !== user.access_token, `it renews silently: ${renewed.slice(0, 80)}`);
  check((await tab.evaluate(calls, [`${API}/deals?limit=1`, renewed])) === 200, "the renewed token is taken");

  await tab.locator("#out").click();
  await tab.waitForURL(`${app}/bye**`);
  await says("signed out");
  check((await tab.evaluate(() => manager.getUser())) === null, "the application has signed its user out");
  check((await tab.evaluate(calls, [`${API}/deals?limit=1`, renewed])) === 401, "the tokens that it gave up are dead");
  await tab.goto(`${person.base}/console`);
  check(new URL(tab.url()).pathname === "/sign-in", `the person is signed out here too: ${tab.url()}`);
  name = user.profile.name;
} finally {
  await browser.close();
}
done("oidc-client-ts", { flows: 1, name });
