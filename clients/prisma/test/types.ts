// Compiled by `tsc --noEmit`, never run: the types of all entities, and what they refuse.
// A line under `@ts-expect-error` that compiles fails the check.

import {
  type Asset,
  type Character,
  type PegbarClient,
  type Project,
  references,
  tags,
} from "../extension.js";
import type {
  Animation,
  AssetAnnotation,
  AssetClaim,
  AssetKind,
  AssetReference,
  Frame,
  Generation,
  GenerationStatus,
  Prisma,
  ReferenceRole,
} from "../generated/prisma/client.js";

/** Compiles only where `A` and `B` are the same type. */
type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<_ extends true>() {}

/**
 * Compiles only where `Entity` has all of `Fields` with exactly these types. It may have more,
 * so that a new column needs no line here.
 */
type Has<Entity, Fields> = Same<{ [K in keyof Fields]: K extends keyof Entity ? Entity[K] : never }, Fields>;

same<
  Has<
    Project,
    {
      id: string;
      sourceId: string | null;
      name: string;
      description: string;
      thumbnailId: string | null;
      settings: Prisma.JsonValue;
      createdAt: Date;
      updatedAt: Date;
      tags: string[];
    }
  >
>();
same<
  Has<
    Character,
    {
      id: string;
      projectId: string;
      sourceId: string | null;
      name: string;
      segment: string | null;
      segmentKey: string | null;
      description: string;
      userPrompt: string;
      primaryAssetId: string | null;
      generationSettings: Prisma.JsonValue;
      createdAt: Date;
      updatedAt: Date;
      tags: string[];
    }
  >
>();
same<
  Has<
    Asset,
    {
      id: string;
      projectId: string;
      sourceId: string | null;
      sourcePath: string | null;
      kind: AssetKind;
      characterId: string | null;
      animationId: string | null;
      generationId: string | null;
      filePath: string | null;
      mimeType: string | null;
      fileSize: bigint | null;
      width: number | null;
      height: number | null;
      sha256: string | null;
      originalName: string | null;
      generationPrompt: string | null;
      generationSystemPrompt: string | null;
      generationSettings: Prisma.JsonValue | null;
      model: string | null;
      record: string | null;
      recordHash: string | null;
      bytesDroppedAt: Date | null;
      createdAt: Date;
      updatedAt: Date;
      tags: string[];
      referenceAssetIds: string[];
    }
  >
>();
same<
  Has<
    Animation,
    {
      id: string;
      projectId: string;
      characterId: string;
      sourceId: string | null;
      name: string;
      segment: string | null;
      segmentKey: string | null;
      description: string;
      userPrompt: string;
      version: bigint;
      createdAt: Date;
      updatedAt: Date;
    }
  >
>();
same<
  Has<
    Frame,
    {
      id: string;
      projectId: string;
      animationId: string;
      assetId: string;
      frameIndex: number;
      framePrompt: string | null;
      createdAt: Date;
    }
  >
>();
same<
  Has<
    AssetReference,
    {
      projectId: string;
      assetId: string;
      position: number;
      referencedAssetId: string;
      role: ReferenceRole;
      sha256: string | null;
    }
  >
>();
same<
  Has<
    AssetClaim,
    {
      projectId: string;
      assetId: string;
      position: number;
      tool: string;
      fields: Prisma.JsonValue;
      raw: string;
    }
  >
>();
same<
  Has<
    AssetAnnotation,
    {
      id: string;
      projectId: string;
      assetId: string;
      author: string | null;
      text: string;
      createdAt: Date;
    }
  >
>();
same<
  Has<
    Generation,
    {
      id: string;
      projectId: string;
      request: Prisma.JsonValue;
      model: string | null;
      status: GenerationStatus;
      error: string | null;
      durationMs: bigint | null;
      inputTokens: bigint | null;
      outputTokens: bigint | null;
      price: string | null;
      createdAt: Date;
    }
  >
>();
same<Same<AssetKind, "reference" | "character" | "frame">>();
same<Same<ReferenceRole, "character" | "previous_frame" | "style" | "pose" | "other">>();
same<Same<GenerationStatus, "succeeded" | "failed">>();
// @ts-expect-error `Same` can fail
same<Same<AssetKind, "reference">>();
// @ts-expect-error `Has` refuses a wrong name
same<Has<Frame, { frame_index: number }>>();
// @ts-expect-error `Has` refuses a wrong type
same<Has<Frame, { frameIndex: bigint }>>();
// @ts-expect-error `Has` refuses a wrong nullability
same<Has<Frame, { framePrompt: string }>>();

export async function refused(prisma: PegbarClient) {
  await prisma.project.create({
    data: {
      name: "Right",
      tagRows: tags(["a"]),
      characters: { create: { name: "Right", tagRows: tags(["a"]) } },
      assets: { create: { kind: "reference", references: references([{ id: "x", role: "style" }]) } },
    },
  });

  // @ts-expect-error a wrong field name
  await prisma.project.create({ data: { name: "Wrong", titel: "Wrong" } });
  // @ts-expect-error a wrong type
  await prisma.project.create({ data: { name: 1 } });
  // @ts-expect-error a missing field
  await prisma.project.create({ data: { description: "Wrong" } });
  // @ts-expect-error the column's name in SQL
  await prisma.character.create({ data: { project_id: "x", name: "Wrong" } });
  // @ts-expect-error a kind that does not exist
  await prisma.asset.create({ data: { projectId: "x", kind: "photo" } });
  // @ts-expect-error an index that is a text
  await prisma.frame.create({ data: { projectId: "x", animationId: "x", assetId: "x", frameIndex: "0" } });
  // @ts-expect-error a wrong field name, four levels down
  await prisma.project.create({ data: { name: "Wrong", characters: { create: { name: "Wrong", animations: { create: { name: "Wrong", frames: { create: { frameIndex: 0, assetId: "x", prompt: "x" } } } } } } } });
  // @ts-expect-error a wrong type, four levels down
  await prisma.project.create({ data: { name: "Wrong", characters: { create: { name: "Wrong", animations: { create: { name: "Wrong", frames: { create: { frameIndex: 0, assetId: 7 } } } } } } } });
  // @ts-expect-error a role that does not exist
  references([{ id: "x", role: "inspiration" }]);
  // @ts-expect-error a tag is a text
  tags([1]);
  // @ts-expect-error the arrays are for reading: writing goes by `tagRows: tags([…])`
  await prisma.project.create({ data: { name: "Wrong", tags: ["a"] } });
  // @ts-expect-error a filter on a field that does not exist
  await prisma.asset.findMany({ where: { prompt: "x" } });
  // @ts-expect-error tables of Pegbar's own have no model
  await prisma.outbox.findMany();

  const asset = await prisma.asset.findFirstOrThrow();
  asset.referenceAssetIds.map((id) => id.toUpperCase());
  // @ts-expect-error a field that does not exist
  asset.prompt;
  // @ts-expect-error null is possible
  asset.fileSize.toString();
  // @ts-expect-error an array of texts
  asset.tags satisfies number[];
  const partial = await prisma.project.findFirstOrThrow({ select: { name: true } });
  // @ts-expect-error not selected
  partial.tags;
}
