// What the OpenAPI document says of each operation, as types of calls and answers.

import type { paths } from "./schema.js";

export type Method = "get" | "put" | "post" | "patch" | "delete";

/** The operation of a path and a method. */
export type Operation<Path extends keyof paths, M extends Method> = paths[Path][M];

/** What an operation answers with, where that is JSON. */
export type Result<O> = O extends { responses: infer Responses }
  ? Content<Responses[keyof Responses & (200 | 201)]>
  : never;

type Content<R> = R extends { content: { "application/json": infer T } } ? T : never;

/** The paths that have a method, and answer with JSON. */
export type PathWith<M extends Method> = {
  [Path in keyof paths]: [Result<Operation<Path, M>>] extends [never] ? never : Path;
}[keyof paths];

/** The paths of lists that come in pages. */
export type PagedPath = {
  [Path in keyof paths]: Result<Operation<Path, "get">> extends { rows: unknown[]; nextCursor?: unknown }
    ? Path
    : never;
}[keyof paths] &
  PathWith<"get">;

/** One of the rows of a list. */
export type Row<Path extends PagedPath> =
  Result<Operation<Path, "get">> extends { rows: (infer R)[] } ? R : never;

/** The paths where creating is done once for each `Idempotency-Key`. */
export type PathDoneOnce = {
  [Path in keyof paths]: TakesKey<Operation<Path, "post">> extends true ? Path : never;
}[keyof paths];

/** A version of something: the answer that it was read with, its ETag, or `"*"` for any. */
export type Version = { readonly etag: string | null } | string;

/** What came back. */
export interface Answer<T> {
  data: T;
  /** The version of `data`, for `ifMatch`; `null` where a proxy has taken it away. */
  etag: string | null;
  status: number;
  headers: Headers;
}

/** What every call takes. */
export interface CallOptions {
  /** Ends the call; it fails with the reason of the signal. */
  signal?: AbortSignal;
}

type ParametersOf<O> = O extends { parameters: infer P } ? P : never;

type PathOption<O> = ParametersOf<O> extends { path: infer P } ? { path: P } : { path?: never };

type QueryOption<O> =
  ParametersOf<O> extends { query: infer Q }
    ? { query: Q }
    : ParametersOf<O> extends { query?: infer Q }
      ? { query?: Q }
      : { query?: never };

type MatchOption<O> =
  ParametersOf<O> extends { header: { "If-Match": string } }
    ? {
        /** The version that the change is meant for: refused (`stale`) where it is another. */
        ifMatch: Version;
      }
    : { ifMatch?: never };

type TakesKey<O> =
  ParametersOf<O> extends { header?: infer H }
    ? [NonNullable<H>] extends [never]
      ? false
      : "Idempotency-Key" extends keyof NonNullable<H>
        ? true
        : false
    : false;

type KeyOption<O> =
  TakesKey<O> extends true
    ? {
        /** Done once for each key; absent to have one made, which every attempt uses. */
        idempotencyKey?: string;
      }
    : { idempotencyKey?: never };

type BodyOption<O> = O extends { requestBody: { content: { "application/json": infer B } } }
  ? { body: B }
  : O extends { requestBody?: { content: { "application/json": infer B } } }
    ? { body?: B }
    : { body?: never };

/** What a call of an operation takes. */
export type Call<O> = CallOptions & PathOption<O> & QueryOption<O> & MatchOption<O> & KeyOption<O> & BodyOption<O>;

/** The call, which may be left out where the operation needs nothing. */
export type CallArguments<O> = {} extends Call<O> ? [call?: Call<O>] : [call: Call<O>];
