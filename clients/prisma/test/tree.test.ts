import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createPilot } from "../example.js";
import { bigintToJson, createPegbarClient, newId, type PegbarClient } from "../extension.js";
import { createStudio, type Studio } from "./studio.js";

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
  assert.deepEqual(plain(studio.pegbar("tree", "Pilot")), plain(await expectedTree(id)));
});

test("the comparison fails when one value differs", async () => {
  const project = await prisma.project.create({
    data: { name: "Other", characters: { create: { name: "Ada" } } },
    include: { characters: true },
  });
  const expected = plain(await expectedTree(project.id));
  await prisma.character.update({ where: { id: project.characters[0]!.id }, data: { name: "Eve" } });
  assert.notDeepEqual(plain(studio.pegbar("tree", "Other")), expected);
});

test("Pegbar lists what Prisma wrote under an id of the extension's making", async () => {
  const id = newId();
  await prisma.project.create({ data: { id, name: "By id" } });
  const { project } = studio.pegbar("tree", id) as { project: { name: string } };
  assert.equal(project.name, "By id");
});

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

/** A value as JSON has it; a field that is null counts as absent. */
function plain(value: unknown): unknown {
  const withoutNulls = (key: string, item: unknown) =>
    item === null ? undefined : bigintToJson(key, item);
  return JSON.parse(JSON.stringify(value, withoutNulls));
}
