// A studio on a database of its own, made by the real `pegbar`.

import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import pg from "pg";

export interface Studio {
  databaseUrl: string;
  /** Where it is. */
  folder: string;
  /** Runs `pegbar --json --studio FOLDER …` and returns what it prints. */
  pegbar(...args: string[]): unknown;
  drop(): Promise<void>;
}

/** Creates the database and has Pegbar migrate it. */
export async function createStudio(): Promise<Studio> {
  const server = process.env.PEGBAR_DATABASE_URL;
  if (!server) {
    throw new Error("set PEGBAR_DATABASE_URL to a PostgreSQL server where databases may be created");
  }
  const binary = resolve(process.env.PEGBAR_BIN ?? "../../target/debug/pegbar");
  if (!existsSync(binary)) throw new Error(`no pegbar at ${binary}: build it, or set PEGBAR_BIN`);

  const name = `pegbar_prisma_${randomBytes(6).toString("hex")}`;
  await execute(server, `CREATE DATABASE ${name}`);
  // A zone far from UTC: whoever forgets zones is hours off here.
  await execute(server, `ALTER DATABASE ${name} SET timezone TO 'America/New_York'`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  const databaseUrl = url.href;
  const folder = mkdtempSync(join(tmpdir(), "pegbar-prisma-"));

  const env = { ...process.env, PEGBAR_DATABASE_URL: databaseUrl };
  const run = (...args: string[]) => execFileSync(binary, args, { env, encoding: "utf8", stdio: "pipe" });
  const drop = async () => {
    rmSync(folder, { recursive: true });
    await execute(server, `DROP DATABASE ${name} WITH (FORCE)`);
  };
  try {
    run("init", folder);
  } catch (error) {
    await drop();
    throw error;
  }
  return {
    databaseUrl,
    folder,
    pegbar: (...args) => JSON.parse(run("--json", "--studio", folder, ...args)),
    drop,
  };
}

/** Runs one statement on a connection of its own. */
export async function execute(url: string, statement: string, values: unknown[] = []) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(statement, values)).rows as Record<string, unknown>[];
  } finally {
    await client.end();
  }
}
