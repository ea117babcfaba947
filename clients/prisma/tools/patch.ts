// Brings the text of a schema up to date with what Prisma's engine found in a database, by
// changing only the lines that differ: names, comments and the order of things stay.

/** A line of a block, with the comments above it. */
interface Entry {
  comments: string[];
  text: string;
}

/** A model or an enum. */
interface Block {
  kind: "model" | "enum";
  name: string;
  comments: string[];
  entries: Entry[];
}

/** A block, or a line between blocks. */
type Part = Block | string;

/**
 * Returns `schema` with what only `introspected` has, and without what only `schema` has.
 *
 * `introspected` is the engine's work with `schema` as its base, so what is known has its
 * name already. What is new is named here: a column becomes a camelCase field with `@map`,
 * a table or an enum gets a PascalCase name with `@@map`. Prisma's formatter aligns the rest.
 */
export function patch(schema: string, introspected: string): string {
  const parts = parse(schema);
  const known = blocksOf(parts);
  const found = blocksOf(parse(introspected));
  nameWhatIsNew(found, known);
  const models = new Set(found.filter(({ kind }) => kind === "model").map(({ name }) => name));

  const result: Part[] = [];
  for (const part of parts) {
    const match = isBlock(part) ? find(found, part.name) : part;
    if (match === undefined) {
      if (result.at(-1) === "") result.pop();
    } else if (isBlock(part) && isBlock(match)) {
      result.push({ ...part, entries: merge(part.entries, match.entries, models) });
    } else {
      result.push(part);
    }
  }
  for (const block of found) {
    // The text ends with a line feed, so an empty part stands last, here and afterwards.
    if (find(known, block.name) === undefined) result.push(block, "");
  }
  return result.flatMap(linesOf).join("\n");
}

const isBlock = (part: Part | undefined): part is Block => typeof part === "object";
const blocksOf = (parts: Part[]) => parts.filter(isBlock);
const find = (blocks: Block[], name: string) => blocks.find((block) => block.name === name);
const normal = (text: string) => text.trim().replace(/\s+/g, " ");

/** What an entry is called: the name of a field or value, all of an attribute, nothing for an empty line. */
function keyOf({ text }: Entry): string {
  return isAttribute(text) ? normal(text) : normal(text).split(" ")[0]!;
}
const isAttribute = (text: string) => text.trimStart().startsWith("@@");

/** The type of a field, without `?` and `[]`. */
const typeOf = ({ text }: Entry) => /^\s*\w+\s+(\w+)/.exec(text)?.[1] ?? "";

function parse(schema: string): Part[] {
  const parts: Part[] = [];
  let block: Block | undefined;
  let comments: string[] = [];
  for (const line of schema.split("\n")) {
    const head = /^(model|enum) (\w+) \{$/.exec(normal(line));
    if (line.trimStart().startsWith("//")) {
      comments.push(line);
    } else if (head !== null) {
      block = { kind: head[1] as Block["kind"], name: head[2]!, comments, entries: [] };
      parts.push(block);
      comments = [];
    } else if (block !== undefined && line !== "}") {
      block.entries.push({ comments, text: line });
      comments = [];
    } else {
      // A comment at the end of a block would follow the bracket; there is none.
      if (block === undefined) parts.push(...comments, line);
      else if (comments.length > 0) throw new Error(`${block.name} ends with a comment on nothing`);
      block = undefined;
      comments = [];
    }
  }
  return parts;
}

function linesOf(part: Part): string[] {
  if (!isBlock(part)) return [part];
  const body = part.entries.flatMap(({ comments, text }) => [...comments, text]);
  return [...part.comments, `${part.kind} ${part.name} {`, ...body, "}"];
}

/** Returns the present entries, less those not found, with new ones behind the one they follow. */
function merge(present: Entry[], found: Entry[], models: Set<string>): Entry[] {
  const foundKeys = new Set(found.map(keyOf));
  const result = present.filter((entry) => foundKeys.has(keyOf(entry)) || entry.text === "");
  let last = -1;
  for (const entry of found) {
    if (entry.text === "") continue;
    const key = keyOf(entry);
    const at = result.findIndex((each) => keyOf(each) === key);
    if (at >= 0) {
      if (!equal(result[at]!, entry, models)) result[at] = { ...result[at]!, text: entry.text };
      last = at;
      continue;
    }
    // The engine sorts relations by name, the file does not: a new one comes last.
    const relation = models.has(typeOf(entry)) && !isAttribute(entry.text);
    const behind = relation ? result.findLastIndex(({ text }) => text !== "" && !isAttribute(text)) : last;
    result.splice(behind + 1, 0, entry);
    last = behind + 1;
  }
  return result;
}

/**
 * Whether two fields of one name are the same. Where a relation is seen from its other end,
 * one or many counts as the same: the engine takes a foreign key that contains the id for
 * one-to-one and then refuses that itself, for lack of a unique index.
 */
function equal(present: Entry, found: Entry, models: Set<string>): boolean {
  const otherEnd = models.has(typeOf(found)) && !found.text.includes("fields:");
  const [a, b] = [present, found].map(({ text }) =>
    otherEnd ? normal(text).replace(/^(\w+ \w+)(\?|\[\])/, "$1") : normal(text),
  );
  return a === b;
}

/** Gives new blocks and fields their names, wherever these stand. */
function nameWhatIsNew(found: Block[], known: Block[]): void {
  const types = new Map<string, string>();
  for (const block of found) {
    if (find(known, block.name) !== undefined) continue;
    const name = pascalCase(block.name);
    types.set(block.name, name);
    if (name === block.name) continue;
    const mapped = block.entries.some(({ text }) => text.includes("@@map("));
    if (!mapped) block.entries.push({ comments: [], text: "" }, { comments: [], text: `  @@map("${block.name}")` });
    block.name = name;
  }
  const models = found.filter(({ kind }) => kind === "model");
  for (const { entries } of models) {
    for (const entry of entries) {
      const type = types.get(typeOf(entry));
      if (type !== undefined && !isAttribute(entry.text)) {
        entry.text = entry.text.replace(/^(\s*\w+\s+)\w+/, `$1${type}`);
      }
    }
  }

  const fields = new Map<string, Map<string, string>>();
  for (const { name, entries } of models) {
    const names = new Map<string, string>();
    fields.set(name, names);
    const present = new Set(find(known, name)?.entries.map(keyOf));
    for (const entry of entries) {
      const key = keyOf(entry);
      if (entry.text === "" || isAttribute(entry.text) || present.has(key)) continue;
      const relation = find(models, typeOf(entry)) !== undefined;
      const many = relation && /^\s*\w+\s+\w+\[\]/.test(entry.text);
      const field = camelCase(key) + (many ? "s" : "");
      if (field === key) continue;
      names.set(key, field);
      entry.text = entry.text.replace(key, field);
      if (relation || entry.text.includes("@map(")) continue;
      // The engine writes the native type last.
      entry.text = entry.text.trimEnd().replace(/( @db\..*)?$/, ` @map("${key}")$1`);
    }
  }
  for (const { name, entries } of models) {
    for (const entry of entries) {
      entry.text = entry.text.replace(/(fields: |references: |^\s*@@\w+\((?:fields: )?)\[(.*?)\]/g, (_, before, list) => {
        const of = before === "references: " ? typeOf(entry) : name;
        const renamed = list.replace(/\w+/g, (field: string) => fields.get(of)?.get(field) ?? field);
        return `${before}[${renamed}]`;
      });
    }
  }
}

const camelCase = (name: string) => name.replace(/_+(\w)/g, (_, letter: string) => letter.toUpperCase());
const pascalCase = (name: string) => camelCase(`_${name}`);
