// Follows an authorization request without a browser: signs in, chooses an account, consents.
// Usage: node sign_in.mjs AUTHORIZE_URL EMAIL PASSWORD [SLUG]; prints where the person is sent back to.
import { pathToFileURL } from "node:url";

const decode = (text) =>
  text.replace(/&(?:amp|#38);/g, "&").replace(/&(?:quot|#34);/g, '"').replace(/&(?:lt|#60);/g, "<").replace(/&(?:gt|#62);/g, ">").replace(/&#39;/g, "'");

const attribute = (tag, name) => {
  const found = new RegExp(`\\s${name}="([^"]*)"`).exec(tag);
  return found ? decode(found[1]) : undefined;
};

// The form that is sent to an address, with its hidden fields.
function form(html, action) {
  for (const [whole] of html.matchAll(/<form[^>]*>[\s\S]*?<\/form>/g)) {
    const tag = /<form[^>]*>/.exec(whole)[0];
    if (attribute(tag, "action") !== action) continue;
    const fields = new URLSearchParams();
    for (const [input] of whole.matchAll(/<input[^>]*>/g)) {
      if (attribute(input, "type") === "hidden") fields.append(attribute(input, "name"), attribute(input, "value") ?? "");
    }
    return { method: (attribute(tag, "method") ?? "get").toUpperCase(), fields };
  }
  throw new Error(`no form to ${action} in: ${html.slice(0, 400)}`);
}

// Where the person is sent back to; that address is not asked.
export async function signIn(authorize, { email, password, account, readOnly = false }) {
  const origin = new URL(authorize).origin;
  const cookies = new Map();
  async function ask(url, body) {
    const answer = await fetch(url, {
      method: body ? "POST" : "GET",
      body,
      redirect: "manual",
      headers: { accept: "text/html", cookie: [...cookies].map((pair) => pair.join("=")).join("; ") },
    });
    for (const line of answer.headers.getSetCookie()) {
      const [pair] = line.split(";");
      const at = pair.indexOf("=");
      cookies.set(pair.slice(0, at), pair.slice(at + 1));
    }
    return { status: answer.status, to: answer.headers.get("location"), html: await answer.text() };
  }
  let answer = await ask(authorize);
  for (let steps = 0; steps < 10; steps += 1) {
    if (answer.to) {
      const to = new URL(answer.to, origin);
      if (to.origin !== origin) return to.href;
      answer = await ask(to.href);
    } else if (answer.status !== 200) {
      throw new Error(`${answer.status}: ${answer.html.slice(0, 400)}`);
    } else if (answer.html.includes('action="/sign-in"')) {
      const { fields } = form(answer.html, "/sign-in");
      fields.set("email", email);
      fields.set("password", password);
      answer = await ask(`${origin}/sign-in`, fields);
    } else if (answer.html.includes('name="account"') && answer.html.includes('type="radio"')) {
      const { fields } = form(answer.html, "/oauth/authorize");
      fields.set("account", account);
      fields.set("reach", "one");
      answer = await ask(`${origin}/oauth/authorize?${fields}`);
    } else {
      const { fields } = form(answer.html, "/oauth/authorize");
      fields.set("decision", "allow");
      if (readOnly) fields.set("read_only", "on");
      answer = await ask(`${origin}/oauth/authorize`, fields);
    }
  }
  throw new Error("it does not end");
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [url, email, password, account] = process.argv.slice(2);
  console.log(await signIn(url, { email, password, account }));
}
