export type { Answer, Call, CallOptions, Operation, PagedPath, PathWith, Result, Row, Version } from "./call.js";
export {
  type ChangeOptions,
  type CreateOptions,
  createPegbar,
  Pegbar,
  type PegbarOptions,
  type UploadOptions,
} from "./client.js";
export { isPegbarError, PegbarError } from "./error.js";
export type { EventOptions, ProjectEvent } from "./events.js";
export { newId } from "./id.js";
export type { Image, WithImages } from "./image.js";
export type * from "./schema.js";
export type { Fetch, OnProgress, Progress } from "./upload.js";
