// The client against the real server, on both engines.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, openAsBlob, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { test } from "node:test";
import { createPegbar, isPegbarError, newId, PegbarError, type ProjectTree } from "../src/index.js";
import { largePng, onBothEngines, png, type Studio } from "./studio.js";

/** Creates a project with a character in two variations, an animation of three frames, and a style sheet. */
async function createPilot({ pegbar }: Studio): Promise<ProjectTree> {
  const [style, hero, contact] = [newId(), newId(), newId()];
  const byCharacter = { assetId: hero, role: "character" } as const;
  const { data } = await pegbar.createProject({
    name: "Pilot",
    tags: ["pilot", "desert"],
    settings: { aspectRatio: "16:9" },
    references: [{ id: style, file: new File([png(1) as BlobPart], 'ink "wash" 墨\\.png') }],
    characters: [
      {
        name: "Miro",
        variations: [
          {
            id: hero,
            file: png(2),
            generationPrompt: "a fox",
            model: "example-image-1",
            references: [{ assetId: style, role: "style" }],
          },
          { file: new Blob([png(3) as BlobPart]), tags: ["noon"] },
        ],
        animations: [
          {
            name: "Walk",
            frameDurationMs: 80,
            frames: [
              { framePrompt: "heel strikes", asset: { id: contact, file: png(4), references: [byCharacter] } },
              {
                asset: {
                  file: png(5),
                  references: [byCharacter, { assetId: contact, role: "previous_frame" }],
                },
              },
              { assetId: contact },
            ],
            takes: [{ file: png(6) }],
          },
        ],
      },
    ],
  });
  return data;
}

/** The first of a list that must not be empty. */
function first<T>(list: readonly T[]): T {
  const [one] = list;
  assert.ok(one !== undefined);
  return one;
}

/** Expects a call to be refused with a problem of one kind. */
async function refusal(call: Promise<unknown>, code: string): Promise<PegbarError> {
  const error = await call.then(
    () => assert.fail(`expected ${code}`),
    (error: unknown) => error,
  );
  assert.ok(error instanceof PegbarError, String(error));
  assert.equal(error.code, code, error.detail);
  return error;
}

onBothEngines("the client", (studio) => {
  test("creates a project with characters, animations, frames and assets in one request", async () => {
    const tree = await createPilot(studio());
    const { character, variations, animations } = first(tree.characters);
    const { animation, frames, takes } = first(animations);
    assert.equal(tree.project.name, "Pilot");
    assert.deepEqual(tree.project.tags, ["pilot", "desert"]);
    assert.equal(first(tree.references).originalName, 'ink "wash" 墨\\.png');
    assert.equal(character.primaryAssetId, first(variations).id);
    assert.deepEqual(first(variations).referenceAssetIds, [first(tree.references).id]);
    assert.equal(first(variations).generationPrompt, "a fox");
    assert.deepEqual(
      variations.map(({ sha256 }) => sha256),
      [2, 3].map((seed) => createHash("sha256").update(png(seed)).digest("hex")),
    );
    assert.equal(animation.frameCount, 3);
    assert.equal(animation.frameDurationMs, 80);
    assert.deepEqual(
      frames.map(({ frame }) => frame.frameIndex),
      [0, 1, 2],
    );
    assert.equal(frames[2]?.asset.id, frames[0]?.asset.id);
    assert.equal(takes.length, 1);
    const read = await studio().pegbar.get("/api/projects/{projectId}/tree", {
      path: { projectId: tree.project.id },
    });
    assert.deepEqual(read.data, tree);
    // Another process sees the same.
    assert.deepEqual(studio().run("tree", tree.project.id), tree);
  });

  test("reorders frames in the version that was seen, and in no other", async () => {
    const { pegbar } = studio();
    const tree = await createPilot(studio());
    const animationId = first(first(tree.characters).animations).animation.id;
    const path = { animationId };
    const seen = await pegbar.get("/api/animations/{animationId}", { path });
    const frames = await pegbar.get("/api/animations/{animationId}/frames", { path });
    const frameIds = frames.data.map(({ id }) => id).reverse();
    const order = { path, ifMatch: seen, body: { frameIds } };
    const reordered = await pegbar.put("/api/animations/{animationId}/frames/order", order);
    assert.deepEqual(
      reordered.data.frames.map(({ frame }) => frame.id),
      frameIds,
    );
    assert.ok(reordered.data.animation.version > seen.data.version);
    const error = await refusal(pegbar.put("/api/animations/{animationId}/frames/order", order), "stale");
    assert.equal(error.status, 412);
    assert.ok(error.hint);
  });

  test("replaces what a frame shows, and what it showed stays a take", async () => {
    const { pegbar } = studio();
    const tree = await createPilot(studio());
    const { animation, frames } = first(first(tree.characters).animations);
    const [, shown] = frames;
    assert.ok(shown);
    const ifMatch = await pegbar.get("/api/animations/{animationId}", { path: { animationId: animation.id } });
    const asset = { file: png(7), generationPrompt: "the same, slower" };
    const replaced = await pegbar.replaceFrame(shown.frame.id, { asset }, { ifMatch });
    assert.equal(replaced.data.frames[1]?.asset.generationPrompt, "the same, slower");
    assert.ok(replaced.data.takes.some(({ id }) => id === shown.asset.id));
    await refusal(pegbar.replaceFrame(shown.frame.id, { asset: { file: png(8) } }, { ifMatch }), "stale");
    const now = await pegbar.get("/api/animations/{animationId}", { path: { animationId: animation.id } });
    const inserted = await pegbar.insertFrames(
      animation.id,
      { at: 0, frames: [{ asset: { file: png(9) } }, { assetId: shown.asset.id }] },
      { ifMatch: now },
    );
    assert.equal(inserted.data.frames.length, 5);
    assert.equal(inserted.data.frames[1]?.asset.id, shown.asset.id);
  });

  test("tells the lineage of a frame, with the bytes that were sent", async () => {
    const { pegbar } = studio();
    const tree = await createPilot(studio());
    const { variations, animations } = first(tree.characters);
    const last = first(animations).frames[1];
    assert.ok(last);
    const { data } = await pegbar.get("/api/assets/{assetId}/lineage", {
      path: { assetId: last.asset.id },
      query: { direction: "ancestors" },
    });
    const [contact, hero, style] = [first(first(animations).frames).asset, first(variations), first(tree.references)];
    assert.deepEqual(
      data.edges.map(({ assetId, inputId, role, sha256 }) => [assetId, inputId, role, sha256]),
      [
        [last.asset.id, hero.id, "character", hero.sha256],
        [last.asset.id, contact.id, "previous_frame", contact.sha256],
        [hero.id, style.id, "style", style.sha256],
        [contact.id, hero.id, "character", hero.sha256],
      ].sort((a, b) => order(data.nodes, a[0]) - order(data.nodes, b[0])),
    );
    assert.deepEqual(data.nodes.find(({ id }) => id === style.id)?.depth, 2);
  });

  test("changes what is named, and tells null from absent", async () => {
    const { pegbar } = studio();
    const { project, references } = await createPilot(studio());
    const path = { projectId: project.id };
    let seen = await pegbar.get("/api/projects/{projectId}", { path });
    assert.match(seen.etag ?? "", /^".+"$/);
    const thumbnailId = first(references).id;
    seen = await pegbar.patch("/api/projects/{projectId}", { path, ifMatch: seen, body: { thumbnailId } });
    assert.equal(seen.data.thumbnailId, thumbnailId);
    seen = await pegbar.patch("/api/projects/{projectId}", { path, ifMatch: seen, body: { name: "Second" } });
    assert.deepEqual([seen.data.thumbnailId, seen.data.name], [thumbnailId, "Second"]);
    seen = await pegbar.patch("/api/projects/{projectId}", { path, ifMatch: seen, body: { thumbnailId: null } });
    assert.equal(seen.data.thumbnailId, null);
    await pegbar.delete("/api/projects/{projectId}", { path, ifMatch: seen });
    const gone = await refusal(pegbar.get("/api/projects/{projectId}", { path }), "not_found");
    assert.equal(gone.status, 404);
  });

  test("reads lists page by page and row by row, each row once", async () => {
    const { pegbar } = studio();
    const { data } = await pegbar.createProject({ name: "Long" });
    const path = { projectId: data.project.id };
    const assets = Array.from({ length: 7 }, (_, seed) => ({ file: png(100 + seed), tags: seed % 2 ? ["odd"] : [] }));
    const created = await pegbar.createAssets(data.project.id, assets);
    const ids = created.data.map(({ id }) => id);
    const pages: string[][] = [];
    for await (const page of pegbar.pages("/api/projects/{projectId}/assets", { path, query: { limit: 3 } })) {
      pages.push(page.map(({ id }) => id));
    }
    assert.deepEqual(pages, [ids.slice(0, 3), ids.slice(3, 6), ids.slice(6)]);
    const odd: string[] = [];
    const query = { limit: 2, tag: "odd" };
    for await (const asset of pegbar.rows("/api/projects/{projectId}/assets", { path, query })) odd.push(asset.id);
    assert.deepEqual(odd, [ids[1], ids[3], ids[5]]);
    const names = new Set<string>();
    for await (const project of pegbar.rows("/api/projects", { query: { limit: 1 } })) names.add(project.name);
    assert.ok(names.has("Long"));
  });

  test("creates once for each key, also across a restart of the server", async () => {
    const { pegbar, restart } = studio();
    const idempotencyKey = newId();
    const project = { name: "Once", references: [{ file: png(20) }] };
    const made = await pegbar.createProject(project, { idempotencyKey });
    const again = await pegbar.createProject(project, { idempotencyKey });
    assert.deepEqual(again.data, made.data);
    await restart();
    const later = await pegbar.createProject(project, { idempotencyKey });
    assert.deepEqual(later.data, made.data);
    await assert.rejects(
      pegbar.createProject({ name: "Other" }, { idempotencyKey }),
      (error) => isPegbarError(error) && error.status >= 400 && error.status < 500,
    );
    let count = 0;
    for await (const _ of pegbar.rows("/api/projects", { query: { name: "Once" } })) count += 1;
    assert.equal(count, 1);
    const one = await pegbar.post("/api/projects", { body: { name: "By itself" } });
    const two = await pegbar.post("/api/projects", { body: { name: "By itself" } });
    assert.notEqual(one.data.project.id, two.data.project.id);
  });

  test("uploads a large image with progress and its hash", async () => {
    const { pegbar } = studio();
    const { data } = await pegbar.createProject({ name: "Large" });
    const large = largePng(12 << 20);
    const hash = createHash("sha256").update(large).digest("hex");
    const told: [number, number][] = [];
    const onProgress = ({ sent, total }: { sent: number; total: number }) => void told.push([sent, total]);
    const file = new File([large as BlobPart], "large.png");
    const asset = await pegbar.uploadImage(data.project.id, file, { onProgress, isHashed: true });
    assert.equal(asset.data.sha256, hash);
    assert.equal(asset.data.originalName, "large.png");
    assert.equal(asset.data.fileSize, large.length);
    assert.ok(told.length > 10, `told ${told.length} times`);
    assert.deepEqual(told.at(-1), [large.length, large.length]);
    assert.ok(told.every(([sent], index) => index === 0 || sent > (told[index - 1]?.[0] ?? 0)));
    told.length = 0;
    const created = await pegbar.createAssets(data.project.id, [{ file: large }], { onProgress, isHashed: true });
    assert.equal(first(created.data).sha256, hash);
    assert.ok((told.at(-1)?.[0] ?? 0) > large.length);
    assert.equal(told.at(-1)?.[0], told.at(-1)?.[1]);
  });

  test("is told what is wrong with a request: code, status, field, hint", async () => {
    const { pegbar } = studio();
    const { project } = await createPilot(studio());
    const nameless = await refusal(
      pegbar.createProject({ name: "Wrong", characters: [{ name: "" }] }),
      "invalid",
    );
    assert.equal(nameless.status, 422);
    assert.match(nameless.field ?? "", /name/);
    assert.match(nameless.message, /name/);
    const noImage = await refusal(
      pegbar.uploadImage(project.id, new Uint8Array([1, 2, 3])),
      "not_an_image",
    );
    assert.equal(noImage.status, 422);
    const wrongHash = { file: png(1), sha256: "0".repeat(64) };
    const hash = await refusal(pegbar.createAssets(project.id, [wrongHash]), "invalid");
    assert.equal(hash.field, "assets[0].sha256");
    const path = { projectId: newId() };
    const missing = await refusal(pegbar.get("/api/projects/{projectId}", { path }), "not_found");
    assert.equal(missing.problem?.type, "/api/docs#not_found");
    // Nothing of what was refused is there.
    for await (const { name } of pegbar.rows("/api/projects")) assert.notEqual(name, "Wrong");
  });

  test("records a generation with the images that were sent and that came out", async () => {
    const { pegbar } = studio();
    const { project, characters } = await createPilot(studio());
    const { character } = first(characters);
    const { data } = await pegbar.recordGeneration(project.id, {
      prompt: "a fox at night",
      model: "example-image-1",
      inputs: [{ role: "pose", file: new File([png(30) as BlobPart], "pose.png") }],
      outputs: [{ asset: { file: png(31) }, characterId: character.id }],
    });
    assert.equal(data.generation.status, "succeeded");
    const { data: variations } = await pegbar.get("/api/characters/{characterId}/variations", {
      path: { characterId: character.id },
    });
    const made = variations.rows.find(({ generationId }) => generationId === data.generation.id);
    assert.equal(made?.references[0]?.role, "pose");
    assert.equal(made?.references[0]?.sha256, createHash("sha256").update(png(30)).digest("hex"));
  });

  test("is let in with a token, as far as it goes, and refused with one that is none", async () => {
    const { secret } = studio().run("token", "create", "reader", "--read-only") as { secret: string };
    const reader = createPegbar({ baseUrl: studio().baseUrl, token: secret });
    await reader.get("/api/projects", { query: { limit: 1 } });
    const writing = await refusal(reader.createProject({ name: "Wrong" }), "read_only");
    assert.equal(writing.status, 403);
    const stranger = createPegbar({ baseUrl: studio().baseUrl, token: "pegbar_none" });
    const error = await refusal(stranger.get("/api/projects"), "unauthorized");
    assert.equal(error.status, 401);
  });

  test("knows where the images are, by path and by hash", async () => {
    const { pegbar } = studio();
    const { references, characters } = await createPilot(studio());
    const { character, variations, animations } = first(characters);
    const frame = first(first(animations).frames).asset;
    for (const [asset, seed] of [[first(references), 1], [first(variations), 2], [frame, 4]] as const) {
      for (const url of [pegbar.imageUrl(asset), pegbar.blobUrl(asset.sha256 ?? "")]) {
        const response = await fetch(url ?? "");
        assert.equal(response.headers.get("content-type"), "image/png", url);
        assert.deepEqual(Buffer.from(await response.arrayBuffer()), png(seed), url);
      }
    }
    const path = { characterId: character.id };
    await pegbar.patch("/api/characters/{characterId}", { path, ifMatch: "*", body: { name: "Mirò & Söhne 墨" } });
    const { data: moved } = await pegbar.get("/api/assets/{assetId}", { path: { assetId: frame.id } });
    assert.notEqual(moved.filePath, frame.filePath);
    const response = await fetch(pegbar.imageUrl(moved) ?? "");
    assert.deepEqual(Buffer.from(await response.arrayBuffer()), png(4));
  });

  test("follows what another process changes, and goes on after a number", async () => {
    const { pegbar, run } = studio();
    const { data } = await pegbar.createProject({ name: "Followed" });
    const { id } = data.project;
    const seen: (readonly [string, string])[] = [];
    let last = 0;
    const signal = AbortSignal.timeout(20_000);
    for await (const event of pegbar.events(id, { after: 0, signal })) {
      assert.equal(event.type, "change");
      if (event.type !== "change") break;
      assert.equal(event.number, last + 1);
      last = event.number;
      seen.push(...event.entities.map(({ entity, change }) => [entity, change] as const));
      if (last === 1) run("character", "create", "--project", id, "Miro");
      if (last === 2) await pegbar.createAssets(id, [{ file: png(50) }]);
      if (last === 3) break;
    }
    assert.deepEqual(
      [...new Set(seen.map((each) => each.join(" ")))],
      ["project created", "character created", "asset created"],
    );
    const events = pegbar.events(id, { after: 2, signal });
    const { value } = await events.next();
    assert.deepEqual([value?.type, value?.number], ["change", 3]);
    await events.return();
  });

  test("the example builds a project and prints the lineage of its last frame", () => {
    const folder = mkdtempSync(join(tmpdir(), "pegbar-example-"));
    try {
      const paths = ["design.png", "contact.png", "passing.png"].map((name, seed) => {
        const path = join(folder, name);
        writeFileSync(path, png(40 + seed));
        return path;
      });
      const env = { ...process.env, PEGBAR_URL: studio().baseUrl };
      const printed = execFileSync(process.execPath, ["build/example.js", ...paths], { env, encoding: "utf8" });
      assert.equal(
        printed,
        "passing.png was made from contact.png (previous_frame)\n" +
          "contact.png was made from design.png (character)\n",
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  const real = realImages();
  test("images of a real generator are kept as they are, with what they say of themselves", { skip: !real }, async () => {
    const { pegbar, baseUrl, run } = studio();
    const files = await Promise.all((real ?? []).map(async (path) => new File([await openAsBlob(path)], basename(path))));
    const [design, sprite] = files;
    assert.ok(design && sprite);
    const { data } = await pegbar.createProject({ name: "Real", references: files.map((file) => ({ file })) });
    for (const [place, file] of files.entries()) {
      const asset = data.references[place];
      assert.ok(asset);
      // They are called `.png` and are none.
      assert.deepEqual([asset.mimeType, asset.originalName], ["image/jpeg", file.name]);
      const kept = await (await fetch(`${baseUrl}/blobs/${asset.sha256}`)).arrayBuffer();
      assert.ok(Buffer.from(kept).equals(Buffer.from(await file.arrayBuffer())));
      const { data: claims } = await pegbar.get("/api/assets/{assetId}/claims", { path: { assetId: asset.id } });
      const generator = JSON.stringify(claims.find(({ tool }) => tool === "c2pa")?.fields);
      assert.match(generator, /Google LLC/);
    }
    const env = { ...process.env, PEGBAR_URL: baseUrl };
    const paths = [...(real ?? []), join(mkdtempSync(join(tmpdir(), "pegbar-real-")), "last.png")];
    writeFileSync(paths[2] as string, png(77));
    const printed = execFileSync(process.execPath, ["build/example.js", ...paths], { env, encoding: "utf8" });
    assert.match(printed, new RegExp(`${sprite.name} was made from ${design.name} \\(character\\)`));
    rmSync(dirname(paths[2] as string), { recursive: true });
    run("verify");
  });
});

test("the README shows the example as it is", () => {
  const [, shown = ""] = /```ts\n([^]*?)```/.exec(readFileSync("README.md", "utf8")) ?? [];
  const example = readFileSync("example.ts", "utf8").replace(/^\/\/.*\n\n/, "");
  assert.equal(shown.replace(/^ {3}/gm, ""), example);
});

/** The two images that Gemini made, where they are beside the project; said where they aren't. */
function realImages(): string[] | undefined {
  const folder = join(process.env.PEGBAR_REAL_INPUTS ?? "../../../shared/real", "gemini");
  if (!existsSync(folder)) {
    if (process.env.CI) throw new Error(`${folder} is required in CI`);
    process.stderr.write(`no ${folder}: what real generators made is not tried\n`);
    return undefined;
  }
  const images = readdirSync(folder).filter((name) => name.endsWith(".png"));
  return images.sort().map((name) => join(folder, name));
}

/** The place of a node in a lineage. */
function order(nodes: readonly { id: string }[], id: string | null | undefined): number {
  return nodes.findIndex((node) => node.id === id);
}
