/** How far an upload is. */
export interface Progress {
  /** How many bytes were sent. */
  sent: number;
  /** How many there are. */
  total: number;
}

export type OnProgress = (progress: Progress) => void;

/** What a request is sent with. */
export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/**
 * Sends a request, and tells how far its body is.
 *
 * Without anyone to tell, the system sends it as it likes best. Else, a browser counts with
 * XMLHttpRequest, since a streamed `fetch` needs HTTP/2 there and is not everywhere; other
 * programs stream, and a byte counts as sent when it is taken for the connection.
 */
export function upload(
  fetch: Fetch,
  url: string,
  init: { method: string; headers: Headers; signal: AbortSignal | undefined },
  body: Blob | undefined,
  onProgress: OnProgress | undefined,
): Promise<Response> {
  const { method, headers } = init;
  const signal = init.signal ?? null;
  if (!body || !onProgress) return fetch(url, { method, headers, signal, body: body ?? null });
  if (typeof XMLHttpRequest !== "undefined") return byRequest(url, init, body, onProgress);
  const stream = counted(body, onProgress);
  const streaming: RequestInit & { duplex: "half" } = { method, headers, signal, body: stream, duplex: "half" };
  return fetch(url, streaming);
}

/** How much is taken for the connection at once, in bytes. */
const PIECE = 256 << 10;

function counted(body: Blob, onProgress: OnProgress): ReadableStream<Uint8Array> {
  const total = body.size;
  let sent = 0;
  // Not `body.stream()`: what is in memory comes from it as one piece.
  const pull = async (controller: ReadableStreamDefaultController<Uint8Array>) => {
    const piece = new Uint8Array(await body.slice(sent, sent + PIECE).arrayBuffer());
    if (piece.byteLength === 0) return controller.close();
    controller.enqueue(piece);
    sent += piece.byteLength;
    onProgress({ sent, total });
  };
  // Nothing ahead of the connection: it would count as sent.
  return new ReadableStream({ pull }, { highWaterMark: 0 });
}

function byRequest(
  url: string,
  init: { method: string; headers: Headers; signal: AbortSignal | undefined },
  body: Blob,
  onProgress: OnProgress,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const { signal } = init;
    if (signal?.aborted) return reject(signal.reason);
    const request = new XMLHttpRequest();
    const stop = () => request.abort();
    signal?.addEventListener("abort", stop, { once: true });
    request.open(init.method, url);
    request.responseType = "arraybuffer";
    init.headers.forEach((value, name) => {
      request.setRequestHeader(name, value);
    });
    request.upload.onprogress = ({ loaded }) => onProgress({ sent: loaded, total: body.size });
    request.onload = () => {
      const { status, statusText } = request;
      const headers = headersOf(request.getAllResponseHeaders());
      resolve(new Response(request.response as ArrayBuffer, { status, statusText, headers }));
    };
    request.onerror = () => reject(new TypeError("the request failed"));
    request.onabort = () => reject(signal?.reason ?? new TypeError("the request was aborted"));
    request.onloadend = () => signal?.removeEventListener("abort", stop);
    request.send(body);
  });
}

function headersOf(text: string): Headers {
  const headers = new Headers();
  for (const line of text.split("\r\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return headers;
}
