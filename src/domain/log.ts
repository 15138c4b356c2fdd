/** Where parts report what they do: event data first, then a fixed text that people can search for. */
export interface Log {
  debug(data: object, event: string): void;
  info(data: object, event: string): void;
  warn(data: object, event: string): void;
  error(data: object, event: string): void;
  child(bindings: object): Log;
}

export const silentLog: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  child: () => silentLog,
};
