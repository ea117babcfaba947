/** The bytes of an image: from a file input, a canvas, `fs.openAsBlob`, `fs.readFile` … */
export type Image = Blob | Uint8Array;

/**
 * A body whose images are given in place: wherever the API expects the name of a part (`file`),
 * the bytes themselves.
 */
export type WithImages<T> = T extends readonly (infer Each)[]
  ? WithImages<Each>[]
  : T extends object
    ? { [Key in keyof T]: Key extends "file" ? Image | Exclude<T[Key], string> : WithImages<T[Key]> }
    : T;

/** Returns the file name that an image came with. */
export function nameOf(image: Image): string | undefined {
  const hasName = typeof File !== "undefined" && image instanceof File && image.name !== "";
  return hasName ? image.name : undefined;
}

export function isImage(value: unknown): value is Image {
  return value instanceof Blob || value instanceof Uint8Array;
}

/** Returns the SHA-256 of an image. It is held in memory for that. */
export async function sha256(image: Image): Promise<Uint8Array> {
  if (!globalThis.crypto?.subtle) {
    throw new Error(
      "there is no WebCrypto here, which hashing needs: browsers have it only on https and localhost",
    );
  }
  const bytes = image instanceof Blob ? await image.arrayBuffer() : (image as BufferSource);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export function base64(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes));
}

/** Returns a key that no other request has: 128 random bits. */
export function newIdempotencyKey(): string {
  // Not `randomUUID`, which browsers have only on https and localhost.
  return hex(crypto.getRandomValues(new Uint8Array(16)));
}
