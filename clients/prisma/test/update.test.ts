import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { patch } from "../tools/patch.js";
import { compare } from "../tools/schema_engine.js";
import { createStudio, execute, type Studio } from "../tools/studio.js";
import { update } from "../tools/update.js";

const schema = readFileSync(new URL("../../schema.prisma", import.meta.url), "utf8");
const folder = mkdtempSync(join(tmpdir(), "pegbar-schema-"));
const path = join(folder, "schema.prisma");
after(() => rmSync(folder, { recursive: true }));

let studio: Studio;
before(async () => {
  studio = await createStudio();
});
after(() => studio?.drop());

/** Updates a copy of a schema and returns it: it equals the database and needs no other update. */
async function updated(given: string): Promise<string> {
  writeFileSync(path, given);
  await update(studio.databaseUrl, path);
  const result = readFileSync(path, "utf8");
  const { fromDatabase, toDatabase, introspected } = await compare(studio.databaseUrl, result);
  assert.deepEqual([fromDatabase, toDatabase], ["", ""]);
  assert.equal(patch(result, introspected), result);
  return result;
}

/** Runs statements for the time of a test. */
async function altered(statements: string, back: string, run: () => Promise<void>) {
  await execute(studio.databaseUrl, statements);
  try {
    await run();
  } finally {
    await execute(studio.databaseUrl, back);
  }
}

/** The lines of a text without their alignment. */
const unaligned = (text: string) => text.split("\n").map((line) => line.trim().replace(/\s+/g, " "));

/** The lines that one text has and another has not, in order, without their alignment. */
function added(from: string, to: string): string[] {
  const left = unaligned(from);
  return unaligned(to).filter((line) => {
    const at = left.indexOf(line);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  });
}

const block = (text: string, head: string) => {
  const start = text.indexOf(`\n${head} {\n`);
  assert.notEqual(start, -1, `${head} is in the schema`);
  return text.slice(start + 1, text.indexOf("\n}\n", start) + 2);
};

test("a current schema stays as it is, byte for byte", async () => {
  writeFileSync(path, schema);
  assert.equal(await update(studio.databaseUrl, path), false);
  assert.equal(readFileSync(path, "utf8"), schema);
});

test("what the schema has lost comes back in its place", async () => {
  let lost = schema;
  // Lines without a comment and without what only a human knows.
  for (const line of [
    /\n  userPrompt +String +@default.*/g,
    /\n  durationMs +BigInt\?.*/,
    /\n  price +String\?/,
    /\n  originalName +String\?.*/,
    /\n  generationSettings +Json\? .*/,
    /\n  appliedOn .*/,
    /\n  @@index\(\[projectId, sourcePath\].*/,
    /\n  previous_frame/,
  ]) {
    assert.match(lost, line);
    lost = lost.replace(line, "");
  }
  assert.equal(await updated(lost), schema);
});

test("a new column becomes a field, and nothing else changes", () =>
  altered(
    "ALTER TABLE animation ADD COLUMN test_duration_ms integer",
    "ALTER TABLE animation DROP COLUMN test_duration_ms",
    async () => {
      const result = await updated(schema);
      const now = block(result, "model Animation");
      const then = block(schema, "model Animation");
      // The block is aligned anew for the longer name; its lines are the same but for one.
      const line = 'testDurationMs Int? @map("test_duration_ms")';
      assert.deepEqual(added(then, now), [line]);
      assert.deepEqual(unaligned(now).filter((each) => each !== line), unaligned(then));
      assert.equal(result.replace(now, then), schema);
      const fields = unaligned(now).filter((each) => /^\w+ /.test(each)).map((each) => each.split(" ")[0]);
      const at = fields.indexOf("testDurationMs");
      assert.deepEqual(fields.slice(at + 1, at + 3), ["project", "character"], "it is the last of the columns");
    },
  ));

test("types, nullability and defaults are those of the columns", () =>
  altered(
    `ALTER TABLE frame
       ADD COLUMN test_count bigint NOT NULL DEFAULT 3, ADD COLUMN test_note text NOT NULL DEFAULT '',
       ADD COLUMN test_at timestamptz(3) DEFAULT now(), ADD COLUMN test_fields jsonb, ADD COLUMN test_id uuid,
       ADD COLUMN test_kind asset_kind NOT NULL DEFAULT 'frame', ADD COLUMN testable boolean`,
    `ALTER TABLE frame DROP COLUMN test_count, DROP COLUMN test_note, DROP COLUMN test_at,
       DROP COLUMN test_fields, DROP COLUMN test_id, DROP COLUMN test_kind, DROP COLUMN testable`,
    async () => {
      assert.deepEqual(added(schema, await updated(schema)), [
        'testCount BigInt @default(3) @map("test_count")',
        'testNote String @default("") @map("test_note")',
        'testAt DateTime? @default(now()) @map("test_at") @db.Timestamptz(3)',
        'testFields Json? @map("test_fields")',
        'testId String? @map("test_id") @db.Uuid',
        'testKind AssetKind @default(frame) @map("test_kind")',
        "testable Boolean?",
      ]);
    },
  ));

test("a changed column changes in its line, and keeps its comment", () =>
  altered(
    "ALTER TABLE generation ALTER duration_ms TYPE integer; ALTER TABLE frame ALTER frame_prompt SET NOT NULL",
    "ALTER TABLE generation ALTER duration_ms TYPE bigint; ALTER TABLE frame ALTER frame_prompt DROP NOT NULL",
    async () => {
      const result = await updated(schema);
      const lines = ['framePrompt String @map("frame_prompt")', 'durationMs Int? @map("duration_ms")'];
      assert.deepEqual(added(schema, result), lines);
      assert.equal(unaligned(result).length, unaligned(schema).length);
    },
  ));

test("what the database has not leaves the schema, with its comments", async () => {
  const more = schema
    .replace("\n  /// The path below `public/assets/`.", "\n  /// Gone.\n  gone String?$&")
    .replace("\n  @@index([filePath])", "\n  /// Gone.\n  @@index([filePath, id])$&")
    .replace("\n  frame\n", "$&  gone\n")
    .replace("\n/// Pegbar's own: its migration", "\n/// Gone.\nmodel Gone {\n  id String @id\n}\n$&");
  assert.equal(added(schema, more).length, 10);
  assert.equal(await updated(more), schema);
});

test("a new table and a new enum come with names, relations and indexes", () =>
  altered(
    `CREATE TYPE sound_mode AS ENUM ('once', 'ping_pong');
     CREATE TABLE sound_cue (
       id uuid NOT NULL PRIMARY KEY,
       project_id uuid NOT NULL,
       animation_id uuid NOT NULL,
       start_ms bigint NOT NULL DEFAULT 0,
       sound_mode sound_mode NOT NULL DEFAULT 'once',
       CONSTRAINT sound_cue_animation_fkey FOREIGN KEY (project_id, animation_id)
         REFERENCES animation (project_id, id) ON DELETE CASCADE
     );
     CREATE INDEX sound_cue_start_idx ON sound_cue (project_id, animation_id, start_ms)`,
    "DROP TABLE sound_cue; DROP TYPE sound_mode",
    async () => {
      const result = await updated(schema);
      assert.deepEqual(added(schema, result).filter((line) => line !== "" && line !== "}"), [
        "soundCues SoundCue[]",
        "model SoundCue {",
        "id String @id @db.Uuid",
        'projectId String @map("project_id") @db.Uuid',
        'animationId String @map("animation_id") @db.Uuid',
        'startMs BigInt @default(0) @map("start_ms")',
        'soundMode SoundMode @default(once) @map("sound_mode")',
        'animation Animation @relation(fields: [projectId, animationId], references: [projectId, id], ' +
          'onDelete: Cascade, onUpdate: NoAction, map: "sound_cue_animation_fkey")',
        '@@index([projectId, animationId, startMs], map: "sound_cue_start_idx")',
        '@@map("sound_cue")',
        "enum SoundMode {",
        "once",
        "ping_pong",
        '@@map("sound_mode")',
      ]);
      assert.ok(result.endsWith('\n\n  @@map("sound_mode")\n}\n'));
    },
  ));

test("a second foreign key between two tables is told apart from the first", () =>
  altered(
    `ALTER TABLE frame ADD COLUMN mask_asset_id uuid,
       ADD CONSTRAINT frame_mask_fkey FOREIGN KEY (project_id, mask_asset_id) REFERENCES asset (project_id, id);
     CREATE UNIQUE INDEX frame_mask_key ON frame (project_id, mask_asset_id)`,
    "ALTER TABLE frame DROP COLUMN mask_asset_id",
    async () => {
      const lines = added(schema, await updated(schema));
      assert.ok(lines.includes('maskAssetId String? @map("mask_asset_id") @db.Uuid'));
      assert.ok(lines.includes('@@unique([projectId, maskAssetId], map: "frame_mask_key")'));
      assert.equal(lines.filter((line) => line.includes("@relation(")).length, 2);
    },
  ));

test("a schema that the engine refuses stays as it is", async () => {
  const invalid = schema.replace("model Frame {", "model Frame {\n  id String");
  writeFileSync(path, invalid);
  await assert.rejects(update(studio.databaseUrl, path));
  assert.equal(readFileSync(path, "utf8"), invalid);
});
