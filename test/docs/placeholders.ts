import { existsSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { NUMBER } from "./phone.ts";

/** What stands on the pages for what each person has of their own. */
export function putIn(command: string, about: { home: string; group?: string | undefined; image?: string }): string {
  const filled = command
    .replaceAll("120363…@g.us", about.group ?? "120363000000000001@g.us")
    .replaceAll("<your_number_with_country_code>", NUMBER)
    .replaceAll("nanoclaw-agent:latest", about.image ?? "nanoclaw-agent:latest")
    .replaceAll("<id>", () => newestTask(about.home) ?? "<id>");
  const [left] = /…|<[a-z][\w -]*>/.exec(filled.replace(/\s#\s.*$/gm, "")) ?? [];
  if (left !== undefined) throw new Error(`nothing is known to put in for ${left}`);
  return filled;
}

function newestTask(home: string): string | undefined {
  const path = join(home, "store", "messages.db");
  if (!existsSync(path)) return undefined;
  using ledger = new DatabaseSync(path, { readOnly: true });
  return ledger.prepare("SELECT id FROM scheduled_tasks ORDER BY rowid DESC").get()?.["id"] as string | undefined;
}
