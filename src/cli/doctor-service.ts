import type { ServiceStatus } from "../service/service.ts";
import type { Check } from "./check.ts";
import { openService } from "./open-service.ts";
import type { Terminal } from "./terminal.ts";

/** Whether the host starts with this machine, or with this user's login. */
export async function checkService(terminal: Terminal, isHostRunning: boolean): Promise<Check[]> {
  const name = "service";
  try {
    const service = openService(terminal);
    const { kind, detail, cure, stale } = await service.status();
    if (stale && kind !== "no-manager") {
      const fix = {
        what: `write ${service.file.path} anew and start the service with it`,
        run: async () => (await service.install()).join(" "),
      };
      return [{ name, state: "wrong", detail, cure: cure ?? "npm run nanoclaw -- service install", fix }];
    }
    const check: Check = {
      name,
      state: stateOf(kind, isHostRunning, cure),
      detail: kind === "no-manager" ? detail : `${kind}: ${detail}`,
    };
    return [{ ...check, detail: check.detail.replace(/: $/, ""), ...(cure !== undefined && { cure }) }];
  } catch (error) {
    return [{ name, state: "note", detail: (error as Error).message }];
  }
}

function stateOf(kind: ServiceStatus["kind"], isHostRunning: boolean, cure: string | undefined): Check["state"] {
  // It was installed to run; a host that somebody started by hand does its work meanwhile.
  if (kind === "stopped" && !isHostRunning) return "wrong";
  return kind === "running" && cure === undefined ? "ok" : "note";
}
