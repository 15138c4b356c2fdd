/** The service cannot be made, found or asked; the message says why and what helps. */
export class ServiceError extends Error {
  override name = "ServiceError";
}

/** This machine, or this login, has no manager of services that could be asked. */
export class NoManagerError extends ServiceError {
  readonly detail: string;
  readonly cure: string;
  constructor(detail: string, cure: string) {
    super(`${detail} ${cure}`);
    this.detail = detail;
    this.cure = cure;
  }
}
