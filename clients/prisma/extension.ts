// The client for Pegbar's database: tags and reference ids as plain ordered arrays, and an
// id for every row.
// Ships beside schema.prisma; adapt the first import to where your client is generated.

import { PrismaPg } from "@prisma/adapter-pg";
import { Prisma, PrismaClient, type ReferenceRole } from "./generated/prisma/client.js";

/** The client that `createPegbarClient` returns. */
export type PegbarClient = ReturnType<typeof createPegbarClient>;

/** A project as the extended client returns it, with `tags`. */
export type Project = Prisma.Result<PegbarClient["project"], object, "findFirstOrThrow">;
/** A character as the extended client returns it, with `tags`. */
export type Character = Prisma.Result<PegbarClient["character"], object, "findFirstOrThrow">;
/** An asset as the extended client returns it, with `tags` and `referenceAssetIds`. */
export type Asset = Prisma.Result<PegbarClient["asset"], object, "findFirstOrThrow">;

/**
 * Connects to the database and adds the lists.
 *
 * The session's time zone is set to UTC: the adapter writes times without a zone and reads
 * them as UTC, so in a server of another zone every time would be hours off.
 */
export function createPegbarClient(databaseUrl: string) {
  const adapter = new PrismaPg({ connectionString: databaseUrl, options: "-c TimeZone=UTC" });
  return new PrismaClient({ adapter }).$extends(pegbar);
}

/** Returns a new id, a UUIDv7 (RFC 9562, section 5.7); later ones of one process sort later. */
export function newId(): string {
  const now = Date.now();
  if (now > lastMillis) {
    lastMillis = now;
    counter = crypto.getRandomValues(new Uint16Array(1))[0]! & 0x7ff;
  } else if (++counter > 0xfff) {
    lastMillis += 1;
    counter = 0;
  }
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  bytes[0] = (bytes[0]! & 0x3f) | 0x80;
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, "0");
  const time = hex(lastMillis, 12);
  const tail = Array.from(bytes, (byte) => hex(byte, 2)).join("");
  return `${time.slice(0, 8)}-${time.slice(8)}-7${hex(counter, 3)}-${tail.slice(0, 4)}-${tail.slice(4)}`;
}
let lastMillis = 0;
let counter = 0;

/** The `tagRows` of a create: `tagRows: tags(["hero", "night"])`. The order is kept, a repeated tag counts once. */
export function tags(list: readonly string[]) {
  const data = [...new Set(list)].map((tag, position) => ({ tag, position }));
  return { createMany: { data } };
}

/** The `tagRows` of an update: these tags instead of the present ones. */
export function replaceTags(list: readonly string[]) {
  return { deleteMany: {}, ...tags(list) };
}

/** An input of a generated asset, in the order sent to the model. */
export interface Reference {
  id: string;
  role?: ReferenceRole;
  /** SHA-256 of the bytes that were really sent, 64 hexadecimal digits. */
  sha256?: string;
}

/** The `references` of a create: `references: references([{ id, role: "style" }])`. The order is kept. */
export function references(list: readonly (Reference | string)[]) {
  const data = list.map((item, position) => {
    const { id, ...rest } = typeof item === "string" ? { id: item } : item;
    return { position, referencedAssetId: id, ...rest };
  });
  return { createMany: { data } };
}

/** A replacer for `JSON.stringify`, which refuses a bigint: a number where that is exact, else a string. */
export function bigintToJson(_key: string, value: unknown): unknown {
  if (typeof value !== "bigint") return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value.toString();
}

// ---------------------------------------------------------------------------------------
// How the lists come to be. Prisma has no computed field over a relation, so each query
// asks for the relation's rows as well, the field is computed from them, and the rows are
// taken out of the result unless the query had asked for them.

/** A list: its name, the relation it is made of, and the column of its values. */
interface List {
  field: string;
  relation: string;
  value: string;
}
const TAGS: List = { field: "tags", relation: "tagRows", value: "tag" };
const REFERENCE_ASSET_IDS: List = {
  field: "referenceAssetIds",
  relation: "references",
  value: "referencedAssetId",
};
const LISTS: Partial<Record<Prisma.ModelName, List[]>> = {
  Project: [TAGS],
  Character: [TAGS],
  Asset: [TAGS, REFERENCE_ASSET_IDS],
};

type RelationTargets = {
  [M in Prisma.ModelName]: {
    [R in keyof Payload<M>["objects"]]: Target<Payload<M>["objects"][R]>;
  };
};
type Payload<M extends Prisma.ModelName> = Prisma.TypeMap["model"][M]["payload"];
type Target<P> = NonNullable<P> extends (infer Item)[] ? Name<Item> : Name<NonNullable<P>>;
type Name<P> = P extends { name: infer N } ? N : never;

/** Where each relation leads; the type refuses a missing or a wrong one. */
const RELATIONS: RelationTargets = {
  Project: {
    thumbnail: "Asset",
    tagRows: "ProjectTag",
    characters: "Character",
    animations: "Animation",
    assets: "Asset",
    frames: "Frame",
    generations: "Generation",
  },
  Character: {
    project: "Project",
    primaryAsset: "Asset",
    tagRows: "CharacterTag",
    variations: "Asset",
    animations: "Animation",
  },
  Animation: { project: "Project", character: "Character", frames: "Frame", takes: "Asset" },
  Frame: { project: "Project", animation: "Animation", asset: "Asset" },
  Asset: {
    project: "Project",
    character: "Character",
    animation: "Animation",
    generation: "Generation",
    tagRows: "AssetTag",
    references: "AssetReference",
    referencedBy: "AssetReference",
    claims: "AssetClaim",
    annotations: "AssetAnnotation",
    frames: "Frame",
    primaryOf: "Character",
    thumbnailOf: "Project",
  },
  AssetReference: { asset: "Asset", referencedAsset: "Asset" },
  AssetClaim: { asset: "Asset" },
  AssetAnnotation: { asset: "Asset" },
  Generation: { project: "Project", assets: "Asset" },
  ProjectTag: { project: "Project" },
  CharacterTag: { character: "Character" },
  AssetTag: { asset: "Asset" },
};

interface Arguments {
  select?: Record<string, unknown> | null;
  include?: Record<string, unknown> | null;
  omit?: Record<string, unknown> | null;
}

/** The lists that a query returns, and the relations that were added for them. */
interface Plan {
  lists: List[];
  added: string[];
  nested: Record<string, Plan>;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null;

/** The lists that a query asks for at its top level. */
function listsOf(model: Prisma.ModelName, { select, omit }: Arguments): List[] {
  return (LISTS[model] ?? []).filter(({ field }) => (select ? select[field] : !omit?.[field]));
}

/** Returns the arguments of a query with the rows of its lists asked for, at every level. */
function withLists<A extends Arguments>(model: Prisma.ModelName, given: A): { args: A; plan: Plan } {
  const args = { ...given };
  const plan: Plan = { lists: [], added: [], nested: {} };
  const kind = args.select ? "select" : "include";
  const wanted: Record<string, unknown> = { ...args[kind] };
  for (const [relation, target] of Object.entries(RELATIONS[model])) {
    if (!wanted[relation]) continue;
    const inner = withLists(target, isObject(wanted[relation]) ? wanted[relation] : {});
    wanted[relation] = inner.args;
    plan.nested[relation] = inner.plan;
  }
  for (const list of listsOf(model, args)) {
    plan.lists.push(list);
    const columns = { [list.value]: true, position: true };
    const asked = wanted[list.relation];
    if (!isObject(asked)) {
      wanted[list.relation] = { select: columns };
      plan.added.push(list.relation);
      continue;
    }
    for (const part of ["where", "cursor", "take", "skip", "distinct"]) {
      if (asked[part] === undefined) continue;
      throw new Error(
        `${model}.${list.field} is made of all ${list.relation}: a query that narrows them by ` +
          `\`${part}\` must leave it out (\`omit: { ${list.field}: true }\`)`,
      );
    }
    const { omit, ...rest } = asked as Arguments;
    const kept = Object.entries(omit ?? {}).filter(([column]) => !(column in columns));
    wanted[list.relation] = rest.select
      ? { ...rest, select: { ...rest.select, ...columns } }
      : { ...rest, ...(kept.length > 0 && { omit: Object.fromEntries(kept) }) };
  }
  if (Object.keys(wanted).length > 0) args[kind] = wanted;
  return { args, plan };
}

/** Computes the lists of a result and takes out the rows that were added for them. */
function settle(result: unknown, plan: Plan): void {
  if (Array.isArray(result)) {
    for (const row of result) settle(row, plan);
    return;
  }
  if (!isObject(result)) return;
  for (const [relation, inner] of Object.entries(plan.nested)) settle(result[relation], inner);
  for (const list of plan.lists) {
    if (result[list.relation] !== undefined) result[list.field] = ordered(result[list.relation], list);
  }
  for (const relation of plan.added) delete result[relation];
}

function ordered(rows: unknown, { value }: List): string[] {
  return (rows as Record<string, any>[])
    .toSorted((a, b) => a.position - b.position)
    .map((row) => row[value]);
}

/** The field's type and name for Prisma; its value is there already, unless the query cannot have one. */
function computed(list: List) {
  const compute = (row: object): string[] => {
    const { [list.field]: settled, [list.relation]: rows } = row as Record<string, unknown>;
    if (Array.isArray(settled)) return settled;
    if (Array.isArray(rows)) return ordered(rows, list);
    throw new Error(
      `this query does not load \`${list.field}\`: leave it out by \`omit\` or \`select\``,
    );
  };
  return { needs: {}, compute };
}

// ---------------------------------------------------------------------------------------
// Where Prisma makes no id. The foreign keys of a thumbnail and of a primary asset begin
// with the row's own id, and Prisma ignores the default of such a column unless a plain
// column of that key is given. So a project or a character that is created without an id
// gets one here.

const OWN_KEYS: Partial<Record<Prisma.ModelName, string>> = {
  Project: "thumbnail",
  Character: "primaryAsset",
};

/** Returns what a query writes with an id for each project and character that it creates. */
function withIds(model: Prisma.ModelName, data: unknown, creates: boolean): unknown {
  if (Array.isArray(data)) return data.map((item) => withIds(model, item, creates));
  if (!isObject(data)) return data;
  const row = { ...data };
  for (const [relation, target] of Object.entries(RELATIONS[model])) {
    if (isObject(row[relation])) row[relation] = withNestedIds(target, row[relation]);
  }
  const ownKey = OWN_KEYS[model];
  if (!creates || ownKey === undefined) return row;
  row.id ??= newId();
  const { project, ...rest } = row;
  if (isObject(project) && isObject(project.connect) && project.connect.id !== undefined) {
    return { ...rest, projectId: project.connect.id };
  }
  for (const relation of ["project", ownKey]) {
    if (row[relation] === undefined) continue;
    throw new Error(`creating a ${model} takes \`${relation}Id\`, not \`${relation}\``);
  }
  return row;
}

function withNestedIds(model: Prisma.ModelName, write: Record<string, unknown>) {
  const each = (value: unknown, change: (item: Record<string, unknown>) => unknown): unknown => {
    if (Array.isArray(value)) return value.map((item) => each(item, change));
    return isObject(value) ? change(value) : value;
  };
  const result = { ...write };
  if ("create" in write) result.create = withIds(model, write.create, true);
  if ("update" in write) {
    result.update = each(write.update, (item) =>
      "data" in item
        ? { ...item, data: withIds(model, item.data, false) }
        : withIds(model, item, false),
    );
  }
  for (const kind of ["connectOrCreate", "upsert"]) {
    if (!(kind in write)) continue;
    result[kind] = each(write[kind], (item) => ({
      ...item,
      create: withIds(model, item.create, true),
      ...(kind === "upsert" && { update: withIds(model, item.update, false) }),
    }));
  }
  return result;
}

/** Returns the arguments of an operation with ids in what it creates. */
function withAllIds<A>(model: Prisma.ModelName, operation: string, args: A): A {
  if (!isObject(args)) return args;
  switch (operation) {
    case "create":
    case "update":
      return { ...args, data: withIds(model, args.data, operation === "create") };
    case "upsert":
      return {
        ...args,
        create: withIds(model, args.create, true),
        update: withIds(model, args.update, false),
      };
    default:
      return args;
  }
}

/** The client extension: `tags` and `referenceAssetIds` on what queries return, ids on what they create. */
export const pegbar = Prisma.defineExtension({
  name: "pegbar",
  result: {
    project: { tags: computed(TAGS) },
    character: { tags: computed(TAGS) },
    asset: { tags: computed(TAGS), referenceAssetIds: computed(REFERENCE_ASSET_IDS) },
  },
  query: {
    $allModels: {
      async $allOperations({ model, operation, args, query }) {
        switch (operation) {
          case "findUnique":
          case "findUniqueOrThrow":
          case "findFirst":
          case "findFirstOrThrow":
          case "findMany":
          case "create":
          case "update":
          case "upsert":
          case "delete": {
            const { args: widened, plan } = withLists(model, args as Arguments);
            const result = await query(withAllIds(model, operation, widened as typeof args));
            settle(result, plan);
            return result;
          }
          case "createManyAndReturn": {
            // What was created this way has no tags and no references yet.
            const rows = await query(args);
            for (const row of rows as Record<string, unknown>[]) {
              for (const { field } of listsOf(model, args as Arguments)) row[field] = [];
            }
            return rows;
          }
          case "updateManyAndReturn": {
            const [list] = listsOf(model, args as Arguments);
            if (list === undefined) return query(args);
            throw new Error(
              `${operation} cannot return ${model}.${list.field}: leave it out ` +
                `(\`omit: { ${list.field}: true }\`)`,
            );
          }
          default:
            return query(args);
        }
      },
    },
  },
});
