import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createPilot, type Pilot } from "../example.js";
import {
  bigintToJson,
  createPegbarClient,
  newId,
  type PegbarClient,
  references,
  replaceTags,
  tags,
} from "../extension.js";
import { Prisma } from "../generated/prisma/client.js";
import { createStudio, execute, type Studio } from "../tools/studio.js";

let studio: Studio;
let prisma: PegbarClient;
let pilot: Pilot;
before(async () => {
  studio = await createStudio();
  prisma = createPegbarClient(studio.databaseUrl);
  pilot = await createPilot(prisma);
});
after(async () => {
  await prisma?.$disconnect();
  await studio?.drop();
});

const json = (value: unknown) => JSON.parse(JSON.stringify(value, bigintToJson));
const onlyCharacter = () => pilot.characters[0]!;
const onlyAnimation = () => onlyCharacter().animations[0]!;

test("one nested create writes the whole project", async () => {
  assert.equal(pilot.name, "Pilot");
  assert.deepEqual(pilot.settings, { aspectRatio: "16:9", seed: "18446744073709551615" });
  const character = onlyCharacter();
  assert.deepEqual([character.name, character.projectId], ["Miro", pilot.id]);
  assert.equal(character.variations.length, 2);
  assert.equal(character.primaryAssetId, character.variations[0]!.id);
  assert.equal(pilot.thumbnail?.id, character.primaryAssetId);
  const animation = onlyAnimation();
  assert.equal(animation.version, 1n);
  assert.equal(animation.takes.length, 3);
  assert.deepEqual(
    animation.frames.map(({ frameIndex, framePrompt, asset }) => [
      frameIndex,
      framePrompt,
      asset.generationPrompt,
    ]),
    [
      [0, "heel strikes", "contact pose"],
      [1, null, "passing pose"],
      [2, null, "contact pose"],
    ],
  );

  // The rows, by a connection that knows nothing of Prisma.
  const count = (table: string) =>
    execute(studio.databaseUrl, `SELECT count(*)::int AS n FROM ${table}`).then(([row]) => row?.n);
  const tables = ["project", "character", "animation", "frame", "asset", "asset_reference"];
  assert.deepEqual(await Promise.all(tables.map(count)), [1, 1, 1, 3, 6, 6]);
});

test("tags and reference ids are ordered arrays, at every level", () => {
  assert.deepEqual(pilot.tags, ["pilot", "desert"]);
  assert.deepEqual(onlyCharacter().tags, ["hero", "fox", "animal"]);
  const [hero, noon] = onlyCharacter().variations;
  const style = pilot.assets.find(({ kind }) => kind === "reference")!;
  assert.deepEqual(hero!.tags, ["side view", "day"]);
  assert.deepEqual(noon!.tags, []);
  assert.deepEqual(noon!.referenceAssetIds, [style.id, hero!.id]);
  const shown = onlyAnimation().frames[1]!.asset;
  assert.deepEqual(shown.referenceAssetIds, [hero!.id, onlyAnimation().frames[0]!.assetId]);
});

test("the rows behind a list show only where they were asked for", async () => {
  const { id } = onlyCharacter().variations[1]!;
  const asset = await prisma.asset.findUniqueOrThrow({ where: { id } });
  assert.equal("tagRows" in asset || "references" in asset, false);
  assert.deepEqual(json(asset).referenceAssetIds, asset.referenceAssetIds);
  assert.equal("references" in json(asset), false);
  assert.deepEqual({ ...asset }.tags, []);

  const withRows = await prisma.asset.findUniqueOrThrow({
    where: { id },
    include: { references: { orderBy: { position: "desc" } } },
  });
  assert.deepEqual(withRows.references.map(({ role }) => role), ["character", "style"]);
  assert.deepEqual(withRows.referenceAssetIds, asset.referenceAssetIds);

  const partial = await prisma.asset.findUniqueOrThrow({
    where: { id },
    include: { references: { select: { role: true } } },
  });
  assert.deepEqual(partial.referenceAssetIds, asset.referenceAssetIds);
});

test("select and omit choose the lists like any field", async () => {
  const where = { id: pilot.id };
  assert.deepEqual(
    json(await prisma.project.findUniqueOrThrow({ where, select: { name: true, tags: true } })),
    { name: "Pilot", tags: ["pilot", "desert"] },
  );
  const only = await prisma.project.findUniqueOrThrow({ where, select: { tags: true } });
  assert.deepEqual(json(only), { tags: ["pilot", "desert"] });
  const named = await prisma.project.findUniqueOrThrow({ where, select: { name: true } });
  assert.deepEqual(json(named), { name: "Pilot" });
  const omitted = await prisma.project.findUniqueOrThrow({ where, omit: { tags: true } });
  assert.equal("tags" in omitted, false);
  const nested = await prisma.frame.findFirstOrThrow({
    where: { frameIndex: 1 },
    select: { asset: { select: { referenceAssetIds: true } } },
  });
  assert.equal(nested.asset.referenceAssetIds.length, 2);
});

test("lists come with every operation that returns rows", async () => {
  const data = { name: "Lists", tagRows: tags(["b", "a", "b"]) };
  const created = await prisma.project.create({ data });
  assert.deepEqual(created.tags, ["b", "a"]);
  const where = { id: created.id };
  const updated = await prisma.project.update({
    where,
    data: { tagRows: replaceTags(["a", "c", "b"]) },
  });
  assert.deepEqual(updated.tags, ["a", "c", "b"]);
  const untagged = await prisma.project.create({ data: { name: "None", tagRows: tags([]) } });
  assert.deepEqual(untagged.tags, []);
  await prisma.project.delete({ where: { id: untagged.id } });
  const upserted = await prisma.project.upsert({ where, create: data, update: { name: "Lists 2" } });
  assert.deepEqual([upserted.name, upserted.tags], ["Lists 2", ["a", "c", "b"]]);
  const found = await prisma.project.findMany({ where: { tagRows: { some: { tag: "c" } } } });
  assert.deepEqual(found.map((project) => project.tags), [["a", "c", "b"]]);
  const [batched] = await prisma.$transaction([prisma.project.findUniqueOrThrow({ where })]);
  assert.deepEqual(batched.tags, ["a", "c", "b"]);
  const inside = await prisma.$transaction((tx) => tx.project.findUniqueOrThrow({ where }));
  assert.deepEqual(inside.tags, ["a", "c", "b"]);
  const [many] = await prisma.character.createManyAndReturn({
    data: [{ projectId: created.id, name: "Many" }],
  });
  assert.deepEqual(many!.tags, []);
  const characters = await prisma.project.findUniqueOrThrow({ where }).characters();
  assert.deepEqual(characters?.map((character) => character.tags), [[]]);
  const deleted = await prisma.project.delete({ where });
  assert.deepEqual(deleted.tags, ["a", "c", "b"]);
  assert.equal(await prisma.project.findUnique({ where }), null);
});

test("a list is never a wrong one: what cannot be told is refused", async () => {
  const { id } = onlyCharacter().variations[1]!;
  const narrowed = { references: { where: { role: "style" } } } as const;
  await assert.rejects(
    prisma.asset.findUnique({ where: { id }, include: narrowed }),
    /Asset.referenceAssetIds is made of all references/,
  );
  const asset = await prisma.asset.findUniqueOrThrow({
    where: { id },
    include: narrowed,
    omit: { referenceAssetIds: true },
  });
  assert.equal(asset.references.length, 1);
  await assert.rejects(
    prisma.character.updateManyAndReturn({ data: { name: "Nobody" } }),
    /cannot return Character.tags/,
  );
  assert.equal(await prisma.character.count({ where: { name: "Nobody" } }), 0);
  const [updated] = await prisma.character.updateManyAndReturn({
    data: { description: "a fox" },
    omit: { tags: true },
  });
  assert.equal(updated!.description, "a fox");
});

test("ids are UUIDv7, in the order of their making", async () => {
  const ids = Array.from({ length: 10_000 }, newId);
  assert.deepEqual(ids.toSorted(), ids);
  assert.equal(new Set(ids).size, ids.length);
  const version7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;
  for (const id of ids) assert.match(id, version7);
  assert.ok(Math.abs(Number.parseInt(ids[0]!.replace("-", "").slice(0, 12), 16) - Date.now()) < 5000);
  assert.match(onlyCharacter().id, version7);
});

test("every row gets an id, however it is created", async () => {
  const plain = await prisma.project.create({ data: { name: "Ids" } });
  const nested = await prisma.project.create({
    data: { name: "Ids", characters: { create: [{ name: "One" }, { name: "Two" }] } },
    include: { characters: true },
  });
  assert.equal(nested.characters.length, 2);
  const connected = await prisma.character.create({
    data: { name: "Three", project: { connect: { id: plain.id } } },
  });
  assert.equal(connected.projectId, plain.id);
  const updated = await prisma.project.update({
    where: { id: plain.id },
    data: {
      characters: {
        create: { name: "Four" },
        update: { where: { id: connected.id }, data: { name: "Five" } },
      },
    },
    include: { characters: { orderBy: { id: "asc" } } },
  });
  assert.deepEqual(updated.characters.map(({ name }) => name), ["Five", "Four"]);
  const upserted = await prisma.project.upsert({
    where: { id: newId() },
    create: { name: "Ids" },
    update: {},
  });
  const kept = newId();
  assert.equal((await prisma.project.create({ data: { id: kept, name: "Ids" } })).id, kept);
  await assert.rejects(
    prisma.project.create({ data: { name: "Ids", thumbnail: { connect: { id: kept } } } }),
    /creating a Project takes `thumbnailId`, not `thumbnail`/,
  );
  const ids = [plain.id, nested.id, upserted.id, kept];
  await prisma.project.deleteMany({ where: { id: { in: ids } } });
});

test("times are the same for Prisma and for the database, whatever the server's time zone", async () => {
  const at = new Date("2026-07-01T12:34:56.789Z");
  const { id, updatedAt } = await prisma.project.create({ data: { name: "Noon", createdAt: at } });
  const [row] = await execute(
    studio.databaseUrl,
    "SELECT created_at, updated_at, current_setting('timezone') AS zone FROM project WHERE id = $1",
    [id],
  );
  assert.equal(row?.zone, "America/New_York");
  assert.deepEqual(row?.created_at, at);
  assert.deepEqual(row?.updated_at, updatedAt);
  await execute(studio.databaseUrl, "UPDATE project SET created_at = now() WHERE id = $1", [id]);
  const { createdAt } = await prisma.project.findUniqueOrThrow({ where: { id } });
  assert.ok(Math.abs(createdAt.getTime() - Date.now()) < 60_000, createdAt.toISOString());
});

test("a bigint becomes JSON by the replacer, exactly", async () => {
  const { id } = onlyCharacter().variations[0]!;
  const { fileSize } = await prisma.asset.update({ where: { id }, data: { fileSize: 1_234_567 } });
  assert.equal(fileSize, 1_234_567n);
  assert.throws(() => JSON.stringify({ fileSize }), TypeError);
  const sizes = { fileSize, huge: 2n ** 60n };
  assert.equal(JSON.stringify(sizes, bigintToJson), '{"fileSize":1234567,"huge":"1152921504606846976"}');
  await prisma.asset.update({ where: { id }, data: { fileSize: null } });
});

/** Asserts that the database refuses for a foreign key, and that nothing was written. */
async function assertRefused(write: () => Promise<unknown>, constraint: string) {
  const state = () =>
    Promise.all([
      prisma.project.findMany({ include: { characters: true }, orderBy: { id: "asc" } }),
      prisma.asset.findMany({ include: { references: true }, orderBy: { id: "asc" } }),
      prisma.frame.findMany({ orderBy: { id: "asc" } }),
      prisma.animation.findMany({ orderBy: { id: "asc" } }),
    ]).then((rows) => JSON.stringify(rows, bigintToJson));
  const before = await state();
  await assert.rejects(write, (error: unknown) => {
    assert.ok(error instanceof Prisma.PrismaClientKnownRequestError, String(error));
    assert.equal(error.code, "P2003");
    assert.match(JSON.stringify(error.meta), new RegExp(constraint));
    return true;
  });
  assert.equal(await state(), before);
}

test("a link into another project is refused, at every edge", async () => {
  const other = await createPilot(prisma);
  const foreign = other.characters[0]!.variations[0]!.id;
  const { id: characterId } = onlyCharacter();
  const { id: animationId } = onlyAnimation();
  const projectId = pilot.id;

  const frame = { projectId, animationId, assetId: foreign, frameIndex: 3 };
  await assertRefused(() => prisma.frame.create({ data: frame }), "frame_asset_fkey");
  await assertRefused(
    () => prisma.frame.create({ data: { ...frame, projectId: other.id } }),
    "frame_animation_fkey",
  );
  await assertRefused(
    () => prisma.project.update({ where: { id: projectId }, data: { thumbnailId: foreign } }),
    "project_thumbnail_fkey",
  );
  await assertRefused(
    () => prisma.character.update({ where: { id: characterId }, data: { primaryAssetId: foreign } }),
    "character_primary_fkey",
  );
  await assertRefused(
    () => prisma.asset.create({ data: { projectId: other.id, kind: "character", characterId } }),
    "asset_character_fkey",
  );
  await assertRefused(
    () => prisma.asset.create({ data: { projectId: other.id, kind: "frame", animationId } }),
    "asset_animation_fkey",
  );
  await assertRefused(
    () => prisma.animation.create({ data: { projectId: other.id, characterId, name: "Stray" } }),
    "animation_character_fkey",
  );
  await assertRefused(
    () =>
      prisma.asset.create({
        data: { projectId, kind: "reference", references: references([foreign]) },
      }),
    "asset_reference_referenced_fkey",
  );
  // In one nested create, where the check comes at COMMIT.
  await assertRefused(
    () =>
      prisma.project.create({
        data: {
          name: "Thief",
          characters: {
            create: {
              name: "Thief",
              animations: {
                create: { name: "Run", frames: { create: { frameIndex: 0, assetId: foreign } } },
              },
            },
          },
        },
      }),
    "frame_asset_fkey",
  );
});

test("a primary must be one of the character's own variations", async () => {
  const stranger = await prisma.character.create({
    data: {
      project: { connect: { id: pilot.id } },
      name: "Stranger",
    },
  });
  await assertRefused(
    () =>
      prisma.character.update({
        where: { id: stranger.id },
        data: { primaryAssetId: onlyCharacter().primaryAssetId },
      }),
    "character_primary_fkey",
  );
});

test("what Prisma cannot express is still checked by the database", async () => {
  const { id: projectId } = pilot;
  for (const write of [
    () => prisma.project.create({ data: { name: "" } }),
    () => prisma.project.create({ data: { name: "x".repeat(256) } }),
    () => prisma.asset.create({ data: { projectId, kind: "character" } }),
    () => prisma.asset.create({ data: { projectId, kind: "reference", sha256: "short" } }),
    () => prisma.project.create({ data: { name: "Tag", tagRows: tags(["x".repeat(65)]) } }),
  ]) {
    await assert.rejects(write, /violates check constraint/);
  }
});

test("deleting a character takes its variations and animations along", async () => {
  const copy = await createPilot(prisma);
  await prisma.character.delete({ where: { id: copy.characters[0]!.id } }).then(
    () => assert.fail("the thumbnail still shows one of its variations"),
    (error) => assert.equal(error.code, "P2003"),
  );
  await prisma.project.update({ where: { id: copy.id }, data: { thumbnailId: null } });
  await prisma.character.delete({ where: { id: copy.characters[0]!.id } });
  const left = await prisma.asset.findMany({ where: { projectId: copy.id } });
  assert.deepEqual(left.map(({ kind }) => kind), ["reference"]);
  await prisma.project.delete({ where: { id: copy.id } });
  assert.equal(await prisma.asset.count({ where: { projectId: copy.id } }), 0);
});
