import type { TurnInput } from "../protocol/index.ts";
import type { Backend, Place } from "./backend.ts";

type BackendName = TurnInput["agent"]["backend"];

/** Imports only the backend that the turn needs. */
export async function loadBackend(name: BackendName, place: Place): Promise<Backend> {
  switch (name) {
    case "offline":
      return (await import("./offline/offline.ts")).offlineBackend;
    case "kiro":
      return (await import("./kiro/kiro.ts")).createKiroBackend(place);
    default:
      return name satisfies never;
  }
}
