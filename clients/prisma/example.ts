// An app that talks to Pegbar's database: one nested create writes a whole project.

import { newId, type PegbarClient, references, tags } from "./extension.js";

/**
 * Creates a project with a character, two variations, an animation of three
 * frames and a take that none of them shows, and a style sheet.
 */
export function createPilot(prisma: PegbarClient) {
  // Ids are made here where rows point at each other; everywhere else Prisma makes them.
  const [projectId, styleId, heroId, noonId] = [newId(), newId(), newId(), newId()];
  const [contactId, passingId] = [newId(), newId()];

  return prisma.project.create({
    data: {
      id: projectId,
      name: "Pilot",
      description: "Miro crosses the desert",
      settings: { aspectRatio: "16:9", seed: "18446744073709551615" },
      thumbnailId: heroId,
      tagRows: tags(["pilot", "desert"]),
      assets: {
        create: {
          id: styleId,
          kind: "reference",
          filePath: `${projectId}/references/${styleId}.png`,
          originalName: "ink wash.png",
          tagRows: tags(["style"]),
        },
      },
      characters: {
        create: {
          name: "Miro",
          description: "a fox with a red scarf",
          userPrompt: "a fox with a red scarf, side view",
          primaryAssetId: heroId,
          generationSettings: { steps: 30 },
          tagRows: tags(["hero", "fox", "animal"]),
          variations: {
            create: [
              {
                id: heroId,
                kind: "character",
                filePath: `${projectId}/characters/Miro_${heroId}.png`,
                generationPrompt: "a fox with a red scarf, side view, ink wash",
                generationSystemPrompt: "Draw one character on white.",
                generationSettings: { seed: 7, steps: 30 },
                model: "example-image-1",
                tagRows: tags(["side view", "day"]),
                references: references([{ id: styleId, role: "style" }]),
              },
              {
                id: noonId,
                kind: "character",
                filePath: `${projectId}/characters/Miro_${noonId}.png`,
                generationPrompt: "the same fox at noon",
                references: references([
                  { id: styleId, role: "style" },
                  { id: heroId, role: "character" },
                ]),
              },
            ],
          },
          animations: {
            create: {
              name: "Walk",
              userPrompt: "a slow walk through sand",
              takes: {
                create: [
                  {
                    id: contactId,
                    kind: "frame",
                    generationPrompt: "contact pose",
                    references: references([{ id: heroId, role: "character" }]),
                  },
                  {
                    id: passingId,
                    kind: "frame",
                    generationPrompt: "passing pose",
                    references: references([
                      { id: heroId, role: "character" },
                      { id: contactId, role: "previous_frame" },
                    ]),
                  },
                  { kind: "frame", generationPrompt: "passing pose, too fast" },
                ],
              },
              frames: {
                create: [
                  { frameIndex: 0, assetId: contactId, framePrompt: "heel strikes" },
                  { frameIndex: 1, assetId: passingId },
                  { frameIndex: 2, assetId: contactId },
                ],
              },
            },
          },
        },
      },
    },
    include: {
      thumbnail: true,
      assets: { orderBy: { id: "asc" } },
      characters: {
        include: {
          variations: { orderBy: { id: "asc" } },
          animations: {
            include: {
              frames: { include: { asset: true }, orderBy: { frameIndex: "asc" } },
              takes: { orderBy: { id: "asc" } },
            },
          },
        },
      },
    },
  });
}

/** The whole project that `createPilot` returns. */
export type Pilot = Awaited<ReturnType<typeof createPilot>>;
