import { hex, type Image, isImage, nameOf, newIdempotencyKey, sha256 } from "./image.js";

/** A body that is ready to be sent, as often as it takes. */
export interface Encoded {
  contentType: string;
  /** Not in memory: blobs of files are read when they are sent. */
  body: Blob;
}

/** A part of a request: its name, and the image. */
interface Part {
  name: string;
  image: Image;
  sha256: string | undefined;
}

/**
 * Writes a body with images as `multipart/form-data` (RFC 7578): first `body`, the JSON, then
 * each image once, however often it is used. Without images it is JSON.
 */
export async function encode(body: unknown, options: { isHashed: boolean }): Promise<Encoded> {
  const parts = new Map<Image, Part>();
  for (const image of imagesIn(body)) {
    if (parts.has(image)) continue;
    const name = `image${parts.size}`;
    const hash = options.isHashed ? hex(await sha256(image)) : undefined;
    parts.set(image, { name, image, sha256: hash });
  }
  const json = JSON.stringify(withNames(body, parts));
  if (parts.size === 0) {
    return { contentType: "application/json", body: new Blob([json]) };
  }
  const boundary = `pegbar-${newIdempotencyKey()}`;
  const pieces: BlobPart[] = [];
  const add = (name: string, type: string, content: BlobPart) => {
    const head = `Content-Disposition: form-data; name="${name}"\r\nContent-Type: ${type}\r\n`;
    pieces.push(`--${boundary}\r\n${head}\r\n`, content, "\r\n");
  };
  add("body", "application/json", json);
  for (const { name, image } of parts.values()) {
    add(name, "application/octet-stream", image as BlobPart);
  }
  pieces.push(`--${boundary}--\r\n`);
  return { contentType: `multipart/form-data; boundary=${boundary}`, body: new Blob(pieces) };
}

/** Finds the images in a body, in order. */
function* imagesIn(value: unknown): Generator<Image> {
  if (isImage(value)) yield value;
  else if (typeof value === "object" && value !== null) {
    for (const each of Object.values(value)) yield* imagesIn(each);
  }
}

/** Puts the names of parts in the place of images. */
function withNames(value: unknown, parts: ReadonlyMap<Image, Part>): unknown {
  if (Array.isArray(value)) return value.map((each) => withNames(each, parts));
  if (typeof value !== "object" || value === null || value instanceof Date) return value;
  const written: Record<string, unknown> = {};
  for (const [key, each] of Object.entries(value)) {
    written[key] = isImage(each) ? parts.get(each)?.name : withNames(each, parts);
  }
  const { file } = value as { file?: unknown };
  // An input of a generation has a role, and only its image.
  if (isImage(file) && !("role" in value)) {
    written.sha256 ??= parts.get(file)?.sha256;
    // Here, not with the part, whose header can't hold every name.
    written.originalName ??= nameOf(file);
  }
  return written;
}
