// Writes the app's script and the licences of what is in it. The same sources give the same bytes.
//   node build.mjs FOLDER

import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const out = process.argv[2];
if (!out) throw new Error("give the folder to write into");

const { metafile } = await build({
  absWorkingDir: here,
  entryPoints: ["app.js"],
  outfile: join(out, "app.js"),
  bundle: true,
  minify: true,
  format: "iife",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  banner: { js: "/* Built from frontend/ by scripts/frontend. Licences: app.licences.txt */" },
  metafile: true,
  logLevel: "warning",
});

const folders = new Set();
for (const output of Object.values(metafile.outputs))
  for (const [path, { bytesInOutput }] of Object.entries(output.inputs)) {
    const found = path.match(/^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//);
    if (found && bytesInOutput > 0) folders.add(found[1]);
  }
const parts = [...folders].map((folder) => {
  const { name, version, license } = JSON.parse(readFileSync(join(here, folder, "package.json"), "utf8"));
  const file = readdirSync(join(here, folder)).find((each) => /^licen[cs]e/i.test(each));
  const text = file ? readFileSync(join(here, folder, file), "utf8").trim() : "(no text in the package)";
  return `${name} ${version}: ${license}\n\n${text.replaceAll("\r\n", "\n")}\n`;
});
const head = "What app.js holds besides globulin's own lines, each with its licence.\n";
writeFileSync(join(out, "app.licences.txt"), [head, ...parts.sort()].join(`\n${"-".repeat(80)}\n\n`));
