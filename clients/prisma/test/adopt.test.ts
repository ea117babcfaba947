import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { deflateSync } from "node:zlib";
import { createPilot } from "../example.js";
import { createPegbarClient, newId, type PegbarClient, references } from "../extension.js";
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

interface Asset {
  id: string;
  kind: string;
  filePath: string;
  mimeType: string;
  fileSize: number;
  width: number;
  height: number;
  imageCount: number;
  sha256: string;
  record: string;
  recordHash: string;
  references: { assetId: string; role: string; sha256: string }[];
}

interface Tree {
  references: Asset[];
  characters: {
    character: { segment: string };
    variations: Asset[];
    animations: { animation: { segment: string }; frames: { asset: Asset }[]; takes: Asset[] }[];
  }[];
}

interface Report {
  assets: number;
  adopted: number;
  left: number;
  named: number;
  removed: number;
  findings: { kind: string; id: string; isOpen: boolean; path?: string }[];
}

test("pegbar adopt completes what the example wrote, with the files where its rows say", async () => {
  const { id } = await createPilot(prisma);
  // The example leaves the paths of its takes open: the app writes them wherever it likes.
  const takes = await prisma.asset.findMany({ where: { kind: "frame" }, orderBy: { id: "asc" } });
  const habits = ["/assets/generated/", "public/assets/generated/", "generated/"];
  for (const [number, take] of takes.entries()) {
    const filePath = `${habits[number % habits.length]}${number}.png`;
    await prisma.asset.update({ where: { id: take.id }, data: { filePath } });
  }
  const assets = await prisma.asset.findMany({ orderBy: { id: "asc" } });
  assert.equal(assets.length, 6);
  const bytes = new Map(assets.map(({ id, filePath }, number) => [id, write(filePath!, png(number + 1))]));

  const report = studio.pegbar("adopt") as Report;
  assert.deepEqual(report.findings, []);
  const { adopted, left, named } = report;
  assert.deepEqual({ adopted, left, named }, { adopted: 6, left: 0, named: 2 });
  assert.equal(report.removed, 3, "the takes lay outside the convention");

  const tree = studio.pegbar("tree", id) as Tree;
  const [miro] = tree.characters;
  const [walk] = miro!.animations;
  assert.deepEqual([miro!.character.segment, walk!.animation.segment], ["Miro", "Walk"]);
  const all = [...tree.references, ...miro!.variations, ...walk!.frames.map(({ asset }) => asset), ...walk!.takes];
  assert.equal(new Set(all.map(({ id }) => id)).size, 6);
  const known = new Map(all.map((asset) => [asset.id, asset]));
  for (const asset of all) {
    const own = bytes.get(asset.id)!;
    assert.deepEqual(
      [asset.sha256, asset.fileSize, asset.width, asset.height, asset.mimeType, asset.imageCount],
      [sha256(own), own.length, 1, 1, "image/png", 1],
    );
    assert.equal(asset.recordHash, sha256(Buffer.from(asset.record)));
    const record = JSON.parse(asset.record) as { inputs: { sha256: string }[]; sha256: string };
    assert.equal(record.sha256, asset.sha256);
    // Inputs in order, each with the bytes that it has and the hash of its own record.
    assert.deepEqual(
      record.inputs,
      asset.references.map(({ assetId, role }) => {
        const input = known.get(assetId)!;
        return { recordHash: input.recordHash, role, sha256: input.sha256 };
      }),
    );
    assert.deepEqual(
      asset.references.map((reference) => reference.sha256),
      record.inputs.map((input) => input.sha256),
    );
    assert.deepEqual(readFileSync(place(asset.filePath)), own);
  }
  assert.deepEqual(
    walk!.frames.map(({ asset }) => asset.filePath),
    [0, 1, 0].map((index) => `${id}/frames/Walk/Miro_Walk_${index}.png`),
  );
  assert.ok(existsSync(place(`${id}/frames/Walk/Miro_Walk_2.png`)));
  assert.ok(!existsSync(place("generated/0.png")));

  // What Prisma reads is the same.
  const rows = await prisma.asset.findMany({ orderBy: { id: "asc" } });
  for (const row of rows) assert.equal(row.recordHash, known.get(row.id)!.recordHash);

  const before = await everything();
  // From here on, what made them does not change.
  const [output] = await prisma.assetReference.findMany({ take: 1 });
  const key = { id: output!.assetId };
  const sealed = /sealed: what (made an asset|an asset was made from) .* make a new asset, or add an annotation/;
  await assert.rejects(prisma.asset.update({ where: key, data: { generationPrompt: "another" } }), sealed);
  await assert.rejects(prisma.asset.updateMany({ data: { record: null } }), sealed);
  await assert.rejects(prisma.assetReference.updateMany({ data: { role: "pose" } }), sealed);
  await assert.rejects(prisma.assetReference.deleteMany({ where: { assetId: key.id } }), sealed);
  assert.deepEqual(await everything(), before);
  const again = studio.pegbar("adopt") as Report;
  assert.deepEqual([again.adopted, again.named, again.removed, again.findings], [0, 0, 0, []]);
  assert.deepEqual(await everything(), before);
});

test("pegbar adopt names what it leaves, and goes on when that is put right", async () => {
  const project = await prisma.project.create({ data: { name: "Unfinished" } });
  const [lost, output] = [newId(), newId()];
  await prisma.asset.create({
    data: { id: lost, projectId: project.id, kind: "reference", filePath: "/assets/lost.png" },
  });
  write("out.png", png(20));
  await prisma.asset.create({
    data: {
      id: output,
      project: { connect: { id: project.id } },
      kind: "reference",
      filePath: "out.png",
      references: references([{ id: lost, role: "style" }]),
    },
  });
  const report = refused("adopt", "--project", project.id);
  assert.deepEqual(
    report.findings.map(({ kind, id, isOpen }) => [kind, id, isOpen]),
    [
      ["fileMissing", lost, true],
      ["inputNotAdopted", output, true],
    ],
  );
  write("lost.png", png(21));
  const done = studio.pegbar("adopt", "--project", project.id) as Report;
  assert.deepEqual([done.adopted, done.left, done.findings], [2, 0, []]);
});

/** Runs what exits with 1 and returns what it prints. */
function refused(...args: string[]): Report {
  try {
    studio.pegbar(...args);
  } catch (error) {
    const { status, stdout } = error as { status: number; stdout: string };
    assert.equal(status, 1);
    return JSON.parse(stdout) as Report;
  }
  throw new Error("it did not exit with 1");
}

/** All rows, as the database writes them. */
async function everything() {
  const tables = ["project", "character", "animation", "frame", "asset", "asset_reference"];
  const text = (table: string) =>
    execute(studio.databaseUrl, `SELECT string_agg(t::text, '|' ORDER BY t::text) AS rows FROM ${table} t`);
  return Promise.all(tables.map(text));
}

const place = (path: string) => join(studio.folder, "public/assets", path);

const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

/** Writes a file where a row says, as apps write such paths. */
function write(path: string, bytes: Buffer): Buffer {
  const file = place(path.replace(/^\/?(public\/)?(assets\/)?/, ""));
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, bytes);
  return bytes;
}

/** A PNG of one pixel, a grey of its own (PNG, ISO/IEC 15948, clauses 5 and 11). */
function png(grey: number): Buffer {
  const header = Buffer.from([0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0]);
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(Buffer.from([0, grey]))),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "ascii"), data]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(data.length);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}

/** The checksum of PNG chunks (ISO/IEC 15948, annex D). */
function crc32(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return (crc ^ 0xffffffff) >>> 0;
}
