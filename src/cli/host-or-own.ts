import { systemClock } from "../clock.ts";
import type { Config } from "../config.ts";
import { HomeInUseError, startHost, type Host } from "../main.ts";
import { connectHost, type Connection } from "./connection.ts";
import { CommandError } from "./outcome.ts";
import type { Terminal } from "./terminal.ts";

/** A host to talk to. */
export interface Place extends AsyncDisposable {
  connection: Connection;
  /** Set when this command is the host. */
  own: Host | undefined;
}

const PATIENCE_MS = 10_000;

/** The host that runs, or one that this command is until it ends. */
export async function hostOrOwn(
  config: Config,
  { env }: Pick<Terminal, "env">,
  how: { what: string; localOnly?: true },
): Promise<Place> {
  for (const since = systemClock.monotonic(); ; await systemClock.sleep(250)) {
    const running = await connectHost(config);
    if (running) return { connection: running, own: undefined, [Symbol.asyncDispose]: () => Promise.resolve() };
    try {
      const own = await startHost({ config, clock: systemClock, env, ...how });
      const connection = await connectHost(config);
      if (!connection) throw new CommandError("The host was started but does not answer; see: nanoclaw logs");
      return { connection, own, [Symbol.asyncDispose]: () => own[Symbol.asyncDispose]() };
    } catch (error) {
      // Another host is starting or ending just now.
      const waited = systemClock.monotonic() - since;
      if (!(error instanceof HomeInUseError) || waited > PATIENCE_MS) throw error;
    }
  }
}
