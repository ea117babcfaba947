import { PegbarError } from "./error.js";
import { backoffMs, pause } from "./retry.js";
import { EventReader, type ServerSentEvent } from "./sse.js";

/** One committed change of a project. */
export interface ProjectChange {
  /** Its number: 1 for the project's first, and one more for each that follows, without gaps. */
  number: number;
  /** When it was made. */
  createdAt: string;
  /** What it created, updated or deleted: each thing once, at most 100. */
  entities: ChangedEntity[];
  /** Whether it changed more than `entities` names: then all of the project may be different. */
  hasMore: boolean;
}

/** Something that a change created, updated or deleted. */
export interface ChangedEntity {
  entity: "project" | "character" | "animation" | "frame" | "asset" | "generation" | "annotation";
  id: string;
  change: "created" | "updated" | "deleted";
}

/** What comes of following a project. */
export type ProjectEvent =
  | ({ type: "change" } & ProjectChange)
  /**
   * Changes were missed for good: read the project anew. What follows comes after the change
   * `number`.
   */
  | { type: "reset"; number: number };

/** How a project is followed. */
export interface EventOptions {
  /** The number of the last change that is known; absent for those that are made from now on. */
  after?: number;
  /** Ends it: the loop is left, without an error. */
  signal?: AbortSignal;
  /**
   * Told whenever the connection was lost, with why, before it is made again; `undefined` where
   * the server ended it.
   */
  onInterrupted?: (error: PegbarError | undefined) => void;
  /**
   * After how many milliseconds of silence a connection counts as lost; 45,000 by default. The
   * server says something every 15 seconds.
   */
  silenceMs?: number;
}

/** Connects, to get what comes after an event. */
export type Connect = (lastEventId: string | undefined, signal: AbortSignal) => Promise<Response>;

/** Connections that lasted so long were good ones, in milliseconds. */
const GOOD_MS = 5_000;

/** Follows a stream of events across connections: nothing is missed, and nothing comes twice. */
export async function* follow(
  connect: Connect,
  options: EventOptions & { retries: number; url: string },
): AsyncGenerator<ProjectEvent, void, undefined> {
  const { signal, silenceMs = 45_000, retries, url, onInterrupted } = options;
  let lastEventId = options.after === undefined ? undefined : String(options.after);
  let last = options.after ?? 0;
  let retryMs = 0;
  let failures = 0;
  let wasConnected = false;
  while (!signal?.aborted) {
    const begun = Date.now();
    const reader = new EventReader();
    let failure: PegbarError | undefined;
    const connection = new AbortController();
    const stop = () => connection.abort();
    signal?.addEventListener("abort", stop, { once: true });
    try {
      const response = await silent(connect(lastEventId, connection.signal), silenceMs);
      // The project was deleted, and the last change is known already.
      if (response.status === 204) return;
      if (!response.ok || !isEventStream(response)) throw await PegbarError.of(response);
      wasConnected = true;
      for await (const event of eventsOf(response, reader, silenceMs)) {
        lastEventId = reader.lastEventId ?? lastEventId;
        const told = understand(event);
        if (!told) continue;
        failures = 0;
        if (told.type === "change" && told.number <= last) continue;
        last = told.number;
        yield told;
        if (isEnd(told)) return;
      }
    } catch (error) {
      if (signal?.aborted) return;
      failure = error instanceof PegbarError ? error : PegbarError.unreachable(url, error);
      if (isFinal(failure) || (!wasConnected && failures >= retries)) throw failure;
    } finally {
      signal?.removeEventListener("abort", stop);
      // Also when the loop is left: else the connection would stay.
      connection.abort();
    }
    if (signal?.aborted) return;
    lastEventId = reader.lastEventId ?? lastEventId;
    retryMs = reader.retryMs ?? retryMs;
    if (Date.now() - begun >= GOOD_MS) failures = 0;
    onInterrupted?.(failure);
    const wait = failure?.retryAfterMs ?? Math.max(retryMs, backoffMs(failures));
    failures += 1;
    try {
      await pause(wait, signal);
    } catch {
      return;
    }
  }
}

/** Reads the events of one connection, until it ends. */
async function* eventsOf(
  response: Response,
  reader: EventReader,
  silenceMs: number,
): AsyncGenerator<ServerSentEvent, void, undefined> {
  const pieces = response.body?.getReader();
  if (!pieces) return;
  const decoder = new TextDecoder();
  while (true) {
    const { done, value } = await silent(pieces.read(), silenceMs);
    if (done) return;
    yield* reader.read(decoder.decode(value, { stream: true }));
  }
}

/** Waits for something, but not for ever. */
async function silent<T>(promise: Promise<T>, silenceMs: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const silence = new Promise<never>((_, reject) => {
    const error = new Error(`nothing came for ${silenceMs} ms`);
    timer = setTimeout(() => reject(error), silenceMs);
  });
  // Whoever loses may fail later, when nobody listens any more.
  promise.catch(() => {});
  try {
    return await Promise.race([promise, silence]);
  } finally {
    clearTimeout(timer);
  }
}

function understand({ event, data }: ServerSentEvent): ProjectEvent | undefined {
  if (event === "change") return { type: "change", ...parse<ProjectChange>(data) };
  if (event === "reset") return { type: "reset", ...parse<{ number: number }>(data) };
  // A later server may tell more.
  return undefined;
}

function parse<T>(data: string): T {
  try {
    return JSON.parse(data) as T;
  } catch (cause) {
    const detail = "an event of the stream is not JSON";
    throw new PegbarError({ code: "not_pegbar", status: 200, detail }, { cause });
  }
}

function isEventStream(response: Response): boolean {
  return response.headers.get("content-type")?.startsWith("text/event-stream") ?? false;
}

/** The deletion of the project is its last change. */
function isEnd(event: ProjectEvent): boolean {
  const isDeletion = ({ entity, change }: ChangedEntity) => entity === "project" && change === "deleted";
  return event.type === "change" && event.entities.some(isDeletion);
}

/** Says whether asking again would be answered the same. */
function isFinal({ status }: PegbarError): boolean {
  return (status >= 200 && status < 500 && status !== 408 && status !== 429) || status === 501;
}
