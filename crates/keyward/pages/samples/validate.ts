// Before a run: is the key good, and may it do what the run needs?
type Validation =
  | { valid: true; user_id: number; account_id: number; scopes: string[]; tier: string }
  | { valid: false };

const needed = ["deals:read", "deals:write"];

const response = await fetch(`${process.env.API}/auth/validate-api-key`, {
  method: "POST",
  headers: { "Content-Type": "application/json", "X-Origin-App": "my-integration" },
  body: JSON.stringify({ api_key: process.env.KEY }),
});
if (!response.ok) throw new Error(`${response.status}: ${await response.text()}`);
const { data: key } = (await response.json()) as { data: Validation };

const missing = key.valid ? needed.filter((scope) => !key.scopes.includes(scope)) : [];
if (!key.valid) {
  console.error("The key is not valid.");
  process.exitCode = 1;
} else if (missing.length > 0) {
  console.error(`The key lacks the scope ${missing.join(", ")}.`);
  process.exitCode = 1;
} else {
  console.log(`The key is valid and has ${needed.join(" ")}.`);
}

export {};
