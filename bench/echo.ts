// The bare thing: a process that answers each file in one folder with a file in another.
import { readFileSync, readdirSync, renameSync, rmSync, watch, writeFileSync } from "node:fs";
import { join } from "node:path";

const [from = "", to = ""] = process.argv.slice(2);

watch(from, answerAll);
process.stdout.write("ready\n");
process.stdin.on("end", () => process.exit(0)).resume();

function answerAll(): void {
  for (const name of readdirSync(from).filter((file) => file.endsWith(".json"))) {
    const content = readFileSync(join(from, name));
    rmSync(join(from, name));
    writeFileSync(join(to, `.${name}.tmp`), content);
    renameSync(join(to, `.${name}.tmp`), join(to, name));
  }
}
