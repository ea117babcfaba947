import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { compare } from "../tools/schema_engine.js";
import { createStudio, execute, type Studio } from "../tools/studio.js";

const root = new URL("../../", import.meta.url);
const schema = readFileSync(new URL("schema.prisma", root), "utf8");

let studio: Studio;
before(async () => {
  studio = await createStudio();
});
after(() => studio?.drop());

/** Replaces a text that must be there. */
function changed(from: string, to: string): string {
  assert.ok(schema.includes(from), `${from} is in the schema`);
  return schema.replace(from, to);
}

/** The blocks of a schema, each without comments and in an order of its own: the engine has other habits. */
function blocks(text: string): string[] {
  const lines = text
    .split("\n")
    .map((line) => line.trim().replace(/\s+/g, " "))
    .filter((line) => line !== "" && !line.startsWith("//"));
  const found: string[][] = [];
  for (const line of lines) {
    if (line.endsWith("{")) found.push([]);
    found.at(-1)?.push(line);
  }
  return found.map(([head, ...rest]) => [head, ...rest.sort()].join("\n")).sort();
}

test("the file equals what Prisma's engine sees in the database, in both directions", async () => {
  const { fromDatabase, toDatabase } = await compare(studio.databaseUrl, schema);
  assert.equal(fromDatabase, "");
  assert.equal(toDatabase, "");
});

test("introspecting the database yields the file", async () => {
  const { introspected } = await compare(studio.databaseUrl, schema);
  // The engine takes these two for one-to-one, since the id is among the fields, and then
  // refuses them itself for lack of a unique index.
  const corrected = introspected
    .replace(/(\bprimaryOf\s+Character)\?/, "$1[]")
    .replace(/(\bthumbnailOf\s+Project)\?/, "$1[]");
  assert.deepEqual(blocks(corrected), blocks(schema));
});

const drifts = {
  "a missing column": changed(`  userPrompt         String         @default("") @map("user_prompt")\n`, ""),
  "another type": changed("width                  Int?", "width                  BigInt?"),
  "another nullability": changed("framePrompt String?", "framePrompt String"),
  "another default": changed("@default(1)", "@default(2)"),
  "a missing index": changed("  @@index([filePath])\n", ""),
  "a missing value of an enum": changed("  pose\n", ""),
  "another rule of a foreign key": changed(
    `onDelete: Cascade, onUpdate: NoAction, map: "frame_animation_fkey"`,
    `onDelete: NoAction, onUpdate: NoAction, map: "frame_animation_fkey"`,
  ),
  "a missing table of Pegbar's own": schema.replace(/\nmodel TrashBlob \{[^}]*\}\n/, "\n"),
};
for (const [name, drifted] of Object.entries(drifts)) {
  test(`drift is found: ${name}`, async () => {
    assert.notEqual(drifted, schema);
    const { fromDatabase, toDatabase } = await compare(studio.databaseUrl, drifted);
    assert.notEqual(fromDatabase, "");
    assert.notEqual(toDatabase, "");
  });
}

test("drift is found: a column that the database has gained", async () => {
  await execute(studio.databaseUrl, "ALTER TABLE frame ADD COLUMN duration_ms integer");
  try {
    const { fromDatabase, introspected } = await compare(studio.databaseUrl, schema);
    assert.match(fromDatabase, /DROP COLUMN "duration_ms"/);
    assert.match(introspected, /duration_ms/);
  } finally {
    await execute(studio.databaseUrl, "ALTER TABLE frame DROP COLUMN duration_ms");
  }
});

test("the schema engine is the one that this Prisma names", () => {
  const require = createRequire(import.meta.url);
  const prisma = createRequire(require.resolve("prisma/package.json"));
  const named = prisma("@prisma/engines/package.json").dependencies["@prisma/engines-version"];
  const pinned = JSON.parse(readFileSync(new URL("package.json", root), "utf8")).devDependencies;
  assert.equal(pinned["@prisma/schema-engine-wasm"], named);
});

for (const command of [["db", "push"], ["migrate", "dev"], ["migrate", "deploy"]]) {
  test(`prisma ${command.join(" ")} has no database to change`, () => {
    const env = { ...process.env, DATABASE_URL: studio.databaseUrl, PRISMA_SCHEMA_ENGINE_BINARY: "/bin/true" };
    const cli = createRequire(import.meta.url).resolve("prisma/build/index.js");
    const run = spawnSync(process.execPath, [cli, ...command], { cwd: root, env, encoding: "utf8" });
    assert.notEqual(run.status, 0, run.stdout);
    assert.match(run.stderr, /datasource/);
  });
}
