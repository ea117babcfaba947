// The same five questions as an app would answer them with Fastify and Prisma, on Pegbar's
// database. Prints its address; ends when standard input does.

import fastifyStatic from "@fastify/static";
import Fastify from "fastify";

import { createPegbarClient } from "../../../../clients/prisma/build/extension.js";

const prisma = createPegbarClient(process.env.DATABASE_URL);
const app = Fastify({ logger: false });

// Everything of an asset that Pegbar answers with, in one query of Prisma's.
const asset = {
  tagRows: { orderBy: { position: "asc" } },
  references: { orderBy: { position: "asc" } },
};

// `BigInt` has no JSON, and tags and references have forms of their own.
function shown({ tagRows, references, ...row }) {
  return {
    ...row,
    fileSize: row.fileSize === null ? null : Number(row.fileSize),
    tags: tagRows.map((tag) => tag.tag),
    referenceAssetIds: references.map((reference) => reference.referencedAssetId),
    references: references.map((reference) => ({
      assetId: reference.referencedAssetId,
      role: reference.role,
      sha256: reference.sha256,
    })),
  };
}

app.get("/api/assets/:id", async (request, reply) => {
  const found = await prisma.asset.findUnique({ where: { id: request.params.id }, include: asset });
  return found === null ? reply.code(404).send({ code: "not_found" }) : shown(found);
});

app.get("/api/projects/:id/assets", async (request) => {
  const limit = Number(request.query.limit ?? 50);
  const rows = await prisma.asset.findMany({
    where: { projectId: request.params.id, ...(request.query.after && { id: { gt: request.query.after } }) },
    orderBy: { id: "asc" },
    take: limit + 1,
    include: asset,
  });
  const page = rows.slice(0, limit);
  return { rows: page.map(shown), nextCursor: rows.length > limit ? page.at(-1).id : null };
});

app.get("/api/projects/:id/tree", async (request, reply) => {
  const project = await prisma.project.findUnique({
    where: { id: request.params.id },
    include: {
      tagRows: true,
      assets: { where: { kind: "reference" }, orderBy: { id: "asc" }, include: asset },
      characters: {
        orderBy: { id: "asc" },
        include: {
          tagRows: true,
          variations: { orderBy: { id: "asc" }, include: asset },
          animations: {
            orderBy: { id: "asc" },
            include: { frames: { orderBy: { frameIndex: "asc" }, include: { asset: { include: asset } } } },
          },
        },
      },
    },
  });
  if (project === null) {
    return reply.code(404).send({ code: "not_found" });
  }
  return {
    project: { ...project, characters: undefined, assets: undefined, tags: project.tagRows.map((tag) => tag.tag) },
    references: project.assets.map(shown),
    characters: project.characters.map((character) => ({
      character: { ...character, variations: undefined, animations: undefined },
      variations: character.variations.map(shown),
      animations: character.animations.map((animation) => ({
        animation: { ...animation, version: Number(animation.version), frames: undefined },
        frames: animation.frames.map((frame) => ({
          frame: { ...frame, asset: undefined },
          asset: shown(frame.asset),
        })),
      })),
    })),
  };
});

app.register(fastifyStatic, { root: process.env.PEER_ASSETS, prefix: "/assets/" });
app.register(fastifyStatic, {
  root: `${process.env.PEER_ASSETS}/../../.pegbar/blobs`,
  prefix: "/blobs/",
  decorateReply: false,
  immutable: true,
  maxAge: "1y",
});

await app.listen({ host: "127.0.0.1", port: 0 });
const { address, port } = app.server.address();
console.log(`${address}:${port}`);
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
