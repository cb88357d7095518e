// The OpenAPI document of a running server against the schema of OpenAPI 3.1, its own schemas included.
// Usage: node validate.mjs BASE_URL
import { validate } from "@hyperjump/json-schema/openapi-3-1";

const [base] = process.argv.slice(2);
const is31 = await validate("https://spec.openapis.org/oas/3.1/schema-base");
const document = await (await fetch(`${base}/platform/openapi.json`)).json();

function faults(document) {
  const { valid, errors } = is31(document, "BASIC");
  return valid ? [] : (errors ?? [{ instanceLocation: "somewhere" }]);
}

const found = faults(document);
for (const { instanceLocation, absoluteKeywordLocation } of found) {
  console.error(`${instanceLocation} is not as ${absoluteKeywordLocation} says`);
}
// It would say so, of the document and of a schema in it.
const spoilt = structuredClone(document);
spoilt.paths["/api/external/v2/deals"].get.parameters.at(-1).in = "somewhere";
const hollow = structuredClone(document);
hollow.components.schemas.Deal.type = "thing";
for (const wrong of [spoilt, hollow]) {
  if (faults(wrong).length === 0) {
    found.push(wrong);
    console.error("a document that is wrong was found good");
  }
}
if (found.length > 0) process.exit(1);
console.log(`OpenAPI ${document.openapi}: ${Object.keys(document.paths).length} paths, no fault`);
