import type { TurnInput } from "../protocol/index.ts";
import type { Backend } from "./backend.ts";

type BackendName = TurnInput["agent"]["backend"];

/** Imports only the backend that the turn needs. */
export async function loadBackend(name: BackendName): Promise<Backend> {
  switch (name) {
    case "offline":
      return (await import("./offline/offline.ts")).offlineBackend;
    case "kiro":
      return notBuilt("The Kiro agent is not part of this build yet; the built-in offline assistant is.");
    default:
      return name satisfies never;
  }
}

function notBuilt(error: string): Backend {
  return {
    run: (turn) => Promise.resolve({ status: "error", class: "agent-missing", error, session: turn.session }),
  };
}
