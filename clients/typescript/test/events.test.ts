import assert from "node:assert/strict";
import { test } from "node:test";
import { createPegbar, PegbarError, type ProjectEvent } from "../src/index.js";
import { EventReader } from "../src/sse.js";
import { fake, hangUp, problem, stream } from "./fake.js";

/** A change as the server writes it. */
function change(number: number, entities: unknown[] = []): string {
  const data = JSON.stringify({ number, createdAt: "2026-01-01T07:02:29.000Z", entities, hasMore: false });
  return `id: ${number}\nevent: change\ndata: ${data}\n\n`;
}

/** Follows until there were so many events. */
async function take(events: AsyncIterable<ProjectEvent>, count: number): Promise<(number | "reset")[]> {
  const taken: (number | "reset")[] = [];
  for await (const event of events) {
    taken.push(event.type === "change" ? event.number : "reset");
    if (taken.length === count) break;
  }
  return taken;
}

const deletion = { entity: "project", id: "p", change: "deleted" };

test("a stream is read the same however its bytes are cut", () => {
  const text = `\uFEFF: connected\r\n\r\nid: 1\r\nevent: change\r\ndata: ä\r\ndata:  b\r\n\r\nid\ndata\n\nretry: 70\rid: 3\rdata: c\r\r`;
  const expected = [
    { event: "change", data: "ä\n b" },
    { event: "message", data: "" },
    { event: "message", data: "c" },
  ];
  const bytes = new TextEncoder().encode(text);
  for (let size = 1; size <= bytes.length; size += 1) {
    const [reader, decoder] = [new EventReader(), new TextDecoder("utf-8", { ignoreBOM: true })];
    const events = [];
    for (let at = 0; at < bytes.length; at += size) {
      events.push(...reader.read(decoder.decode(bytes.subarray(at, at + size), { stream: true })));
    }
    // The last line may be half of one that ends with both.
    events.push(...reader.read("\n"));
    assert.deepEqual(events, expected, `cut into ${size}`);
    assert.deepEqual([reader.lastEventId, reader.retryMs], ["3", 70]);
  }
});

test("an event that breaks off is none, and its id does not count", () => {
  const reader = new EventReader();
  assert.equal(reader.read(`${change(4)}id: 5\nevent: change\ndata: {`).length, 1);
  assert.equal(reader.lastEventId, "4");
});

test("changes come in order across connections: nothing is missed, nothing comes twice", async () => {
  const server = await fake(
    stream([": connected\n\n", change(1), change(2), "id: 3\nevent: cha"]),
    hangUp,
    problem(503, "unavailable", { "retry-after": "0" }),
    stream([change(2), change(3), ": heartbeat\n\n", change(4)], { stays: true }),
  );
  const lost: (string | undefined)[] = [];
  const onInterrupted = (error: PegbarError | undefined) => void lost.push(error?.code);
  const events = createPegbar({ ...server, token: "pegbar_secret" }).events("p", { onInterrupted });
  assert.deepEqual(await take(events, 4), [1, 2, 3, 4]);
  assert.deepEqual(
    server.received.map(({ headers }) => headers["last-event-id"]),
    [undefined, "2", "2", "2"],
  );
  assert.deepEqual(lost, [undefined, "unreachable", "unavailable"]);
  for (const { url, headers } of server.received) {
    assert.equal(url, "/api/projects/p/events");
    assert.equal(headers.authorization, "Bearer pegbar_secret");
    assert.equal(headers.accept, "text/event-stream");
  }
  await server.close();
});

test("following goes on after a number, and tells when changes were missed for good", async () => {
  const server = await fake(stream(['id: 90\nevent: reset\ndata: {"number":90}\n\n', change(90), change(91)], { stays: true }));
  const events = createPegbar(server).events("p", { after: 7 });
  assert.deepEqual(await take(events, 2), ["reset", 91]);
  assert.equal(server.received[0]?.headers["last-event-id"], "7");
  await server.close();
});

test("an id without an event is where the next connection goes on", async () => {
  const server = await fake(stream(["id: 12\n\n"]), stream([change(13)], { stays: true }));
  assert.deepEqual(await take(createPegbar(server).events("p"), 1), [13]);
  assert.equal(server.received[1]?.headers["last-event-id"], "12");
  await server.close();
});

test("a deleted project whose last change is known is followed no more", async () => {
  const server = await fake((response) => response.writeHead(204).end());
  assert.deepEqual(await take(createPegbar(server).events("p", { after: 9 }), 1), []);
  assert.equal(server.received.length, 1);
  await server.close();
});

test("a server that was set back to an older state is followed from there", async () => {
  const server = await fake(stream(['id: 3\nevent: reset\ndata: {"number":3}\n\n', change(4)], { stays: true }));
  assert.deepEqual(await take(createPegbar(server).events("p", { after: 900 }), 2), ["reset", 4]);
  await server.close();
});

test("the deletion of the project ends it", async () => {
  const server = await fake(stream([change(1), change(2, [deletion]), change(3)], { stays: true }));
  assert.deepEqual(await take(createPegbar(server).events("p"), 10), [1, 2]);
  assert.equal(server.received.length, 1);
  await server.close();
});

test("a signal ends it without an error, and leaving the loop closes the connection", async () => {
  let open = 0;
  const server = await fake((response) => {
    open += 1;
    response.on("close", () => (open -= 1));
    stream([change(1)], { stays: true })(response, { method: "", url: "", headers: {}, body: Buffer.alloc(0) });
  });
  const pegbar = createPegbar(server);
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 100);
  assert.deepEqual(await take(pegbar.events("p", { signal: controller.signal }), 2), [1]);
  assert.deepEqual(await take(pegbar.events("p"), 1), [1]);
  assert.deepEqual(await take(pegbar.events("p", { signal: AbortSignal.abort() }), 1), []);
  await new Promise((later) => setTimeout(later, 50));
  assert.deepEqual([open, server.received.length], [0, 2]);
  await server.close();
});

test("a connection on which nothing comes is made anew", async () => {
  const server = await fake(stream([change(1)], { stays: true }), stream([change(2)], { stays: true }));
  const lost: string[] = [];
  const options = { silenceMs: 60, onInterrupted: (error?: PegbarError) => void lost.push(error?.detail ?? "") };
  assert.deepEqual(await take(createPegbar(server).events("p", options), 2), [1, 2]);
  assert.match(lost[0] ?? "", /nothing came for 60 ms/);
  await server.close();
});

test("what would be refused again, and what is no stream, is an error", async () => {
  for (const [reply, code] of [
    [problem(404, "not_found"), "not_found"],
    [problem(401, "unauthorized"), "unauthorized"],
    [stream(["event: change\ndata: {\n\n"]), "not_pegbar"],
    [(response: import("node:http").ServerResponse) => response.end("hello"), "not_pegbar"],
  ] as const) {
    const server = await fake(reply);
    const error = await take(createPegbar(server).events("p"), 1).then(
      () => undefined,
      (error: unknown) => error,
    );
    assert.ok(error instanceof PegbarError, String(error));
    assert.equal(error.code, code);
    assert.equal(server.received.length, 1);
    await server.close();
  }
});

test("a server that is not there at the beginning is an error, after some attempts", async () => {
  const server = await fake(hangUp);
  const events = createPegbar({ ...server, retries: 1 }).events("p");
  await assert.rejects(take(events, 1), (error: PegbarError) => error.code === "unreachable");
  assert.equal(server.received.length, 2);
  await server.close();
});
