import { hostOrOwn, type Place } from "../cli/host-or-own.ts";
import type { Connection } from "../cli/connection.ts";
import type { Terminal } from "../cli/terminal.ts";

/** The host that runs; where none does, one that lives as long as setup needs it. */
export interface PassingHost extends AsyncDisposable {
  /** With WhatsApp, if it is linked. */
  connection(): Promise<Connection>;
  /** Ends the one that was started here, if any: others may have the home. */
  close(): Promise<void>;
}

export function createPassingHost(terminal: Terminal): PassingHost {
  let place: Place | undefined;
  const close = async () => {
    await place?.[Symbol.asyncDispose]();
    place = undefined;
  };
  return {
    connection: async () => {
      place ??= await hostOrOwn(terminal.config(), terminal, { what: "nanoclaw setup" });
      return place.connection;
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
