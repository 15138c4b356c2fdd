import { z } from "zod";

/** Name of our own MCP server. */
export const OUR_SERVER = "nanoclaw";

const texts = z.record(z.string(), z.string());
const common = {
  type: z.string().optional(),
  timeout: z.int().min(1).optional(),
  disabled: z.boolean().optional(),
  disabledTools: z.array(z.string()).optional(),
  autoApprove: z.array(z.string()).optional(),
};
const localServer = z.strictObject({
  ...common,
  command: z.string().min(1),
  args: z.array(z.string()).optional(),
  env: texts.optional(),
});
const remoteServer = z.strictObject({ ...common, url: z.url(), headers: texts.optional() });
export type McpServer = z.infer<typeof localServer> | z.infer<typeof remoteServer>;

/** As the person's files have them. */
export type OfferedServers = Record<string, unknown>;

export interface ServerRules {
  main: boolean;
  mcp: readonly string[];
  hasCommand(command: string): boolean;
}

/** `@server/tool` must stay readable. */
const SERVER_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,39}$/;

/** The person's servers that this group gets; `missing` are those it does not get, whatever the reason. */
export function chooseServers(
  offered: OfferedServers,
  rules: ServerRules,
  notes: string[],
): { servers: Record<string, McpServer>; missing: string[] } {
  for (const name of rules.mcp) {
    if (!Object.hasOwn(offered, name))
      notes.push(`MCP server ${JSON.stringify(name)} is set for this group, but your agent has none of that name`);
  }
  const chosen: [string, McpServer][] = [];
  for (const [name, value] of Object.entries(offered)) {
    if (!rules.main && !rules.mcp.includes(name)) continue;
    const verdict = judgeServer(name, value, rules);
    if ("server" in verdict) chosen.push([name, verdict.server]);
    for (const text of verdict.notes) notes.push(`MCP server ${JSON.stringify(name.slice(0, 80))}: ${text}`);
  }
  const servers = Object.fromEntries(chosen);
  const missing = Object.keys(offered).filter((name) => name !== OUR_SERVER && !Object.hasOwn(servers, name));
  return { servers, missing };
}

function judgeServer(
  name: string,
  value: unknown,
  { hasCommand }: ServerRules,
): { server: McpServer; notes: string[] } | { notes: string[] } {
  if (name === OUR_SERVER) return { notes: ["left out, NanoClaw's own has this name"] };
  if (!SERVER_NAME.test(name))
    return { notes: ["left out, its name must have only letters, digits, - and _, at most 40"] };
  if (typeof value !== "object" || value === null) return { notes: ["left out, it is no object"] };
  if ("oauth" in value || "oauthScopes" in value) return { notes: ["left out, its login needs a browser"] };
  const known = { ...localServer.shape, ...remoteServer.shape };
  const unknown = Object.keys(value).filter((key) => !Object.hasOwn(known, key));
  const kept = Object.fromEntries(
    Object.entries(value).filter(([key, part]) => !unknown.includes(key) && part !== null),
  );
  const parsed = ("command" in kept ? localServer : remoteServer).safeParse(kept);
  if (!parsed.success) return { notes: [`left out, ${describe(parsed.error)}`] };
  const server = parsed.data;
  if (server.disabled === true) return { notes: [] };
  if ("command" in server && !hasCommand(server.command)) {
    return {
      notes: [`left out, its command ${JSON.stringify(server.command.slice(0, 80))} is not there where Kiro runs`],
    };
  }
  const odd = unknown.map((key) => `its key ${JSON.stringify(key.slice(0, 80))} is not known and left out`);
  return { server, notes: [...odd, ...variablesOf(server)] };
}

const describe = (error: z.ZodError): string => {
  const [issue] = error.issues;
  return `${issue?.path.join(".") || "it"}: ${issue?.message ?? "has another form"}`;
};

/** Left as they are: what Kiro finds for them, it finds in its own small environment. */
function variablesOf(server: McpServer): string[] {
  const names = [...JSON.stringify(server).matchAll(/\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)\}/g)].map(
    ([, name]) => name,
  );
  return names.length === 0
    ? []
    : [
        `it refers to ${[...new Set(names)].map((name) => `\${${name}}`).join(", ")}, which Kiro will not find; write the value in its place`,
      ];
}
