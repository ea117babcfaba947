import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { createPegbar } from "../src/index.js";
import { encode } from "../src/multipart.js";
import { fake, json } from "./fake.js";
import { png } from "./studio.js";

/** Reads a body as a server would. */
async function parts(body: unknown, isHashed = false): Promise<{ json: unknown; files: Map<string, Buffer> }> {
  const encoded = await encode(body, { isHashed });
  const headers = { "content-type": encoded.contentType };
  const form = await new Response(encoded.body, { headers }).formData();
  const files = new Map<string, Buffer>();
  const names = [...form.keys()];
  assert.equal(names[0], "body");
  for (const name of names.slice(1)) {
    const value = form.get(name);
    assert.ok(value instanceof File || typeof value === "string");
    const bytes = typeof value === "string" ? Buffer.from(value) : Buffer.from(await value.arrayBuffer());
    files.set(name, bytes);
  }
  return { json: JSON.parse(String(form.get("body"))), files };
}

test("each image is sent once, under the name that the JSON calls it by", async () => {
  const shared = png(1);
  const body = { name: "A", assets: [{ file: shared }, { file: png(2), tags: ["x"] }, { file: shared }], nothing: null };
  const { json } = await parts(body);
  assert.deepEqual(json, {
    name: "A",
    assets: [{ file: "image0" }, { file: "image1", tags: ["x"] }, { file: "image0" }],
    nothing: null,
  });
  const encoded = await encode(body, { isHashed: false });
  const text = Buffer.from(await encoded.body.arrayBuffer());
  assert.equal(text.toString("latin1").split(Buffer.from(shared).toString("latin1")).length, 2);
});

test("the hash and the name of an image stand in the JSON, unless they were given", async () => {
  const file = new File([png(3) as BlobPart], 'a "b"\r\nc.png');
  const sha256 = createHash("sha256").update(png(3)).digest("hex");
  const given = { file, originalName: "given.png", sha256: "f".repeat(64) };
  const { json } = await parts({ assets: [{ file }, given], inputs: [{ role: "pose", file }] }, true);
  assert.deepEqual(json, {
    assets: [
      { file: "image0", originalName: 'a "b"\r\nc.png', sha256 },
      { file: "image0", originalName: "given.png", sha256: "f".repeat(64) },
    ],
    inputs: [{ role: "pose", file: "image0" }],
  });
});

test("a body without images is JSON", async () => {
  const { contentType, body } = await encode({ name: "A" }, { isHashed: true });
  assert.equal(contentType, "application/json");
  assert.equal(await body.text(), '{"name":"A"}');
});

test("a browser counts with XMLHttpRequest", async () => {
  const server = await fake(json(201, { project: {} }, { etag: '"7"' }));
  const original = globalThis.XMLHttpRequest;
  globalThis.XMLHttpRequest = FakeRequest as unknown as typeof XMLHttpRequest;
  try {
    const told: unknown[] = [];
    const project = { name: "A", references: [{ file: png(1) }] };
    const pegbar = createPegbar({ ...server, token: "pegbar_secret" });
    const { etag, status } = await pegbar.createProject(project, { onProgress: (progress) => told.push(progress) });
    assert.deepEqual([etag, status], ['"7"', 201]);
    const [received] = server.received;
    assert.equal(received?.headers.authorization, "Bearer pegbar_secret");
    assert.match(String(received?.headers["content-type"]), /^multipart\/form-data; boundary=/);
    assert.match(String(received?.headers["idempotency-key"]), /./);
    const total = received?.body.length;
    assert.deepEqual(told, [{ sent: 10, total }, { sent: total, total }]);
  } finally {
    globalThis.XMLHttpRequest = original;
    await server.close();
  }
});

/** What a browser's has of it, over `fetch`. */
class FakeRequest {
  upload: { onprogress?: (event: { loaded: number }) => void } = {};
  responseType = "";
  status = 0;
  statusText = "";
  response: ArrayBuffer | undefined;
  onload?: () => void;
  onerror?: () => void;
  onabort?: () => void;
  onloadend?: () => void;
  #method = "";
  #url = "";
  #sent = new Headers();
  #received = new Headers();

  open(method: string, url: string) {
    [this.#method, this.#url] = [method, url];
  }

  setRequestHeader(name: string, value: string) {
    this.#sent.append(name, value);
  }

  getAllResponseHeaders() {
    return [...this.#received].map(([name, value]) => `${name}: ${value}\r\n`).join("");
  }

  abort() {
    this.onabort?.();
  }

  async send(body: Blob) {
    this.upload.onprogress?.({ loaded: 10 });
    const response = await fetch(this.#url, { method: this.#method, headers: this.#sent, body });
    this.upload.onprogress?.({ loaded: body.size });
    this.status = response.status;
    this.#received = response.headers;
    this.response = await response.arrayBuffer();
    this.onload?.();
    this.onloadend?.();
  }
}
