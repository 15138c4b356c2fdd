import { LaunchError } from "../runtime.ts";
import type { Engine } from "./engine.ts";

export const PROTOCOL_LABEL = "com.nanoclaw.protocol";
export const SOURCE_LABEL = "com.nanoclaw.source";

export interface ImageFacts {
  protocol: string;
  source: string;
}

/** Undefined when there is no such image. @throws {LaunchError} when the engine is down. */
export async function inspectImage(engine: Engine, image: string): Promise<ImageFacts | undefined> {
  const format = `{{index .Config.Labels "${PROTOCOL_LABEL}"}} {{index .Config.Labels "${SOURCE_LABEL}"}}`;
  const { code, stdout, stderr } = await engine.call("image", "inspect", "--format", format, image);
  if (code === 0) {
    const [protocol = "", source = ""] = stdout.trim().split(" ");
    return { protocol, source };
  }
  if (/no such image|image not known/i.test(stderr)) return undefined;
  throw new LaunchError("engine-down", stderr.trim().slice(0, 500));
}
