import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { patch } from "./patch.js";
import { introspect } from "./schema_engine.js";

/**
 * Brings a schema file up to date with a database, in place, and says whether it changed.
 *
 * A file that is current and formatted stays as it is, byte for byte.
 */
export async function update(databaseUrl: string, path: string): Promise<boolean> {
  const schema = readFileSync(path, "utf8");
  writeFileSync(path, patch(schema, await introspect(databaseUrl, schema)));
  format(path);
  return readFileSync(path, "utf8") !== schema;
}

/** Has Prisma format a schema file, which also refuses one that is not valid. */
function format(path: string): void {
  // The command needs no engine, but looks for one.
  const env = { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: "/bin/true" };
  const cli = createRequire(import.meta.url).resolve("prisma/build/index.js");
  const { status, stderr } = spawnSync(process.execPath, [cli, "format", "--schema", path], { env, encoding: "utf8" });
  if (status !== 0) throw new Error(`${path} is not a valid schema:\n${stderr}`);
}
