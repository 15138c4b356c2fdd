// Writes into the Dockerfile which protocol and which sources an image made from it has; with
// --check it only says whether that is still true.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PROTOCOL_VERSION } from "@nanoclaw/agent-runner/protocol";
import { imageSources, stampedDockerfile } from "./stamp-image-source.ts";

const container = fileURLToPath(new URL("../container", import.meta.url));
const sources = imageSources(container);
const stamped = stampedDockerfile(sources, PROTOCOL_VERSION);
if (stamped !== sources.get("Dockerfile")) {
  if (process.argv.includes("--check")) {
    process.stderr.write(
      "The stamp in container/Dockerfile is not that of the image's sources. Write it anew: npm run stamp\n",
    );
    process.exitCode = 1;
  } else {
    writeFileSync(join(container, "Dockerfile"), stamped);
  }
}
