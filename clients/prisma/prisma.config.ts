import { defineConfig } from "prisma/config";

// No address of a database, on purpose: `prisma migrate` and `prisma db` refuse to run
// without one, and Pegbar owns the migrations.
export default defineConfig({ schema: "schema.prisma" });
