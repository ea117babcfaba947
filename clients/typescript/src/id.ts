let lastMillis = 0;
let counter = 0;

/**
 * Returns a new id, a UUIDv7 (RFC 9562, section 5.7), for what one request creates and refers to;
 * later ones of one process sort later.
 */
export function newId(): string {
  const now = Date.now();
  if (now > lastMillis) {
    lastMillis = now;
    counter = (crypto.getRandomValues(new Uint16Array(1))[0] ?? 0) & 0x7ff;
  } else if (++counter > 0xfff) {
    lastMillis += 1;
    counter = 0;
  }
  const random = crypto.getRandomValues(new Uint8Array(8));
  random[0] = ((random[0] ?? 0) & 0x3f) | 0x80;
  const time = digits(lastMillis, 12);
  const tail = Array.from(random, (byte) => digits(byte, 2)).join("");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${digits(counter, 3)}-${tail.slice(0, 4)}-${tail.slice(4)}`;
}

function digits(value: number, length: number): string {
  return value.toString(16).padStart(length, "0");
}
