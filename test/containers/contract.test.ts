import { fileURLToPath } from "node:url";
import { afterAll } from "vitest";
import { describeRuntimeContract } from "../runtime/contract.ts";
import { describeContainers, newInstall, testRuntime } from "./engine.ts";

const starter = fileURLToPath(new URL("docker-starter.ts", import.meta.url));
/** The runner is the child of the init process; what it started is not. */
const KILL_LEADER = "kill -KILL $(cat /proc/1/task/1/children)";

await describeContainers("containers", async (engine) => {
  const [install, stranger] = [newInstall(), newInstall()];
  const image = await engine.scripted();
  const nameOf = (handle: unknown) => (handle as { container: string }).container;
  let strangers = 0;

  describeRuntimeContract("docker", {
    scripted: (...command) => testRuntime(engine, { install, image, command }),
    real: () => testRuntime(engine, { install, image: engine.image }),
    starter: [process.execPath, starter, install, image],
    // A container that is gone has no processes.
    alive: async (handle, pid) => (await engine.ask("exec", nameOf(handle), "test", "-d", `/proc/${pid}`)).code === 0,
    killLeader: async (handle) => void (await engine.run("exec", nameOf(handle), "sh", "-c", KILL_LEADER)),
    recycled: async () => {
      const container = `nanoclaw-main-${install.slice(0, 10)}${(strangers += 1)}`;
      const label = `--label=com.nanoclaw.install=${stranger}`;
      await engine.run("run", "--detach", `--name=${container}`, label, "--network=none", image, "never-ready");
      return { container };
    },
  });

  afterAll(async () => {
    await engine.removeAll(install);
    await engine.removeAll(stranger);
  });
});
