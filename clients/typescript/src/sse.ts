/** One event of a stream (HTML standard, section 9.2: server-sent events). */
export interface ServerSentEvent {
  /** Its kind; `message` where the server says none. */
  event: string;
  /** Its lines, joined. */
  data: string;
}

/**
 * Reads server-sent events from text that comes in pieces, however they are cut.
 *
 * Not the browsers' `EventSource`: it can send no token, and other programs have none.
 */
export class EventReader {
  /** The id of the last event that came whole; `undefined` before there was one. */
  lastEventId: string | undefined;
  /** How long the server wants to be left alone before the next attempt, in milliseconds. */
  retryMs: number | undefined;
  #rest = "";
  #isFirst = true;
  #id: string | undefined;
  #event = "";
  #data: string[] = [];

  /** Takes a piece, and returns the events that it completes. */
  read(piece: string): ServerSentEvent[] {
    let text = this.#rest + piece;
    if (this.#isFirst && text !== "") {
      this.#isFirst = false;
      if (text.startsWith("\uFEFF")) text = text.slice(1);
    }
    const events: ServerSentEvent[] = [];
    let start = 0;
    for (const end of text.matchAll(/\r\n|\n|\r/g)) {
      const isCut = end[0] === "\r" && end.index === text.length - 1;
      // Its other half may come with the next piece.
      if (isCut) break;
      const event = this.#line(text.slice(start, end.index));
      if (event) events.push(event);
      start = end.index + end[0].length;
    }
    this.#rest = text.slice(start);
    return events;
  }

  #line(line: string): ServerSentEvent | undefined {
    if (line === "") return this.#dispatch();
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "data") this.#data.push(value);
    else if (field === "event") this.#event = value;
    else if (field === "id" && !value.includes("\0")) this.#id = value;
    else if (field === "retry" && /^\d+$/.test(value)) this.retryMs = Number(value);
    return undefined;
  }

  #dispatch(): ServerSentEvent | undefined {
    // Only now: what breaks off within an event is to come again.
    this.lastEventId = this.#id ?? this.lastEventId;
    const event = { event: this.#event || "message", data: this.#data.join("\n") };
    const isEmpty = this.#data.length === 0;
    this.#event = "";
    this.#data = [];
    return isEmpty ? undefined : event;
  }
}
