import { basename } from "node:path";
import { z } from "zod";
import { groupSettingsSchema, type GroupSettings } from "../domain/group.ts";

const mountSchema = z.object({
  hostPath: z.string().min(1),
  containerPath: z.string().min(1).optional(),
  readonly: z.boolean().optional(),
});

const configSchema = z.looseObject({
  additionalMounts: z.array(z.unknown()).optional(),
  timeout: z.unknown().optional(),
});

export interface ReadSettings {
  settings: GroupSettings;
  problems: string[];
}

/** A group's `container_config`, as far as there is something like it here. */
export function readSettings(text: string | null): ReadSettings {
  if (text === null || text.trim() === "" || text.trim() === "null") return { settings: {}, problems: [] };
  const config = configSchema.safeParse(parse(text));
  if (!config.success) return { settings: {}, problems: ["its container_config could not be read and was left out."] };
  const { additionalMounts = [], timeout, ...rest } = config.data;
  const problems = Object.keys(rest).map(
    (key) => `${JSON.stringify(key)} of its container_config has no meaning here.`,
  );
  const mounts = additionalMounts.flatMap((given) => {
    const mount = mountSchema.safeParse(given);
    if (mount.success) return [asMount(mount.data)];
    problems.push(`the mount ${JSON.stringify(given)} could not be read and was left out.`);
    return [];
  });
  if (mounts.length > 0) problems.push(mountsNote(mounts.map(({ hostPath }) => hostPath)));
  const limit = groupSettingsSchema.shape.timeout.safeParse(timeout);
  if (!limit.success) problems.push(`its timeout ${JSON.stringify(timeout)} could not be read and was left out.`);
  return {
    settings: {
      ...(mounts.length > 0 && { mounts }),
      ...(limit.success && limit.data !== undefined && { timeout: limit.data }),
    },
    problems,
  };
}

const asMount = ({ hostPath, containerPath, readonly }: z.infer<typeof mountSchema>) => ({
  hostPath,
  containerPath: containerPath ?? basename(hostPath),
  ...(readonly !== undefined && { readonly }),
});

const mountsNote = (paths: readonly string[]): string =>
  `asks for ${paths.join(", ")}. The allowlist (~/.config/nanoclaw/mount-allowlist.json) counts as before; nanoclaw doctor says which of them it is shown.`;

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
