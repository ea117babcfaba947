// Prisma's own schema engine, as WebAssembly: the one behind `prisma db pull` and
// `prisma migrate diff`, whose command line would have to download it.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { PrismaPg } from "@prisma/adapter-pg";
import { bindMigrationAwareSqlAdapterFactory, ColumnTypeEnum } from "@prisma/driver-adapter-utils";
import type { DiffTarget, SchemaEngine } from "@prisma/schema-engine-wasm";
import * as glue from "@prisma/schema-engine-wasm/schema_engine_bg";
import pg from "pg";

// Node loads a .wasm module only by an experimental flag; this does the same by hand.
const home = createRequire(import.meta.url).resolve("@prisma/schema-engine-wasm");
const bytes = readFileSync(join(dirname(home), "schema_engine_bg.wasm"));
const { instance } = await WebAssembly.instantiate(bytes, { "./schema_engine_bg.js": { ...glue } });
glue.__wbg_set_wasm(instance.exports);
(instance.exports.__wbindgen_start as () => void)();
const engines = glue as unknown as typeof import("@prisma/schema-engine-wasm");
Object.assign(globalThis, { PRISMA_WASM_PANIC_REGISTRY: { set_message: console.error } });

/** What the engine thinks of a schema file and a database. */
export interface Comparison {
  /** The SQL that would turn the database into the file; empty when they are equal. */
  fromDatabase: string;
  /** The SQL that would turn the file into the database; empty when they are equal. */
  toDatabase: string;
  /** The file as the engine would write it from the database, names kept. */
  introspected: string;
}

/** Compares a schema file with a database in both directions, and introspects the database. */
export function compare(databaseUrl: string, schema: string): Promise<Comparison> {
  return withEngine(databaseUrl, async (engine) => {
    const files = [{ path: "schema.prisma", content: schema }];
    const file = { tag: "schemaDatamodel", files } as const;
    // The engine is bound to the database of its adapter, and takes this to mean that one.
    const database = { tag: "schemaDatasource", files, configDir: "." } as const;
    return {
      fromDatabase: await difference(engine, database, file),
      toDatabase: await difference(engine, file, database),
      introspected: await introspection(engine, schema),
    };
  });
}

/** Returns a schema file as the engine would write it from the database, names kept. */
export function introspect(databaseUrl: string, schema: string): Promise<string> {
  return withEngine(databaseUrl, (engine) => introspection(engine, schema));
}

async function withEngine<T>(databaseUrl: string, use: (engine: SchemaEngine) => Promise<T>): Promise<T> {
  const pool = new CatalogPool({ connectionString: databaseUrl });
  const adapter = bindMigrationAwareSqlAdapterFactory(new CatalogAdapter(pool));
  const engine = await engines.SchemaEngine.new({ datamodels: undefined }, () => {}, adapter);
  try {
    return await use(engine);
  } finally {
    engine.free();
    await pool.end();
  }
}

async function introspection(engine: SchemaEngine, schema: string): Promise<string> {
  const result = await engine.introspect({
    schema: { files: [{ path: "schema.prisma", content: schema }] },
    baseDirectoryPath: ".",
    force: false,
    compositeTypeDepth: 0,
    namespaces: null,
  });
  return result.schema.files.map(({ content }) => content).join("\n");
}

async function difference(engine: SchemaEngine, from: DiffTarget, to: DiffTarget): Promise<string> {
  const filters = { externalTables: [], externalEnums: [] };
  const { exitCode, stdout } = await engine.diff({ from, to, script: true, exitCode: true, filters });
  // With `exitCode`, 0 says equal and 2 says different.
  return exitCode === 0 ? "" : stdout || `exit code ${exitCode}`;
}

/**
 * The adapter, taught the type `"char"` of PostgreSQL's catalogs, which it cannot read.
 * The pool marks such a column as an array of it, a type that the engine's queries do not
 * use, and the adapter's answer turns the mark into the engine's name for one character.
 */
class CatalogAdapter extends PrismaPg {
  override async connect() {
    const adapter = await super.connect();
    const queryRaw = adapter.queryRaw.bind(adapter);
    adapter.queryRaw = async (query) => {
      const result = await queryRaw(query);
      const columnTypes = result.columnTypes.map((type) =>
        type === ColumnTypeEnum.CharacterArray ? ColumnTypeEnum.Character : type,
      );
      return { ...result, columnTypes };
    };
    return adapter;
  }
}

const CHAR = 18;
const CHAR_ARRAY = 1002;

class CatalogPool extends pg.Pool {
  // All overloads of `query` that the adapter uses come down to this one.
  override async query(...args: any[]): Promise<any> {
    const result = await (super.query as (...args: any[]) => Promise<pg.QueryResult>)(...args);
    for (const field of result.fields) {
      if (field.dataTypeID === CHAR) field.dataTypeID = CHAR_ARRAY;
    }
    return result;
  }
}
