// What a browser makes of it: the page that describes the API, and the client in a page of
// another origin, in Chromium.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { createReadStream, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json, text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { onBothEngines } from "./studio.js";

const names = [process.env.CHROMIUM, "chromium", "chromium-browser", "google-chrome"];
const browser = names.find((name) => name && works(name));
if (!browser) {
  process.stderr.write("no Chromium on this machine (CHROMIUM may name one): nothing is tried in a browser\n");
  if (process.env.CI) throw new Error("it has to be there in CI");
}

function works(name: string): boolean {
  try {
    execFileSync(name, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Opens a page; `undefined` where there is no browser. */
function open(url: string, ...args: string[]) {
  const profile = mkdtempSync(join(tmpdir(), "pegbar-browser-"));
  const all = [
    ...["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", `--user-data-dir=${profile}`],
    // Whatever is asked for elsewhere is not found.
    ...["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", ...args, url],
  ];
  const child = spawn(browser as string, all, { stdio: ["ignore", "pipe", "ignore"] });
  const ended = new Promise<void>((done) => child.once("exit", () => done()));
  const close = async () => {
    child.kill("SIGKILL");
    await ended;
    // Its helpers may still write there for a moment.
    rmSync(profile, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  };
  return { child, ended, close };
}

/** An app's own web server: the page, and the client as a bundler would give it. */
const files: Record<string, string> = {
  "/": "test/page.html",
  "/openapi-fetch.js": "node_modules/openapi-fetch/dist/index.mjs",
};
let told: (result: unknown) => void = () => {};
const app = createServer(async (request, response) => {
  const path = new URL(request.url ?? "/", "http://app").pathname;
  if (path === "/result") {
    told(await json(request));
    return response.writeHead(204).end();
  }
  const file = files[path] ?? (/^\/dist\/[a-z]+\.js$/.test(path) ? path.slice(1) : undefined);
  if (!file) return response.writeHead(404).end();
  response.writeHead(200, { "Content-Type": file.endsWith(".html") ? "text/html" : "text/javascript" });
  createReadStream(file).pipe(response);
});
const origin = () => `http://127.0.0.1:${(app.address() as AddressInfo).port}`;
before(() => new Promise<void>((done) => app.listen(0, "127.0.0.1", done)));
after(() => app.close());

const skip = !browser;
onBothEngines(
  "in a browser",
  (studio) => {
    test("the page that describes the API shows every operation, in Chromium", { skip }, async () => {
      const shot = join(mkdtempSync(join(tmpdir(), "pegbar-shot-")), "docs.png");
      const url = `${studio().baseUrl}/api/docs`;
      const dumped = open(url, "--dump-dom");
      const dom = await text(dumped.child.stdout);
      await dumped.close();
      const { paths } = (await (await fetch(`${studio().baseUrl}/api/openapi.json`)).json()) as {
        paths: Record<string, Record<string, { operationId?: string }>>;
      };
      const ids = Object.values(paths).flatMap((path) => Object.values(path)).flatMap(({ operationId }) => operationId ?? []);
      assert.ok(ids.length > 70);
      for (const id of ids) assert.ok(dom.includes(`id="${id}"`), `${id} is not shown`);
      const drawn = open(url, `--screenshot=${shot}`, "--window-size=1280,1600");
      await drawn.ended;
      await drawn.close();
      const png = readFileSync(shot);
      assert.deepEqual([png.readUInt32BE(16), png.readUInt32BE(20)], [1280, 1600]);
      // A page without anything on it is a tenth of that.
      assert.ok(png.length > 100_000, `${png.length} bytes`);
      rmSync(shot);
    });

    test("a page of an allowed origin creates, uploads, follows and shows", { skip }, async () => {
      const result = new Promise((done) => (told = done));
      const page = open(`${origin()}/?pegbar=${encodeURIComponent(studio().baseUrl)}`, "--remote-debugging-port=0");
      const late = setTimeout(() => told("the page told nothing"), 60_000);
      const found = await result;
      clearTimeout(late);
      await page.close();
      assert.deepEqual(found, {
        name: "In a browser",
        sent: true,
        size: [64, 48],
        shown: [64, 48],
        heard: ["asset created"],
      });
    });
  },
  () => [origin()],
);
