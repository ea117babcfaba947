import assert from "node:assert/strict";
import { test } from "node:test";
import { createPegbar, PegbarError } from "../src/index.js";
import { breakOff, fake, hangUp, json, problem } from "./fake.js";
import { png } from "./studio.js";

const path = { projectId: "p" };
const soon = { "retry-after": "0" };

async function failure(call: Promise<unknown>): Promise<PegbarError> {
  const error = await call.then(
    () => assert.fail("expected an error"),
    (error: unknown) => error,
  );
  assert.ok(error instanceof PegbarError, String(error));
  return error;
}

test("reading is tried again after no answer, half an answer, and a busy server", async () => {
  for (const reply of [hangUp, breakOff, problem(503, "unavailable", soon), problem(429, "too_many_requests", soon)]) {
    const server = await fake(reply, json(200, { rows: [], nextCursor: null }));
    const { data } = await createPegbar(server).get("/api/projects");
    assert.deepEqual(data.rows, []);
    assert.equal(server.received.length, 2);
    await server.close();
  }
});

test("creating is tried again with the same key and the same body, images included", async () => {
  const server = await fake(hangUp, problem(503, "unavailable", soon), json(201, {}));
  const told: number[] = [];
  await createPegbar(server).createProject(
    { name: "Pilot", references: [{ file: png(1) }] },
    { onProgress: ({ sent }) => void told.push(sent) },
  );
  const [one, two, three] = server.received;
  assert.ok(one && two && three);
  assert.match(String(one.headers["idempotency-key"]), /^[0-9a-f]{32}$/);
  assert.equal(two.headers["idempotency-key"], one.headers["idempotency-key"]);
  assert.equal(three.headers["idempotency-key"], one.headers["idempotency-key"]);
  assert.ok(three.body.length > 0);
  assert.deepEqual(three.body, two.body);
  assert.equal(told.at(-1), three.body.length);
  await server.close();
});

test("each creation has a key of its own, unless one is given", async () => {
  const server = await fake(json(201, {}));
  const pegbar = createPegbar(server);
  await pegbar.createProject({ name: "A" });
  await pegbar.post("/api/projects", { body: { name: "B" } });
  await pegbar.post("/api/projects", { body: { name: "C" }, idempotencyKey: "mine" });
  const keys = server.received.map(({ headers }) => headers["idempotency-key"]);
  assert.equal(new Set(keys).size, 3);
  assert.equal(keys[2], "mine");
  await server.close();
});

test("a change is never sent twice", async () => {
  const server = await fake(problem(503, "unavailable", soon));
  const pegbar = createPegbar(server);
  const call = pegbar.patch("/api/projects/{projectId}", { path, ifMatch: '"1"', body: { name: "B" } });
  assert.equal((await failure(call)).code, "unavailable");
  await failure(pegbar.put("/api/animations/{animationId}/frames/order", {
    path: { animationId: "a" },
    ifMatch: "*",
    body: { frameIds: [] },
  }));
  await failure(pegbar.delete("/api/projects/{projectId}", { path, ifMatch: { etag: '"2"' } }));
  assert.deepEqual(
    server.received.map(({ method, headers }) => [method, headers["if-match"]]),
    [
      ["PATCH", '"1"'],
      ["PUT", "*"],
      ["DELETE", '"2"'],
    ],
  );
  await server.close();
});

test("what would be refused again is asked for once, and trying ends", async () => {
  const refusing = await fake(problem(422, "invalid"));
  const error = await failure(createPegbar(refusing).createProject({ name: "" }));
  assert.deepEqual([error.code, error.status, error.detail, error.hint, error.field], ["invalid", 422, "it is invalid", "try", undefined]);
  assert.equal(refusing.received.length, 1);
  await refusing.close();
  const busy = await fake(problem(503, "unavailable", soon));
  await failure(createPegbar({ ...busy, retries: 3 }).get("/api/projects"));
  assert.equal(busy.received.length, 4);
  await busy.close();
});

test("a server that can't be reached, and one that is none of Pegbar's, are told apart", async () => {
  const server = await fake(json(200, {}));
  await server.close();
  const gone = await failure(createPegbar({ ...server, retries: 0 }).get("/api/projects"));
  assert.deepEqual([gone.code, gone.status], ["unreachable", 0]);
  assert.match(gone.detail, /ECONNREFUSED/);
  const other = await fake((response) => response.writeHead(404).end("<html>"));
  const strange = await failure(createPegbar(other).get("/api/projects"));
  assert.deepEqual([strange.code, strange.status], ["not_pegbar", 404]);
  await other.close();
});

test("a signal ends a call, also while it waits to try again", async () => {
  const server = await fake(problem(503, "unavailable", { "retry-after": "60" }));
  const reason = new Error("enough");
  const controller = new AbortController();
  const call = createPegbar(server).get("/api/projects", { signal: controller.signal });
  setTimeout(() => controller.abort(reason), 50);
  await assert.rejects(call, reason);
  const late = createPegbar(server).createProject({ name: "A" }, { signal: AbortSignal.abort(reason) });
  await assert.rejects(late, reason);
  assert.equal(server.received.length, 1);
  await server.close();
});

test("the token goes with every request, and the version is told with every answer", async () => {
  const server = await fake(json(200, { rows: [], nextCursor: null }));
  const pegbar = createPegbar({ baseUrl: `${server.baseUrl}/`, token: "pegbar_secret" });
  const { etag } = await pegbar.get("/api/projects", { query: { limit: 2, tag: "a&b" } });
  assert.equal(etag, '"1"');
  assert.equal(server.received[0]?.headers.authorization, "Bearer pegbar_secret");
  assert.equal(server.received[0]?.url, "/api/projects?limit=2&tag=a%26b");
  await server.close();
});

test("an address that is none is refused at once", () => {
  assert.throws(() => createPegbar({ baseUrl: "localhost" }), /baseUrl: "localhost"/);
});

test("images have an address by their path, and their bytes by their hash", () => {
  const pegbar = createPegbar({ baseUrl: "https://studio.local/pegbar/" });
  const filePath = "0192/frames/Gehen & Laufen/Miró_Walk_0.png";
  assert.equal(
    pegbar.imageUrl({ filePath }),
    "https://studio.local/pegbar/assets/0192/frames/Gehen%20%26%20Laufen/Mir%C3%B3_Walk_0.png",
  );
  assert.equal(pegbar.imageUrl({ filePath: null }), undefined);
  assert.equal(pegbar.blobUrl("ab"), "https://studio.local/pegbar/blobs/ab");
});
