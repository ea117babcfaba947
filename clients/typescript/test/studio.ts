// A studio of its own, served by the real `pegbar`, on each engine that is there.

import { execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { after, before, describe } from "node:test";
import { crc32, deflateSync } from "node:zlib";
import pg from "pg";
import { createPegbar, type Pegbar } from "../src/index.js";

export interface Studio {
  baseUrl: string;
  pegbar: Pegbar;
  /** Runs `pegbar --json --studio FOLDER …`, another process on the same studio. */
  run(...args: string[]): unknown;
  /** Ends the server, and starts it anew at the same address. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Runs tests on a served studio: on SQLite, and where `PEGBAR_TEST_POSTGRES` names a server, on
 * PostgreSQL. Pages of the given origins may call it.
 */
export function onBothEngines(name: string, tests: (studio: () => Studio) => void, origins: () => string[] = () => []) {
  const server = process.env.PEGBAR_TEST_POSTGRES;
  for (const engine of ["SQLite", "PostgreSQL"]) {
    const skip = engine === "PostgreSQL" && !server ? "PEGBAR_TEST_POSTGRES names no server" : false;
    describe(`${name}, on ${engine}`, { skip }, () => {
      let studio: Studio | undefined;
      before(async () => {
        studio = await createStudio(engine === "PostgreSQL" ? server : undefined, origins());
      });
      after(() => studio?.stop());
      tests(() => {
        if (!studio) throw new Error("the studio was not created");
        return studio;
      });
    });
  }
}

async function createStudio(server: string | undefined, origins: string[]): Promise<Studio> {
  const binary = resolve(process.env.PEGBAR_BIN ?? "../../target/debug/pegbar");
  if (!existsSync(binary)) throw new Error(`no pegbar at ${binary}: build it, or set PEGBAR_BIN`);
  const name = `pegbar_typescript_${randomBytes(6).toString("hex")}`;
  const folder = mkdtempSync(join(tmpdir(), "pegbar-typescript-"));
  const env = { ...process.env };
  delete env.PEGBAR_DATABASE_URL;
  if (server) {
    await execute(server, `CREATE DATABASE ${name}`);
    const url = new URL(server);
    url.pathname = `/${name}`;
    env.PEGBAR_DATABASE_URL = url.href;
  }
  const run = (...args: string[]): unknown =>
    JSON.parse(execFileSync(binary, ["--json", "--studio", folder, ...args], { env, encoding: "utf8" }));
  execFileSync(binary, ["init", folder], { env, stdio: "pipe" });

  let listen = "127.0.0.1:0";
  const serve = async () => {
    const args = ["--json", "--studio", folder, "serve", "--listen", listen, ...origins.flatMap((origin) => ["--origin", origin])];
    const child = spawn(binary, args, { env, stdio: ["ignore", "pipe", "inherit"] });
    const ended = new Promise<void>((done) => child.once("exit", () => done()));
    let printed = "";
    for await (const piece of child.stdout.setEncoding("utf8")) {
      printed += piece;
      if (printed.includes("}")) break;
    }
    const { address, url } = JSON.parse(printed) as { address: string; url: string };
    listen = address;
    const stop = () => {
      child.kill("SIGTERM");
      return ended;
    };
    return { url, stop };
  };
  let served = await serve();
  return {
    baseUrl: served.url,
    pegbar: createPegbar({ baseUrl: served.url }),
    run,
    restart: async () => {
      await served.stop();
      served = await serve();
    },
    stop: async () => {
      await served.stop();
      rmSync(folder, { recursive: true });
      if (server) await execute(server, `DROP DATABASE ${name} WITH (FORCE)`);
    },
  };
}

async function execute(url: string, statement: string) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

/** Makes a PNG of one colour; each seed has its own. */
export function png(seed: number, size = 4): Uint8Array {
  const header = Buffer.alloc(13);
  header.writeUInt32BE(size, 0);
  header.writeUInt32BE(size, 4);
  // 8 bits each of red, green and blue.
  header.set([8, 2, 0, 0, 0], 8);
  const pixel = [seed & 0xff, (seed >> 8) & 0xff, (seed >> 16) & 0xff];
  const row = Buffer.from([0, ...Array.from({ length: size }, () => pixel).flat()]);
  const rows = Buffer.concat(Array.from({ length: size }, () => row));
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
  return Buffer.concat([signature, chunk("IHDR", header), chunk("IDAT", deflateSync(rows)), chunk("IEND", Buffer.alloc(0))]);
}

/** Makes a PNG of at least so many bytes, which can't be packed. */
export function largePng(bytes: number): Uint8Array {
  const text = Buffer.concat([Buffer.from("noise\0"), Buffer.from(randomBytes(bytes / 2).toString("hex"))]);
  const whole = png(1);
  const end = whole.length - 12;
  return Buffer.concat([whole.subarray(0, end), chunk("tEXt", text), whole.subarray(end)]);
}

function chunk(type: string, content: Buffer): Buffer {
  const typed = Buffer.concat([Buffer.from(type, "latin1"), content]);
  const [length, sum] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(content.length);
  sum.writeUInt32BE(crc32(typed));
  return Buffer.concat([length, typed, sum]);
}
