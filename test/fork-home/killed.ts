import { systemClock } from "../../src/clock.ts";
import { loadConfig } from "../../src/config.ts";
import { homePaths, makeHome } from "../../src/home.ts";
import { takeOverOldHome } from "../../src/moving-in/take-over.ts";

/** Takes a home over and dies at a point of the way: `node killed.ts <home> <point>`. */
const [home = "", point] = process.argv.slice(2);
const config = loadConfig({ env: { NANOCLAW_HOME: home, TZ: "UTC" }, defaultHome: home });
const paths = homePaths(config.home);
makeHome(paths);
await takeOverOldHome({
  ...{ home: paths, config, clock: systemClock, personsHome: home },
  checkpoint: (reached) => reached === point && process.kill(process.pid, "SIGKILL"),
});
