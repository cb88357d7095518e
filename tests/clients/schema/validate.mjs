// The OpenAPI documents of a running server against the schemas of OpenAPI 3.1, its own schemas included, and 3.0.
// Usage: node validate.mjs BASE_URL
import { validate as validate30 } from "@hyperjump/json-schema/openapi-3-0";
import { validate as validate31 } from "@hyperjump/json-schema/openapi-3-1";

const [base] = process.argv.slice(2);
const wrong = [];

async function check(file, validates) {
  const document = await (await fetch(`${base}/platform/${file}`)).json();
  const faults = (document) => {
    const { valid, errors } = validates(document, "BASIC");
    return valid ? [] : (errors ?? [{ instanceLocation: "somewhere" }]);
  };
  for (const { instanceLocation, absoluteKeywordLocation } of faults(document)) {
    wrong.push(`${file}: ${instanceLocation} is not as ${absoluteKeywordLocation} says`);
  }
  // It would say so, of the document and of a schema in it.
  const spoilt = structuredClone(document);
  spoilt.paths["/api/external/v2/deals"].get.parameters.at(-1).in = "somewhere";
  const hollow = structuredClone(document);
  hollow.components.schemas.Deal.type = "thing";
  if ([spoilt, hollow].some((mistaken) => faults(mistaken).length === 0)) {
    wrong.push(`${file}: a document that is wrong was found good`);
  }
  return document;
}

const newer = await check("openapi.json", await validate31("https://spec.openapis.org/oas/3.1/schema-base"));
const older = await check("openapi-3.0.json", await validate30("https://spec.openapis.org/oas/3.0/schema"));
if (wrong.length > 0) {
  console.error(wrong.join("\n"));
  process.exit(1);
}
const paths = (document) => `OpenAPI ${document.openapi}: ${Object.keys(document.paths).length} paths, no fault`;
console.log(`${paths(newer)}\n${paths(older)}`);
