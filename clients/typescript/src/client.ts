import createClient, { type Client } from "openapi-fetch";
import type {
  Answer,
  CallArguments,
  CallOptions,
  Method,
  Operation,
  PagedPath,
  PathDoneOnce,
  PathWith,
  Result,
  Row,
  Version,
} from "./call.js";
import { type EventOptions, follow, type ProjectEvent } from "./events.js";
import { base64, type Image, nameOf, newIdempotencyKey, sha256, type WithImages } from "./image.js";
import { type Encoded, encode } from "./multipart.js";
import { answered } from "./retry.js";
import type {
  AnimationTree,
  Asset,
  CharacterTree,
  CreateAnimation,
  CreateAsset,
  CreateAssets,
  CreateCharacter,
  CreateProject,
  InsertFrames,
  ProjectTree,
  paths,
  RecordedGeneration,
  RecordGeneration,
  ReplaceFrame,
} from "./schema.js";
import { type Fetch, type OnProgress, upload } from "./upload.js";

/** How the server is reached. */
export interface PegbarOptions {
  /** Its address, as `pegbar serve` prints it: `http://127.0.0.1:7437`. */
  baseUrl: string;
  /** A token of the studio (`pegbar token create`); none is needed on loopback. */
  token?: string;
  /** What requests are sent with; by default the `fetch` that is there. */
  fetch?: Fetch;
  /**
   * How often a request is sent again where no answer came, or one that says "not now": 2 by
   * default. Only what does no harm is sent again: reading, and creating, by its key.
   */
  retries?: number;
}

/** How images are sent. */
export interface UploadOptions extends CallOptions {
  /** Told how far it is; from the start again where it is sent again. */
  onProgress?: OnProgress;
  /** Also sends the SHA-256 of each image, which the server compares. Holds each in memory. */
  isHashed?: boolean;
}

/** How something with images is created. */
export interface CreateOptions extends UploadOptions {
  /** Done once for each key; absent to have one made, which every attempt uses. */
  idempotencyKey?: string;
}

/** Which version a change with images is meant for. */
export interface ChangeOptions {
  /** The version of the animation that it is meant for. */
  ifMatch: Version;
}

/** The paths where creating is done once for each key: the compiler holds this to the API. */
const DONE_ONCE: ReadonlySet<string> = new Set(
  Object.keys({
    "/api/projects": true,
    "/api/projects/{projectId}/assets": true,
    "/api/projects/{projectId}/characters": true,
    "/api/projects/{projectId}/generations": true,
    "/api/projects/{projectId}/images": true,
    "/api/characters/{characterId}/animations": true,
    "/api/characters/{characterId}/variations": true,
    "/api/animations/{animationId}/frames": true,
    "/api/animations/{animationId}/takes": true,
    "/api/assets/{assetId}/annotations": true,
  } satisfies Record<PathDoneOnce, true>),
);

/** A request, before it is one. */
interface Draft extends UploadOptions {
  path?: Record<string, unknown>;
  query?: Record<string, unknown>;
  headers?: Record<string, string>;
  ifMatch?: Version;
  idempotencyKey?: string;
  encoded?: Encoded;
}

/** A studio that is served: everything that its API can do. See {@link createPegbar}. */
export class Pegbar {
  readonly #client: Client<paths>;
  readonly #baseUrl: string;
  readonly #fetch: Fetch;
  readonly #authorization: Readonly<Record<string, string>>;
  readonly #retries: number;

  constructor({ baseUrl, token, fetch, retries = 2 }: PegbarOptions) {
    if (!URL.canParse(baseUrl)) {
      throw new TypeError(`baseUrl: ${JSON.stringify(baseUrl)} is no address like http://127.0.0.1:7437`);
    }
    this.#baseUrl = baseUrl.replace(/\/+$/, "");
    this.#retries = retries;
    // Not bound to anything else: browsers insist.
    this.#fetch = fetch ?? ((url, init) => globalThis.fetch(url, init));
    this.#authorization = token === undefined ? {} : { authorization: `Bearer ${token}` };
    this.#client = createClient<paths>({ baseUrl: this.#baseUrl });
  }

  /** Reads. */
  get<Path extends PathWith<"get">>(
    path: Path,
    ...[call]: CallArguments<Operation<Path, "get">>
  ): Promise<Answer<Result<Operation<Path, "get">>>> {
    return this.#call("get", path, call);
  }

  /** Creates, or does. What comes with images has a method of its own. */
  post<Path extends PathWith<"post">>(
    path: Path,
    ...[call]: CallArguments<Operation<Path, "post">>
  ): Promise<Answer<Result<Operation<Path, "post">>>> {
    return this.#call("post", path, call);
  }

  /** Sets the whole of something. */
  put<Path extends PathWith<"put">>(
    path: Path,
    ...[call]: CallArguments<Operation<Path, "put">>
  ): Promise<Answer<Result<Operation<Path, "put">>>> {
    return this.#call("put", path, call);
  }

  /** Changes the fields that the body has. */
  patch<Path extends PathWith<"patch">>(
    path: Path,
    ...[call]: CallArguments<Operation<Path, "patch">>
  ): Promise<Answer<Result<Operation<Path, "patch">>>> {
    return this.#call("patch", path, call);
  }

  /** Deletes. */
  delete<Path extends PathWith<"delete">>(
    path: Path,
    ...[call]: CallArguments<Operation<Path, "delete">>
  ): Promise<Answer<Result<Operation<Path, "delete">>>> {
    return this.#call("delete", path, call);
  }

  /** Reads a list page by page, each when it is asked for. */
  async *pages<Path extends PagedPath>(
    path: Path,
    ...[call]: CallArguments<Operation<Path, "get">>
  ): AsyncGenerator<Row<Path>[], void, undefined> {
    const draft = { ...(call as Draft | undefined) };
    while (true) {
      const { data } = await this.#send<{ rows: Row<Path>[]; nextCursor?: string | null }>("get", path, draft);
      yield data.rows;
      if (data.nextCursor == null) return;
      draft.query = { ...draft.query, cursor: data.nextCursor };
    }
  }

  /** Reads a list row by row; what is added meanwhile neither repeats nor hides others. */
  async *rows<Path extends PagedPath>(
    path: Path,
    ...call: CallArguments<Operation<Path, "get">>
  ): AsyncGenerator<Row<Path>, void, undefined> {
    for await (const rows of this.pages(path, ...call)) yield* rows;
  }

  /**
   * Follows what happens in a project, until the loop is left, the signal is given or the project
   * is deleted. A connection that is lost is made again, and goes on where it was.
   */
  events(projectId: string, options: EventOptions = {}): AsyncGenerator<ProjectEvent, void, undefined> {
    const url = `${this.#baseUrl}/api/projects/${encodeURIComponent(projectId)}/events`;
    const connect = (lastEventId: string | undefined, signal: AbortSignal) => {
      const headers: Record<string, string> = { ...this.#authorization, accept: "text/event-stream" };
      if (lastEventId !== undefined) headers["last-event-id"] = lastEventId;
      return this.#fetch(url, { headers, signal, cache: "no-store" });
    };
    return follow(connect, { ...options, retries: this.#retries, url });
  }

  /** Creates a project with everything in it, images included: all of it, or nothing. */
  createProject(project: WithImages<CreateProject>, options?: CreateOptions): Promise<Answer<ProjectTree>> {
    return this.#upload("post", "/api/projects", {}, project, options);
  }

  /** Creates a character with its variations and animations. */
  createCharacter(
    projectId: string,
    character: WithImages<CreateCharacter>,
    options?: CreateOptions,
  ): Promise<Answer<CharacterTree>> {
    return this.#upload("post", "/api/projects/{projectId}/characters", { projectId }, character, options);
  }

  /** Adds a variation to a character; the first one becomes primary. */
  createVariation(
    characterId: string,
    variation: WithImages<CreateAsset>,
    options?: CreateOptions,
  ): Promise<Answer<Asset>> {
    return this.#upload("post", "/api/characters/{characterId}/variations", { characterId }, variation, options);
  }

  /** Creates an animation with its frames and takes. */
  createAnimation(
    characterId: string,
    animation: WithImages<CreateAnimation>,
    options?: CreateOptions,
  ): Promise<Answer<AnimationTree>> {
    return this.#upload("post", "/api/characters/{characterId}/animations", { characterId }, animation, options);
  }

  /** Adds frames to an animation: at the end, or before the frame at a place. */
  insertFrames(
    animationId: string,
    frames: WithImages<InsertFrames>,
    options: CreateOptions & ChangeOptions,
  ): Promise<Answer<AnimationTree>> {
    return this.#upload("post", "/api/animations/{animationId}/frames", { animationId }, frames, options);
  }

  /** Shows another image in a frame; what it showed before stays a take. */
  replaceFrame(
    frameId: string,
    shown: WithImages<ReplaceFrame>,
    options: UploadOptions & ChangeOptions,
  ): Promise<Answer<AnimationTree>> {
    return this.#upload("put", "/api/frames/{frameId}/asset", { frameId }, shown, options);
  }

  /** Adds a take to an animation, which no frame shows yet. */
  createTake(animationId: string, take: WithImages<CreateAsset>, options?: CreateOptions): Promise<Answer<Asset>> {
    return this.#upload("post", "/api/animations/{animationId}/takes", { animationId }, take, options);
  }

  /** Creates assets that belong to no character (kind `reference`): all of them, or none. */
  createAssets(
    projectId: string,
    assets: WithImages<CreateAsset>[],
    options?: CreateOptions,
  ): Promise<Answer<Asset[]>> {
    const body: WithImages<CreateAssets> = { assets };
    return this.#upload("post", "/api/projects/{projectId}/assets", { projectId }, body, options);
  }

  /** Records a request to a model: what was sent, and what came out of it. */
  recordGeneration(
    projectId: string,
    generation: WithImages<RecordGeneration>,
    options?: CreateOptions,
  ): Promise<Answer<RecordedGeneration>> {
    return this.#upload("post", "/api/projects/{projectId}/generations", { projectId }, generation, options);
  }

  /** Creates an asset (kind `reference`) of an image alone. */
  async uploadImage(
    projectId: string,
    image: Image,
    { originalName = nameOf(image), ...options }: CreateOptions & { originalName?: string | undefined } = {},
  ): Promise<Answer<Asset>> {
    const headers: Record<string, string> = {};
    if (options.isHashed) headers["repr-digest"] = `sha-256=:${base64(await sha256(image))}:`;
    // What it is comes from the bytes.
    const encoded = { contentType: "application/octet-stream", body: new Blob([image as BlobPart]) };
    const draft = { ...options, path: { projectId }, query: { originalName }, headers, encoded };
    return this.#send("post", "/api/projects/{projectId}/images", draft);
  }

  /**
   * Returns where the image of an asset is, by its conventional path, which follows names and
   * places; `undefined` where it has none.
   */
  imageUrl(asset: Pick<Asset, "filePath">): string | undefined {
    if (asset.filePath == null) return undefined;
    const segments = asset.filePath.split("/").map(encodeURIComponent);
    return `${this.#baseUrl}/assets/${segments.join("/")}`;
  }

  /** Returns where the bytes with a SHA-256 are: for ever the same, so they can be cached. */
  blobUrl(sha256: string): string {
    return `${this.#baseUrl}/blobs/${sha256}`;
  }

  async #call<T>(method: Method, path: string, call: object | undefined): Promise<Answer<T>> {
    const { body, ...draft } = (call ?? {}) as Draft & { body?: unknown };
    if (body === undefined) return this.#send(method, path, draft);
    const encoded = await encode(body, { isHashed: false });
    return this.#send(method, path, { ...draft, encoded });
  }

  async #upload<T>(
    method: Method,
    template: keyof paths,
    path: Record<string, string>,
    body: unknown,
    options: (UploadOptions & Partial<CreateOptions & ChangeOptions>) | undefined,
  ): Promise<Answer<T>> {
    const encoded = await encode(body, { isHashed: options?.isHashed ?? false });
    return this.#send(method, template, { ...options, path, encoded });
  }

  async #send<T>(method: Method, template: string, draft: Draft): Promise<Answer<T>> {
    const headers = new Headers({ ...draft.headers, ...this.#authorization });
    if (draft.encoded) headers.set("content-type", draft.encoded.contentType);
    if (draft.ifMatch !== undefined) headers.set("if-match", etagOf(draft.ifMatch));
    const isDoneOnce = method === "post" && DONE_ONCE.has(template);
    if (isDoneOnce) headers.set("idempotency-key", draft.idempotencyKey ?? newIdempotencyKey());
    const { signal } = draft;
    const fetch = ({ url }: Request) => {
      const init = { method: method.toUpperCase(), headers, signal };
      const attempt = () => upload(this.#fetch, url, init, draft.encoded?.body, draft.onProgress);
      const isRepeatable = method === "get" || isDoneOnce;
      return answered(attempt, { retries: this.#retries, isRepeatable, url, signal });
    };
    const params = { path: draft.path, query: draft.query };
    const init = { params, fetch, ...(signal && { signal }) };
    // The types of the operation were checked where it was called.
    const { data, response } = await this.#client.request(method, template as never, init as never);
    return {
      data: data as T,
      etag: response.headers.get("etag"),
      status: response.status,
      headers: response.headers,
    };
  }
}

/**
 * Makes a client of a studio that is served.
 *
 * Every call fails with a {@link PegbarError} where the server refuses it or can't be reached.
 */
export function createPegbar(options: PegbarOptions): Pegbar {
  return new Pegbar(options);
}

function etagOf(version: Version): string {
  const etag = typeof version === "string" ? version : version.etag;
  if (etag === null) {
    throw new TypeError(
      "ifMatch: the answer came without an ETag; does a proxy take it away, or CORS hide it?",
    );
  }
  return etag;
}
