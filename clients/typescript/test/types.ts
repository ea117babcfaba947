// Compiled by `tsc --noEmit`, never run: the types of all entities, and what they refuse.
// A line under `@ts-expect-error` that compiles fails the check.

import {
  type Animation,
  type AnimationTree,
  type Annotation,
  type Asset,
  type AssetKind,
  type Character,
  type CharacterTree,
  type Claim,
  type Frame,
  type FrameTree,
  type Generation,
  type GenerationStatus,
  type Lineage,
  type LineageEdge,
  type LineageNode,
  type Operation,
  type Pegbar,
  type Project,
  type ProjectTree,
  type RecordedGeneration,
  type Reference,
  type ReferenceRole,
  type Result,
  type Row,
} from "../src/index.js";

/** Compiles only where `A` and `B` are the same type. */
type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<_ extends true>() {}

/**
 * Compiles only where `Entity` has all of `Fields` with exactly these types. It may have more,
 * so that a new field needs no line here.
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
      tags: string[];
      thumbnailId: string | null;
      settings: unknown;
      createdAt: string;
      updatedAt: string;
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
      description: string;
      userPrompt: string;
      primaryAssetId: string | null;
      generationSettings: unknown;
      tags: string[];
      createdAt: string;
      updatedAt: string;
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
      fileSize: number | null;
      width: number | null;
      height: number | null;
      imageCount: number | null;
      sha256: string | null;
      originalName: string | null;
      generationPrompt: string | null;
      generationSystemPrompt: string | null;
      generationSettings: unknown;
      model: string | null;
      record: string | null;
      recordHash: string | null;
      bytesDroppedAt: string | null;
      tags: string[];
      referenceAssetIds: string[];
      references: Reference[];
      createdAt: string;
      updatedAt: string;
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
      description: string;
      userPrompt: string;
      version: number;
      frameCount: number;
      frameDurationMs: number | null;
      createdAt: string;
      updatedAt: string;
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
      sourceId: string | null;
      createdAt: string;
    }
  >
>();
same<Has<Reference, { assetId: string; role: ReferenceRole; sha256: string | null }>>();
same<Has<Claim, { assetId: string; position: number; tool: string; fields: unknown; raw: string }>>();
same<
  Has<
    Annotation,
    { id: string; assetId: string; author: string | null; text: string; createdAt: string }
  >
>();
same<
  Has<
    Generation,
    {
      id: string;
      projectId: string;
      request: unknown;
      model: string | null;
      status: GenerationStatus;
      error: string | null;
      durationMs: number | null;
      inputTokens: number | null;
      outputTokens: number | null;
      price: string | null;
      outputAssetIds: string[];
      createdAt: string;
    }
  >
>();
same<Has<Lineage, { root: string; projectId: string; nodes: LineageNode[]; edges: LineageEdge[]; hasMore: boolean }>>();
same<
  Has<
    LineageNode,
    { id: string; side: "root" | "ancestor" | "descendant"; depth: number; kind: AssetKind; sha256: string | null }
  >
>();
same<
  Has<LineageEdge, { assetId: string; inputId: string; role: ReferenceRole; position: number; sha256: string | null }>
>();
same<Has<ProjectTree, { project: Project; characters: CharacterTree[]; references: Asset[] }>>();
same<Has<CharacterTree, { character: Character; variations: Asset[]; animations: AnimationTree[] }>>();
same<Has<AnimationTree, { animation: Animation; frames: FrameTree[]; takes: Asset[] }>>();
same<Has<FrameTree, { frame: Frame; asset: Asset }>>();
same<Same<AssetKind, "reference" | "character" | "frame">>();
same<Same<ReferenceRole, "character" | "previous_frame" | "style" | "pose" | "other">>();
same<Same<GenerationStatus, "succeeded" | "failed">>();
same<Same<Row<"/api/projects">, Project>>();
same<Same<Row<"/api/projects/{projectId}/assets">, Asset>>();

// What the methods for images return is what their operations answer.
type Created<Path extends Parameters<Pegbar["post"]>[0]> = Result<Operation<Path, "post">>;
type Data<M extends keyof Pegbar> = Pegbar[M] extends (...args: never[]) => Promise<{ data: infer T }> ? T : never;
same<Same<Data<"createProject">, Created<"/api/projects">>>();
same<Same<Data<"createCharacter">, Created<"/api/projects/{projectId}/characters">>>();
same<Same<Data<"createVariation">, Created<"/api/characters/{characterId}/variations">>>();
same<Same<Data<"createAnimation">, Created<"/api/characters/{characterId}/animations">>>();
same<Same<Data<"insertFrames">, Created<"/api/animations/{animationId}/frames">>>();
same<Same<Data<"createTake">, Created<"/api/animations/{animationId}/takes">>>();
same<Same<Data<"createAssets">, Created<"/api/projects/{projectId}/assets">>>();
same<Same<Data<"uploadImage">, Created<"/api/projects/{projectId}/images">>>();
same<Same<Data<"recordGeneration">, Created<"/api/projects/{projectId}/generations">>>();
same<Same<Data<"replaceFrame">, Result<Operation<"/api/frames/{frameId}/asset", "put">>>>();
same<Has<RecordedGeneration, { generation: Generation }>>();

// @ts-expect-error `Same` can fail
same<Same<AssetKind, "reference">>();
// @ts-expect-error `Has` refuses a wrong name
same<Has<Frame, { frame_index: number }>>();
// @ts-expect-error `Has` refuses a wrong type
same<Has<Frame, { frameIndex: string }>>();
// @ts-expect-error `Has` refuses a wrong nullability
same<Has<Frame, { framePrompt: string }>>();

export async function refused(pegbar: Pegbar, image: Blob) {
  const path = { projectId: "x" };
  const project = await pegbar.get("/api/projects/{projectId}", { path });
  project.data.name.toUpperCase();
  await pegbar.patch("/api/projects/{projectId}", { path, ifMatch: project, body: { name: "Right" } });
  await pegbar.patch("/api/projects/{projectId}", { path, ifMatch: "*", body: { thumbnailId: null } });
  await pegbar.get("/api/projects");
  await pegbar.createProject({
    name: "Right",
    characters: [{ name: "Right", variations: [{ file: image }, { file: new Uint8Array() }] }],
  });

  // @ts-expect-error a path that does not exist
  await pegbar.get("/api/project");
  // @ts-expect-error a method that the path does not have
  await pegbar.put("/api/projects/{projectId}", { path });
  // @ts-expect-error the path's parameters are missing
  await pegbar.get("/api/projects/{projectId}");
  // @ts-expect-error a wrong parameter
  await pegbar.get("/api/projects/{projectId}", { path: { id: "x" } });
  // @ts-expect-error a filter that does not exist
  await pegbar.get("/api/projects", { query: { title: "x" } });
  // @ts-expect-error a filter of a wrong type
  await pegbar.get("/api/projects/{projectId}/assets", { path, query: { kind: "photo" } });
  // @ts-expect-error a change needs the version that it is meant for
  await pegbar.patch("/api/projects/{projectId}", { path, body: { name: "Wrong" } });
  // @ts-expect-error a wrong field name
  await pegbar.patch("/api/projects/{projectId}", { path, ifMatch: "*", body: { titel: "Wrong" } });
  // @ts-expect-error a wrong type
  await pegbar.patch("/api/projects/{projectId}", { path, ifMatch: "*", body: { name: 1 } });
  // @ts-expect-error the column's name in SQL
  await pegbar.patch("/api/characters/{characterId}", { path: { characterId: "x" }, ifMatch: "*", body: { user_prompt: "x" } });
  // @ts-expect-error reading takes no version
  await pegbar.get("/api/projects/{projectId}", { path, ifMatch: "*" });
  // @ts-expect-error a missing field
  await pegbar.createProject({ description: "Wrong" });
  // @ts-expect-error an image is its bytes, not a name
  await pegbar.createProject({ name: "Wrong", references: [{ file: "hero.png" }] });
  // @ts-expect-error a wrong field name, four levels down
  await pegbar.createProject({ name: "Wrong", characters: [{ name: "Wrong", animations: [{ name: "Wrong", frames: [{ asset: { file: image, prompt: "x" } }] }] }] });
  // @ts-expect-error a role that does not exist
  await pegbar.createVariation("x", { file: image, references: [{ assetId: "x", role: "inspiration" }] });
  // @ts-expect-error frames are changed in the version that was seen
  await pegbar.insertFrames("x", { frames: [{ assetId: "x" }] });
  // @ts-expect-error a list that does not come in pages
  pegbar.rows("/api/projects/{projectId}/tags", { path });

  for await (const asset of pegbar.rows("/api/projects/{projectId}/assets", { path, query: { kind: "frame" } })) {
    asset.referenceAssetIds.map((id) => id.toUpperCase());
    // @ts-expect-error a field that does not exist
    asset.prompt;
    // @ts-expect-error null is possible
    asset.fileSize.toFixed();
    // @ts-expect-error an array of texts
    asset.tags satisfies number[];
  }
  for await (const event of pegbar.events("x")) {
    event.number.toFixed();
    // @ts-expect-error a reset says nothing of what was changed
    event.entities;
    if (event.type === "change") event.entities satisfies { id: string }[];
    // @ts-expect-error an event that does not exist
    if (event.type === "deleted") return;
  }
}
