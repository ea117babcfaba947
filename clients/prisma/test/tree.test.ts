import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { createPilot } from "../example.js";
import { bigintToJson, createPegbarClient, newId, type PegbarClient } from "../extension.js";
import { createStudio, execute, type Studio } from "../tools/studio.js";

let studio: Studio;
let prisma: PegbarClient;
before(async () => {
  studio = await createStudio();
  prisma = createPegbarClient(studio.databaseUrl);
});
after(async () => {
  await prisma?.$disconnect();
  await studio?.drop();
});

test("Pegbar's own tree equals what Prisma wrote", async () => {
  const { id } = await createPilot(prisma);
  await assertTree(id);
});

test("Pegbar's own tree equals Prisma's in every column, and shows a change in each", async () => {
  const { id } = await prisma.project.findFirstOrThrow({ where: { name: "Pilot" } });
  const { id: generationId } = await prisma.generation.create({ data: { projectId: id, status: "succeeded" } });
  await prisma.asset.updateMany({ data: { generationId } });
  const columns = await changeableColumns();
  // Each column is to show, also those that do not change once there is a record.
  for (const table of ["asset", "asset_reference"]) {
    await execute(studio.databaseUrl, `ALTER TABLE ${table} DISABLE TRIGGER USER`);
  }
  for (const column of columns) await change(column);
  let tree = await assertTree(id);
  assert.deepEqual(absent(await expectedTree(id)), [
    // An asset has a character or an animation or neither.
    "animationId",
    "characterId",
  ]);
  for (const column of columns) {
    await change(column);
    const next = await assertTree(id);
    const name = `${column.table_name}.${column.column_name}`;
    assert.equal(isDeepStrictEqual(next, tree), HIDDEN.includes(name), name);
    tree = next;
  }
});

test("Pegbar lists what Prisma wrote under an id of the extension's making", async () => {
  const id = newId();
  await prisma.project.create({ data: { id, name: "By id" } });
  const { project } = studio.pegbar("tree", id) as { project: { name: string } };
  assert.equal(project.name, "By id");
});

/** Asserts that Pegbar's tree of a project equals what Prisma reads, and returns it. */
async function assertTree(id: string): Promise<unknown> {
  const tree = plain(studio.pegbar("tree", id));
  assert.deepEqual(tree, plain(await expectedTree(id)));
  return tree;
}

/** Columns that the tree does not show: Pegbar's own, and one that is the order of a list. */
const HIDDEN = ["character.segment_key", "animation.segment_key", "asset_reference.position"];

interface Column {
  table_name: string;
  column_name: string;
  data_type: string;
}

/** The columns whose values are free: all but ids and enums. */
async function changeableColumns(): Promise<Column[]> {
  const rows = await execute(
    studio.databaseUrl,
    `SELECT table_name, column_name, data_type FROM information_schema.columns
     WHERE table_schema = current_schema() AND data_type NOT IN ('uuid', 'USER-DEFINED')
       AND table_name IN ('project', 'character', 'animation', 'frame', 'asset', 'asset_reference')
     ORDER BY table_name, ordinal_position`,
  );
  return rows as unknown as Column[];
}

/** Gives a column a new value in every row, each row its own. */
async function change({ table_name, column_name, data_type }: Column) {
  const values: Record<string, string> = {
    // 64 hexadecimal digits, which is a SHA-256 too.
    text: "encode(sha256(convert_to(t::text, 'UTF8')), 'hex')",
    integer: `coalesce(${column_name}, 0) + 100`,
    bigint: `coalesce(${column_name}, 0) + 100`,
    boolean: `NOT coalesce(${column_name}, false)`,
    jsonb: "jsonb_build_object('value', md5(t::text))",
    "timestamp with time zone": `coalesce(${column_name}, '2026-07-01T00:00:00.001Z') + interval '25 hours'`,
  };
  const value = values[data_type];
  assert.ok(value, `there is a value for ${table_name}.${column_name}, ${data_type}`);
  await execute(studio.databaseUrl, `UPDATE ${table_name} t SET ${column_name} = ${value}`);
}

/** The names of the fields that are null somewhere in a value. */
function absent(value: unknown): string[] {
  const names = new Set<string>();
  JSON.stringify(value, (key, each) => {
    if (each === null) names.add(key);
    return bigintToJson(key, each);
  });
  return [...names].sort();
}

/** The tree of a project as `pegbar --json tree` prints it, made from what Prisma reads. */
async function expectedTree(id: string) {
  const inputs = { references: { orderBy: { position: "asc" } } } as const;
  const found = await prisma.project.findUniqueOrThrow({
    where: { id },
    include: {
      assets: { where: { kind: "reference" }, include: inputs, orderBy: { id: "asc" } },
      characters: {
        orderBy: { id: "asc" },
        include: {
          variations: { include: inputs, orderBy: { id: "asc" } },
          animations: {
            orderBy: { id: "asc" },
            include: {
              frames: { include: { asset: { include: inputs } }, orderBy: { frameIndex: "asc" } },
              // Pegbar lists a take that a frame shows with that frame.
              takes: { where: { frames: { none: {} } }, include: inputs, orderBy: { id: "asc" } },
            },
          },
        },
      },
    },
  });
  const asset = ({ references, ...row }: (typeof found.assets)[number]) => ({
    ...row,
    references: references.map(({ referencedAssetId, role, sha256 }) => ({
      assetId: referencedAssetId,
      role,
      sha256,
    })),
  });
  const { assets, characters, ...project } = found;
  return {
    project,
    characters: characters.map(({ variations, animations, segmentKey: _, ...character }) => ({
      character,
      variations: variations.map(asset),
      animations: animations.map(({ frames, takes, segmentKey: _, ...animation }) => ({
        animation: { ...animation, frameCount: frames.length },
        frames: frames.map(({ asset: shown, ...frame }) => ({ frame, asset: asset(shown) })),
        takes: takes.map(asset),
      })),
    })),
    references: assets.map(asset),
  };
}

/** A value as JSON has it. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value, bigintToJson));
}
