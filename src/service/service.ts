import { createLaunchdService } from "./launchd.ts";
import type { Service, ServiceOptions } from "./service-port.ts";
import { createSystemdService } from "./systemd.ts";

export { ServiceError } from "./service-error.ts";
export type { Platform, ProgramResult, Service, ServiceOptions, ServiceStatus } from "./service-port.ts";

/** The manager of services that this platform has. */
export function createService(options: ServiceOptions): Service {
  return options.platform === "macos" ? createLaunchdService(options) : createSystemdService(options);
}
