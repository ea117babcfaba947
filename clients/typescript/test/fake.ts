// A server that answers as a test says, request by request.

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";

export interface Received {
  method: string;
  url: string;
  headers: IncomingMessage["headers"];
  body: Buffer;
}

export type Reply = (response: ServerResponse, request: Received) => void;

export interface Fake extends AsyncDisposable {
  baseUrl: string;
  /** What came, in order. */
  received: Received[];
  close(): Promise<void>;
}

/** Answers the first request with the first reply, and so on; the last one again and again. */
export async function fake(...replies: Reply[]): Promise<Fake> {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const reply = replies[Math.min(received.length, replies.length - 1)];
    const { method = "", url = "", headers } = request;
    const one = { method, url, headers, body: Buffer.alloc(0) };
    received.push(one);
    one.body = await buffer(request).catch(() => one.body);
    reply?.(response, one);
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as AddressInfo;
  const close = () =>
    new Promise<void>((closed) => {
      server.close(() => closed());
      server.closeAllConnections();
    });
  return { baseUrl: `http://127.0.0.1:${port}`, received, close, [Symbol.asyncDispose]: close };
}

export function json(status: number, value: unknown, headers: Record<string, string> = {}): Reply {
  return (response) => {
    const type = status < 400 ? "application/json" : "application/problem+json";
    response.writeHead(status, { "content-type": type, etag: '"1"', ...headers });
    response.end(JSON.stringify(value));
  };
}

export function problem(status: number, code: string, headers: Record<string, string> = {}): Reply {
  const told = { type: `/api/docs#${code}`, title: code, status, code, detail: `it is ${code}`, hint: "try", field: null };
  return json(status, told, headers);
}

/** Hangs up without an answer. */
export const hangUp: Reply = (response) => response.destroy();

/** Begins an answer, and hangs up. */
export const breakOff: Reply = (response) => {
  response.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
  response.write('{"rows": [');
  setTimeout(() => response.destroy(), 10);
};

/** Sends pieces of an event stream, and then hangs up unless it `stays`. */
export function stream(pieces: (string | Buffer)[], options: { stays?: boolean } = {}): Reply {
  return async (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const piece of pieces) {
      response.write(piece);
      await new Promise((later) => setTimeout(later, 5));
    }
    if (!options.stays) response.end();
  };
}
