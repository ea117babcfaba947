// Brings schema.prisma up to date with a database that the built `pegbar` has just made.
// Run it by scripts/update-prisma-schema, which builds and brings a PostgreSQL server.

import { fileURLToPath } from "node:url";
import { createStudio } from "./studio.js";
import { update } from "./update.js";

const path = fileURLToPath(new URL("../../schema.prisma", import.meta.url));
const studio = await createStudio();
try {
  const changed = await update(studio.databaseUrl, path);
  console.log(`schema.prisma ${changed ? "has changed" : "is current"}`);
} finally {
  await studio.drop();
}
