// Builds a project of three images, and prints what its last frame was made from.

import { openAsBlob } from "node:fs";
import { basename } from "node:path";
import { createPegbar, newId } from "pegbar-client";

const pegbar = createPegbar({ baseUrl: process.env.PEGBAR_URL ?? "http://127.0.0.1:7437" });
const image = async (path: string) => new File([await openAsBlob(path)], basename(path));
const [design, contact, passing] = await Promise.all(process.argv.slice(2, 5).map(image));
if (!design || !contact || !passing) throw new Error("name three images: a design and two frames");

const [miro, first] = [newId(), newId()];
const { data: project } = await pegbar.createProject({
  name: "Pilot",
  characters: [
    {
      name: "Miro",
      variations: [{ id: miro, file: design, generationPrompt: "a fox with a red scarf" }],
      animations: [
        {
          name: "Walk",
          frames: [
            { asset: { id: first, file: contact, references: [{ assetId: miro, role: "character" }] } },
            { asset: { file: passing, references: [{ assetId: first, role: "previous_frame" }] } },
          ],
        },
      ],
    },
  ],
});

const last = project.characters[0]?.animations[0]?.frames.at(-1);
if (!last) throw new Error("there is no frame");
const call = { path: { assetId: last.asset.id }, query: { direction: "ancestors" } } as const;
const { data: lineage } = await pegbar.get("/api/assets/{assetId}/lineage", call);
const names = new Map(lineage.nodes.map((node) => [node.id, node.originalName]));
for (const { assetId, inputId, role } of lineage.edges) {
  console.log(`${names.get(assetId)} was made from ${names.get(inputId)} (${role})`);
}
