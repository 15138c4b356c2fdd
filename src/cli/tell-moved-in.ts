import type { Config } from "../config.ts";
import type { Home } from "../home.ts";
import { openLog } from "../log.ts";
import type { MovedIn } from "../moving-in/move-settings.ts";

/** In the log, too: no host runs that would write it there. */
export async function logMovedIn(home: Home, { settings }: Config, moved: MovedIn): Promise<void> {
  await using files = openLog(home.logs, settings.LOG_LEVEL);
  files.log.info(moved, "Moved in from the old system");
}
