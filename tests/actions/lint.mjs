// node lint.mjs NODE_MODULES FILE...: what GitHub's own validator says of workflows and actions, a line for each.
import { readFileSync } from "node:fs";
import { createRequire, registerHooks } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

// The package imports JSON as its bundler likes it; node wants to be told that it is JSON.
registerHooks({
  load(url, context, next) {
    return next(url, url.endsWith(".json") ? { ...context, importAttributes: { type: "json" } } : context);
  },
});

const [modules, ...files] = process.argv.slice(2);
const entry = join(modules, "@actions/languageservice/dist/index.js");
const { validate } = await import(pathToFileURL(entry));
const { TextDocument } = createRequire(entry)("vscode-languageserver-textdocument");
for (const file of files) {
  const text = TextDocument.create(String(pathToFileURL(file)), "yaml", 1, readFileSync(file, "utf8"));
  for (const found of await validate(text)) {
    console.log(`${file}:${found.range.start.line + 1}: ${found.message}`);
  }
}
