import { z } from "zod";
import { LaunchError } from "../runtime.ts";
import { classifyEngineError, firstLines, type Engine } from "./engine.ts";

export const PROTOCOL_LABEL = "com.nanoclaw.protocol";
export const SOURCE_LABEL = "com.nanoclaw.source";

export interface ImageFacts {
  protocol: string;
  source: string;
}

/** An image without labels has null. */
const labelsSchema = z.record(z.string(), z.string()).nullable();

/** Programs in an image, by name and by full path. @throws {LaunchError} */
export async function imagePrograms(engine: Engine, image: string): Promise<ReadonlySet<string>> {
  const folders = ["/usr/local/bin", "/usr/local/sbin", "/usr/bin", "/usr/sbin", "/bin", "/sbin"];
  const find = ["find", "-L", ...folders, "-maxdepth", "1", "-type", "f", "-perm", "/111"];
  const options = ["--rm", "--pull=never", "--network=none", "--log-driver=none", "--read-only", "--cap-drop=ALL"];
  const { code, stdout, stderr } = await engine.call(
    "run",
    ...options,
    `--entrypoint=${find[0]}`,
    image,
    ...find.slice(1),
  );
  const paths = stdout.split("\n").filter(Boolean);
  // It complains of a folder that is not there and of a loop of links, and lists the rest.
  if (code !== 0 && paths.length === 0) throw new LaunchError(classifyEngineError(stderr), firstLines(stderr));
  return new Set(paths.flatMap((path) => [path, path.slice(path.lastIndexOf("/") + 1)]));
}

/** Undefined when there is no such image. @throws {LaunchError} when the engine is down. */
export async function inspectImage(engine: Engine, image: string): Promise<ImageFacts | undefined> {
  const { code, stdout, stderr } = await engine.call("image", "inspect", "--format", "{{json .Config.Labels}}", image);
  if (code === 0) {
    const labels = labelsSchema.parse(JSON.parse(stdout)) ?? {};
    return { protocol: labels[PROTOCOL_LABEL] ?? "", source: labels[SOURCE_LABEL] ?? "" };
  }
  if (/no such image|image not known/i.test(stderr)) return undefined;
  throw new LaunchError("engine-down", stderr.trim().slice(0, 500));
}
